"""Sentences that more than one check says."""

from __future__ import annotations

from threed_workers.quality.topology import Found


def near(found: Found) -> str:
    """Where the first of them lies."""
    return "" if found.place is None else " The first is near ({:.6g}, {:.6g}, {:.6g}).".format(*found.place)


def counted(count: int, one: str, many: str) -> str:
    """>>> counted(1, "edge", "edges"), counted(2, "edge", "edges")
    ('1 edge', '2 edges')
    """
    return f"{count} {one if count == 1 else many}"


def share(part: float, whole: float) -> str:
    """A part in percent, with as many digits as it needs to be none or all only when it is."""
    percent = 100 * part / whole
    return f"{percent:.0f} %" if 1 <= percent <= 99 else f"{percent:.3g} %"
