"""Every index that a document holds into its own lists: where they stand, and how entries go without breaking them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from threed_workers.document.checks.references import TABLE, texture_infos
from threed_workers.document.model import Document, Json, issue

LIGHTS, VARIANTS = "lights", "variants"
_ROOTS = {LIGHTS: "KHR_lights_punctual", VARIANTS: "KHR_materials_variants"}
KINDS = frozenset(
    "accessors animations buffers bufferViews cameras images materials meshes nodes samplers scenes skins textures "
    "lights variants".split()
)

_PRIMITIVE = "meshes/*/primitives/*/extensions"
_NODE = "nodes/*/extensions"
_BODY = f"{_NODE}/KHR_physics_rigid_bodies"
_TABLES = "extensions/EXT_structural_metadata"
_VRM = "extensions/VRMC_vrm"
_SPRINGS = "extensions/VRMC_springBone"
# What the structure checks do not look at, because nothing draws it. `*` is any entry of a list, `+` of an object.
_MORE = (
    (f"{_NODE}/MSFT_lod/ids/*", "nodes"),
    ("materials/*/extensions/MSFT_lod/ids/*", "materials"),
    ("textures/*/extensions/MSFT_texture_dds/source", "images"),
    (f"{_PRIMITIVE}/CESIUM_primitive_outline/indices", "accessors"),
    ("meshes/*/extensions/EXT_mesh_manifold/manifoldPrimitive/indices", "accessors"),
    ("meshes/*/extensions/EXT_mesh_manifold/manifoldPrimitive/attributes/+", "accessors"),
    ("meshes/*/extensions/EXT_mesh_manifold/mergeIndices", "accessors"),
    ("meshes/*/extensions/EXT_mesh_manifold/mergeValues", "accessors"),
    (f"{_PRIMITIVE}/EXT_mesh_features/featureIds/*/texture/index", "textures"),
    (f"{_TABLES}/propertyTables/*/properties/+/values", "bufferViews"),
    (f"{_TABLES}/propertyTables/*/properties/+/arrayOffsets", "bufferViews"),
    (f"{_TABLES}/propertyTables/*/properties/+/stringOffsets", "bufferViews"),
    (f"{_TABLES}/propertyTextures/*/properties/+/index", "textures"),
    ("extensions/EXT_lights_image_based/lights/*/specularImages/*/*", "images"),
    ("extensions/KHR_audio_emitter/audio/*/bufferView", "bufferViews"),
    (f"{_BODY}/collider/geometry/node", "nodes"),
    (f"{_BODY}/collider/geometry/mesh", "meshes"),
    (f"{_BODY}/trigger/geometry/node", "nodes"),
    (f"{_BODY}/trigger/geometry/mesh", "meshes"),
    (f"{_BODY}/trigger/nodes/*", "nodes"),
    (f"{_BODY}/joint/connectedNode", "nodes"),
    (f"{_VRM}/humanoid/humanBones/+/node", "nodes"),
    (f"{_VRM}/firstPerson/meshAnnotations/*/node", "nodes"),
    (f"{_VRM}/expressions/+/+/morphTargetBinds/*/node", "nodes"),
    (f"{_VRM}/expressions/+/+/materialColorBinds/*/material", "materials"),
    (f"{_VRM}/expressions/+/+/textureTransformBinds/*/material", "materials"),
    (f"{_VRM}/meta/thumbnailImage", "images"),
    (f"{_SPRINGS}/colliders/*/node", "nodes"),
    (f"{_SPRINGS}/springs/*/joints/*/node", "nodes"),
    (f"{_SPRINGS}/springs/*/center", "nodes"),
    (f"{_NODE}/VRMC_node_constraint/constraint/roll/source", "nodes"),
    (f"{_NODE}/VRMC_node_constraint/constraint/aim/source", "nodes"),
    (f"{_NODE}/VRMC_node_constraint/constraint/rotation/source", "nodes"),
)
_ALL = tuple((pattern.split("/"), kind.rpartition("/")[2]) for pattern, kind in TABLE + _MORE)

# Extensions whose every index is in the tables above, in a `*Texture` of a material, or which have none. Materials'
# extensions need no place in it: they refer to textures only, by keys that end in Texture.
KNOWN = frozenset(
    """
    AGI_articulations AGI_stk_metadata CESIUM_RTC CESIUM_primitive_outline EXT_instance_features
    EXT_lights_image_based EXT_mesh_features EXT_mesh_gpu_instancing EXT_mesh_manifold EXT_meshopt_compression
    EXT_structural_metadata EXT_texture_avif EXT_texture_webp FB_geometry_metadata KHR_animation_pointer
    KHR_audio_emitter KHR_draco_mesh_compression KHR_gaussian_splatting KHR_implicit_shapes KHR_lights_punctual
    KHR_materials_variants KHR_mesh_quantization KHR_node_hoverability KHR_node_selectability KHR_node_visibility
    KHR_physics_rigid_bodies KHR_texture_basisu KHR_texture_transform KHR_xmp KHR_xmp_json_ld MSFT_lod
    MSFT_packing_normalRoughnessMetallic MSFT_packing_occlusionRoughnessMetallic MSFT_texture_dds VRMC_materials_mtoon
    VRMC_node_constraint VRMC_springBone VRMC_vrm
    """.split()
)
_MATERIALS = ("KHR_materials_", "EXT_materials_", "ADOBE_materials_")


class Pointer:
    """The index inside a JSON pointer of KHR_animation_pointer, read and written like an entry of an object."""

    def __init__(self, target: Json, place: int):
        self._target, self._place = target, place

    @property
    def rest(self) -> str:
        """What the pointer names within the entry: "weights/0"."""
        return "/".join(self._target["pointer"].split("/")[self._place + 1 :])

    def __getitem__(self, key: str) -> int:
        return int(self._target["pointer"].split("/")[self._place])

    def __setitem__(self, key: str, index: int) -> None:
        tokens = self._target["pointer"].split("/")
        tokens[self._place] = str(index)
        self._target["pointer"] = "/".join(tokens)


def references(document: Document) -> Iterator[tuple[str, Any, Any]]:
    """(kind, owner, key): `owner[key]` is an index into the list of that kind, and may be set.

    Kinds are the names of the root lists; "lights" and "variants" are those of their extensions. The indices of an
    animation's channels into its own samplers are not among them, nor are indices past the end of their list, which
    the structure checks allow in extensions that nothing draws. Known extensions only: see `opaque`.
    """
    counts = {kind: len(entries(document, kind)) for kind in KINDS}
    for kind, owner, key in _written(document):
        if 0 <= owner[key] < counts[kind]:
            yield kind, owner, key


def _written(document: Document) -> Iterator[tuple[str, Any, Any]]:
    for tokens, kind in _ALL:
        for owner, key in _slots(document.json, tokens):
            yield kind, owner, key
    for material in document.all("materials"):
        for _, info in texture_infos(material, ""):
            if isinstance(info, dict) and _is_index(info.get("index")):
                yield "textures", info, "index"
    tokens = "animations/*/channels/*/target/extensions/KHR_animation_pointer/pointer".split("/")
    for target, _ in _slots(document.json, tokens, wanted=lambda value: isinstance(value, str)):
        path = target["pointer"].split("/")
        place = 4 if path[1:2] == ["extensions"] else 2
        if len(path) > place and path[place - 1] in KINDS and re.fullmatch("[0-9]{1,10}", path[place]):
            yield path[place - 1], Pointer(target, place), "index"


def pointers(document: Document, kind: str) -> Iterator[tuple[str, Pointer, str]]:
    """Of the references to a kind, those of animated properties; `rest` of each says which property."""
    for found, owner, key in references(document):
        if found == kind and isinstance(owner, Pointer):
            yield found, owner, key


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _slots(owner: Any, tokens: list[str], wanted: Callable[[Any], bool] = _is_index) -> Iterator[tuple[Any, Any]]:
    """(owner, key) of everything that the pattern names, that is there, and that is an index."""
    token, rest = tokens[0], tokens[1:]
    if token == "*":
        keys: Iterable = range(len(owner)) if isinstance(owner, list) else ()
    elif not isinstance(owner, dict):
        keys = ()
    else:
        keys = owner if token == "+" else (token,) if token in owner else ()
    for key in keys:
        if rest:
            yield from _slots(owner[key], rest, wanted)
        elif wanted(owner[key]):
            yield owner, key


def extension_objects(document: Document) -> Iterator[tuple[str, Any]]:
    """(name, object) of every extension in use anywhere but in extras."""
    rest: list = [document.json]
    while rest:
        entry = rest.pop()
        if isinstance(entry, list):
            rest += entry
        elif isinstance(entry, dict):
            extensions = entry.get("extensions")
            if isinstance(extensions, dict):
                yield from extensions.items()
            rest += [value for key, value in entry.items() if key != "extras" and isinstance(value, dict | list)]


def opaque(document: Document) -> list[str]:
    """Names of extensions that may hold indices where nobody here can tell.

    An unknown extension without a whole number and without a JSON pointer cannot refer to anything, and is none.
    """
    found = set()
    for name, content in extension_objects(document):
        if name not in KNOWN and not name.startswith(_MATERIALS) and name not in found and _may_refer(content):
            found.add(name)
    return sorted(found)


def _may_refer(content: Any) -> bool:
    rest = [content]
    while rest:
        entry = rest.pop()
        if _is_index(entry) or (isinstance(entry, str) and entry.startswith("/")):
            return True
        if isinstance(entry, dict | list):
            rest += entry.values() if isinstance(entry, dict) else entry
    return False


def may_renumber(document: Document) -> bool:
    """Whether entries may go. If an unknown extension forbids it, an issue says so, once."""
    names = opaque(document)
    if names and not any(found["code"] == "UNKNOWN_EXTENSION_KEPT" for found in document.issues):
        text = (
            f"{', '.join(names[:5])} may refer to anything by its number, so nothing was renumbered: parts of the "
            "file that nothing else uses are still in it."
        )
        document.issues.append(issue("UNKNOWN_EXTENSION_KEPT", "INFO", "/extensionsUsed", text))
    return not names


def entries(document: Document, kind: str) -> list:
    """The list of that kind; for "lights" and "variants" that of the extension. Empty when there is none."""
    if kind not in _ROOTS:
        return document.all(kind)
    return ((document.json.get("extensions") or {}).get(_ROOTS[kind]) or {}).get(kind) or []


def remove(document: Document, kind: str, indices: Iterable[int]) -> bool:
    """Delete these entries of a list and renumber every reference to the others. False when nothing may be renumbered.

    Nothing may refer to them any more, or ValueError is raised and nothing is changed. A list that gets empty goes;
    so does the root object of its extension. Pictures, buffers and what is cached by index move along.
    """
    gone = set(indices)
    if not gone:
        return True
    if not may_renumber(document):
        return False
    count = len(entries(document, kind))
    kept = [old for old in range(count) if old not in gone]
    places = {old: new for new, old in enumerate(kept)}
    found = [(owner, key, owner[key]) for other, owner, key in references(document) if other == kind]
    for _, key, old in found:
        if old not in places:
            raise ValueError(f"{kind} {old} is still referred to by {key!r}")
    for owner, key, old in found:
        owner[key] = places[old]
    _keep(document, kind, kept)
    for cache in _caches(document, kind):
        moved = {places[old]: value for old, value in cache.items() if old in places}
        cache.clear()
        cache.update(moved)
    return True


def _keep(document: Document, kind: str, kept: list[int]) -> None:
    values = [entries(document, kind)[old] for old in kept]
    if kind == "buffers":
        document.buffers = [document.buffers[old] for old in kept]
    if kind not in _ROOTS:
        document.json[kind] = values
        if not values:
            del document.json[kind]
        return
    extensions = document.json["extensions"]
    extensions[_ROOTS[kind]][kind] = values
    if not values:
        del extensions[_ROOTS[kind]]
        if not extensions:
            del document.json["extensions"]


def _caches(document: Document, kind: str) -> list[dict]:
    if kind == "accessors":
        return [document.unpacked, document.bounds]
    return {"bufferViews": [document.decoded], "images": [document.pictures]}.get(kind, [])
