"""Materials, their variants, and their pictures."""

from __future__ import annotations

import re

from threed_workers.document import Document
from threed_workers.document.model import Json
from threed_workers.transforms._channels import drop_channels
from threed_workers.transforms._leftovers import drop_extension, remove_orphans, remove_unreferenced, used

_VARIANTS = "KHR_materials_variants"
_IN_TEXTURE = re.compile(r"/materials/\d+/.*Texture/.*")


def textures(document: Document) -> None:
    """What materials say of pictures, and every texture, picture and sampler that nothing else refers to."""
    for material in document.all("materials"):
        _drop_textures(material)
    drop_channels(document, lambda pointer: bool(_IN_TEXTURE.fullmatch(pointer)))
    remove_unreferenced(document, ("textures", "samplers", "images"))


def _drop_textures(owner: Json, depth: int = 0) -> None:
    """The slots, as `checks.references.texture_infos` finds them."""
    for key in [key for key in owner if key.endswith("Texture")]:
        del owner[key]
    for key, value in owner.items():
        if key != "extras" and isinstance(value, dict) and depth < 4:
            _drop_textures(value, depth + 1)


def variants(document: Document) -> None:
    """KHR_materials_variants, and materials that only they showed."""
    before = used(document)
    for _, primitive in document.primitives():
        drop_extension(primitive, _VARIANTS)
    drop_extension(document.json, _VARIANTS)
    remove_orphans(document, before)


def materials(document: Document) -> None:
    """All materials with their variants, textures and animations. What something else refers to stays in the list."""
    variants(document)
    for _, primitive in document.primitives():
        primitive.pop("material", None)
    drop_channels(document, lambda pointer: pointer.startswith("/materials/"))
    for material in document.all("materials"):
        drop_extension(material, "MSFT_lod")
    before = used(document)
    remove_unreferenced(document, ("materials",))
    remove_orphans(document, before, ("textures", "samplers", "images"))
