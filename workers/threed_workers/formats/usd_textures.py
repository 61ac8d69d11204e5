"""Pictures of USD materials to glTF textures.

glTF wants roughness in the green and metalness in the blue channel of one picture, occlusion in red, opacity in the
alpha of the base colour. Where the stage has them so, the picture stays as it is; otherwise a new one is put together.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from threed.errors import FileRefused
from threed_workers.document.model import Json
from threed_workers.formats.usd_conversion import Conversion
from threed_workers.formats.usd_layers import companion_bytes
from threed_workers.picture import check, probe

_AS_IS = ("image/png", "image/jpeg", "image/webp")
_CONVERTED = ("TGA", "BMP", "GIF", "TIFF", "AVIF")
_CHANNELS = {"r": 0, "g": 1, "b": 2, "a": 3}
_WRAPS = {"repeat": 10497, "mirror": 33648, "clamp": 33071, "black": 33071, "useMetadata": 10497}


@dataclass(frozen=True)
class Sampled:
    """One input that a UsdUVTexture feeds: which file, which channel ("rgb", "r", ...), and how it is looked up."""

    token: str
    channel: str
    varname: str
    wrap: tuple[str, str] = ("useMetadata", "useMetadata")
    scale: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    bias: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    offset: tuple[float, float] = (0.0, 0.0)
    rotation_deg: float = 0.0
    tiling: tuple[float, float] = (1.0, 1.0)

    def place(self) -> tuple:
        """What must be the same for two inputs to share a picture."""
        return (self.varname, self.wrap, self.offset, self.rotation_deg, self.tiling)

    def linear(self) -> tuple[float, float]:
        """(scale, bias) of the one channel."""
        number = _CHANNELS.get(self.channel, 0)
        return self.scale[number], self.bias[number]


class Textures:
    """Textures by what they are made of; each picture is written once."""

    def __init__(self, conversion: Conversion):
        self.conversion = conversion
        self.made: dict[tuple, int | None] = {}

    def info(self, sampled: Sampled, image: int | None, uv_sets: dict[str, int], prim: Any) -> Json | None:
        """A glTF textureInfo; None where there is no picture, or the mesh has not its texture coordinates."""
        if image is None:
            return None
        if sampled.varname not in uv_sets:
            text = f"A texture needs the texture coordinates {sampled.varname!r}, which the mesh has not."
            self.conversion.warn("TEXTURE_WITHOUT_UVS", prim, text)
            return None
        found: Json = {"index": self._texture(image, sampled.wrap)}
        if uv_sets[sampled.varname]:
            found["texCoord"] = uv_sets[sampled.varname]
        moved = _transform(sampled)
        if moved:
            found["extensions"] = {"KHR_texture_transform": moved}
            self.conversion.builder.use("KHR_texture_transform")
        return found

    def picture(self, sampled: Sampled, prim: Any) -> int | None:
        """The image as it came; None, with an issue, when it did not come along or cannot be used."""
        return self._once(("picture", sampled.token), prim, lambda: self._usable(sampled.token))

    def composed(self, channels: dict[str, Sampled], prim: Any) -> int | None:
        """A new image of 8 bit from single channels: "rgb" or any of "r", "g", "b", "a". Those not named are white."""
        parts = tuple((name, one.token, one.channel, one.scale, one.bias) for name, one in sorted(channels.items()))
        return self._once(("composed", parts), prim, lambda: self._compose(channels))

    def _once(self, key: tuple, prim: Any, make: Any) -> int | None:
        if key not in self.made:
            try:
                data, media_type, name = make()
                self.made[key] = self.conversion.builder.picture(data, media_type, name=name)
                if media_type == "image/webp":
                    self.conversion.builder.use("EXT_texture_webp", required=True)
            except (FileRefused, OSError, ValueError, SyntaxError) as error:
                self.conversion.warn("IMAGE_UNUSABLE", prim, f"A picture cannot be used: {error}")
                self.made[key] = None
        return self.made[key]

    def _texture(self, image: int, wrap: tuple[str, str]) -> int:
        key = ("texture", image, wrap)
        if key not in self.made:
            builder = self.conversion.builder
            sampler: Json = {}
            for axis, mode in zip(("wrapS", "wrapT"), wrap, strict=True):
                if mode == "black":
                    self.conversion.lose("texture border", "Black beyond a texture's edge: the edge goes on instead.")
                if _WRAPS.get(mode, 10497) != 10497:
                    sampler[axis] = _WRAPS[mode]
            texture: Json = {"source": image}
            if builder.json["images"][image]["mimeType"] == "image/webp":
                texture = {"extensions": {"EXT_texture_webp": {"source": image}}}
            if sampler:
                texture["sampler"] = builder.add("samplers", sampler)
            self.made[key] = builder.add("textures", texture)
        return self.made[key]

    def _bytes(self, token: str) -> tuple[str, memoryview]:
        found = companion_bytes(self.conversion.layers, token, self.conversion.companions)
        if found is None:
            wanted = self.conversion.layers.missing.get(token, token)
            if "<UDIM>" in wanted:
                raise ValueError(f"{wanted[-80:]!r} is a set of tiles (UDIM), which glTF has not")
            raise ValueError(f"{wanted[-80:]!r} was not uploaded along. Upload a zip or USDZ that holds both")
        return found

    def _usable(self, token: str) -> tuple[bytes, str, str]:
        """(bytes, media type, name) as glTF may hold them: as they are, or converted to PNG."""
        name, data = self._bytes(token)
        try:
            picture = probe(data, name)
            check(picture, self.conversion.budget, name)
            if picture.media_type in _AS_IS:
                return bytes(data), picture.media_type, name
        except FileRefused as error:
            if error.reason == "FILE_TOO_COMPLEX":
                raise
        return _png(self._opened(token)), "image/png", name

    def _opened(self, token: str) -> Image.Image:
        """Decoded, 8 bit; "RGB" or "RGBA"."""
        name, data = self._bytes(token)
        if bytes(data[:4]) == b"\x76\x2f\x31\x01":
            self.conversion.lose("texture range", "High dynamic range textures are tone mapped to 8 bit.")
            return _exr(data, name, self.conversion)
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", *_CONVERTED)) as image:
            width, height = image.size
            if width * height > self.conversion.budget.picture_pixels:
                raise ValueError(f"{width} x {height} pixels are too many")
            if image.mode.startswith("I;16") or image.mode == "I":
                self.conversion.lose("texture depth", "Pictures of 16 bit that had to be put together have 8.")
                return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
            return image.convert("RGBA" if "A" in image.mode or image.mode == "P" else "RGB")

    def _compose(self, channels: dict[str, Sampled]) -> tuple[bytes, str, str]:
        opened = {token: self._opened(token) for token in {one.token for one in channels.values()}}
        size = max((image.size for image in opened.values()), key=lambda size: size[0] * size[1])
        out = np.full((size[1], size[0], 4), 255, np.uint8)
        for name, one in channels.items():
            pixels = np.asarray(opened[one.token].convert("RGBA").resize(size)).astype(np.float32) / 255
            if name == "rgb":
                out[..., :3] = np.rint(pixels[..., :3] * 255)
                continue
            scale, bias = one.linear()
            column = pixels[..., _CHANNELS.get(one.channel, 0)] * scale + bias
            out[..., _CHANNELS[name]] = np.rint(np.clip(column, 0, 1) * 255)
        image = Image.fromarray(out if "a" in channels else out[..., :3])
        return _png(image), "image/png", "composed"


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _exr(data: memoryview, name: str, conversion: Conversion) -> Image.Image:
    """An OpenEXR picture, tone mapped to sRGB of 8 bit."""
    from threed_workers.formats import exr
    from threed_workers.formats.source import Source

    check(probe(data, name), conversion.budget, name)
    path = conversion.companions.files[name]
    return exr.preview(Source(path, name), 1 << 14).convert("RGB")


def _transform(sampled: Sampled) -> Json:
    """UsdTransform2d to KHR_texture_transform.

    USD scales, turns counter-clockwise, then moves, with v upwards. glTF's v' = 1 - v points down: the same map is the
    same scale, the same angle (which its extension counts the other way round in its own frame), and an offset that
    takes the corner along.
    """
    if (sampled.offset, sampled.rotation_deg, sampled.tiling) == ((0.0, 0.0), 0.0, (1.0, 1.0)):
        return {}
    angle = np.radians(sampled.rotation_deg)
    cosine, sine = np.cos(angle), np.sin(angle)
    turned = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag(sampled.tiling)
    # p' = T p + o with p = (u, 1 - w): w' = 1 - v'.
    offset_u = sampled.offset[0] + turned[0, 1]
    offset_w = 1 - sampled.offset[1] - turned[1, 1]
    found: Json = {"offset": [float(offset_u), float(offset_w)], "scale": [float(part) for part in sampled.tiling]}
    if angle:
        found["rotation"] = float(angle)
    return found
