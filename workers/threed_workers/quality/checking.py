"""Every check, in the order in which people read their findings, and the one that runs them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from threed_workers.document import Document
from threed_workers.document.model import Json
from threed_workers.quality.budget import check_budget
from threed_workers.quality.degenerate import check_degenerate
from threed_workers.quality.duplicates import check_duplicates
from threed_workers.quality.finite import check_finite
from threed_workers.quality.intersections import check_intersections
from threed_workers.quality.limits import Limits
from threed_workers.quality.nonmanifold_edges import check_nonmanifold_edges
from threed_workers.quality.nonmanifold_vertices import check_nonmanifold_vertices
from threed_workers.quality.normals import check_normals_missing, check_normals_unit, check_tangents
from threed_workers.quality.profiles import Profile
from threed_workers.quality.subject import Subject
from threed_workers.quality.texture_decode import check_texture_decode
from threed_workers.quality.texture_density import check_texture_density
from threed_workers.quality.texture_size import check_texture_size
from threed_workers.quality.units import check_units
from threed_workers.quality.unused import check_unused
from threed_workers.quality.uv_flipped import check_uv_flipped
from threed_workers.quality.uv_missing import check_uv_missing
from threed_workers.quality.uv_overlap import check_uv_overlap
from threed_workers.quality.uv_range import check_uv_range
from threed_workers.quality.watertight import check_watertight
from threed_workers.quality.winding import check_winding

Check = Callable[[Subject], Iterator[Json]]

CHECKS: tuple[Check, ...] = (
    check_units,
    check_finite,
    check_watertight,
    check_nonmanifold_edges,
    check_nonmanifold_vertices,
    check_winding,
    check_duplicates,
    check_degenerate,
    check_intersections,
    check_normals_missing,
    check_normals_unit,
    check_tangents,
    check_uv_missing,
    check_uv_range,
    check_uv_overlap,
    check_uv_flipped,
    check_texture_decode,
    check_texture_size,
    check_texture_density,
    check_unused,
)


def check_all(
    document: Document,
    profile: Profile | None = None,
    limits: Limits = Limits(),  # noqa: B008 frozen
    file_bytes: int | None = None,
) -> list[Json]:
    """The issues of a checked document, in the order of CHECKS; with a profile, those of its target too.

    `file_bytes` is the size of its GLB where that is known already. Of each code at most `limits.issues_per_code` are
    listed, and the last of them says how many there are.
    """
    subject = Subject(document, limits, file_bytes)
    found = chain.from_iterable(check(subject) for check in CHECKS)
    if profile is not None:
        found = chain(found, check_budget(subject, profile))
    return _at_most(found, limits.issues_per_code)


def _at_most(issues: Iterable[Json], most: int) -> list[Json]:
    listed: dict[str, list[Json]] = {}
    counts: dict[str, int] = {}
    for found in issues:
        code = found["code"]
        counts[code] = counts.get(code, 0) + 1
        if counts[code] <= most:
            listed.setdefault(code, []).append(found)
    for code, kept in listed.items():
        if counts[code] > most:
            more = f" {counts[code] - most} more like this are not listed, of {counts[code]}."
            kept[-1] = kept[-1] | {"message": kept[-1]["message"] + more}
    return [found for kept in listed.values() for found in kept]
