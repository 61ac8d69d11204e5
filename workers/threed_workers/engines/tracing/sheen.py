"""Sheen of KHR_materials_sheen as Cycles has it ("microfiber"), for Mitsuba's LLVM variant: over any other BSDF.

The lobe of Zeltner, Burley and Chiang 2022, "Practical Multiple-Scattering Sheen Using Linearly Transformed Cosines",
in the closed form that MaterialX has for it (`mx_microfacet_sheen.glsl`): as bright as its albedo says, which is high
where a surface turns away. What is below is dimmed by as much of the strongest channel. Without LLVM, that is
`energy.under_sheen`.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from threed_workers.engines.tracing.own_bsdf import own_bsdf

SHEEN = "threed_sheen"
_SMOOTHEST = 0.01
# How often its lobe is the one that is sampled, where there is sheen: as far as it reflects, within these.
_OFTEN = (0.1, 0.9)


@functools.cache
def register(mi: Any) -> None:
    """Make SHEEN known to the variant that is set: {"base": BSDF, "color": texture of three channels, "roughness"}."""
    mi.register_bsdf(SHEEN, lambda props: _class(mi)(props))


@functools.cache
def _class(mi: Any) -> type:
    import drjit as dr

    class Sheen(own_bsdf(mi)):
        """wi and wo in the local frame, z along the normal; reflects on the front alone, and so does its base."""

        def __init__(self, props: Any):
            super().__init__(props)
            self._base, self._color, self._roughness = props["base"], props["color"], props["roughness"]
            own = mi.BSDFFlags.DiffuseReflection | mi.BSDFFlags.FrontSide
            below = [self._base.flags(index) for index in range(self._base.component_count())]
            self.m_components, self.m_flags = [*below, own], self._base.flags() | own

        def sample(self, context: Any, si: Any, sample1: Any, sample2: Any, active: Any = True) -> tuple[Any, Any]:
            lobe, _, dims = self._seen(si, active)
            share = often(dims)
            own = sample1 < share
            rest = dr.select(own, 0.0, (sample1 - share) / (1 - share))
            below, _ = self._base.sample(context, si, rest, sample2, active & ~own)
            found = mi.BSDFSample3f()
            found.wo = dr.select(own, lobe.sampled(sample2), below.wo)
            value, found.pdf = self.eval_pdf(context, si, found.wo, active)
            found.eta = 1.0
            found.sampled_type = mi.UInt32(+mi.BSDFFlags.DiffuseReflection)
            found.sampled_component = mi.UInt32(0)
            active &= (found.pdf > 0) & (own | (below.pdf > 0))
            return found, dr.select(active, value / found.pdf, 0.0)

        def eval_pdf(self, context: Any, si: Any, wo: Any, active: Any = True) -> tuple[Any, Any]:
            active &= (si.wi.z > 0) & (wo.z > 0)
            lobe, reflects, dims = self._seen(si, active)
            below, density = self._base.eval_pdf(context, si, wo, active)
            falls, share = lobe.density(wo), often(dims)
            value = below * (1 - dims) + reflects * falls
            return dr.select(active, value, 0.0), dr.select(active, dr.lerp(density, falls, share), 0.0)

        def _seen(self, si: Any, active: Any) -> tuple[_Lobe, Any, Any]:
            """(the lobe, the colour that it reflects, what it takes from what is below) for a direction of view."""
            rough = dr.clip(self._roughness.eval_1(si, active), _SMOOTHEST, 1.0)
            cosine = dr.clip(si.wi.z, 0.0, 1.0)
            reflects = self._color.eval(si, active) * dr.clip(_albedo(dr, cosine, rough), 0.0, 1.0)
            return _Lobe(mi, dr, si.wi, cosine, rough), reflects, dr.max(reflects)

        def to_string(self) -> str:
            return f"{SHEEN}[]"

    def often(dims: Any) -> Any:
        """How often the lobe is sampled."""
        return dr.select(dims > 0, dr.clip(dims, *_OFTEN), 0.0)

    return Sheen


class _Lobe:
    """A cosine that is skewed towards the viewer: wo times [[a, 0, b], [0, a, 0], [0, 0, 1]], x along wi, is cosine."""

    def __init__(self, mi: Any, dr: Any, wi: Any, cosine: Any, rough: Any):
        self._mi, self._dr = mi, dr
        self._a, self._b = _narrows(cosine, rough), _leans(dr, cosine, rough)
        along = dr.sqrt(wi.x * wi.x + wi.y * wi.y)
        straight = along < 1e-6
        self._x, self._y = dr.select(straight, 1.0, wi.x / along), dr.select(straight, 0.0, wi.y / along)

    def density(self, wo: Any) -> Any:
        """How likely wo is; over the hemisphere, this is 1."""
        x, y = wo.x * self._x + wo.y * self._y, wo.y * self._x - wo.x * self._y
        square = (self._a * x + self._b * wo.z) ** 2 + (self._a * y) ** 2 + wo.z * wo.z
        return self._dr.maximum(wo.z, 0.0) / np.pi * (self._a / square) ** 2

    def sampled(self, sample: Any) -> Any:
        """A direction for two numbers from 0 to 1."""
        cosine = self._mi.warp.square_to_cosine_hemisphere(sample)
        x, y = (cosine.x - cosine.z * self._b) / self._a, cosine.y / self._a
        turned = self._mi.Vector3f(x * self._x - y * self._y, x * self._y + y * self._x, cosine.z)
        return self._dr.normalize(turned)


def _albedo(dr: Any, x: Any, y: Any) -> Any:
    """What the lobe reflects; x is the cosine of the angle of view, y the roughness."""
    spread = y * (0.0206607 + 1.58491 * y) / (0.0379424 + y * (1.32227 + y))
    middle = y * (-0.193854 + y * (-1.14885 + y * (1.7932 - 0.95943 * y * y))) / (0.046391 + y)
    rest = y * (0.000654023 + (-0.0207818 + 0.119681 * y) * y) / (1.26264 + y * (-1.92021 + y))
    return dr.exp(-0.5 * ((x - middle) / spread) ** 2) / (spread * np.sqrt(2 * np.pi)) + rest


def _narrows(x: Any, y: Any) -> Any:
    return (2.58126 * x + 0.813703 * y) * y / (1 + 0.310327 * x * x + 2.60994 * x * y)


def _leans(dr: Any, x: Any, y: Any) -> Any:
    below = 0.0000254053 + 1.71228 * x - 1.71506 * x * y + 1.34174 * y * y
    return dr.sqrt(1 - x) * (y - 1) * y * y * y / below
