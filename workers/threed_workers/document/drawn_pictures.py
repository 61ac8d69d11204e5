"""The pictures of the copy that renderers load: those that the raster engine opens, and AVIF as PNG.

Filament reads PNG, JPEG, WebP and Basis Universal in KTX2. An AVIF becomes a PNG with the same numbers, so that whether
they are sRGB or linear stays with the slot that reads them. Filament takes a texture as one of both, for all slots.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from threed.errors import FileRefused
from threed_workers.budget import Budget
from threed_workers.document.checks.references import texture_infos
from threed_workers.document.model import Document, Json, extension
from threed_workers.document.sources import EXTENSIONS, drop_textures
from threed_workers.textures import pixels
from threed_workers.textures.encodings import passing_png
from threed_workers.textures.roles import Kind, role_of_slot

AVIF = EXTENSIONS[pixels.AVIF_TYPE]
_BASIS = EXTENSIONS[pixels.KTX2_TYPE]
_AS_IT_IS = ("image/png", "image/jpeg", "image/webp")


def copy_pictures(document: Document, root: Json, add: Callable[[bytes | memoryview], int]) -> int:
    """Give `root`, a copy of the document's JSON, the pictures that are drawn, and no texture without one.

    `add` puts bytes into the copy and answers their buffer view. Answers how many references of materials to textures
    are gone: their pictures are missing, do not decode, or are of a format that is not drawn.
    """
    images = _Images(document, add)
    shown = []
    for number, texture in enumerate(root.get("textures") or []):
        _point(texture, document.all("textures")[number], images, root)
        if "source" in texture or any(extension(texture, name) for name in EXTENSIONS.values()):
            shown.append(number)
    gone = set(range(len(root.get("textures") or []))) - set(shown)
    lost = sum(drop_textures(material, gone) for material in root.get("materials") or [])
    if gone:
        _renumber(root, shown)
    _split(root)
    root.pop("images", None)
    if images.entries:
        root["images"] = images.entries
    return lost


class _Images:
    """The images of the copy, each made when the first texture names it."""

    def __init__(self, document: Document, add: Callable[[bytes | memoryview], int]):
        self._document, self._add = document, add
        self._places: dict[int, int | None] = {}
        self.entries: list[Json] = []

    def place(self, number: int | None) -> int | None:
        """Where an image of the document is in the copy; None when it is not drawn."""
        if number is None:
            return None
        if number not in self._places:
            self._places[number] = self._made(number)
        return self._places[number]

    def is_basis(self, place: int) -> bool:
        """Is it one that belongs into KHR_texture_basisu?"""
        return self.entries[place]["mimeType"] == pixels.KTX2_TYPE

    def _made(self, number: int) -> int | None:
        drawn = drawable(self._document.picture(number), f"/images/{number}")
        if drawn is None:
            return None
        media_type, data = drawn
        entry = {"bufferView": self._add(data), "mimeType": media_type}
        name = self._document.all("images")[number].get("name")
        self.entries.append(entry | ({"name": name} if isinstance(name, str) else {}))
        return len(self.entries) - 1


def drawable(data: memoryview, where: str) -> tuple[str, bytes | memoryview] | None:
    """(media type, bytes) of a picture as the raster engine reads it; None when it cannot."""
    found = pixels.media_type(data)
    if found == pixels.AVIF_TYPE:
        return _as_png(data, where)
    # A KTX2 is Basis Universal, which is transcoded, when its format is undefined (KTX 2.0 section 3.2).
    if found == pixels.KTX2_TYPE and bytes(data[12:16]) == b"\0\0\0\0":
        return found, data
    return (found, data) if found in _AS_IT_IS else None


def _as_png(data: memoryview, where: str) -> tuple[str, bytes] | None:
    try:
        values = pixels.decode(data, Budget(), where).values
    except FileRefused:
        return None
    return "image/png", passing_png(values)


def _point(texture: Json, original: Json, images: _Images, root: Json) -> None:
    """Let a texture of the copy name pictures of the copy. `original` has the extensions that are not drawn, too."""
    for name in EXTENSIONS.values():
        stated = extension(texture, name)
        place = images.place(stated.get("source")) if stated is not None else None
        if place is not None:
            texture["extensions"][name] = {"source": place}
        elif stated is not None:
            del texture["extensions"][name]
    place = images.place(texture.pop("source", None))
    if place is None and not texture.get("extensions"):
        place = images.place((extension(original, AVIF) or {}).get("source"))
    if place is not None and images.is_basis(place):
        _name_basis(texture, place, root)
    elif place is not None:
        texture["source"] = place
    if not texture.get("extensions", True):
        del texture["extensions"]


def _name_basis(texture: Json, place: int, root: Json) -> None:
    """A KTX2 picture belongs into its extension, where some exporters do not put it."""
    texture.setdefault("extensions", {}).setdefault(_BASIS, {"source": place})
    names = root.setdefault("extensionsUsed", [])
    names += [_BASIS] if _BASIS not in names else []


def _renumber(root: Json, shown: list[int]) -> None:
    """A texture without a picture makes the renderer refuse the file, used or not."""
    places = {old: new for new, old in enumerate(shown)}
    for material in root.get("materials") or []:
        for _, info in texture_infos(material, ""):
            info["index"] = places[info["index"]]
    textures = [root["textures"][number] for number in shown]
    del root["textures"]
    if textures:
        root["textures"] = textures


def _split(root: Json) -> None:
    """Give textures that are read as colours and as numbers a twin for the latter."""
    uses = [
        (info, role_of_slot(pointer.rsplit("/", 1)[-1], material).kind is Kind.COLOR)
        for material in root.get("materials") or []
        for pointer, info in texture_infos(material, "")
    ]
    colours = {info["index"] for info, is_colour in uses if is_colour}
    twins: dict[int, int] = {}
    for info, is_colour in uses:
        number = info["index"]
        if is_colour or number not in colours:
            continue
        if number not in twins:
            root["textures"].append(copy.deepcopy(root["textures"][number]))
            twins[number] = len(root["textures"]) - 1
        info["index"] = twins[number]
