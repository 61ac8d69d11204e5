"""What lights the scene: an environment, and punctual lights of the scene and of files, as Mitsuba's emitters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from threed.errors import SceneInvalid
from threed_workers.document import Document
from threed_workers.document.model import Json, extension, loss
from threed_workers.document.world import scene_roots, world_matrices
from threed_workers.engines.drawing import Drawing, Light, Sky
from threed_workers.engines.environments import NAMES, studio
from threed_workers.engines.environments.cubemap import panorama_directions
from threed_workers.engines.environments.panorama import read_panorama
from threed_workers.engines.pictures import LUMINANCE

_EXTENSION = "KHR_lights_punctual"
_HEIGHT = 256
_WIDEST_CONE = math.radians(85)
_SPOT_TEXELS = 256


class Lighting:
    """All light that does not come from surfaces. `frame` takes the world to the scene.

    `sky` is the environment's emitter, None when it is dark; `sky_luminance` how bright it is on average.
    """

    def __init__(self, mi: Any, drawing: Drawing, frame: np.ndarray):
        lights, panorama = all_lights(drawing), _panorama(drawing.sky)
        self.sky = panorama_emitter(mi, panorama, drawing.sky)
        self.sky_luminance = _mean(panorama) * drawing.sky.intensity
        self.emitters = [*filter(None, [self.sky]), *(light_emitter(mi, light, frame) for light in lights)]
        self.losses = light_losses(lights)


def panorama_emitter(mi: Any, panorama: np.ndarray, sky: Sky) -> Json | None:
    """A panorama (h, 2h, 3) with the intensity and the rotation of the environment; None when it is dark."""
    if sky.intensity <= 0 or not panorama.any():
        return None
    turn = mi.ScalarTransform4f().rotate([0, 1, 0], math.degrees(sky.rotation))
    bitmap = mi.Bitmap(np.ascontiguousarray(panorama, np.float32))
    return {"type": "envmap", "bitmap": bitmap, "scale": float(sky.intensity), "to_world": turn}


def _panorama(sky: Sky) -> np.ndarray:
    """Linear RGB float32 (h, 2h, 3), oriented as `panorama_directions`."""
    if sky.file is not None:
        return read_panorama(sky.file)
    if sky.builtin not in NAMES:
        raise SceneInvalid(
            f'There is no built-in environment "{sky.builtin}". Use one of {", ".join(NAMES)}, or an asset.',
            environment=sky.builtin,
        )
    directions = panorama_directions(_HEIGHT)
    return studio.radiance(sky.builtin)(directions.reshape(-1, 3)).reshape(directions.shape).astype(np.float32)


def _mean(panorama: np.ndarray) -> float:
    """Its luminance over the sphere."""
    rows = (panorama @ LUMINANCE).mean(axis=1)
    weights = np.sin((np.arange(len(rows)) + 0.5) / len(rows) * np.pi)
    return float(weights @ rows / weights.sum())


def all_lights(drawing: Drawing) -> list[Light]:
    """The lights of the scene, and those inside its models."""
    found = list(drawing.lights)
    for instance in drawing.instances:
        found += _file_lights(instance.model.document, instance.matrix)
    return found


def _file_lights(document: Document, matrix: np.ndarray) -> list[Light]:
    listed = ((document.json.get("extensions") or {}).get(_EXTENSION) or {}).get("lights") or []
    if not listed:
        return []
    found = []
    order, matrices = world_matrices(document, scene_roots(document))
    for number, place in zip(order, matrices, strict=True):
        chosen = (extension(document.all("nodes")[number], _EXTENSION) or {}).get("light", -1)
        if 0 <= chosen < len(listed):
            found.append(_file_light(listed[chosen], matrix @ place))
    return found


def _file_light(light: Json, matrix: np.ndarray) -> Light:
    ahead = -matrix[:3, 2]
    spot = light.get("spot") or {}
    outer = spot.get("outerConeAngle", math.pi / 4)
    return Light(
        kind=light.get("type", "point"),
        position=matrix[:3, 3],
        direction=ahead / (np.linalg.norm(ahead) or 1.0),
        color=tuple(light.get("color") or (1.0, 1.0, 1.0)),
        intensity=light.get("intensity", 1.0),
        range_m=light.get("range", 0.0),
        inner_cone=min(spot.get("innerConeAngle", 0.0), outer),
        outer_cone=outer,
    )


def light_emitter(mi: Any, light: Light, frame: np.ndarray) -> Json:
    """A punctual light in the frame that is drawn in: lux and candela are Mitsuba's irradiance and intensity."""
    strength = np.array(light.color) * light.intensity
    direction = [float(part) for part in light.direction]
    if light.kind == "directional":
        return {"type": "directional", "direction": direction, "irradiance": _rgb(strength)}
    position = (frame @ np.append(light.position, 1.0))[:3]
    strength = strength * frame[0, 0] ** 2
    if light.kind == "point":
        return {"type": "point", "position": position.tolist(), "intensity": _rgb(strength)}
    outer = min(light.outer_cone, _WIDEST_CONE)
    up = [0.0, 1.0, 0.0] if abs(direction[1]) < 0.9 else [1.0, 0.0, 0.0]
    target = (position + light.direction).tolist()
    to_world = mi.ScalarTransform4f().look_at(origin=position.tolist(), target=target, up=up)
    cone = {"cutoff_angle": math.degrees(outer), "beam_width": math.degrees(0.999 * outer)}
    shape = mi.Bitmap(_fading(min(light.inner_cone, 0.999 * outer), outer))
    cone["texture"] = {"type": "bitmap", "bitmap": shape, "raw": True, "wrap_mode": "clamp"}
    return {"type": "spot", "to_world": to_world, "intensity": _rgb(strength), **cone}


def _fading(inner: float, outer: float) -> np.ndarray:
    """What a spot throws on a wall before it, float32 (n, n, 3): 1 within the inner cone, 0 beyond the outer.

    The curve is that of KHR_lights_punctual; Mitsuba's own is linear in the angle.
    """
    place = ((np.arange(_SPOT_TEXELS) + 0.5) / _SPOT_TEXELS * 2 - 1) * math.tan(outer)
    cosines = 1 / np.sqrt(1 + place[:, None] ** 2 + place[None] ** 2)
    fading = ((cosines - math.cos(outer)) / (math.cos(inner) - math.cos(outer))).clip(0, 1) ** 2
    return np.repeat(fading[..., None], 3, axis=-1).astype(np.float32)


def _rgb(values: np.ndarray) -> Json:
    return {"type": "rgb", "value": [float(value) for value in values]}


def light_losses(lights: list[Light]) -> list[Json]:
    """What of them is not drawn."""
    ending = sum(light.range_m > 0 for light in lights)
    return [loss("light range", ending, "lights shine on beyond their range", "picture")] if ending else []
