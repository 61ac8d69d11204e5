"""Has every textured surface the UV set that its textures read?"""

from __future__ import annotations

from collections.abc import Iterator

from threed_workers.document.model import Json, issue
from threed_workers.quality.subject import Subject
from threed_workers.quality.texturing import materials_of, uses


def check_uv_missing(subject: Subject) -> Iterator[Json]:
    """UV_MISSING: a texture reads TEXCOORD_n, and the primitive has none: one texel covers all of it."""
    document = subject.document
    read = {number: uses(document, number) for number in range(len(document.all("materials")))}
    for pointer, primitive in document.primitives():
        for material in materials_of(primitive):
            lacking = [use for use in read[material] if f"TEXCOORD_{use.uv_set}" not in primitive["attributes"]]
            if lacking:
                text = f"{lacking[0].pointer} reads TEXCOORD_{lacking[0].uv_set}, which the primitive does not have. "
                yield issue("UV_MISSING", "WARNING", pointer, text + "Unwrap it, or take the texture away.")
