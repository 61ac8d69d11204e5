"""Looks as Mitsuba's BSDFs and emitters, in the dictionaries that `mi.load_dict` takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from threed_workers.document.model import Json
from threed_workers.engines.tracing import energy
from threed_workers.engines.tracing.fields import Field, Sampling, constant, together
from threed_workers.engines.tracing.looks import Look

# Names of vertex attributes of the meshes: colours that replace the base colour, and opacity.
TINT, OPACITY = "vertex_tint", "vertex_opacity"
# What `principled` calls clearcoat is a quarter of it, and its roughness ends here.
_COAT, _COAT_ALPHAS = 4.0, (0.001, 0.1)
_WEIGHT_SEEN = 0.02


class Materials:
    """BSDFs of the looks of one document, each made once. `mi` is Mitsuba, with its variant chosen."""

    def __init__(self, mi: Any):
        self._mi = mi
        self._made: dict[tuple, Any] = {}

    def bsdf(self, look: Look, mirrored: bool, tinted: bool, faded: bool) -> Any:
        """The BSDF; `mirrored` UVs turn normal maps round, `tinted` and `faded` meshes have TINT and OPACITY."""
        key = (id(look), mirrored, tinted, faded)
        if key not in self._made:
            self._made[key] = (self._mi.load_dict(self._bsdf(look, mirrored, tinted, faded)), look)
        return self._made[key][0]

    def emitter(self, look: Look) -> Any:
        """The light that the surface sends out. Each mesh needs one of its own."""
        return self._mi.load_dict({"type": "area", "radiance": self.texture(seen_emission(look))})

    def texture(self, field: Field) -> Json:
        """A field as a texture; of one channel or three."""
        mi = self._mi
        if field.sampling is None:
            values = [float(value) for value in field.values]
            if len(values) == 1:
                return {"type": "uniform", "value": values[0]}
            return {"type": "srgb", "color": values, "unbounded": True}
        bitmap = mi.Bitmap(np.ascontiguousarray(field.values, np.float16))
        return {"type": "bitmap", "bitmap": bitmap, "raw": True, "format": "fp16", **_looked_up(mi, field.sampling)}

    def _bsdf(self, look: Look, mirrored: bool, tinted: bool, faded: bool) -> Json:
        if look.unlit:
            made = _black()
        elif look.transmission.values.max() > 0:
            made = self._bumped(self._glass(look), look, mirrored)
        else:
            made = {"type": "twosided", "bsdf": self._bumped(self._opaque(look, tinted), look, mirrored)}
        if look.opacity is not None:
            made = {"type": "mask", "opacity": self.texture(look.opacity), "bsdf": made}
        if faded:
            made = {"type": "mask", "opacity": {"type": "mesh_attribute", "name": OPACITY}, "bsdf": made}
        return made

    def _opaque(self, look: Look, tinted: bool) -> Json:
        (base, metallic, roughness, sheen), sampling, _ = together(look.base, look.metallic, look.roughness, look.sheen)
        base = energy.under_sheen(base, sheen)
        weight = energy.matte_part(metallic, roughness)
        attribute = {"type": "mesh_attribute", "name": TINT}
        paper = base * (1 - energy.mirrored(roughness, look.specular)) + energy.mirrored(roughness, look.specular)
        paper_look = {"type": "diffuse", "reflectance": attribute if tinted else self._over(paper, sampling)}
        if weight.min() > 1 - _WEIGHT_SEEN:
            return paper_look
        kept = energy.kept_base(base, metallic, roughness, look.specular)
        glossy = {
            "type": "principled",
            "base_color": attribute if tinted else self._over(kept, sampling),
            "metallic": self.texture(look.metallic),
            "roughness": self.texture(look.roughness),
            "eta": _eta(look),
            **self._lobes(look),
        }
        if weight.max() < _WEIGHT_SEEN:
            return glossy
        return {"type": "blendbsdf", "weight": self._over(weight, sampling), "first": glossy, "second": paper_look}

    def _lobes(self, look: Look) -> Json:
        lobes: Json = {}
        if look.clearcoat.values.max() > 0:
            low, high = _COAT_ALPHAS
            alpha = min(max(look.clearcoat_roughness**2, low), high)
            coat = look.clearcoat.mapped(lambda values: _COAT * values)
            lobes |= {"clearcoat": self.texture(coat), "clearcoat_gloss": (high - alpha) / (high - low)}
        if look.anisotropy:
            lobes["anisotropic"] = float(look.anisotropy)
        return lobes

    def _glass(self, look: Look) -> Json:
        base = look.base.mapped(lambda values: values * look.filter.astype(np.float32))
        glass = {
            "base_color": self.texture(base),
            "roughness": self.texture(look.roughness),
            "spec_trans": self.texture(look.transmission),
            "eta": _eta(look),
        }
        if look.thin:
            return {"type": "principledthin", **glass}
        return {"type": "principled", "metallic": self.texture(look.metallic), **glass}

    def _bumped(self, bsdf: Json, look: Look, mirrored: bool) -> Json:
        if look.normal is None:
            return bsdf
        normal = look.normal
        if mirrored:
            turned = np.array(normal.values)
            turned[..., 1] = 1 - turned[..., 1]
            normal = Field(turned, normal.sampling)
        return {"type": "normalmap", "normalmap": self.texture(normal), "bsdf": bsdf}

    def _over(self, values: np.ndarray, sampling: Sampling | None) -> Json:
        return self.texture(Field(values, sampling) if values.ndim > 1 else constant(*values))


def seen_emission(look: Look) -> Field:
    """What a surface sends out. Mitsuba's emitters know nothing of its opacity, so that is multiplied in."""
    assert look.emission is not None
    if look.opacity is None:
        return look.emission
    (emission, opacity), sampling, _ = together(look.emission, look.opacity)
    product = emission * opacity
    return Field(product, sampling if product.ndim > 1 else None)


def tint(look: Look, colors: np.ndarray) -> np.ndarray:
    """Vertex colours (n, 3) times the base colour, as BSDFs made with `tinted` expect them."""
    metallic, roughness = (field.mean.astype(np.float32) for field in (look.metallic, look.roughness))
    return energy.kept_base(colors * look.base.mean.astype(np.float32), metallic, roughness, look.specular)


def _black() -> Json:
    return {"type": "diffuse", "reflectance": {"type": "rgb", "value": [0.0, 0.0, 0.0]}}


def _eta(look: Look) -> float:
    """The index of refraction that mirrors as much as `specular` leaves of what the look's own does."""
    if look.specular == 1.0 or look.transmission.values.max() > 0:
        return max(look.ior, 1.001)
    root = np.sqrt(max(((look.ior - 1) / (look.ior + 1)) ** 2 * look.specular, 1e-6))
    return float((1 + root) / (1 - root))


def _looked_up(mi: Any, sampling: Sampling) -> Json:
    a, b, c, d, e, f = sampling.matrix
    transform = mi.ScalarTransform3f(np.array([[a, b, c], [d, e, f], [0, 0, 1]]))
    filter_type = "nearest" if sampling.nearest else "bilinear"
    return {"to_uv": transform, "wrap_mode": sampling.wrap, "filter_type": filter_type}
