"""Textures as picture files that every program opens: PNG and JPEG as they are, WebP turned into PNG."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image

from threed.errors import FileRefused
from threed_workers.budget import Budget
from threed_workers.document import Document
from threed_workers.exports.export import Names
from threed_workers.picture import check, media_type_of, probe

_PLAIN = {"image/png": "png", "image/jpeg": "jpg"}
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
        """The picture file of a texture; None when it is missing, or of a kind that is not decoded (KTX2, AVIF)."""
        file = self._found(texture)
        if file is not None:
            self._asked[file.name] = file
        return file

    def channel(self, texture: int, name: str) -> PictureFile | None:
        """One of R, G, B of a texture as a grey PNG of its own; "A" is None where there is no alpha."""
        file = self._found(texture)
        key = f"{texture} {name}"
        if file is None:
            return None
        if key not in self._made:
            image = _opened(file.data)
            if name == "A" and "A" not in image.getbands():
                return None
            grey = image.convert("RGBA").getchannel(name)
            stem = file.name.rsplit(".", 1)[0]
            self._made[key] = PictureFile(self._names.unique(f"{stem}_{name}", "picture") + ".png", _png(grey))
        return self._made[key]

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
        media_type = media_type_of(data)
        if media_type == "image/webp":
            try:
                check(probe(data, f"/images/{image}"), self._budget, f"/images/{image}")
                data, media_type = _png(_opened(data)), "image/png"
            except (FileRefused, OSError, ValueError, SyntaxError):
                return None
        if media_type not in _PLAIN:
            return None
        name = self._names.unique(_stem(self._document.all("images")[image].get("name")), f"picture_{image}")
        return PictureFile(f"{name}.{_PLAIN[media_type]}", data)


def _stem(name: object) -> str:
    """A picture's name without the suffix that many carry in it."""
    text = name if isinstance(name, str) else ""
    return text.rsplit(".", 1)[0] if text.lower().endswith((".png", ".jpg", ".jpeg", ".webp", ".ktx2")) else text


def _opened(data: bytes | memoryview) -> Image.Image:
    # Pillow warns at sizes that our own budget, which was asked already, allows.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
