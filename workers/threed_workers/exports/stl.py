"""Binary STL (3D Systems 1989): triangles and nothing else, for printing.

STL has no unit and no axes. Slicers read millimetres and +Z up, so that is what is written unless the options say
otherwise; threed's own reader takes it the same way, and the model comes back in its size.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from threed_workers.document import Document
from threed_workers.document.placements import parts
from threed_workers.document.shapes import TRIANGLES
from threed_workers.exports.axes import Z_UP
from threed_workers.exports.dropped import dropped
from threed_workers.exports.export import Export
from threed_workers.mesh.flat import flat_normals

name = "stl"
media_type = "model/stl"
extension = "stl"

_HEADER, _MOST = 80, 0xFFFFFFFF
_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_BLOCK = 1 << 18  # triangles


@dataclass(frozen=True)
class StlOptions:
    """`millimetres`: numbers are millimetres, else metres. `z_up`: +Z is up, else +Y."""

    millimetres: bool = True
    z_up: bool = True


def write(document: Document, folder: Path, stem: str, options: StlOptions = StlOptions()) -> Export:
    """Every triangle of the default scene, in the world, with the normals of the triangles.

    Raises FileTooComplex beyond the budget.
    """
    turn = (Z_UP if options.z_up else np.eye(3)) * (1000.0 if options.millimetres else 1.0)
    file = f"{stem}.{extension}"
    count = 0
    with (folder / file).open("wb") as out:
        # "solid" at the beginning would make it look like a text.
        unit, up = "mm" if options.millimetres else "m", "Z" if options.z_up else "Y"
        out.write(f"binary STL by threed, unit {unit}, +{up} up".encode().ljust(_HEADER, b" ") + b"\0\0\0\0")
        for part in parts(document):
            if part.shape.corners != TRIANGLES:
                continue
            positions, elements = part.shape.positions @ turn.T, part.shape.elements
            for start in range(0, len(elements), _BLOCK):
                corners = positions[elements[start : start + _BLOCK]].astype(np.float32)
                records = np.zeros(len(corners), _RECORD)
                records["corners"], records["normal"] = corners, flat_normals(corners)[::3]
                out.write(records.tobytes())
            count += len(elements)
        out.seek(_HEADER, os.SEEK_SET)
        out.write(struct.pack("<I", min(count, _MOST)))
    return Export(file, media_type, dropped(document, name, ("triangles",)))
