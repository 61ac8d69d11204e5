"""Metal as glTF 2.0 appendix B and Cycles have it, for Mitsuba's LLVM variant, whose BSDFs may be of Python.

GGX with shadowing and masking that are correlated by height (Heitz 2014, "Understanding the Masking-Shadowing Function
in Microfacet-Based BRDFs"), Schlick's Fresnel, and the light that is scattered more than once as a brighter lobe (Kulla
and Conty 2017). Mitsuba's own have separable shadowing and scatter once: a tenth too dark where a metal of roughness 1
faces the camera. The scalar variant would call Python for every sample; there, `principled` stays.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from threed_workers.engines.tracing.own_bsdf import own_bsdf

METAL = "threed_metal"
_STEPS = 32  # of the table, in roughness and in the cosine of the angle of view, ends included
_RINGS, _SECTORS = 32, 12  # of the disk that its entries are means over
_SMOOTHEST, _GRAZING = 0.05, 0.004


@functools.cache
def register(mi: Any) -> None:
    """Make METAL known to the variant that is set: {"base_color": texture of three channels, "roughness": of one}."""
    mi.register_bsdf(METAL, lambda props: _class(mi)(props))


@functools.cache
def _class(mi: Any) -> type:
    """The BSDF. Made with the first metal, because the table takes half a second."""
    import drjit as dr

    table = _reflected()
    cosines = np.linspace(0, 1, _STEPS)
    means = np.trapezoid(2 * cosines * table, cosines, axis=1)
    looks = {"filter_mode": dr.FilterMode.Linear, "wrap_mode": dr.WrapMode.Clamp}
    once = mi.Texture2f(mi.TensorXf(table[..., None].astype(np.float32)), **looks)
    once_on_average = mi.Texture1f(mi.TensorXf(means[..., None].astype(np.float32)), **looks)

    def place(value: Any) -> Any:
        """0 to 1 between the middles of the first and the last texel."""
        return (value * (_STEPS - 1) + 0.5) / _STEPS

    class Metal(own_bsdf(mi)):
        """wi and wo in the local frame, z along the normal; reflects on the front alone."""

        def __init__(self, props: Any):
            super().__init__(props)
            self._base, self._roughness = props["base_color"], props["roughness"]
            flags = mi.BSDFFlags.GlossyReflection | mi.BSDFFlags.FrontSide
            self.m_components, self.m_flags = [flags], flags

        def sample(self, context: Any, si: Any, sample1: Any, sample2: Any, active: Any = True) -> tuple[Any, Any]:
            rough, alpha, facets = self._facets(si, active)
            normal, density = facets.sample(si.wi, sample2)
            found = mi.BSDFSample3f()
            found.wo = mi.reflect(si.wi, normal)
            between = dr.dot(si.wi, normal)
            active &= (si.wi.z > 0) & (found.wo.z > 0) & (between > 0) & (density > 0)
            found.pdf = density / (4 * between)
            found.eta = 1.0
            found.sampled_type = mi.UInt32(+mi.BSDFFlags.GlossyReflection)
            found.sampled_component = mi.UInt32(0)
            seen, lit = hidden(si.wi.z, alpha), hidden(found.wo.z, alpha)
            weight = self._coloured(si, rough, between, active) * (1 + seen) / (1 + seen + lit)
            return found, dr.select(active, weight, 0.0)

        def eval_pdf(self, context: Any, si: Any, wo: Any, active: Any = True) -> tuple[Any, Any]:
            active &= (si.wi.z > 0) & (wo.z > 0)
            rough, alpha, facets = self._facets(si, active)
            normal = dr.normalize(si.wi + wo)
            between = dr.dot(si.wi, normal)
            kept = 1 / (1 + hidden(si.wi.z, alpha) + hidden(wo.z, alpha))
            value = self._coloured(si, rough, between, active) * facets.eval(normal) * kept / (4 * si.wi.z)
            density = facets.pdf(si.wi, normal) / (4 * between)
            return dr.select(active, value, 0.0), dr.select(active, density, 0.0)

        def _facets(self, si: Any, active: Any) -> tuple[Any, Any, Any]:
            """(roughness, alpha, their distribution by which normals are seen)."""
            rough = dr.clip(self._roughness.eval_1(si, active), _SMOOTHEST, 1.0)
            alpha = rough * rough
            return rough, alpha, mi.MicrofacetDistribution(mi.MicrofacetType.GGX, alpha, True)

        def _coloured(self, si: Any, rough: Any, between: Any, active: Any) -> Any:
            """Fresnel's reflection, and what further scattering adds to it."""
            base = self._base.eval(si, active)
            single = once.eval(mi.Point2f(place(si.wi.z), place(rough)))[0]
            mean = once_on_average.eval(mi.Float(place(rough)))[0]
            reflects = base + (1 - base) / 21  # Schlick's, on average over directions
            further = reflects * mean / (1 - reflects * (1 - mean))
            return (base + (1 - base) * (1 - between) ** 5) * (1 + further * (1 - single) / single)

        def to_string(self) -> str:
            return f"{METAL}[]"

    def hidden(cosine: Any, alpha: Any) -> Any:
        """Smith's lambda for GGX."""
        return 0.5 * (dr.sqrt(1 + alpha * alpha * (1 / dr.maximum(cosine * cosine, 1e-8) - 1)) - 1)

    return Metal


def _reflected() -> np.ndarray:
    """What a white metal scatters once of a uniform light: float64 (roughness, cosine of the angle of view), 0 to 1."""
    steps = np.linspace(0, 1, _STEPS)
    rows = [[_once(max(rough, _SMOOTHEST) ** 2, max(cosine, _GRAZING)) for cosine in steps] for rough in steps]
    return np.array(rows).clip(1e-3, 1)


def _once(alpha: float, cosine: float) -> float:
    """The mean weight of visible normals (Heitz 2018, "Sampling the GGX Distribution of Visible Normals")."""
    # Denser towards the rim, where the steepest normals are; one half of the disk, for the other is alike.
    ring, sector = (np.mgrid[:_RINGS, :_SECTORS].reshape(2, -1) + 0.5) / [[_RINGS], [_SECTORS]]
    across, parts = 1 - (1 - ring) ** 3, 3 * (1 - ring) ** 2
    view = np.array([np.sqrt(1 - cosine * cosine), 0.0, cosine])
    stretched = view * (alpha, alpha, 1.0)
    stretched /= np.linalg.norm(stretched)
    first = np.array([0.0, 1.0, 0.0])
    second = np.cross(stretched, first)
    radius, angle = np.sqrt(across), np.pi * (sector - 0.5)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    share = 0.5 * (1 + stretched[2])
    y = (1 - share) * np.sqrt(1 - x * x) + share * y
    z = np.sqrt((1 - x * x - y * y).clip(0))
    normals = np.outer(x, first) + np.outer(y, second) + np.outer(z, stretched)
    normals = normals * (alpha, alpha, 1.0)
    normals[:, 2] = normals[:, 2].clip(0)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    between = normals @ view
    lit = 2 * between * normals[:, 2] - cosine
    seen, unlit = (0.5 * (np.sqrt(1 + alpha**2 * (1 / np.maximum(c * c, 1e-12) - 1)) - 1) for c in (cosine, lit))
    weights = np.where((lit > 0) & (between > 0), (1 + seen) / (1 + seen + unlit), 0.0)
    return float(np.average(weights, weights=parts))
