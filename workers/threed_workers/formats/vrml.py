"""VRML97 (ISO/IEC 14772-1), the text that X3D grew from: what is read is what x3d.py says. +Y is up, in metres."""

from __future__ import annotations

from threed.errors import FileFeatureUnsupported
from threed_workers.budget import Budget
from threed_workers.document import Document
from threed_workers.formats.source import Source
from threed_workers.formats.x3d_classic import read_world
from threed_workers.formats.x3d_document import document_of

name = "vrml"
media_type = "model/vrml"
extensions = (".wrl", ".vrml")
asset_type = "MODEL"

_MARK = b"\xef\xbb\xbf"


def recognise(source: Source) -> bool:
    """The first line begins with #VRML."""
    return source.head.removeprefix(_MARK).startswith(b"#VRML")


def read(source: Source, budget: Budget) -> Document:
    """Raises FileFeatureUnsupported for VRML 1.0, whose nodes mean other things."""
    line = source.head.removeprefix(_MARK).split(b"\n", 1)[0]
    if b"V1.0" in line:
        raise FileFeatureUnsupported(
            "This is VRML 1.0; VRML97 (2.0) is read. Export the model again as VRML97 or glTF.", where="line 1"
        )
    return document_of(read_world(source, budget))
