"""Materials without lighting."""

from __future__ import annotations

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit
from threed_workers.document.model import Json, extension
from threed_workers.transforms._channels import drop_channels
from threed_workers.transforms._leftovers import remove_orphans, used

UNLIT = "KHR_materials_unlit"
_GLOSSY = "KHR_materials_pbrSpecularGlossiness"
_KEPT = ("name", "extras", "alphaMode", "alphaCutoff", "doubleSided")
_LIGHTING = ("KHR_materials_", "EXT_materials_", "ADOBE_materials_", "VRMC_materials_", "MSFT_packing_")
# What a reader shows that does not know the extension: its specification asks for rough and not metallic.
_FALLBACK = {"metallicFactor": 0.0, "roughnessFactor": 0.9}
_LIT_MODES = (4, 5, 6)


def changes(options: recipes_pb2.Unlit) -> frozenset[str]:
    return frozenset(("textures", "images", "samplers", "animations", "channels", "keyframes", "extensions"))


def apply(document: Document, options: recipes_pb2.Unlit) -> Document:
    """Keep of every material its base colour, alpha mode and sidedness, and show it with KHR_materials_unlit.

    Triangles without a material get a white one. Textures and animations of what went go too; vertex data stays.
    """
    before = used(document)
    for number, material in enumerate(document.all("materials")):
        document.json["materials"][number] = _flat(material)
    drop_channels(document, lambda pointer: pointer.startswith("/materials/") and not _stays(pointer))
    bare = [primitive for _, primitive in document.primitives() if "material" not in primitive]
    bare = [primitive for primitive in bare if primitive.get("mode", 4) in _LIT_MODES]
    if bare:
        document.json.setdefault("materials", []).append(_flat({}))
    for primitive in bare:
        primitive["material"] = len(document.json["materials"]) - 1
    if document.all("materials"):
        edit.use(document, UNLIT)
    remove_orphans(document, before, ("textures", "samplers", "images"))
    for name in list(document.all("extensionsUsed")):
        if name.startswith(_LIGHTING) or name.startswith(("KHR_texture_", "EXT_texture_")):
            edit.unuse(document, name)
    return document


def _flat(material: Json) -> Json:
    base = dict(_FALLBACK)
    glossy = extension(material, _GLOSSY)
    source = material.get("pbrMetallicRoughness") or {}
    found = [("baseColorFactor", source), ("baseColorTexture", source)]
    if glossy is not None:
        found = [("diffuseFactor", glossy), ("diffuseTexture", glossy)]
    for (key, owner), name in zip(found, ("baseColorFactor", "baseColorTexture"), strict=True):
        if key in owner:
            base[name] = owner[key]
    extensions = material.get("extensions") or {}
    kept = {name: value for name, value in extensions.items() if not name.startswith(_LIGHTING)}
    out = {key: material[key] for key in _KEPT if key in material}
    return out | {"pbrMetallicRoughness": base, "extensions": kept | {UNLIT: {}}}


def _stays(pointer: str) -> bool:
    """Whether what the pointer names is still there: base colour, its texture's transform, the cutoff."""
    rest = pointer.split("/", 3)[-1]
    return rest.startswith(("pbrMetallicRoughness/baseColor", "alphaCutoff"))
