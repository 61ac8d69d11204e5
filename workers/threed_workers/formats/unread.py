"""What a file looks like that no format of ours reads: for a refusal that helps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from threed.errors import FileFormatUnknown
from threed.sniffing import NEVER
from threed_workers.formats.source import Source

# (offset, bytes there, what it is): what the server refuses at the door, and what may be read one day.
_SIGNATURES = (
    *NEVER,
    (0, b"Kaydara FBX Binary", "a binary FBX model that a transfer as text has damaged"),
    (0, b"\xabKTX ", "a KTX texture"),
    (0, b"DRACO", "a bare Draco mesh"),
    (0, b"BLENDER", "a Blender file"),
    (0, b"PK", "a zip archive"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"BM", "a BMP picture"),
    (0, b"DDS ", "a DDS texture"),
    (0, b"II*\0", "a TIFF picture"),
    (0, b"MM\0*", "a TIFF picture"),
    (0, b"8BPS", "a Photoshop picture"),
)

_TEXTS = (
    (r"\s*newmtl |(#.*\n|\s)*newmtl ", "a material library without its OBJ"),
    (r"(?s).{0,2000}<svg", "an SVG drawing"),
    (r"(?is)\s*(<!doctype html|<html)", "a web page"),
    (r"\s*<\?xml", "an XML file"),
    (r"\s*[\[\"{]", "JSON, and not a glTF object"),
)

READ = (
    "glTF, GLB, FBX, OBJ, STL, PLY, OFF, 3MF, AMF, 3DS, COLLADA, X3D, VRML, "
    "USD, USDZ, STEP, LAS, LAZ, E57, PNG, JPEG, WebP, HDR and EXR"
)


def refuse(source: Source) -> NoReturn:
    """Raises FileFormatUnknown with what the content looks like."""
    what = looks_like(source)
    if what is None:
        sentence = f"The content is of no known format. This server reads {READ}."
    else:
        sentence = f"The content looks like {what}, which this server does not read. It reads {READ}."
    raise FileFormatUnknown(sentence, where="byte 0", looks_like=what or "nothing known")


def archive_looks_like(files: dict[str, Path]) -> str | None:
    """The same for what a zip holds."""
    found = (looks_like(Source(path, name)) for name, path in files.items() if path.stat().st_size)
    return next((what for what in found if what is not None), None)


def looks_like(source: Source) -> str | None:
    """A phrase like "a STEP model", or None."""
    head = source.head
    for offset, signature, what in _SIGNATURES:
        if head[offset : offset + len(signature)] == signature:
            return what
    if source.tail.endswith(b"TRUEVISION-XFILE.\0"):
        return "a TGA picture"
    text = source.text_head()
    if text is None:
        return None
    return next((what for pattern, what in _TEXTS if re.match(pattern, text)), None)
