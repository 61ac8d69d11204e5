"""Pictures of an FBX file: embedded, or uploaded along; as they are, or several put together into one."""

from __future__ import annotations

import binascii
import io
from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from threed_workers.document import Companions
from threed_workers.document.model import Json
from threed_workers.fbx.conversion import Conversion
from threed_workers.fbx.node import Node
from threed_workers.fbx.objects import Object
from threed_workers.formats.surface import add_texture

TRANSFORM = "KHR_texture_transform"
_CLAMP = 33071
_READ = ("PNG", "JPEG", "WEBP", "TGA", "BMP", "GIF", "TIFF")
_NESTED = 8


@dataclass(frozen=True)
class Pictures(Companions):
    """The files of the upload, and those inside the FBX by a name of ours, "<number>/<file name>"."""

    embedded: dict[str, memoryview] = field(default_factory=dict)

    def nearby(self, path: str) -> memoryview | None:
        found = self.embedded.get(path)
        return found if found is not None else super().nearby(path)


@dataclass(frozen=True)
class Map:
    """A texture in use. `name`: what to ask the pictures for; `place`: the number of its texture coordinates."""

    source: Object
    name: str
    place: int

    @property
    def key(self) -> tuple[Hashable, int]:
        return self.source.id, self.place


def resolved(conversion: Conversion, texture: Object) -> Object | None:
    """The texture with a picture behind layers and shader nodes; None when nothing there is a picture."""
    for _ in range(_NESTED):
        if texture.kind == "LayeredTexture":
            layers = list(texture.of("Texture"))
            conversion.lose("texture_layers", "Only the first layer of a texture is read.", len(layers[1:]))
        elif _file_names(texture) or any(_content(video) for video in texture.of("Video")):
            return texture
        below = next((child for child, _ in texture.children if child.kind in ("Texture", "LayeredTexture")), None)
        if below is None:
            return None
        texture = below
    return None


def picture_name(conversion: Conversion, texture: Object) -> str:
    """The name to ask the pictures for; what is inside the file is taken out on the way."""
    pictures = conversion.companions
    for video in texture.of("Video"):
        names = _file_names(video) or _file_names(texture) or [video.name or "picture"]
        key = f"{video.id}/{_last(names[0])}"
        if key in pictures.embedded:
            return key
        content = _content(video)
        if content:
            pictures.embedded[key] = memoryview(content)
            return key
    names = _file_names(texture) + [name for video in texture.of("Video") for name in _file_names(video)]
    return next((name for name in names if pictures.nearby(name) is not None), names[0] if names else "")


def is_there(conversion: Conversion, texture: Object) -> bool:
    """Has the picture of a texture come along? When not, that is noted, and the material's own values count."""
    name = picture_name(conversion, texture)
    if conversion.companions.nearby(name) is not None:
        return True
    text = f"the picture {name[-80:]!r} was not uploaded along. Upload a zip that holds both."
    conversion.doubt("COMPANION_MISSING", texture, text)
    return False


def texture_info(conversion: Conversion, found: Map) -> Json | None:
    """{"index", "texCoord", KHR_texture_transform}; None, with an issue, when the picture cannot be used."""
    builder, source = conversion.builder, found.source
    where = f"{source.where} ({source.name[:60]})"
    index = add_texture(
        builder, conversion.companions, found.name, conversion.budget, conversion.findings.issues, where
    )
    return placed(conversion, index, found) if index is not None else None


def placed(conversion: Conversion, index: int, found: Map) -> Json:
    """Texture `index` in the place, with the wrapping and the transform of `found`."""
    info: Json = {"index": _sampled(conversion, index, found.source)}
    if found.place:
        info["texCoord"] = found.place
    moved = _transform(found.source)
    if moved:
        info["extensions"] = {TRANSFORM: moved}
        conversion.builder.use(TRANSFORM)
    return info


def composed(conversion: Conversion, bands: dict[str, tuple[Map, bool] | None], mode: str) -> int | None:
    """A texture of `mode` (RGB, RGBA) out of the brightness of other maps; None when one of them cannot be read.

    `bands`: for each channel a map, and whether it is inverted; None fills with 1, which leaves the factor as it is.
    A map for "RGB" gives its three.
    """
    key = f"composed {mode} {[(name, band and (*band[0].key, band[1])) for name, band in bands.items()]}"
    made = conversion.builder.made
    if key in made:
        return made[key]
    opened = {name: _opened(conversion, band[0]) for name, band in bands.items() if band is not None}
    if any(image is None for image in opened.values()):
        return None
    size = max(image.size for image in opened.values())
    channels: list[Image.Image] = []
    for name, band in bands.items():
        if band is None:
            channels.append(Image.new("L", size, 255))
            continue
        image = opened[name] if opened[name].size == size else opened[name].resize(size)
        if name == "RGB":
            channels += image.convert("RGB").split()
        else:
            image = image.getchannel("A") if name == "A" and _has_alpha_only(image) else image.convert("L")
            channels.append(image.point(lambda value: 255 - value) if band[1] else image)
    out = io.BytesIO()
    Image.merge(mode, channels).save(out, "PNG")
    image = conversion.builder.picture(out.getvalue(), "image/png", name=f"{mode} {len(made)}")
    made[key] = conversion.builder.add("textures", {"source": image})
    return made[key]


def _has_alpha_only(image: Image.Image) -> bool:
    """Is the alpha of the picture what is meant, and not its brightness?"""
    return image.mode in ("RGBA", "LA") and image.getchannel("A").getextrema()[0] < 255


def _opened(conversion: Conversion, found: Map) -> Image.Image | None:
    data = conversion.companions.nearby(found.name)
    if data is None:
        return None
    try:
        with Image.open(io.BytesIO(data), formats=_READ) as image:
            width, height = image.size
            if width * height > conversion.budget.picture_pixels:
                return None
            return image.convert("RGBA" if image.mode in ("RGBA", "LA", "P", "PA") else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _file_names(owner: Object) -> list[str]:
    nodes = [owner.node.child_text(name) for name in ("RelativeFilename", "FileName", "Filename")]
    properties = [owner.properties.text(name) for name in ("RelPath", "Path")]
    return [name for name in [*nodes, *properties] if name.strip()]


def _last(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1]


def _content(video: Object) -> bytes | memoryview:
    """The bytes of an embedded picture; base64 in text files, in one piece or several. Empty when there are none."""
    node = video.node.child("Content")
    if node is None:
        return b""
    raw = next((value for value in node.values if isinstance(value, memoryview) and len(value)), None)
    if raw is not None:
        return raw
    return _decoded(node)


def _decoded(node: Node) -> bytes:
    try:
        return b"".join(binascii.a2b_base64(value) for value in node.values if isinstance(value, str))
    except (binascii.Error, ValueError):
        return b""


def _sampled(conversion: Conversion, index: int, source: Object) -> int:
    """The texture, or one of the same picture that is clamped (FbxTexture::EWrapMode)."""
    wraps = [source.properties.integer(name, 0) for name in ("WrapModeU", "WrapModeV")]
    if wraps == [0, 0]:
        return index
    builder = conversion.builder
    key = f"texture {index} wrapped {wraps}"
    if key not in builder.made:
        sampler = {name: _CLAMP for name, wrap in zip(("wrapS", "wrapT"), wraps, strict=True) if wrap == 1}
        texture = {**builder.json["textures"][index], "sampler": builder.add("samplers", sampler)}
        builder.made[key] = builder.add("textures", texture)
    return builder.made[key]


def _transform(source: Object) -> Json:
    """KHR_texture_transform of FBX's T * Rp * R * Rp^-1 * Sp * S * Sp^-1, for coordinates that begin at the top."""
    properties, node = source.properties, source.node
    shift = properties.vector("Translation")[:2]
    scale = properties.vector("Scaling", (1.0, 1.0, 1.0))[:2]
    if "Translation" not in properties and node.child("ModelUVTranslation") is not None:
        shift = np.array([node.child("ModelUVTranslation").number(0), node.child("ModelUVTranslation").number(1)])
    if "Scaling" not in properties and node.child("ModelUVScaling") is not None:
        scale = np.array([node.child("ModelUVScaling").number(0, 1.0), node.child("ModelUVScaling").number(1, 1.0)])
    angle = np.radians(properties.vector("Rotation")[2])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    around, about = properties.vector("TextureRotationPivot")[:2], properties.vector("TextureScalingPivot")[:2]
    linear = turn * scale
    offset = shift + around + turn @ (about - around - scale * about)
    # v' = 1 - v on both sides.
    u, v = offset[0] + linear[0, 1], 1 - offset[1] - linear[1, 1]
    found: Json = {}
    if not np.isfinite([u, v, angle, *scale]).all():
        return found
    if abs(u) > 1e-9 or abs(v) > 1e-9:
        found["offset"] = [float(u), float(v)]
    if abs(angle) > 1e-9:
        found["rotation"] = float(angle)
    if (np.abs(scale - 1) > 1e-9).any():
        found["scale"] = scale.tolist()
    return found
