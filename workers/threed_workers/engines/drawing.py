"""What every engine draws: one flat list, with nothing left to look up. World frame: right-handed, +Y up, metres."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from threed_workers.document.model import Json
from threed_workers.engines.models import Model


@dataclass(frozen=True, eq=False)
class Instance:
    """A model at a place: `matrix` float64 (4, 4) takes the model's scene to the world, columns last.

    `node` is the id of the scene's node that holds it.
    """

    model: Model
    matrix: np.ndarray
    node: str = ""


@dataclass(frozen=True, eq=False)
class Light:
    """A punctual light, as in KHR_lights_punctual. `kind` is directional, point or spot.

    `intensity` is in lux for directional and in candela for the others; `range_m` 0 means without end; cone angles are
    half-angles in radians. `direction` is where it shines to, of length 1.
    """

    kind: str
    position: np.ndarray
    direction: np.ndarray
    color: tuple[float, float, float]
    intensity: float
    range_m: float = 0.0
    inner_cone: float = 0.0
    outer_cone: float = np.pi / 4


@dataclass(frozen=True)
class Sky:
    """Light from all sides: a built-in environment by name, or the panorama in `file`, whose KTX may be in `light`.

    `rotation` in radians turns it counter-clockwise around +Y as seen from above; `intensity` multiplies its radiance.
    """

    builtin: str = "studio"
    file: Path | None = None
    light: Path | None = None
    intensity: float = 1.0
    rotation: float = 0.0


@dataclass(frozen=True)
class Backdrop:
    """What is seen where nothing is: `kind` color (linear RGB in `color`), environment or transparent.

    `blur` of the environment: 0 is sharp, 1 as soft as light on a matt surface (environments/blurred.py).
    """

    kind: str = "color"
    color: tuple[float, float, float] = (0.83, 0.83, 0.83)
    blur: float = 0.0


@dataclass(frozen=True, eq=False)
class Drawing:
    """Everything in the picture. `points` float64 (n, 3): how far all instances reach, in the world.

    Of a film they hold what is seen at any of its moments. `ground` is the height in metres of a floor that only its
    shadow is seen of; None without. `losses` are what the drawing lacks, whatever engine draws it.
    """

    instances: tuple[Instance, ...]
    points: np.ndarray
    lights: tuple[Light, ...] = ()
    sky: Sky = field(default_factory=Sky)
    backdrop: Backdrop = field(default_factory=Backdrop)
    ground: float | None = None
    losses: tuple[Json, ...] = ()

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """(low, high) of the points, float64 (3,) each."""
        return self.points.min(axis=0), self.points.max(axis=0)


@dataclass(frozen=True, eq=False)
class View:
    """A camera: `pose` float64 (4, 4) takes camera to world, without scale; it looks along its -Z, +Y is up.

    Perspective has `yfov` (radians, whole vertical angle) and ymag 0; orthographic has `ymag` (half the height, metres)
    and yfov 0. `near` and `far` in metres, 0 < near < far.
    """

    pose: np.ndarray
    near: float
    far: float
    yfov: float = 0.0
    ymag: float = 0.0


@dataclass(frozen=True)
class Settings:
    """How a picture is made, sizes in pixels. `tone_mapping`: pbr_neutral, agx, aces, linear; `exposure` in stops.

    `samples` 0: the engine's default. `max_seconds` 0: without end; else progressive engines stop then, after a first
    pass. `cpu_s`: processor seconds after which the process is ended, 0 without. `layers` of LAYERS are made beside the
    picture by engines that can. `region` is the part that is drawn, and the whole output: its left and upper edge,
    width and height; None for all of `width` x `height`. `pictures`: how many there will be of the same things;
    `moving`: they are shown one after the other, as a film.
    """

    width: int = 1024
    height: int = 1024
    samples: int = 0
    tone_mapping: str = "pbr_neutral"
    exposure: float = 0.0
    denoise: bool = True
    max_seconds: float = 0.0
    cpu_s: float = 0.0
    layers: tuple[str, ...] = ()
    region: tuple[int, int, int, int] | None = None
    pictures: int = 1
    moving: bool = False

    @property
    def aspect(self) -> float:
        """Width over height of the whole picture."""
        return self.width / self.height

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of what is drawn."""
        return self.region[2:] if self.region else (self.width, self.height)

    def window(self, view: View) -> tuple[float, float, float, float]:
        """(left, right, bottom, top) of what is drawn, in metres; of a perspective camera on the plane 1 m before it.

        Everything about regions is here: a camera with this window draws the part as if it were cut out of the whole,
        and only the part takes memory.
        """
        half = view.ymag or np.tan(view.yfov / 2)
        x, y, width, height = self.region or (0, 0, self.width, self.height)
        pixel = 2 * half / self.height
        left, top = -half * self.aspect + x * pixel, half - y * pixel
        return left, left + width * pixel, top - height * pixel, top


# What can be seen of the nearest surface in each pixel, float32 (h, w, c): `depth` along the camera's axis in metres,
# infinite where nothing is (c 1); `normal`, for shading, in the world (3); `albedo`, linear base colour (3);
# `object_id`, the number of the instance from 1, 0 where nothing is (1); `alpha`, the covered part of the pixel (1).
LAYERS = ("depth", "normal", "albedo", "object_id", "alpha")


@dataclass(frozen=True, eq=False)
class Pass:
    """A picture so far: uint8 (h, w, 4), sRGB with straight alpha, top row first. The last one has done == total.

    `drawn` is this, or makes it: most passes nobody looks at. Until the next one begins, and before the last, it may
    make a smaller one, of at least 320 pixels along the longer edge.
    `done` and `total` count samples a pixel; `part` is how much of the time that it may take has passed, if that is
    limited. The last one has `radiance` float32 (h, w, 4), linear, premultiplied, before exposure and tone mapping, if
    the engine knows it, and as `layers` those of the settings.
    """

    drawn: np.ndarray | Callable[[], np.ndarray]
    done: int = 1
    total: int = 1
    radiance: np.ndarray | None = None
    layers: Mapping[str, np.ndarray] = field(default_factory=dict)
    part: float = 0.0

    @cached_property
    def image(self) -> np.ndarray:
        """The picture."""
        return self.drawn() if callable(self.drawn) else self.drawn

    @property
    def progress(self) -> float:
        """How near the last one is, 0 to 1: by samples or by time, whichever ends it first."""
        return min(1.0, max(self.done / self.total, self.part))
