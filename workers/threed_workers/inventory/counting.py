"""Count what a document has. The JSON is walked once; of the bytes only the headers of pictures are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from threed.errors import FileFormatUnknown
from threed_workers.document import Document
from threed_workers.document.checks.primitives import instances_of
from threed_workers.document.model import INSTANCING, Json, extension
from threed_workers.inspection import triangles_of
from threed_workers.inventory.features import PREFIX
from threed_workers.picture import probe

_POINTS, _LINES, _LINE_LOOP, _LINE_STRIP = range(4)
# Names of storage are not content: every step that moves bytes makes new accessors.
_UNNAMED = ("accessors", "bufferViews", "buffers")
# A hostile file may invent any number of extensions; the report has a row for each of the most used.
_MOST_EXTENSIONS, _LONGEST_NAME = 100, 80


def inventory(document: Document) -> dict[str, Any]:
    """The number of each feature (`FEATURES`) of a checked document, JSON-able.

    All values are int but for "extensions", the sorted names of `extensionsUsed`; each also has a row
    "extensions.<name>" with how many objects of that name there are, at least 1. "units" and "up" are there, as they
    stand, only when an importer wrote them to `asset.extras.threed`.
    """
    walked = _walk(document.json)
    found: dict[str, Any] = {
        **_lists(document),
        **_geometry(document),
        **_motion(document),
        "image_pixels": sum(_pixels(document, number) for number in range(len(document.all("images")))),
        "named_nodes": sum(_is_name(node.get("name")) for node in document.all("nodes")),
        "names": walked.names,
        "extras": walked.extras,
        "sparse_accessors": sum("sparse" in accessor for accessor in document.all("accessors")),
        "extensions": sorted({name[:_LONGEST_NAME] for name in document.all("extensionsUsed")}),
        **_extensions(document, walked.extensions),
    }
    return found | _source(document)


def _lists(document: Document) -> dict[str, int]:
    kinds = ("scenes", "nodes", "meshes", "materials", "textures", "images", "samplers", "animations", "skins")
    found = {kind: len(document.all(kind)) for kind in (*kinds, "cameras", "accessors")}
    for feature, owner in (("lights", "KHR_lights_punctual"), ("variants", "KHR_materials_variants")):
        entries = (extension(document.json, owner) or {}).get(feature)
        found[feature] = len(entries) if isinstance(entries, list) else 0
    return found


def _geometry(document: Document) -> dict[str, int]:
    found: Counter[str] = Counter()
    widest = 0
    for _, primitive in document.primitives():
        names = primitive["attributes"]
        uv_sets = _sets(names, "TEXCOORD_")
        widest = max(widest, uv_sets)
        found["primitives"] += 1
        found["vertices"] += _vertices(document, primitive)
        found["triangles"] += triangles_of(document, primitive)
        points, lines = _points_and_lines(document, primitive)
        found["points"] += points
        found["lines"] += lines
        found["uv_sets"] += uv_sets
        found["color_sets"] += _sets(names, "COLOR_")
        found["joint_sets"] += _sets(names, "JOINTS_")
        found["normals"] += "NORMAL" in names
        found["tangents"] += "TANGENT" in names
        found["custom_attributes"] += _sets(names, "_")
    for mesh in document.all("meshes"):
        found["morph_targets"] += max((len(entry.get("targets") or []) for entry in mesh["primitives"]), default=0)
    kinds = "primitives vertices triangles lines points uv_sets color_sets joint_sets normals tangents"
    kinds += " custom_attributes morph_targets"
    return {kind: found[kind] for kind in kinds.split()} | {"uv_sets_max": widest}


def _sets(names: Iterable[str], prefix: str) -> int:
    return sum(name.startswith(prefix) for name in names)


def _vertices(document: Document, primitive: Json) -> int:
    index = primitive["attributes"].get("POSITION")
    return document.all("accessors")[index]["count"] if index is not None else 0


def _points_and_lines(document: Document, primitive: Json) -> tuple[int, int]:
    mode = primitive.get("mode", 4)
    index = primitive.get("indices", primitive["attributes"].get("POSITION"))
    count = document.all("accessors")[index]["count"] if index is not None else 0
    lines = {_LINES: count // 2, _LINE_LOOP: count if count > 1 else 0, _LINE_STRIP: max(0, count - 1)}
    return (count if mode == _POINTS else 0), lines.get(mode, 0)


def _motion(document: Document) -> dict[str, int]:
    accessors, animations = document.all("accessors"), document.all("animations")
    return {
        "channels": sum(len(animation["channels"]) for animation in animations),
        "keyframes": sum(
            accessors[sampler["input"]]["count"] for animation in animations for sampler in animation["samplers"]
        ),
        "joints": len({joint for skin in document.all("skins") for joint in skin["joints"]}),
        "instances": sum(instances_of(document, node) for node in document.all("nodes") if extension(node, INSTANCING)),
    }


def _pixels(document: Document, image: int) -> int:
    """Pixels by the picture's own header; 0 for formats that nobody here reads."""
    try:
        picture = probe(document.picture(image), f"/images/{image}")
    except FileFormatUnknown:
        return 0
    return picture.width_px * picture.height_px


def _source(document: Document) -> dict[str, Any]:
    """What the importer noted of the source's frame (`Builder.note_source`): metres in a unit, and the upward axis."""
    found: Any = document.json.get("asset")
    for key in ("extras", "threed"):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        return {}
    unit, up = found.get("source_unit_m"), found.get("source_up")
    noted = {"units": float(unit)} if isinstance(unit, int | float) else {}
    return noted | ({"up": up} if isinstance(up, str) else {})


def _extensions(document: Document, uses: Counter[str]) -> dict[str, int]:
    uses |= Counter(dict.fromkeys((name[:_LONGEST_NAME] for name in document.all("extensionsUsed")), 1))
    kept = uses.most_common(_MOST_EXTENSIONS)
    rest = uses.total() - sum(count for _, count in kept)
    return {f"{PREFIX}{name}": count for name, count in sorted(kept)} | ({f"{PREFIX}others": rest} if rest else {})


class _Walked:
    """Names, extras and extension objects, wherever they are but within extras."""

    def __init__(self) -> None:
        self.names = 0
        self.extras = 0
        self.extensions: Counter[str] = Counter()


def _walk(root: Json) -> _Walked:
    found = _Walked()
    rest: list[tuple[Any, str]] = [(value, kind) for kind, value in root.items() if kind != "extras"]
    found.extras += bool(root.get("extras"))
    while rest:
        entry, kind = rest.pop()
        if isinstance(entry, list):
            rest += [(value, kind) for value in entry if isinstance(value, dict | list)]
        elif isinstance(entry, dict):
            if kind == "extensions":  # its keys are names of extensions, here and wherever it stands
                found.extensions.update(name[:_LONGEST_NAME] for name in entry)
                rest += [(value, "") for value in entry.values() if isinstance(value, dict | list)]
                continue
            found.names += kind not in _UNNAMED and _is_name(entry.get("name"))
            found.extras += kind != "buffers" and bool(entry.get("extras"))
            for key, value in entry.items():
                if key != "extras" and isinstance(value, dict | list):
                    rest.append((value, "extensions" if key == "extensions" else kind))
    return found


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != ""
