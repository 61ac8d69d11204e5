"""Opaque surfaces as Mitsuba's BSDFs: metal, and plastic (what glTF calls a dielectric), mixed by `metallic`.

A plastic is a lobe with paper beside it (energy.py). A surface with a coat, with anisotropy, with another index of
refraction than 1.5 or with a roughness that varies much is `principled` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from threed_workers.document.model import Json
from threed_workers.engines.sampling import Sampling
from threed_workers.engines.tracing import energy
from threed_workers.engines.tracing.fields import Field, constant, together
from threed_workers.engines.tracing.looks import Look
from threed_workers.engines.tracing.metal import METAL
from threed_workers.engines.tracing.sheen import SHEEN

# The name of the vertex attribute with colours that replace the base colour, and what they are on average.
TINT = "vertex_tint"
Tint = tuple[float, float, float]
# Less of something is not drawn.
_SEEN = 0.02
# `roughplastic` is equally rough everywhere: two of them are mixed when roughness goes further than the first of these,
# and beyond the second the mixture looks like neither (FlightHelmet against Cycles: FLIP 0.067 became 0.082).
_ALIKE, _DIFFERENT = 0.15, 0.3
_SMOOTHEST = 0.001
# What `principled` calls clearcoat is a quarter of it, and its roughness ends here.
_COAT, _COAT_ALPHAS = 4.0, (0.001, 0.1)


@dataclass(frozen=True, eq=False)
class _Surface:
    """What is the same for all lobes: values (h, w, channels) or (channels,), how they are looked up, and as what."""

    base: np.ndarray
    metallic: np.ndarray
    roughness: np.ndarray
    sampling: Sampling | None
    texture: Callable[[Field], Json]
    is_tinted: bool
    with_llvm: bool

    def over(self, values: np.ndarray) -> Json:
        """Values as a texture."""
        return self.texture(Field(values, self.sampling) if values.ndim > 1 else constant(*values))

    def colour(self, values: np.ndarray) -> Json:
        """Colours made of the base colour; of a tinted surface, its vertex colours, multiplied as the base was."""
        if not self.is_tinted:
            return self.over(values)
        return {"type": "mesh_attribute", "name": TINT, "scale": float(values.mean() / max(self.base.mean(), 1e-6))}


def opaque(look: Look, texture: Callable[[Field], Json], tint: Tint | None, with_llvm: bool) -> Json:
    """The BSDF of a look that nothing shines through, its normal map and its back left out.

    `tint`: its colours are in TINT, and this on average. `with_llvm`: METAL and SHEEN are known to the variant.
    """
    if with_llvm and look.has_sheen:
        below = opaque(replace(look, sheen=constant(0, 0, 0)), texture, tint, with_llvm)
        return {"type": SHEEN, "base": below, "color": texture(look.sheen), "roughness": texture(look.sheen_roughness)}
    colour = look.base if tint is None else constant(*tint)
    fields = (colour, look.metallic, look.roughness, look.sheen, look.sheen_roughness)
    (base, metallic, roughness, *sheen), sampling, _ = together(*fields)
    surface = _Surface(
        energy.under_sheen(base, *sheen), metallic, roughness, sampling, texture, tint is not None, with_llvm
    )
    if metallic.min() > 1 - _SEEN and not _is_special(look):
        return _metal(surface)
    if surface.is_tinted or _is_special(look) or np.ptp(_reach(roughness)) > _DIFFERENT:
        return _principled(surface, look)
    if metallic.max() < _SEEN:
        return _plastic(surface)
    return _mixed(surface.over(metallic), _plastic(surface), _metal(surface))


def _is_special(look: Look) -> bool:
    coated = look.clearcoat.values.max() > 0
    return coated or bool(look.anisotropy) or look.specular != 1 or look.ior != energy.PLASTIC_IOR


def _reach(roughness: np.ndarray) -> np.ndarray:
    """How smooth and how rough a surface is, but for a few places."""
    return np.percentile(roughness, (5, 95))


def _metal(surface: _Surface) -> Json:
    if surface.with_llvm:
        return {"type": METAL, "base_color": surface.colour(surface.base), "roughness": surface.over(surface.roughness)}
    kept = energy.kept_base(surface.base, np.ones_like(surface.metallic), surface.roughness, 1.0)
    roughness = surface.over(surface.roughness)
    return {"type": "principled", "base_color": surface.colour(kept), "metallic": 1.0, "roughness": roughness}


def _plastic(surface: _Surface) -> Json:
    share = energy.paper_share(surface.roughness)
    share = share if share > _SEEN else 0.0
    low, high = _reach(surface.roughness)
    if high - low < _ALIKE:
        found = _plastic_lobe(surface, float(surface.roughness.mean()), share)
    else:
        first, second = (_plastic_lobe(surface, float(rough), share) for rough in (low, high))
        found = _mixed(surface.over(((surface.roughness - low) / (high - low)).clip(0, 1)), first, second)
    if not share:
        return found
    reflected = surface.base * energy.plastic_shares(surface.roughness)[1] / share
    return _mixed({"type": "uniform", "value": share}, found, _paper(surface, reflected))


def _plastic_lobe(surface: _Surface, roughness: float, paper_share: float) -> Json:
    within = energy.plastic_shares(np.array(roughness))[0] / (1 - paper_share)
    return {
        "type": "roughplastic",
        "distribution": "ggx",
        "alpha": max(roughness**2, _SMOOTHEST),
        "int_ior": energy.PLASTIC_IOR,
        "ext_ior": 1.0,
        "diffuse_reflectance": surface.colour(surface.base * within),
        "specular_reflectance": {"type": "uniform", "value": 1 / (1 - paper_share)},
    }


def _principled(surface: _Surface, look: Look) -> Json:
    base, metallic = surface.base, surface.metallic
    roughness, stretched, on_average = _stretched(surface.roughness, look.anisotropy)
    weight = energy.matte_part(metallic, roughness)
    mirrored = energy.mirrored(roughness, look.specular)
    paper = _paper(surface, base * (1 - mirrored) + mirrored)
    if weight.min() > 1 - _SEEN:
        return paper
    metallic = (metallic / np.maximum(1 - weight, 1e-3)).clip(0, 1)  # of what is not paper
    found = {
        "type": "principled",
        "base_color": surface.colour(energy.kept_base(base, metallic, on_average, look.specular)),
        "metallic": surface.over(metallic),
        "roughness": surface.over(roughness),
        "eta": eta(look),
        **_coat(look, surface.texture),
    }
    if look.anisotropy:
        found["anisotropic"] = surface.over(stretched)
    return found if weight.max() < _SEEN else _mixed(surface.over(weight), found, paper)


def _stretched(roughness: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(r, how anisotropic, the roughness for both alphas' mean) for Disney's alphas, r^2 / a and r^2 a.

    There, a^2 is 1 - 0.9 anisotropic. KHR_materials_anisotropy has roughness^2 across, and along the tangent that mixed
    with 1 by the square of the strength. White metal keeps 0.92 of the light of a white room or more.
    """
    if not strength:
        return roughness, np.zeros_like(roughness), roughness
    across = np.maximum(roughness**2, _SMOOTHEST)
    along = across + (1 - across) * strength**2
    found, anisotropic = (across * along) ** 0.25, ((1 - across / along) / 0.9).clip(0, 1)
    aspect = np.sqrt(1 - 0.9 * anisotropic)
    return found, anisotropic, found * np.sqrt((aspect + 1 / aspect) / 2)


def _coat(look: Look, texture: Callable[[Field], Json]) -> Json:
    if look.clearcoat.values.max() <= 0:
        return {}
    low, high = _COAT_ALPHAS
    alpha = min(max(look.clearcoat_roughness**2, low), high)
    coat = look.clearcoat.mapped(lambda values: _COAT * values)
    return {"clearcoat": texture(coat), "clearcoat_gloss": (high - alpha) / (high - low)}


def eta(look: Look) -> float:
    """The index of refraction that mirrors as much as `specular` leaves of what the look's own does."""
    if look.specular == 1.0 or look.is_glass:
        return max(look.ior, 1.001)
    root = np.sqrt(max(((look.ior - 1) / (look.ior + 1)) ** 2 * look.specular, 1e-6))
    return float((1 + root) / (1 - root))


def _paper(surface: _Surface, reflected: np.ndarray) -> Json:
    return {"type": "diffuse", "reflectance": surface.colour(reflected)}


def _mixed(weight: Json, first: Json, second: Json) -> Json:
    return {"type": "blendbsdf", "weight": weight, "first": first, "second": second}
