"""GLB: everything, in one file (glTF 2.0 section 4)."""

from __future__ import annotations

from pathlib import Path

from threed_workers.document import Document, write_glb
from threed_workers.exports.export import Export

name = "glb"
media_type = "model/gltf-binary"
extension = "glb"


def write(document: Document, folder: Path, stem: str) -> Export:
    """The document as it is. Raises FileTooComplex above 4 GiB, which is what a GLB holds."""
    file = f"{stem}.{extension}"
    write_glb(document, folder / file)
    return Export(file, media_type)
