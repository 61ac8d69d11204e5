"""What a format cannot hold of a document, counted: one table of features, one sentence each.

An export names what it keeps; everything else that the document has becomes a loss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from threed_workers.document import Document, loss
from threed_workers.document.model import DRACO, MESHOPT, Json
from threed_workers.document.shapes import LINES, POINTS, TRIANGLES, corners_of
from threed_workers.document.world import scene_roots, world_matrices

# How something is stored, not what it is: reading undoes it.
_STORAGE = {DRACO, MESHOPT, "KHR_mesh_quantization", "EXT_texture_webp", "KHR_texture_basisu", "EXT_texture_avif"}
_REASONS = {
    "animations": "The format holds a still.",
    "skins": "The mesh is written in the pose that the file shows.",
    "morph targets": "The mesh is written with the weights that the file shows.",
    "cameras": "The format has no cameras.",
    "scenes": "The default scene is written.",
    "nodes outside of the scene": "The default scene is written.",
    "hierarchy": "The nodes are joined; where they stood is in the vertices.",
    "materials": "The format has no materials.",
    "textures": "The format has no textures.",
    "base colour textures": "The format has no place for them.",
    "metallic-roughness textures": "The format has no place for them.",
    "normal textures": "The format has no place for them.",
    "occlusion textures": "The format has no place for them.",
    "emissive textures": "The format has no place for them.",
    "normals": "The format has no normals of vertices.",
    "texture coordinates": "The format has no texture coordinates.",
    "further texture coordinates": "The format holds one set.",
    "vertex colours": "The format has no colours of vertices.",
    "further vertex colours": "The format holds one set.",
    "points": "The format has no points.",
    "lines": "The format has no lines.",
    "triangles": "The format has no triangles: their vertices are points.",
    "tangents": "They follow from the normals and the texture coordinates.",
    "custom attributes": "The format has no attributes of other names.",
    "extras": "The format has no place for data of applications.",
}
_SLOTS = {
    "base colour textures": ("pbrMetallicRoughness", "baseColorTexture"),
    "metallic-roughness textures": ("pbrMetallicRoughness", "metallicRoughnessTexture"),
    "normal textures": ("normalTexture",),
    "occlusion textures": ("occlusionTexture",),
    "emissive textures": ("emissiveTexture",),
}


def dropped(document: Document, file: str, keeps: Iterable[str], reasons: dict[str, str] | None = None) -> list[Json]:
    """The losses of an export: what the document has, less what the format `keeps`. `reasons` replaces sentences.

    Extensions are features under their own names.
    """
    kept, said = set(keeps), {**_REASONS, **(reasons or {})}
    found = {**_structure(document), **_geometry(document), **_looks(document), **_extensions(document)}
    found["extras"] = _count_keys(document.json, "extras")
    if "textures" not in kept:
        kept |= set(_SLOTS)  # said once is enough
    return [
        loss(feature, count, said.get(feature, "The format has no such thing."), file)
        for feature, count in sorted(found.items())
        if count and feature not in kept
    ]


def _structure(document: Document) -> dict[str, int]:
    nodes = document.all("nodes")
    inside = set(world_matrices(document, scene_roots(document))[0])
    meshes = document.all("meshes")
    targets = (max((len(p.get("targets") or []) for p in mesh["primitives"]), default=0) for mesh in meshes)
    return {
        "animations": len(document.all("animations")),
        "skins": len(document.all("skins")),
        "morph targets": sum(targets),
        "cameras": len(document.all("cameras")),
        "scenes": max(0, len(document.all("scenes")) - 1),
        "nodes outside of the scene": sum("mesh" in nodes[n] for n in range(len(nodes)) if n not in inside),
        "hierarchy": sum(bool(node.get("children")) for node in nodes),
    }


def _geometry(document: Document) -> dict[str, int]:
    """Counted in primitives."""
    found: Counter[str] = Counter()
    kinds = {POINTS: "points", LINES: "lines", TRIANGLES: "triangles"}
    for _, primitive in document.primitives():
        found[kinds[corners_of(primitive)]] += 1
        for name in primitive["attributes"]:
            found[_attribute(name)] += 1
    found.pop("", None)
    return dict(found)


def _attribute(name: str) -> str:
    if name.startswith(("POSITION", "JOINTS_", "WEIGHTS_")):
        return ""
    known = {
        "NORMAL": "normals",
        "TANGENT": "tangents",
        "TEXCOORD_0": "texture coordinates",
        "COLOR_0": "vertex colours",
    }
    if name.startswith(("TEXCOORD_", "COLOR_")):
        further = "further texture coordinates" if name.startswith("TEXCOORD_") else "further vertex colours"
        return known.get(name, further)
    return known.get(name, "custom attributes")


def _looks(document: Document) -> dict[str, int]:
    found = {"materials": len(document.all("materials")), "textures": len(document.all("textures"))}
    for feature, path in _SLOTS.items():
        found[feature] = sum(_has(material, path) for material in document.all("materials"))
    return found


def _has(owner: Json, path: tuple[str, ...]) -> bool:
    for key in path:
        owner = owner.get(key) if isinstance(owner, dict) else None
    return owner is not None


def _extensions(document: Document) -> dict[str, int]:
    """How many objects carry each extension. The root's declarations count where nothing else carries them."""
    found: Counter[str] = Counter()
    rest: list = [document.json]
    while rest:
        entry = rest.pop()
        if isinstance(entry, list):
            rest += entry
        elif isinstance(entry, dict):
            extensions = entry.get("extensions")
            if isinstance(extensions, dict) and entry is not document.json:
                found.update(extensions.keys())
            rest += [value for key, value in entry.items() if key != "extras"]
    at_root = document.json.get("extensions")
    for name in at_root if isinstance(at_root, dict) else ():
        found[name] = found[name] or 1
    return {name: count for name, count in found.items() if name not in _STORAGE}


def _count_keys(root: Json, key: str) -> int:
    count, rest = 0, [root]
    while rest:
        entry = rest.pop()
        if isinstance(entry, list):
            rest += entry
        elif isinstance(entry, dict):
            count += key in entry
            rest += [value for name, value in entry.items() if name != key]
    return count
