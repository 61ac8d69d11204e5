"""What each texture of a model is for: the one place that knows the slots of glTF 2.0 and of KHR_materials_*."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from threed_workers.document.checks.references import texture_infos
from threed_workers.document.indices import references
from threed_workers.document.model import Document, Json


class Kind(enum.Enum):
    """How the red, green and blue of a picture are meant."""

    COLOR = "color"  # sRGB (IEC 61966-2-1)
    NORMAL = "normal"  # a tangent space vector, linear
    DATA = "data"  # numbers, linear


@dataclass(frozen=True)
class Role:
    """What a picture is for. `coverage`: its alpha says how much of each colour is there; else it is one more number.

    Only base colours have coverage, and only where the material's alphaMode looks at it: an OPAQUE material shows the
    colour below an alpha of 0.
    """

    kind: Kind
    coverage: bool = False


COLOR, NORMAL, DATA = Role(Kind.COLOR), Role(Kind.NORMAL), Role(Kind.DATA)

# By slot, whatever object it stands in: no two extensions share a name.
SLOTS: dict[str, Kind] = {
    "baseColorTexture": Kind.COLOR,
    "metallicRoughnessTexture": Kind.DATA,
    "normalTexture": Kind.NORMAL,
    "occlusionTexture": Kind.DATA,
    "emissiveTexture": Kind.COLOR,
    "anisotropyTexture": Kind.DATA,  # KHR_materials_anisotropy: a direction in red and green, a strength in blue
    "clearcoatTexture": Kind.DATA,  # KHR_materials_clearcoat
    "clearcoatRoughnessTexture": Kind.DATA,
    "clearcoatNormalTexture": Kind.NORMAL,
    "diffuseRoughnessTexture": Kind.DATA,  # KHR_materials_diffuse_roughness
    "diffuseTransmissionTexture": Kind.DATA,  # KHR_materials_diffuse_transmission, in alpha
    "diffuseTransmissionColorTexture": Kind.COLOR,
    "iridescenceTexture": Kind.DATA,  # KHR_materials_iridescence
    "iridescenceThicknessTexture": Kind.DATA,
    "diffuseTexture": Kind.COLOR,  # KHR_materials_pbrSpecularGlossiness
    "specularGlossinessTexture": Kind.COLOR,  # glossiness, linear, in alpha
    "sheenColorTexture": Kind.COLOR,  # KHR_materials_sheen
    "sheenRoughnessTexture": Kind.DATA,  # in alpha
    "specularTexture": Kind.DATA,  # KHR_materials_specular, in alpha
    "specularColorTexture": Kind.COLOR,
    "transmissionTexture": Kind.DATA,  # KHR_materials_transmission
    "thicknessTexture": Kind.DATA,  # KHR_materials_volume
    "multiscatterColorTexture": Kind.COLOR,  # KHR_materials_volume_scatter
    "occlusionRoughnessMetallicTexture": Kind.DATA,  # MSFT_packing_*
    "roughnessMetallicOcclusionTexture": Kind.DATA,
    "normalRoughnessMetallicTexture": Kind.DATA,  # a normal in red and green only
    "clearcoatTintTexture": Kind.COLOR,  # ADOBE_materials_clearcoat_tint
    "shadeMultiplyTexture": Kind.COLOR,  # VRMC_materials_mtoon
    "matcapTexture": Kind.COLOR,
    "rimMultiplyTexture": Kind.COLOR,
}
# Slots that read alpha alone: they do not decide what the colours of a picture are.
_ALPHA_ONLY = frozenset(("diffuseTransmissionTexture", "sheenRoughnessTexture", "specularTexture"))
_WITH_COVERAGE = frozenset(("baseColorTexture", "diffuseTexture"))
# Where else than in `source` a texture may name its picture.
SOURCES = ("KHR_texture_basisu", "EXT_texture_avif", "EXT_texture_webp", "MSFT_texture_dds")


def role_of_slot(slot: str, material: Json) -> Role:
    """The role of a slot. Of a slot that no extension known here has, the name decides: colours say so."""
    guess = Kind.COLOR if "color" in slot.lower() else Kind.NORMAL if "normal" in slot.lower() else Kind.DATA
    covers = slot in _WITH_COVERAGE and material.get("alphaMode", "OPAQUE") != "OPAQUE"
    return Role(SLOTS.get(slot, guess), covers)


def image_roles(document: Document) -> list[Role | None]:
    """The role of every image, by index. Those that nothing shows are DATA, which changes them least.

    None: something other than a material reads the picture (numbers of features, image based lights), and may be
    wrong about every pixel that is averaged or rounded.
    """
    textures = document.all("textures")
    found: dict[int, dict[str, Role]] = defaultdict(dict)
    shown = set()
    for material in document.all("materials"):
        for pointer, info in texture_infos(material, ""):
            shown.add(id(info))
            slot = pointer.rsplit("/", 1)[-1]
            role = role_of_slot(slot, material)
            for image in sources(textures[info["index"]]):
                before = found[image].get(slot, role)
                found[image][slot] = Role(role.kind, role.coverage and before.coverage)
    exact = _read_elsewhere(document, shown)
    images = range(len(document.all("images")))
    return [None if number in exact else _together(found.get(number, {})) for number in images]


def _read_elsewhere(document: Document, shown: set[int]) -> set[int]:
    """Images that something else than a material's texture refers to. `shown`: identities of those references."""
    textures = document.all("textures")
    own = {id(owner) for texture in textures for owner in (texture, *(texture.get("extensions") or {}).values())}
    found = set()
    for kind, owner, key in references(document):
        if kind == "textures" and id(owner) not in shown:
            found |= set(sources(textures[owner[key]]))
        elif kind == "images" and id(owner) not in own:
            found.add(owner[key])
    return found


def sources(texture: Json) -> Iterator[int]:
    """Every image that a texture names: what knows most first, the plain `source` last."""
    extensions = texture.get("extensions") or {}
    named = [extensions[name].get("source") for name in SOURCES if isinstance(extensions.get(name), dict)]
    yield from (source for source in (*named, texture.get("source")) if source is not None)


def _together(slots: dict[str, Role]) -> Role:
    """One role for a picture with several: a colour is averaged as light, whatever else reads its channels."""
    deciding = [role for slot, role in slots.items() if slot not in _ALPHA_ONLY]
    kinds = {role.kind for role in deciding}
    kind = next((kind for kind in (Kind.COLOR, Kind.DATA, Kind.NORMAL) if kind in kinds), Kind.DATA)
    covers = bool(deciding) and len(deciding) == len(slots) and all(_covers(slot, role) for slot, role in slots.items())
    return Role(kind, kind is Kind.COLOR and covers)


def _covers(slot: str, role: Role) -> bool:
    """Emission has no alpha of its own: beside a base colour with coverage it changes nothing."""
    return role.coverage or slot == "emissiveTexture"
