"""Textures as picture files that every program opens: PNG and JPEG as they are, WebP, AVIF and KTX2 as PNG."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from threed.errors import FileRefused
from threed_workers.budget import Budget
from threed_workers.document import Document
from threed_workers.exports.export import Names
from threed_workers.textures import pixels
from threed_workers.textures.ktx2 import decoding

_PLAIN = {"image/png": "png", "image/jpeg": "jpg"}
_TURNED = ("image/webp", pixels.AVIF_TYPE, pixels.KTX2_TYPE)
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".ktx2")
_SOURCES = ("KHR_texture_basisu", "EXT_texture_webp", "EXT_texture_avif")


@dataclass(frozen=True)
class PictureFile:
    """An encoded picture and the name of its file."""

    name: str
    data: bytes | memoryview


class Pictures:
    """The pictures of a document's textures, each converted once. `unusable` are the textures without one."""

    def __init__(self, document: Document, budget: Budget = Budget()):  # noqa: B008 frozen
        self._document = document
        self._budget = budget
        self._names = Names()
        self._files: dict[int, PictureFile | None] = {}
        self._made: dict[str, PictureFile] = {}
        self._asked: dict[str, PictureFile] = {}
        self.unusable: set[int] = set()

    def of(self, texture: int) -> PictureFile | None:
        """The picture file of a texture; None when it is missing, or cannot be decoded."""
        file = self._found(texture)
        if file is not None:
            self._asked[file.name] = file
        return file

    def channel(self, texture: int, name: str) -> PictureFile | None:
        """One of R, G, B of a texture as a grey PNG of its own; "A" is None where there is no alpha."""
        file = self._found(texture)
        key = f"{texture} {name}"
        if file is not None and key not in self._made:
            grey = self._grey(file, name)
            if grey is None:
                return None
            stem = self._names.unique(f"{file.name.rsplit('.', 1)[0]}_{name}", "picture")
            self._made[key] = PictureFile(f"{stem}.png", _png(Image.fromarray(grey)))
        return self._made.get(key)

    def all(self) -> list[PictureFile]:
        """Every file that was asked for."""
        return [*self._asked.values(), *self._made.values()]

    def _found(self, texture: int) -> PictureFile | None:
        for image in self._candidates(texture):
            if image not in self._files:
                self._files[image] = self._file(image)
            if self._files[image] is not None:
                return self._files[image]
        self.unusable.add(texture)
        return None

    def _candidates(self, texture: int) -> list[int]:
        entry = self._document.all("textures")[texture]
        extended = [(entry.get("extensions") or {}).get(name) for name in _SOURCES]
        found = [entry.get("source"), *(value.get("source") for value in extended if isinstance(value, dict))]
        return [image for image in found if image is not None]

    def _file(self, image: int) -> PictureFile | None:
        data = self._document.picture(image)
        media_type = pixels.media_type(data)
        if media_type in _TURNED:
            turned = self._turned(data, media_type, f"/images/{image}")
            if turned is None:
                return None
            data, media_type = _png(turned), "image/png"
        if media_type not in _PLAIN:
            return None
        name = self._names.unique(_stem(self._document.all("images")[image].get("name")), f"picture_{image}")
        return PictureFile(f"{name}.{_PLAIN[media_type]}", data)

    def _turned(self, data: memoryview, media_type: str, where: str) -> Image.Image | None:
        """The pixels of a picture that becomes a PNG; None when it does not decode."""
        try:
            if media_type == pixels.KTX2_TYPE:
                pixels.size_of(data, self._budget, where)
                return decoding.decoded(data)
            values = pixels.decode(data, self._budget, where).values
            return Image.fromarray(values[..., 0] if values.shape[2] == 1 else values)
        except FileRefused:
            return None

    def _grey(self, file: PictureFile, name: str) -> np.ndarray | None:
        """uint8 (h, w): one channel; None for the alpha of a picture that has none, and for what does not decode."""
        try:
            values = pixels.decode(memoryview(file.data), self._budget, file.name).values
        except FileRefused:
            return None
        channels = values.shape[2]
        if name == "A":
            place = channels - 1
            if channels in (1, 3):
                return None
        else:
            place = "RGB".index(name) if channels > 2 else 0
        grey = values[..., place]
        return np.ascontiguousarray(grey if grey.dtype == np.uint8 else np.rint(grey / 257).astype(np.uint8))


def _stem(name: object) -> str:
    """A picture's name without the suffix that many carry in it."""
    text = name if isinstance(name, str) else ""
    return (
        text.rsplit(".", 1)[0] if text.lower().endswith((".png", ".jpg", ".jpeg", ".webp", ".avif", ".ktx2")) else text
    )


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
