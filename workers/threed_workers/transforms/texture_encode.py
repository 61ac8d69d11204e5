"""Pictures in another encoding."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from threed.errors import RecipeInvalid
from threed.v1 import recipes_pb2
from threed_workers.budget import Budget
from threed_workers.document import Document, edit, issue
from threed_workers.document.model import Json
from threed_workers.textures import ktx2, store
from threed_workers.textures.encodings import encode
from threed_workers.textures.pixels import AVIF_TYPE, KTX2_TYPE, Pixels, media_type
from threed_workers.textures.resample import resample
from threed_workers.textures.roles import SOURCES, Kind, Role, image_roles, sources

_Encoding = recipes_pb2.TextureEncode
_TYPES = {
    _Encoding.JPEG: "image/jpeg",
    _Encoding.PNG: "image/png",
    _Encoding.WEBP: "image/webp",
    _Encoding.AVIF: AVIF_TYPE,
    _Encoding.KTX2: KTX2_TYPE,
    _Encoding.KTX2_UASTC: KTX2_TYPE,
    _Encoding.KTX2_ETC1S: KTX2_TYPE,
}
_EXTENSIONS = {"image/webp": "EXT_texture_webp", AVIF_TYPE: "EXT_texture_avif", KTX2_TYPE: "KHR_texture_basisu"}
_DEFAULT_QUALITY = 80


@dataclass(frozen=True)
class _Encoded:
    data: bytes
    media_type: str


def changes(options: recipes_pb2.TextureEncode) -> frozenset[str]:
    return frozenset(("images", "image_pixels", *(f"extensions.{name}" for name in SOURCES)))


def apply(document: Document, options: recipes_pb2.TextureEncode) -> Document:
    """Encode what each texture shows, once, and let the texture show that alone.

    WebP, AVIF and KTX2 need an extension, which is required then: there is no second picture for readers that do not
    know it. JPEG is for opaque pictures; the others become PNG. What would become larger stays as it is, but to and
    from KTX2, which saves memory of graphics processors rather than bytes; so does what is read by more than
    materials. Raises RecipeInvalid when KTX2 cannot be written here; where it cannot be read, an issue TEXTURE_KEPT
    says so.
    """
    wanted = _TYPES[options.encoding]
    if wanted == KTX2_TYPE and (why := ktx2.available()):
        raise RecipeInvalid(why, step="texture_encode")
    roles = image_roles(document)
    encoded: dict[int, _Encoded | None] = {}
    textures = [texture for texture in document.all("textures") if options.again or not _has(document, texture, wanted)]
    for image in sorted({shown for texture in textures if (shown := _shown(document, texture)) is not None}):
        if (role := roles[image]) is not None:
            encoded[image] = _encoded(document, image, role, options)
    _replace(document, textures, {image: made for image, made in encoded.items() if made is not None})
    return document


def _has(document: Document, texture: Json, wanted: str) -> bool:
    return any(media_type(document.picture(image)) == wanted for image in sources(texture))


def _shown(document: Document, texture: Json) -> int | None:
    """The image that is encoded for a texture: of those it names, the first that can be decoded, else the first."""
    readable = ("image/png", "image/jpeg", "image/webp", AVIF_TYPE)
    named = list(sources(texture))
    return next((image for image in named if media_type(document.picture(image)) in readable), (named or [None])[0])


def _encoded(document: Document, image: int, role: Role, options: recipes_pb2.TextureEncode) -> _Encoded | None:
    """The picture in the wanted encoding; None when it stays as it is."""
    pixels = store.transcoded(document, image, Budget())
    if pixels is None:
        return None
    wanted, quality = _TYPES[options.encoding], options.quality or _DEFAULT_QUALITY
    if wanted == KTX2_TYPE:
        return _Encoded(_ktx2(document, image, pixels, role, options.encoding, quality), KTX2_TYPE)
    values = pixels.values
    if wanted == "image/jpeg":
        if pixels.is_opaque:
            values = values[..., : 1 if values.shape[2] < 3 else 3]
        else:
            wanted = "image/png"
    data = encode(values, wanted, quality, role)
    smaller = len(data) < len(document.picture(image)) or pixels.media_type == KTX2_TYPE
    return _Encoded(data, wanted) if smaller else None


def _ktx2(document: Document, image: int, pixels: Pixels, role: Role, encoding: int, quality: int) -> bytes:
    """KTX2 of an 8 bit copy whose edges are multiples of 4, as KHR_texture_basisu wants."""
    values = pixels.values
    height, width = (max(4, 4 * round(edge / 4)) for edge in values.shape[:2])
    if (height, width) != values.shape[:2]:
        text = f"The picture became {width} x {height} pixels: KTX2 needs edges that are multiples of 4."
        document.issues.append(issue("TEXTURE_RESIZED", "INFO", f"/images/{image}", text))
        values = resample(values, width, height, role)
    if values.dtype != np.uint8:
        values = np.rint(values / 257).astype(np.uint8)
    uastc = encoding == _Encoding.KTX2_UASTC or (encoding == _Encoding.KTX2 and role.kind is not Kind.COLOR)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "picture.png", Path(folder) / "picture.ktx2"
        source.write_bytes(encode(values, "image/png", quality, role))
        ktx2.encode(source, target, uastc=uastc, quality=quality, kind=role.kind)
        return target.read_bytes()


def _replace(document: Document, textures: list[Json], encoded: dict[int, _Encoded]) -> None:
    """Let textures show what was encoded for them, and remove images that nothing shows any more."""
    before = _images_in_use(document)
    users: dict[int, list[Json]] = {}
    for texture in textures:
        users.setdefault(_shown(document, texture), []).append(texture)
    users = {image: found for image, found in users.items() if image in encoded}
    for texture in (texture for found in users.values() for texture in found):
        _point(document, texture, None, "")
    elsewhere = _images_in_use(document)
    for image, made in sorted(encoded.items()):
        place = _copy(document, image) if image in elsewhere else image
        store.put(document, place, made.data, made.media_type)
        for texture in users[image]:
            _point(document, texture, place, made.media_type)
    edit.remove(document, "images", before - _images_in_use(document))
    for name in SOURCES:
        edit.unuse(document, name)


def _images_in_use(document: Document) -> set[int]:
    return {owner[key] for kind, owner, key in edit.references(document) if kind == "images"}


def _copy(document: Document, image: int) -> int:
    """The entry of an image again, for others show the picture as it was."""
    entry = {key: value for key, value in document.all("images")[image].items() if key not in ("uri", "bufferView")}
    document.json["images"].append(entry)
    return len(document.json["images"]) - 1


def _point(document: Document, texture: Json, image: int | None, kind: str) -> None:
    """Let a texture name that image and no other; None: none at all."""
    texture.pop("source", None)
    extensions = texture.get("extensions") or {}
    for name in SOURCES:
        extensions.pop(name, None)
    if image is not None and kind in _EXTENSIONS:
        extensions[_EXTENSIONS[kind]] = {"source": image}
        edit.use(document, _EXTENSIONS[kind], required=True)
    elif image is not None:
        texture["source"] = image
    texture.pop("extensions", None)
    if extensions:
        texture["extensions"] = extensions
