"""What is known of the nearest surface in each pixel, rendered by letting every surface glow with what is asked for.

Mitsuba's own `aov` integrator stops at the first triangle, even in the hole of a mask. Here, rays cross holes: each
surface emits its value times its opacity, reflects nothing, and lets the rest through.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from threed_workers.engines.drawing import Settings, View
from threed_workers.engines.tracing.building import mesh, scene, sensor
from threed_workers.engines.tracing.fields import Field, constant, together
from threed_workers.engines.tracing.finishing import uncovered
from threed_workers.engines.tracing.geometry import Piece, towards
from threed_workers.engines.tracing.looks import Look
from threed_workers.engines.tracing.rendered import rendered
from threed_workers.engines.tracing.stage import Stage

_VALUE = "vertex_value"
# Added to normals, because light cannot be negative.
_LIFT = 2.0
# How many holes a ray may cross.
_DEPTH = 64


class Layers:
    """The layers of one view of a stage."""

    def __init__(self, mi: Any, stage: Stage, view: View, settings: Settings, frame: np.ndarray):
        self._mi = mi
        self._stage = stage
        self._view = view
        self._settings = settings
        self._scale = float(frame[0, 0])
        self._seen = [(towards(piece, view), look) for piece, look in stage.seen(view, settings)]

    def guides(self, samples: int) -> tuple[np.ndarray, np.ndarray]:
        """(albedo, normals) float32 (h, w, 3) for a denoiser, smooth at edges. Albedo is of four times the samples.

        Textures are to be as free of noise as can be: what is wrong in them stays in the picture.
        """
        soft = {"type": "multijitter"}
        normals = uncovered(self._shot(self._normals, samples, soft)) - np.float32(_LIFT)
        return uncovered(self._albedo(4 * samples, soft)), normals

    def layer(self, name: str, radiance: np.ndarray) -> np.ndarray:
        """One of drawing.LAYERS, float32 (h, w, c)."""
        if name == "alpha":
            return np.ascontiguousarray(radiance[..., 3:])
        if name == "albedo":
            return self._albedo(_SOFT, {"type": "independent"})[..., :3]
        sharp = {"type": "stratified", "jitter": False, "sample_count": 1}
        if name == "depth":
            seen = self._shot(self._depths, 1, sharp)
            depth = seen[..., :1] / np.maximum(seen[..., 3:], 1e-6) / self._scale
            return np.where(seen[..., 3:] > 0.5, depth, np.inf).astype(np.float32)
        if name == "object_id":
            seen = self._shot(self._numbers, 1, sharp)
            return np.rint(seen[..., :1] / np.maximum(seen[..., 3:], 1e-6)) * (seen[..., 3:] > 0.5)
        seen = self._shot(self._normals, 1, sharp)
        normals = seen[..., :3] - _LIFT * seen[..., 3:]
        return normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)

    def _normals(self, piece: Piece) -> np.ndarray:
        return piece.normals + np.float32(_LIFT)

    def _depths(self, piece: Piece) -> np.ndarray:
        depth = (self._view.pose[:3, 3] - piece.positions) @ self._view.pose[:3, 2]
        return np.repeat(np.maximum(depth, 0)[:, None], 3, axis=1).astype(np.float32)

    def _numbers(self, piece: Piece) -> np.ndarray:
        return np.full((len(piece.positions), 3), piece.number, np.float32)

    def _albedo(self, samples: int, sampler: dict) -> np.ndarray:
        shapes = []
        for piece, look in self._seen:
            field = look.emission if look.unlit else look.base
            shapes.append(self._glowing(piece, look, field))
        return self._rendered(shapes, samples, sampler)

    def _shot(self, values: Any, samples: int, sampler: dict) -> np.ndarray:
        shapes = [self._glowing(piece, look, values(piece)) for piece, look in self._seen]
        return self._rendered(shapes, samples, sampler)

    def _glowing(self, piece: Piece, look: Look, value: Field | np.ndarray) -> Any:
        mi, attributes = self._mi, {}
        tinted = isinstance(value, Field) and piece.colors is not None and not look.unlit
        if tinted and value.sampling is None:
            value = piece.colors[:, :3] * value.values
        bsdf = {"type": "conductor", "specular_reflectance": {"type": "rgb", "value": [0.0, 0.0, 0.0]}}
        opacity = look.opacity
        if isinstance(value, Field):
            (value, opacity_values), sampling, _ = together(value, constant(1.0) if opacity is None else opacity)
            product = value * opacity_values
            emitted = self._stage.materials.texture(Field(product, sampling if product.ndim > 1 else None))
        else:
            attributes[_VALUE] = value
            emitted = {"type": "mesh_attribute", "name": _VALUE}
        if opacity is not None:
            bsdf = {"type": "mask", "opacity": self._stage.materials.texture(opacity), "bsdf": bsdf}
        emitter = mi.load_dict({"type": "area", "radiance": emitted})
        return mesh(mi, piece, look.texcoord, mi.load_dict(bsdf), emitter, smooth=False, **attributes)

    def _rendered(self, shapes: list[Any], samples: int, sampler: dict) -> np.ndarray:
        mi = self._mi
        camera = sensor(mi, self._view, self._settings, sampler)
        integrator = mi.load_dict({"type": "path", "max_depth": _DEPTH, "rr_depth": _DEPTH})
        made = scene(mi, camera, shapes, [])
        return rendered(mi, made, integrator, samples, 0)


_SOFT = 16
