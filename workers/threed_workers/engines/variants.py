"""KHR_materials_variants: several looks of one model in one file."""

from __future__ import annotations

from dataclasses import replace

from threed_workers.document import Document
from threed_workers.document.model import Json, extension

_VARIANTS = "KHR_materials_variants"


def variant_names(document: Document) -> list[str]:
    """In their order; an entry without a name is empty."""
    return [str(entry.get("name") or "") for entry in (extension(document.json, _VARIANTS) or {}).get("variants") or []]


def in_variant(document: Document, name: str) -> Document:
    """The document in the materials that the variant `name` maps its primitives to. Others keep their own."""
    number = variant_names(document).index(name)
    meshes = [
        {**mesh, "primitives": [_dressed(primitive, number) for primitive in mesh["primitives"]]}
        for mesh in document.all("meshes")
    ]
    return replace(document, json={**document.json, "meshes": meshes})


def _dressed(primitive: Json, number: int) -> Json:
    for mapping in (extension(primitive, _VARIANTS) or {}).get("mappings") or []:
        if number in mapping["variants"]:
            return {**primitive, "material": mapping["material"]}
    return primitive
