"""A LAS of three points, coloured and classified, near a map's coordinates; and the same compressed."""

from __future__ import annotations

import datetime
import io
import struct

_OFFSETS = (500_000.0, 5_400_000.0, 100.0)
_POINTS = (  # steps of a millimetre from the offsets; intensity, class, colour
    ((0, 0, 0), 100, 2, (65535, 0, 0)),
    ((1000, 0, 500), 200, 6, (0, 65535, 0)),
    ((0, 2000, 1500), 300, 6, (0, 0, 65535)),
)


def las() -> bytes:
    """LAS 1.2, point format 2, written by hand."""
    head = b"LASF" + struct.pack("<HH16xBB32s32sHHHII", 0, 0, 1, 2, b"threed", b"threed", 1, 2026, 227, 227, 0)
    head += struct.pack("<BHI5I", 2, 26, len(_POINTS), len(_POINTS), 0, 0, 0, 0)
    head += struct.pack("<6d", 0.001, 0.001, 0.001, *_OFFSETS)
    for axis in range(3):
        steps = [place[axis] for place, *_ in _POINTS]
        head += struct.pack("<2d", *(_OFFSETS[axis] + end * 0.001 for end in (max(steps), min(steps))))
    rows = (
        struct.pack("<3iHBBbBH3H", *place, intensity, 0x09, kind, 0, 0, 1, *color)
        for place, intensity, kind, color in _POINTS
    )
    return head + b"".join(rows)


def laz() -> bytes:
    """The same through laspy."""
    import laspy

    points = laspy.read(io.BytesIO(las()))
    points.header.creation_date = datetime.date(2026, 1, 1)
    points.header.generating_software = "threed"
    out = io.BytesIO()
    points.write(out, do_compress=True, laz_backend=laspy.LazBackend.Lazrs)
    return out.getvalue()
