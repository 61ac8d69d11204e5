"""STEP (ISO 10303-21: AP203, AP214, AP242) through OpenCASCADE: exact solids, cut to triangles.

The reader writes a GLB in metres with +Z up, with the names, the colours and the tree of the assembly; a node above it
turns it to +Y up. Files that a STEP refers to are not read.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from threed.errors import FileFeatureUnsupported, FileMalformed, FileTruncated
from threed_workers.budget import Budget
from threed_workers.document import Document, issue, loss, read_glb
from threed_workers.document.checks import check
from threed_workers.formats.source import Source
from threed_workers.formats.step_text import check_text
from threed_workers.formats.step_unit import length_unit

name = "step"
media_type = "model/step"
extensions = (".step", ".stp", ".p21")
asset_type = "MODEL"

# How far triangles may stand off the surface: a thousandth of each edge's length, and 20 degrees from one to the next.
# Relative, because a watch and a ship are both models. On two CAD parts: 5,700 and 2,000 triangles in 0.2 s; a tenth
# of the distance doubles that.
DEFLECTION, TURN_RAD = 0.001, 0.35

_SIGNATURE = re.compile(rb"\s*(/\*.*?\*/\s*)*ISO-10303-21\s*;", re.DOTALL)
# OpenCASCADE opens the files that these name, wherever they lie.
_EXTERNAL = re.compile(rb"\bDOCUMENT_FILE\b", re.IGNORECASE)
_UNREAD = {
    b"GEOMETRIC_TOLERANCE": "tolerances", b"DIMENSIONAL_SIZE": "dimensions", b"DIMENSIONAL_LOCATION": "dimensions",
    b"DRAUGHTING_CALLOUT": "annotations", b"ANNOTATION_OCCURRENCE": "annotations", b"DATUM": "datums",
    b"PRESENTATION_LAYER_ASSIGNMENT": "layers", b"VIEW_VOLUME": "views",
}  # fmt: skip
_ENTITY = re.compile(rb"=\s*(ADVANCED_FACE|FACE_SURFACE|" + b"|".join(_UNREAD) + rb")\s*\(")
_Z_UP = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]


def recognise(source: Source) -> bool:
    """The first word is the standard's number."""
    return _SIGNATURE.match(source.head) is not None


def read(source: Source, budget: Budget) -> Document:
    """The assembly as nodes, each solid as a mesh."""
    text = bytes(source.data)
    if not re.search(rb"END-ISO-10303-21\s*;", text[-4096:]):
        raise FileTruncated("The file has no end (END-ISO-10303-21). Upload it whole.", where=f"byte {len(text)}")
    check_text(text)
    with TemporaryDirectory() as folder:
        document = read_glb(memoryview(_tessellated(text, Path(folder))), budget)
    check(document, budget)
    _stand_up(document)
    document.json["asset"]["extras"] = {"threed": {"source_unit_m": length_unit(text), "source_up": "Z"}}
    _tell(document, text)
    return document


def _tessellated(text: bytes, folder: Path) -> bytes:
    """The GLB that OpenCASCADE makes. Raises FileMalformed where it makes none."""
    try:
        import cascadio
    except ImportError:
        raise FileFeatureUnsupported(
            "No reader of STEP is installed here: cascadio. Install it: pip install 'threed[step]'.", where="byte 0"
        ) from None
    given, made = folder / "given.step", folder / "made.glb"
    given.write_bytes(_EXTERNAL.sub(b"DOCUMENT_NOTE", text))
    try:
        status = cascadio.step_to_glb(
            str(given),
            str(made),
            tol_linear=DEFLECTION,
            tol_relative=True,
            tol_angular=TURN_RAD,
            merge_primitives=True,
            use_parallel=False,
            include_materials=True,
        )
    except RuntimeError as error:
        raise FileMalformed(f"The solids cannot be read: {str(error)[:200]}", where="DATA") from None
    if status or not made.exists():
        raise FileMalformed(
            "No solid or surface can be read from the file: it breaks the rules of STEP, or holds none. Export it "
            "again as AP214 or AP242, with solids.",
            where="DATA",
        )
    return made.read_bytes()


def _stand_up(document: Document) -> None:
    """A node above everything that turns +Z up to +Y up."""
    nodes = document.json.setdefault("nodes", [])
    for scene in document.all("scenes"):
        if scene.get("nodes"):
            nodes.append({"name": "+Z up", "matrix": _Z_UP, "children": scene["nodes"]})
            scene["nodes"] = [len(nodes) - 1]
    if not nodes:
        del document.json["nodes"]


def _tell(document: Document, text: bytes) -> None:
    found = Counter(match.group(1) for match in _ENTITY.finditer(text))
    faces = found.pop(b"ADVANCED_FACE", 0) + found.pop(b"FACE_SURFACE", 0)
    if faces:
        reason = "Exact surfaces come in as triangles, within a thousandth of the length of their edges."
        document.losses.append(loss("exact surfaces", faces, reason))
    others: Counter[str] = Counter()
    for entity, count in found.items():
        others[_UNREAD[entity]] += count
    document.losses += [loss(feature, count, "glTF has no word for it.") for feature, count in sorted(others.items())]
    external = len(_EXTERNAL.findall(text))
    if external:
        document.losses.append(loss("external files", external, "Files that the STEP refers to are not read."))
    if not document.all("meshes"):
        document.issues.append(issue("MODEL_EMPTY", "WARNING", "", "The file holds no solid and no surface."))
