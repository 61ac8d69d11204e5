"""The shadow that things throw on a ground which is not seen itself: how much of its light they take away.

Filament's material that catches shadows is not in filly, and light from all sides throws no shadow there. So the shadow
is worked out here, as a picture that lies on the ground:

* Of the environment, by what the ground sees of it. From below, silhouettes of what lies below growing heights are
  drawn. A silhouette at height h hides from the ground at distance r the part h^2 / (pi (h^2 + r^2)^2) of the light for
  each unit of its area: the form factor of two parallel patches (Howell, "A Catalog of Radiation Heat Transfer
  Configuration Factors", A-1), so what is hidden is a convolution. Of all heights the one counts that hides the most:
  for a ball on the ground that is within 0.05 of the truth everywhere, while the sum over layers was wrong by 0.25, and
  their product by 0.1.
* Of directional lights, by the silhouette that they see. Points and spots throw none, as in the rest of the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from threed_workers.document import Builder, Document
from threed_workers.engines import framing, pictures
from threed_workers.engines.drawing import Drawing, Light

SIZE = 512
# Heights of the layers, as parts of the radius; what is above the last is in it.
_LAYERS = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0, 4.0)
_FARTHEST = 6.0  # radii: shadows of a low sun end there
_MARGIN = 1.0  # radii around what stands on it, for what fades out

# (pose (4, 4), half of the width and height, near, far) -> how much of each pixel is covered, float (SIZE, SIZE).
Silhouette = Callable[[np.ndarray, float, float, float], np.ndarray]


@dataclass(frozen=True, eq=False)
class Ground:
    """A square on the ground, metres: its middle float64 (3,), half its width; radius and height of what is on it."""

    middle: np.ndarray
    half: float
    radius: float
    height: float

    @classmethod
    def under(cls, drawing: Drawing) -> Ground:
        """Large enough for the shadows of the drawing."""
        low, high = drawing.box
        radius = float(np.linalg.norm(high - low)) / 2 or 1.0
        reach = float(np.abs(high - low)[[0, 2]].max()) / 2 + _MARGIN * radius
        for light in drawing.lights:
            if light.kind == "directional" and light.direction[1] < 0:
                slope = float(np.linalg.norm(light.direction[[0, 2]])) / -float(light.direction[1])
                reach = max(reach, radius + slope * float(high[1] - drawing.ground))
        middle = np.array([(low[0] + high[0]) / 2, drawing.ground, (low[2] + high[2]) / 2])
        return cls(middle, min(reach, _FARTHEST * radius), radius, float(high[1]) - drawing.ground)

    @property
    def pixel(self) -> float:
        """Metres of one texel."""
        return 2 * self.half / SIZE

    def points(self) -> np.ndarray:
        """Where the texels are in the world (SIZE, SIZE, 3): columns along +X, rows along +Z."""
        steps = (np.arange(SIZE) + 0.5) * self.pixel - self.half
        x, z = np.meshgrid(steps, steps)
        return self.middle + np.stack([x, np.zeros_like(x), z], axis=-1)


def darkness(drawing: Drawing, ground: Ground, sky: float, silhouette: Silhouette) -> np.ndarray:
    """The part of its light that each texel of the ground loses, float (SIZE, SIZE) in 0 to 1.

    `sky` is the radiance of white paper on the ground under the environment alone.
    """
    total = np.full((SIZE, SIZE), sky)
    lost = np.zeros((SIZE, SIZE))
    if sky > 0:
        # Soft as it is, half of the texels show it as well, in a quarter of the time.
        coarse = [(height, _halved(cover)) for height, cover in _layers(ground, silhouette)]
        lost += sky * _doubled(hidden_sky(coarse, 2 * ground.pixel))
    for light in drawing.lights:
        shine = _shine(light, ground)
        total += shine
        if light.kind == "directional" and light.direction[1] < 0:
            lost += shine * _shaded(light, ground, silhouette)
    return _faded(np.clip(lost / np.maximum(total, 1e-12), 0, 1))


def hidden_sky(layers: list[tuple[float, np.ndarray]], pixel: float) -> np.ndarray:
    """Which part of the sky's light (0 to 1) is hidden by silhouettes: (height, cover (n, n) 0 to 1) each.

    Heights and `pixel`, the width of a texel, in metres.
    """
    size = layers[0][1].shape[0]
    wide = 2 * size
    steps = np.minimum(np.arange(wide), wide - np.arange(wide)) * pixel
    squared = (steps[:, None] ** 2 + steps[None, :] ** 2).astype(np.float32)
    hidden = np.zeros((size, size), np.float32)
    for height, cover in layers:
        kernel = np.float32(pixel**2 * height**2 / np.pi) / (np.float32(height**2) + squared) ** 2
        kernel /= max(1.0, float(kernel.sum()))  # a layer lower than a texel is seen by that texel alone
        spectrum = np.fft.rfft2(cover.astype(np.float32), (wide, wide)) * np.fft.rfft2(kernel)
        hidden = np.maximum(hidden, np.fft.irfft2(spectrum, (wide, wide))[:size, :size])
    return np.clip(hidden, 0, 1)


def shadow_model(ground: Ground, dark: np.ndarray, encoded: bool) -> Document:
    """A black square of that darkness, seen from above only. `encoded`: it is mixed with a background as encoded."""
    alpha = 1 - (1 - dark) ** (1 / 2.2) if encoded else dark
    image = np.zeros((SIZE, SIZE, 4), np.uint8)
    image[..., 3] = np.rint(alpha * 255)
    builder = Builder("threed ground")
    # Just below what stands on it, so that neither is seen through the other.
    low, half = ground.middle - [0, 1e-4 * ground.radius, 0], ground.half
    corners = low + half * np.array([[-1, 0, -1], [-1, 0, 1], [1, 0, 1], [1, 0, -1]])
    attributes = {
        "POSITION": builder.positions(corners.astype(np.float32)),
        "TEXCOORD_0": builder.attribute(np.float32([[0, 0], [0, 1], [1, 1], [1, 0]])),
    }
    sampler = builder.add("samplers", {"wrapS": 33071, "wrapT": 33071, "magFilter": 9729, "minFilter": 9987})
    picture = builder.picture(pictures.encode(image, "png"), "image/png")
    texture = builder.add("textures", {"source": picture, "sampler": sampler})
    material = {
        "alphaMode": "BLEND",
        "pbrMetallicRoughness": {"baseColorTexture": {"index": texture}, "baseColorFactor": [0, 0, 0, 1]},
        "extensions": {"KHR_materials_unlit": {}},
    }
    builder.use("KHR_materials_unlit")
    primitive = {"attributes": attributes, "material": builder.add("materials", material)}
    primitive["indices"] = builder.indices(np.array([0, 1, 2, 0, 2, 3]), 4)
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})
    return builder.finish()


def _layers(ground: Ground, silhouette: Silhouette) -> list[tuple[float, np.ndarray]]:
    """What is seen from below of all that is lower than a height, by growing heights: (about which height, cover).

    Covers (SIZE, SIZE) have columns along +X and rows along +Z.
    """
    # From below with +Z up in the picture, +X is to the right: rows run towards -Z, and are turned around.
    depth = ground.radius
    pose = framing.looking(ground.middle - [0, depth, 0], ground.middle, (0, 0, 1))
    found, below = [], 0.0
    top = max(ground.height, ground.radius) * 1.01
    for part in _LAYERS:
        height = min(part * ground.radius, top)
        if height <= below:
            break
        seen = silhouette(pose, ground.half, 0.5 * depth, depth + height)[::-1]
        found.append(((below + height) / 2, seen))
        below = height
    return found


def _halved(image: np.ndarray) -> np.ndarray:
    return image.reshape(SIZE // 2, 2, SIZE // 2, 2).mean(axis=(1, 3))


def _doubled(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BILINEAR), np.float64)


def _shine(light: Light, ground: Ground) -> np.ndarray:
    """Radiance of white paper on the ground under one light, without shadows (SIZE, SIZE)."""
    strength = light.intensity * float(pictures.LUMINANCE @ light.color) / np.pi
    if light.kind == "directional":
        return np.full((SIZE, SIZE), strength * max(0.0, -float(light.direction[1])))
    towards = light.position - ground.points()
    squared = np.maximum((towards**2).sum(axis=-1), 1e-12)
    cosine = np.maximum(towards[..., 1], 0) / np.sqrt(squared)
    if light.kind == "spot":
        ahead = -(towards @ light.direction) / np.sqrt(squared)
        cosine = cosine * (ahead > np.cos(light.outer_cone))
    return strength * cosine / squared


def _shaded(light: Light, ground: Ground, silhouette: Silhouette) -> np.ndarray:
    """How much of each texel lies in the shadow of a directional light."""
    centre = ground.middle + np.array([0, ground.height / 2, 0])
    up = (0, 1, 0) if abs(light.direction[1]) < 0.99 else (0, 0, 1)
    away = 4 * ground.radius
    pose = framing.looking(centre - away * light.direction, centre, up)
    half = 1.05 * ground.radius
    seen = silhouette(pose, half, 0.1 * away, 3 * away)
    local = (ground.points() - pose[:3, 3]) @ pose[:3, :2] / half
    columns, rows = (local[..., 0] + 1) * SIZE / 2 - 0.5, (1 - local[..., 1]) * SIZE / 2 - 0.5
    return _sampled(seen, rows, columns)


def _sampled(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Bilinear look-up, 0 beyond the edges."""
    padded = np.pad(image, 1)
    rows, columns = np.clip(rows + 1, 0, SIZE + 0.999), np.clip(columns + 1, 0, SIZE + 0.999)
    top, left = rows.astype(int), columns.astype(int)
    down, across = rows - top, columns - left
    upper = padded[top, left] * (1 - across) + padded[top, left + 1] * across
    lower = padded[top + 1, left] * (1 - across) + padded[top + 1, left + 1] * across
    return upper * (1 - down) + lower * down


def _faded(dark: np.ndarray) -> np.ndarray:
    """The same, going to nothing at the edges of the square."""
    steps = np.abs(np.arange(SIZE) + 0.5 - SIZE / 2) / (SIZE / 2)
    edge = np.clip((1 - np.hypot(steps[:, None], steps[None, :])) / 0.3, 0, 1)
    return dark * edge * edge * (3 - 2 * edge)
