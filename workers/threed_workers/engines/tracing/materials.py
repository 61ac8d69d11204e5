"""Looks as Mitsuba's BSDFs and emitters, in the dictionaries that `mi.load_dict` takes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from threed_workers.document.model import Json
from threed_workers.engines.sampling import Sampling
from threed_workers.engines.tracing.fields import Field, together
from threed_workers.engines.tracing.looks import Look
from threed_workers.engines.tracing.opaque import Tint, eta, opaque
from threed_workers.engines.tracing.variant import LLVM

# The name of the vertex attribute with opacity.
OPACITY = "vertex_opacity"
# Steps of tints: so that pieces whose colours are alike share a BSDF.
_TINTS = 32


class Materials:
    """BSDFs of the looks of one document, each made once. `mi` is Mitsuba, with its variant chosen."""

    def __init__(self, mi: Any):
        self._mi = mi
        self._with_llvm = mi.variant() == LLVM
        self._made: dict[tuple, Any] = {}

    def bsdf(self, look: Look, mirrored: bool, tint: Tint | None, faded: bool, fine: bool) -> Any:
        """The BSDF. `mirrored` UVs turn normal maps round; with `tint`, meshes have TINT, and with `faded` OPACITY.

        `fine`: samples mix texels, so that each need not look up four.
        """
        key = (id(look), mirrored, tint, faded, fine)
        if key not in self._made:
            self._made[key] = (self._mi.load_dict(self._bsdf(look, mirrored, tint, faded, fine)), look)
        return self._made[key][0]

    def emitter(self, look: Look) -> Any:
        """The light that the surface sends out. Each mesh needs one of its own."""
        return self._mi.load_dict({"type": "area", "radiance": self.texture(seen_emission(look))})

    def texture(self, field: Field, fine: bool = False) -> Json:
        """A field as a texture; of one channel or three. `fine`: of single texels."""
        mi = self._mi
        if field.sampling is None:
            values = [float(value) for value in field.values]
            if len(values) == 1:
                return {"type": "uniform", "value": values[0]}
            return {"type": "srgb", "color": values, "unbounded": True}
        bitmap = mi.Bitmap(np.ascontiguousarray(field.values, np.float16))
        return {
            "type": "bitmap",
            "bitmap": bitmap,
            "raw": True,
            "format": "fp16",
            **_looked_up(mi, field.sampling, fine),
        }

    def simplified(self, look: Look) -> list[tuple[str, str]]:
        """(feature, reason) of what this variant draws otherwise than the file says, beyond what `inexact` has."""
        if not look.has_sheen or look.unlit or (self._with_llvm and not look.is_glass):
            return []
        return [("KHR_materials_sheen", "drawn without" if look.is_glass else "its light is spread evenly")]

    def _bsdf(self, look: Look, mirrored: bool, tint: Tint | None, faded: bool, fine: bool) -> Json:
        texture = functools.partial(self.texture, fine=fine)
        if look.unlit:
            made = _black()
        elif look.is_glass:
            made = _bumped(_glass(look, texture), look, mirrored, texture)
        else:
            surface = opaque(look, texture, tint, self._with_llvm)
            made = {"type": "twosided", "bsdf": _bumped(surface, look, mirrored, texture)}
        if look.opacity is not None:
            made = {"type": "mask", "opacity": self.texture(look.opacity), "bsdf": made}
        if faded:
            made = {"type": "mask", "opacity": {"type": "mesh_attribute", "name": OPACITY}, "bsdf": made}
        return made


def seen_emission(look: Look) -> Field:
    """What a surface sends out. Mitsuba's emitters know nothing of its opacity, so that is multiplied in."""
    assert look.emission is not None
    if look.opacity is None:
        return look.emission
    (emission, opacity), sampling, _ = together(look.emission, look.opacity)
    product = emission * opacity
    return Field(product, sampling if product.ndim > 1 else None)


def tinted(look: Look, colors: np.ndarray) -> np.ndarray:
    """Vertex colours (n, 3) times the base colour, for TINT."""
    return colors * look.base.mean.astype(np.float32)


def tint_of(colors: np.ndarray) -> Tint:
    """About the mean of what `tinted` answers."""
    red, green, blue = (float(part) for part in np.rint(colors.mean(axis=0) * _TINTS) / _TINTS)
    return red, green, blue


def _glass(look: Look, texture: Callable[[Field], Json]) -> Json:
    base = look.base.mapped(lambda values: values * look.filter.astype(np.float32))
    glass = {
        "base_color": texture(base),
        "roughness": texture(look.roughness),
        "spec_trans": texture(look.transmission),
        "eta": eta(look),
    }
    if look.thin:
        return {"type": "principledthin", **glass}
    return {"type": "principled", "metallic": texture(look.metallic), **glass}


def _bumped(bsdf: Json, look: Look, mirrored: bool, texture: Callable[[Field], Json]) -> Json:
    if look.normal is None:
        return bsdf
    normal = look.normal
    if mirrored:
        turned = np.array(normal.values)
        turned[..., 1] = 1 - turned[..., 1]
        normal = Field(turned, normal.sampling)
    return {"type": "normalmap", "normalmap": texture(normal), "bsdf": bsdf}


def _black() -> Json:
    return {"type": "diffuse", "reflectance": {"type": "rgb", "value": [0.0, 0.0, 0.0]}}


def _looked_up(mi: Any, sampling: Sampling, fine: bool) -> Json:
    a, b, c, d, e, f = sampling.matrix
    transform = mi.ScalarTransform3f(np.array([[a, b, c], [d, e, f], [0, 0, 1]]))
    filter_type = "nearest" if sampling.nearest or fine else "bilinear"
    return {"to_uv": transform, "wrap_mode": sampling.wrap, "filter_type": filter_type}
