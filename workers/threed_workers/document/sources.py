"""Every picture of a glTF where its format belongs, and textures without one out of the materials.

glTF 2.0 section 3.8.2 has PNG and JPEG in a texture's `source`; WebP, AVIF and KTX2 belong into extensions, where some
exporters do not put them. Pictures of other formats, and those on the web, which are never fetched, nobody can show:
the materials show their factors instead. What a picture is, its first bytes decide, not its name.
"""

from __future__ import annotations

from collections.abc import Collection

from threed.errors import FileUriForbidden
from threed_workers.document.checks.references import texture_infos
from threed_workers.document.edit import unuse, use
from threed_workers.document.indices import may_renumber, references, remove
from threed_workers.document.model import Document, Json, extension, issue, loss
from threed_workers.document.uris import shown
from threed_workers.picture import media_type_of

# Where else than in `source` a texture may name its picture, by what the picture must be.
EXTENSIONS = {"image/ktx2": "KHR_texture_basisu", "image/webp": "EXT_texture_webp", "image/avif": "EXT_texture_avif"}
_PLAIN = ("image/png", "image/jpeg")


def settle_pictures(document: Document) -> None:
    """Move, or remove, what textures name wrongly. Pictures stay byte for byte, but for those that have no bytes.

    The document is checked already. Raises FileUriForbidden for a picture on the web that more than textures need.
    """
    absent = [number for number, image in enumerate(document.all("images")) if not _has_bytes(document, number, image)]
    types = {
        number: None if number in absent else media_type_of(document.picture(number))
        for number in range(len(document.all("images")))
    }
    for number, found in types.items():
        _name_type(document, number, found)
    bare = set()
    for place, texture in enumerate(document.all("textures")):
        _settle_extensions(document, texture, set(absent))
        if "source" in texture:
            _settle_source(document, place, texture, types[texture["source"]])
            if "source" not in texture and not _is_extended(texture):
                bare.add(place)
    lost = sum(drop_textures(material, bare) for material in document.all("materials"))
    if lost:
        reason = "Their pictures are on the web or of no format that glTF has; the materials show their factors."
        document.losses.append(loss("textures", lost, reason))
    if absent:
        _remove(document, absent)


def drop_textures(material: Json, gone: Collection[int]) -> int:
    """Remove the references to these textures from a material and its extensions; how many there were."""
    # By identity: keys may hold slashes, so a pointer does not always lead back.
    found = {id(info) for _, info in texture_infos(material, "") if info["index"] in gone}
    return _drop(material, found) if found else 0


def _drop(owner: Json, found: set[int], depth: int = 0) -> int:
    names = [name for name, value in owner.items() if id(value) in found]
    for name in names:
        del owner[name]
    if depth == 4:  # as deep as texture_infos looks
        return len(names)
    return len(names) + sum(_drop(value, found, depth + 1) for value in owner.values() if isinstance(value, dict))


def _has_bytes(document: Document, number: int, image: Json) -> bool:
    return number in document.pictures or "bufferView" in image


def _name_type(document: Document, number: int, found: str | None) -> None:
    """Write what a picture in a buffer view is where the file says something else, and enable its extension."""
    image = document.all("images")[number]
    if found is not None and "bufferView" in image:
        image["mimeType"] = found
    if found == "image/webp" and EXTENSIONS[found] not in document.all("extensionsUsed"):
        text = f"The picture is WebP, and extensionsUsed lacks {EXTENSIONS[found]}; it was added."
        document.issues.append(issue("IMAGE_NON_ENABLED_MIME_TYPE", "ERROR", f"/images/{number}", text))
        use(document, EXTENSIONS[found])


def _settle_extensions(document: Document, texture: Json, absent: set[int]) -> None:
    for name in EXTENSIONS.values():
        stated = extension(texture, name)
        if stated is not None and stated.get("source") in absent:
            del texture["extensions"][name]
            if not texture["extensions"]:
                del texture["extensions"]
            unuse(document, name)
            texture.setdefault("source", stated["source"])


def _settle_source(document: Document, place: int, texture: Json, found: str | None) -> None:
    if found in _PLAIN:
        return
    source, where = texture.pop("source"), f"/textures/{place}/source"
    name = EXTENSIONS.get(found or "")
    if name is None:
        text = f"Image {source} cannot be shown; materials do without this texture. Use PNG, JPEG, WebP or KTX2."
        document.issues.append(issue("TEXTURE_WITHOUT_PICTURE", "WARNING", where, text))
        return
    if extension(texture, name) is None:
        texture.setdefault("extensions", {})[name] = {"source": source}
        use(document, name, required=True)
    text = f"Image {source} is {found}, which belongs into {name}; it was put there."
    document.issues.append(issue("TEXTURE_SOURCE_MOVED", "WARNING", where, text))


def _is_extended(texture: Json) -> bool:
    return any(isinstance(value, dict) and "source" in value for value in (texture.get("extensions") or {}).values())


def _remove(document: Document, absent: list[int]) -> None:
    """Take images without bytes out of the list, which nothing but textures may have named."""
    others = [owner for kind, owner, key in references(document) if kind == "images" and owner[key] in absent]
    for number in absent:
        address, where = shown(document.all("images")[number]["uri"]), f"/images/{number}/uri"
        if others or not may_renumber(document):
            raise FileUriForbidden(
                f"The picture at {address} is on the web, which is never asked, and an extension needs it. "
                "Embed it, or put it beside the model in a zip.",
                where=where,
                uri=address,
            )
        text = f"The picture at {address} is on the web, which is never asked; it is left out. Embed it."
        document.issues.append(issue("IMAGE_NOT_FETCHED", "WARNING", where, text))
    document.losses.append(loss("images", len(absent), "They are on the web, which is never asked."))
    remove(document, "images", absent)
