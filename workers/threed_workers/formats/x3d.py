"""X3D 3.0 to 4.0 (ISO/IEC 19775-1), in XML and in the text of ClassicVRML.

Groups, shapes, polygons, lines, points, solids, sweeps, materials, pictures, lights, viewpoints, and clocks that move
nodes are read. Scripts, prototypes, texts, sensors and other files (Inline) are counted as losses. +Y is up, and
lengths are metres unless the file names another unit.
"""

from __future__ import annotations

from threed_workers.budget import Budget
from threed_workers.document import Document
from threed_workers.formats import x3d_classic, x3d_xml
from threed_workers.formats.source import Source
from threed_workers.formats.x3d_document import document_of
from threed_workers.formats.xml import first_element

name = "x3d"
media_type = "model/x3d+xml"
extensions = (".x3d", ".x3dv")
asset_type = "MODEL"

_CLASSIC = b"#X3D"
_MARK = b"\xef\xbb\xbf"


def recognise(source: Source) -> bool:
    """The first element is <X3D>, or the first line begins with #X3D."""
    return _is_classic(source) or first_element(source.data) == "X3D"


def read(source: Source, budget: Budget) -> Document:
    """A node per node; a mesh per pair of geometry and appearance."""
    reader = x3d_classic if _is_classic(source) else x3d_xml
    return document_of(reader.read_world(source, budget))


def _is_classic(source: Source) -> bool:
    return source.head.removeprefix(_MARK).startswith(_CLASSIC)
