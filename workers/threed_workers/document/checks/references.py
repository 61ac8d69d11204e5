"""Every index in the file points at something that exists: one table, one walk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from threed.errors import FileMalformed
from threed_workers.document.model import Document, Json

_MESHOPT = "extensions/EXT_meshopt_compression"
_DRACO = "extensions/KHR_draco_mesh_compression"
_INSTANCES = "extensions/EXT_mesh_gpu_instancing"

# (where the index stands, what it counts in). `*` is every entry of an array, `+` every value of an object.
TABLE = (
    ("scene", "scenes"),
    ("scenes/*/nodes/*", "nodes"),
    ("nodes/*/children/*", "nodes"),
    ("nodes/*/mesh", "meshes"),
    ("nodes/*/camera", "cameras"),
    ("nodes/*/skin", "skins"),
    (f"nodes/*/{_INSTANCES}/attributes/+", "accessors"),
    ("nodes/*/extensions/KHR_lights_punctual/light", "extensions/KHR_lights_punctual/lights"),
    ("meshes/*/primitives/*/indices", "accessors"),
    ("meshes/*/primitives/*/material", "materials"),
    ("meshes/*/primitives/*/attributes/+", "accessors"),
    ("meshes/*/primitives/*/targets/*/+", "accessors"),
    (f"meshes/*/primitives/*/{_DRACO}/bufferView", "bufferViews"),
    ("meshes/*/primitives/*/extensions/KHR_materials_variants/mappings/*/material", "materials"),
    (
        "meshes/*/primitives/*/extensions/KHR_materials_variants/mappings/*/variants/*",
        "extensions/KHR_materials_variants/variants",
    ),
    ("skins/*/joints/*", "nodes"),
    ("skins/*/skeleton", "nodes"),
    ("skins/*/inverseBindMatrices", "accessors"),
    ("animations/*/samplers/*/input", "accessors"),
    ("animations/*/samplers/*/output", "accessors"),
    ("animations/*/channels/*/target/node", "nodes"),
    ("accessors/*/bufferView", "bufferViews"),
    ("accessors/*/sparse/indices/bufferView", "bufferViews"),
    ("accessors/*/sparse/values/bufferView", "bufferViews"),
    ("bufferViews/*/buffer", "buffers"),
    (f"bufferViews/*/{_MESHOPT}/buffer", "buffers"),
    ("images/*/bufferView", "bufferViews"),
    ("textures/*/source", "images"),
    ("textures/*/sampler", "samplers"),
    ("textures/*/extensions/KHR_texture_basisu/source", "images"),
    ("textures/*/extensions/EXT_texture_webp/source", "images"),
    ("textures/*/extensions/EXT_texture_avif/source", "images"),
)


def check_references(document: Document) -> None:
    """Raises FileMalformed for an index that is no whole number or past the end, and for wrong types on the way."""
    root = document.json
    for pattern, target in TABLE:
        count = len(_list(root, target))
        for pointer, index in _values(root, pattern.split("/"), ""):
            _check(index, count, target, pointer)
    for number, material in enumerate(document.all("materials")):
        count = len(document.all("textures"))
        for pointer, info in texture_infos(material, f"/materials/{number}"):
            if not isinstance(info, dict):
                raise FileMalformed("A texture reference must be an object.", where=pointer)
            _check(info.get("index"), count, "textures", f"{pointer}/index")
    for number, animation in enumerate(document.all("animations")):
        count = len(animation.get("samplers") or [])
        for pointer, index in _values(animation, ["channels", "*", "sampler"], f"/animations/{number}"):
            _check(index, count, "samplers", pointer)


def texture_infos(owner: Json, pointer: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """(pointer, texture reference) of a material and of its extensions: every key that ends in Texture."""
    for key, value in owner.items():
        if key == "extras" or depth > 4:
            continue
        if key.endswith("Texture"):
            yield f"{pointer}/{key}", value
        elif isinstance(value, dict):
            yield from texture_infos(value, f"{pointer}/{key}", depth + 1)


def _check(index: object, count: int, target: str, pointer: str) -> None:
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        raise FileMalformed("An index must be a whole number of at least 0.", where=pointer)
    if index >= count:
        raise FileMalformed(f"The index is {index}, and {target} has {count} entries.", where=pointer)


def _list(root: Json, path: str) -> list:
    found: Any = root
    for key in path.split("/"):
        found = found.get(key, []) if isinstance(found, dict) else []
    return found if isinstance(found, list) else []


def _values(owner: Any, tokens: list[str], pointer: str) -> Iterator[tuple[str, Any]]:
    """(pointer, value) of everything that the pattern names and that is there."""
    if not tokens:
        yield pointer, owner
        return
    token, rest = tokens[0], tokens[1:]
    if token == "*":
        if not isinstance(owner, list):
            raise FileMalformed("This must be an array.", where=pointer)
        for number, entry in enumerate(owner):
            yield from _values(entry, rest, f"{pointer}/{number}")
        return
    if not isinstance(owner, dict):
        raise FileMalformed("This must be an object.", where=pointer)
    if token == "+":
        for key, entry in owner.items():
            yield from _values(entry, rest, f"{pointer}/{key}")
    elif token in owner:
        yield from _values(owner[token], rest, f"{pointer}/{token}")
