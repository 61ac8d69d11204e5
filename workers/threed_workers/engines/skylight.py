"""The environment of a drawing in a Filament scene: what it lights, and what is seen of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from threed_workers.engines import environments
from threed_workers.engines.drawing import Backdrop, Drawing, Light, Sky
from threed_workers.engines.environments import bake, ktx1, studio, suns
from threed_workers.engines.environments.blurred import blurred
from threed_workers.engines.environments.cubemap import (
    Radiance,
    panorama_directions,
    panorama_radiance,
)
from threed_workers.engines.environments.panorama import read_panorama
from threed_workers.engines.environments.prefilter import mirror
from threed_workers.engines.kept import identity
from threed_workers.engines.pantry import Pantry
from threed_workers.engines.pictures import LUMINANCE

# Texels along the edge of the cube map that is seen of an uploaded panorama, and samples along that of each.
_SHARP = 512, 2


class _Lit:
    """An environment of Filament, and the suns that are not in it."""

    def __init__(self, environment: Any, found: list[suns.Sun]):
        self.environment, self.suns = environment, found
        self.close = environment.close


def light_by(pantry: Pantry, scene: Any, drawing: Drawing, gain: float, folder: Path) -> list[Light]:
    """Light the scene by the drawing's environment; but for its suns, which are the answer, strongest first."""
    sky, backdrop = drawing.sky, drawing.backdrop
    key = (sky.builtin if sky.file is None else identity(sky.file), backdrop.blur, backdrop.kind == "environment")
    lit = pantry.sky(key, lambda: _environment(pantry.renderer, sky, backdrop, folder))
    scene.environment = lit.environment
    scene.environment_intensity = sky.intensity * gain
    scene.environment_rotation_deg = math.degrees(sky.rotation) % 360.0
    return [_as_light(sun, sky) for sun in lit.suns] if sky.intensity > 0 else []


def _as_light(sun: suns.Sun, sky: Sky) -> Light:
    cosine, sine = math.cos(sky.rotation), math.sin(sky.rotation)
    x, y, z = sun.direction
    towards = np.array([cosine * x + sine * z, y, cosine * z - sine * x])
    strongest = float(sun.irradiance.max())
    color = tuple(float(part) / strongest for part in sun.irradiance)
    return Light("directional", np.zeros(3), -towards, color, strongest * sky.intensity)


def _environment(renderer: Any, sky: Sky, backdrop: Backdrop, folder: Path) -> _Lit:
    seen = light = environments.unpack(sky.builtin, folder) if sky.file is None else sky.light or _made(sky, folder)
    if backdrop.blur:
        seen = folder / "background.ktx"
        seen.write_bytes(ktx1.pack([blurred(radiance_of(sky), backdrop.blur)]))
    elif sky.file is not None and backdrop.kind == "environment":
        seen = folder / "background.ktx"
        seen.write_bytes(ktx1.pack([mirror(radiance_of(sky), *_SHARP)]))
    found = suns.read(ktx1.note(light.read_bytes(), bake.SUNS))
    return _Lit(renderer.load_environment_ktx(str(light), str(seen)), found)


def _made(sky: Sky, folder: Path) -> Path:
    """The light of a panorama that came without."""
    light = folder / "light.ktx"
    light.write_bytes(bake.of_panorama(read_panorama(sky.file)))
    return light


def radiance_of_paper(sky: Sky, height: int = 64) -> float:
    """The radiance of white paper that lies on the ground under the environment: its luminance, weighted by cosine.

    Without its suns.
    """
    light = radiance_of(sky) if sky.file is None else panorama_radiance(suns.parted(read_panorama(sky.file))[0])
    seen = light(panorama_directions(height).reshape(-1, 3)).reshape(height, 2 * height, 3) @ LUMINANCE
    polar = (np.arange(height) + 0.5) / height * np.pi
    weights = np.maximum(np.cos(polar), 0) * np.sin(polar)
    return float(weights @ seen.mean(axis=1) / weights.sum()) * sky.intensity


def radiance_of(sky: Sky) -> Radiance:
    """The radiance of an environment by direction, without its rotation and intensity."""
    return studio.radiance(sky.builtin) if sky.file is None else panorama_radiance(read_panorama(sky.file))
