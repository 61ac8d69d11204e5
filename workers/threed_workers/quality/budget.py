"""Does the model fit its target?"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from threed_workers.document import Document, pack
from threed_workers.document.checks.primitives import instances_of
from threed_workers.document.model import Json, issue
from threed_workers.quality.profiles import Profile
from threed_workers.quality.subject import Subject

_GLB_HEADERS = 28  # of the file and of its two chunks


def check_budget(subject: Subject, profile: Profile) -> Iterator[Json]:
    """OVER_BUDGET_TRIANGLES, _DRAW_CALLS, _MATERIALS, _TEXTURE_SIZE, _TEXTURE_SHAPE and _FILE_SIZE."""
    triangles, calls = drawn(subject)
    yield from _over("TRIANGLES", "/meshes", triangles, profile.triangles, "triangles drawn", "Simplify it.", profile)
    yield from _draw_calls(calls, profile)
    count = len(subject.document.all("materials"))
    yield from _over("MATERIALS", "/materials", count, profile.materials, "materials", "Join materials.", profile)
    yield from _pictures(subject, profile)
    if profile.file_bytes is not None:
        size = glb_bytes(subject.document) if subject.file_bytes is None else subject.file_bytes
        remedy = "Compress textures and geometry."
        yield from _over("FILE_SIZE", "", size, profile.file_bytes, "bytes as GLB", remedy, profile)


def drawn(subject: Subject) -> tuple[int, int]:
    """(triangles, draw calls) of the default scene. Instances are drawn in one call, and have triangles each."""
    document, triangles, calls = subject.document, 0, 0
    for number, _ in subject.draws:
        node = document.all("nodes")[number]
        triangles += subject.triangles[node["mesh"]] * instances_of(document, node)
        calls += len(document.all("meshes")[node["mesh"]]["primitives"])
    return triangles, calls


def glb_bytes(document: Document) -> int:
    """The size that the document has as GLB. Nothing is copied but the JSON."""
    packed = pack(document)
    sizes = (len(orjson.dumps(packed.json)), packed.pieces.size)
    return _GLB_HEADERS + sum(size + -size % 4 for size in sizes)


def _draw_calls(calls: int, profile: Profile) -> Iterator[Json]:
    """Above the highest number it is an ERROR: the target no longer draws it smoothly at all."""
    hard = profile.draw_calls_max is not None and calls > profile.draw_calls_max
    limit = profile.draw_calls_max if hard else profile.draw_calls
    remedy = "Join primitives of the same material, or use instances."
    yield from _over(
        "DRAW_CALLS", "/nodes", calls, limit, "draw calls", remedy, profile, "ERROR" if hard else "WARNING"
    )


def _pictures(subject: Subject, profile: Profile) -> Iterator[Json]:
    for number in range(len(subject.document.all("images"))):
        picture = subject.picture(number)
        if picture is None:
            continue
        where, edges = f"/images/{number}", (picture.width_px, picture.height_px)
        what = "pixels along the longest edge"
        yield from _over("TEXTURE_SIZE", where, max(edges), profile.texture_px, what, "Scale it down.", profile)
        if profile.power_of_two and any(edge & (edge - 1) for edge in edges):
            text = f"The picture has {edges[0]} x {edges[1]} pixels, and the target {profile.name} wants powers of two."
            yield issue("OVER_BUDGET_TEXTURE_SHAPE", "WARNING", where, f"{text} Scale it.")


def _over(
    what: str, pointer: str, count: int, limit: int | None, unit: str, remedy: str, profile: Profile, severity="WARNING"
) -> Iterator[Json]:
    if limit is not None and count > limit:
        text = f"{count} {unit}; the target {profile.name} wants at most {limit}. {remedy}"
        yield issue(f"OVER_BUDGET_{what}", severity, pointer, text)
