"""Are pictures of a size that graphics processors like?"""

from __future__ import annotations

from collections.abc import Iterator

from threed_workers.document.model import Json, issue
from threed_workers.quality.subject import Subject

LONGEST_PX = 8192


def check_texture_size(subject: Subject) -> Iterator[Json]:
    """TEXTURE_TOO_LARGE: an edge above 8192 pixels, which many devices refuse. TEXTURE_NOT_POWER_OF_TWO: a hint."""
    for number in range(len(subject.document.all("images"))):
        picture = subject.picture(number)
        if picture is None:
            continue
        size = f"{picture.width_px} x {picture.height_px} pixels"
        if max(picture.width_px, picture.height_px) > LONGEST_PX:
            text = f"The picture has {size}; many devices show at most {LONGEST_PX} a side. Scale it down."
            yield issue("TEXTURE_TOO_LARGE", "WARNING", f"/images/{number}", text)
        if any(edge & (edge - 1) for edge in (picture.width_px, picture.height_px)):
            text = f"The picture has {size}; powers of two mip, repeat and compress everywhere. Scale it."
            yield issue("TEXTURE_NOT_POWER_OF_TWO", "HINT", f"/images/{number}", text)
