"""COLLADA effects of profile_COMMON (COLLADA 1.4.1, chapter 8; 1.5, chapter 8) to glTF materials."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats.dae_extras import extras_of
from threed_workers.formats.dae_xml import Dae, number, text_of, title_of, vector, where_of
from threed_workers.formats.phong import phong, roughness_of, texture_info
from threed_workers.formats.surface import add_texture

_MODELS = ("phong", "blinn", "lambert", "constant")
_WRAPS = {"WRAP": 10497, "MIRROR": 33648, "CLAMP": 33071, "BORDER": 33071, "NONE": 33071}
_FILTERS = {"NEAREST": 9728, "LINEAR": 9729, "NEAREST_MIPMAP_NEAREST": 9984, "LINEAR_MIPMAP_NEAREST": 9985}
_FILTERS |= {"NEAREST_MIPMAP_LINEAR": 9986, "LINEAR_MIPMAP_LINEAR": 9987}
_LUMINANCE = (0.212671, 0.715160, 0.072169)  # COLLADA 1.4.1, "Determining Transparency"
_MOST_HOPS = 8


@dataclass
class Channel:
    """One property of a shading model: a colour, or a <texture>."""

    color: list[float] | None = None
    texture: Element | None = None


@dataclass
class Effect:
    """The common profile of an effect, with the parameters that its textures go through."""

    element: Element
    model: str = "constant"
    channels: dict[str, Channel] = field(default_factory=dict)
    values: dict[str, Element] = field(default_factory=dict)
    params: dict[str, Element] = field(default_factory=dict)
    bump: Element | None = None
    two_sided: bool = False


class Materials:
    """Makes a glTF material for each material and choice of texture coordinates."""

    def __init__(self, dae: Dae, builder: Builder):
        self._dae = dae
        self._builder = builder
        self._effects: dict[Element, Effect | None] = {}
        self._made: dict[tuple, int | None] = {}
        self._samplers: dict[tuple, int] = {}

    def add(self, material: Element, sets: dict[str, int], count: int) -> int | None:
        """`sets` says which TEXCOORD_n a name of the effect means; other names mean the first. There are `count`, and
        pictures on others cannot be laid on."""
        effect = self._effect(material)
        if effect is None:
            return None
        used = tuple(
            (texture, sets.get(texture.get("texcoord", ""), 0))
            for texture in [*(channel.texture for channel in effect.channels.values()), effect.bump]
            if texture is not None and sets.get(texture.get("texcoord", ""), 0) < count
        )
        key = (material, used)
        if key not in self._made:
            made = self._material(material, effect, dict(used))
            self._made[key] = self._builder.add("materials", made)
        return self._made[key]

    def _effect(self, material: Element) -> Effect | None:
        if material not in self._effects:
            instance = material.find("instance_effect")
            element = self._dae.find(instance.get("url"), where_of(material)) if instance is not None else None
            self._effects[material] = _read_effect(element, instance) if element is not None else None
        return self._effects[material]

    def _material(self, material: Element, effect: Effect, sets: dict[Element, int]) -> Json:
        where = where_of(material)
        textures = {
            name: self._texture(effect, channel.texture, sets, where)
            for name, channel in effect.channels.items()
            if channel.texture is not None and name in ("diffuse", "emission")
        }
        base, shine = textures.get("diffuse"), textures.get("emission")
        alpha = self._alpha(effect, where)
        made = phong(
            name=title_of(material),
            diffuse=[1.0, 1.0, 1.0] if base else self._base_color(effect),
            alpha=alpha,
            roughness=self._roughness(effect),
            emission=[1.0, 1.0, 1.0] if shine else _color(effect, "emission", [0.0, 0.0, 0.0])[:3],
            two_sided=effect.two_sided,
            texture=base,
        )
        if shine:
            made["emissiveTexture"] = shine
        if base and self._cuts_out(effect):
            made["alphaMode"] = "BLEND"
        normal = self._texture(effect, effect.bump, sets, where) if effect.bump is not None else None
        if normal:
            made["normalTexture"] = normal
        if effect.model == "constant" and not shine:
            made.setdefault("extensions", {})["KHR_materials_unlit"] = {}
            self._builder.use("KHR_materials_unlit")
            made.pop("emissiveFactor", None)
        self._count_lost(effect)
        kept = _kept(effect) | extras_of(material)
        if kept:
            made["extras"] = kept
        return made

    def _base_color(self, effect: Effect) -> list[float]:
        """A constant surface has no diffuse colour: it shows what it emits."""
        if effect.model == "constant":
            return _color(effect, "emission", [0.0, 0.0, 0.0])[:3]
        return _color(effect, "diffuse", [0.0, 0.0, 0.0] if "diffuse" in effect.channels else [0.8, 0.8, 0.8])[:3]

    def _roughness(self, effect: Effect) -> float:
        """Exponents of Phong; below 1, which some exporters write, the part of 128 that OpenGL allows."""
        if effect.model in ("lambert", "constant") or "shininess" not in effect.values:
            return 1.0
        shininess = number(effect.values["shininess"], 20.0)
        return roughness_of(shininess * 128 if 0 < shininess < 1 else shininess)

    def _alpha(self, effect: Effect, where: str) -> float:
        """Opacity by the four modes of <transparent>. What would make a surface invisible is taken for a slip."""
        element = effect.values.get("transparent")
        amount = number(effect.values.get("transparency"), 1.0)
        if element is None and "transparency" not in effect.values:
            return 1.0
        mode = (element.get("opaque") if element is not None else None) or "A_ONE"
        if "transparent" in effect.channels and effect.channels["transparent"].texture is not None:
            alpha = amount if mode in ("A_ONE", "RGB_ONE") else 1.0
        else:
            rgba = _color(effect, "transparent", [1.0, 1.0, 1.0, 1.0])
            rgba += [1.0] * (4 - len(rgba))
            bright = sum(part * weight for part, weight in zip(rgba, _LUMINANCE, strict=False))
            part = rgba[3] if mode in ("A_ONE", "A_ZERO") else bright
            alpha = part * amount if mode in ("A_ONE", "RGB_ONE") else 1.0 - part * amount
        if alpha <= 1e-6:
            text = "By its transparency nothing would be seen of this material; it is shown opaque."
            self._dae.findings.warning("TRANSPARENCY_DOUBTFUL", where, text)
            return 1.0
        return min(alpha, 1.0) if alpha < 0.9999 else 1.0

    def _cuts_out(self, effect: Effect) -> bool:
        """Is the picture of the diffuse colour also that of the opacity?"""
        opacity, base = effect.channels.get("transparent"), effect.channels["diffuse"].texture
        if opacity is None or opacity.texture is None or base is None:
            return False
        if self._image(effect, opacity.texture) is self._image(effect, base):
            return True
        self._dae.findings.lose("opacity pictures", "glTF takes opacity from the alpha of the base colour's picture.")
        return False

    def _count_lost(self, effect: Effect) -> None:
        for name in ("ambient", "specular", "reflective"):
            if name in effect.channels and effect.channels[name].texture is not None:
                self._dae.findings.lose(f"{name} pictures", "A metallic-roughness surface has no place for them.")

    def _texture(self, effect: Effect, texture: Element, sets: dict[Element, int], where: str) -> Json | None:
        if texture not in sets:
            return None
        image = self._image(effect, texture)
        uri = _uri_of(image) if image is not None else ""
        if not uri:
            if image is not None and (image.find("data") is not None or image.find("init_from/hex") is not None):
                self._dae.findings.lose("pictures in hexadecimal", "Only pictures in files are read.")
            else:
                text = f"The texture {texture.get('texture', '')[:60]!r} leads to no picture."
                self._dae.findings.warning("REFERENCE_DANGLING", where, text)
            return None
        source = self._dae.source
        found = add_texture(self._builder, source.companions, uri, self._dae.budget, self._dae.findings.issues, where)
        if found is None:
            return None
        sampled = self._sampled(found, self._sampler(effect, texture))
        return texture_info(self._builder, sampled, _placement(texture), sets[texture])

    def _sampled(self, texture: int, sampler: Element | None) -> int:
        """The texture with the wrapping and filters of a <sampler2D>."""
        made: Json = {}
        if sampler is not None:
            for key, tag, table in (
                ("wrapS", "wrap_s", _WRAPS),
                ("wrapT", "wrap_t", _WRAPS),
                ("minFilter", "minfilter", _FILTERS),
                ("magFilter", "magfilter", _FILTERS),
            ):
                value = table.get(text_of(sampler.find(tag)))
                if value is not None and not (key == "magFilter" and value > 9729):
                    made[key] = value
        if not made:
            return texture
        key = (texture, *sorted(made.items()))
        if key not in self._samplers:
            number = self._builder.add("samplers", made)
            entry = {**self._builder.json["textures"][texture], "sampler": number}
            self._samplers[key] = self._builder.add("textures", entry)
        return self._samplers[key]

    def _sampler(self, effect: Effect, texture: Element) -> Element | None:
        param = effect.params.get(texture.get("texture", ""))
        return param.find("sampler2D") if param is not None else None

    def _image(self, effect: Effect, texture: Element) -> Element | None:
        """Through sampler and surface (1.4), or the sampler's instance_image (1.5), or straight, as some write."""
        name = texture.get("texture", "").strip()
        for _ in range(_MOST_HOPS):
            param = effect.params.get(name)
            if param is None:
                break
            image = param.find("sampler2D/instance_image")
            if image is not None:
                return self._dae.ids.get((image.get("url") or "").lstrip("#"))
            step = param.find("sampler2D/source")
            step = step if step is not None else param.find("surface/init_from")
            name = text_of(step)
        found = self._dae.ids.get(name.lstrip("#"))
        return found if found is not None and found.tag == "image" else None


def _read_effect(element: Element, instance: Element) -> Effect | None:
    profile = element.find("profile_COMMON")
    if profile is None:
        return None
    technique = profile.find("technique")
    effect = Effect(element)
    for holder in (element, profile, technique):
        for param in holder.findall("newparam") if holder is not None else ():
            effect.params.setdefault(param.get("sid", "").strip(), param)
    for param in instance.findall("setparam"):
        effect.params[param.get("ref", "").strip()] = param
    shading = (
        next((technique.find(tag) for tag in _MODELS if technique.find(tag) is not None), None)
        if (technique is not None)
        else None
    )
    if shading is not None:
        effect.model = shading.tag
        for part in shading:
            effect.values[part.tag] = _resolved(part, effect)
            effect.channels[part.tag] = _channel(part, effect)
    for extra in _techniques(element, profile, technique):
        bump = extra.find("bump/texture")
        effect.bump = bump if bump is not None and effect.bump is None else effect.bump
        effect.two_sided = effect.two_sided or text_of(extra.find("double_sided")) in ("1", "true")
    return effect


def _techniques(*holders: Element | None) -> Iterator[Element]:
    for holder in holders:
        if holder is not None:
            yield from holder.findall("extra/technique")


def _resolved(part: Element, effect: Effect) -> Element:
    """The element itself, or the parameter that stands for its value."""
    ref = part.find("param")
    found = effect.params.get((ref.get("ref") or "").strip()) if ref is not None else None
    return found if found is not None else part


def _channel(part: Element, effect: Effect) -> Channel:
    texture = part.find("texture")
    if texture is not None:
        return Channel(texture=texture)
    holder = _resolved(part, effect)
    for tag, width in (("color", 4), ("float4", 4), ("float3", 3), ("color", 3)):
        found = holder.find(tag)
        if found is not None:
            values = vector(found, [math.nan] * width)
            if not math.isnan(values[0]):
                return Channel(color=values)
    return Channel()


def _color(effect: Effect, name: str, default: list[float]) -> list[float]:
    channel = effect.channels.get(name)
    return list(channel.color) if channel is not None and channel.color is not None else list(default)


def _kept(effect: Effect) -> Json:
    """Colours that glTF has no place for, as they were."""
    kept: Json = {
        name: effect.channels[name].color
        for name in ("ambient", "specular", "reflective")
        if name in effect.channels and effect.channels[name].color is not None
    }
    kept |= {
        name: number(effect.values[name], 0.0)
        for name in ("shininess", "reflectivity", "index_of_refraction")
        if name in effect.values
    }
    return {"collada": {"model": effect.model, **kept}} if kept else {}


def _uri_of(image: Element) -> str:
    """The file's name: exporters write it as it is, percent-encoded, or as a file: address."""
    holder = image.find("init_from")
    ref = holder.find("ref") if holder is not None else None
    uri = text_of(ref if ref is not None else holder)
    if uri.lower().startswith("file:"):
        return unquote(urlsplit(uri).path)
    return uri if "%" not in uri else unquote(uri)


def _placement(texture: Element) -> Json | None:
    """KHR_texture_transform from what Maya and 3ds Max write beside a texture; v runs upwards there."""
    found = next((extra for extra in texture.findall("extra/technique") if extra.find("repeatU") is not None), None)
    if found is None:
        return None
    su, sv = number(found.find("repeatU"), 1.0), number(found.find("repeatV"), 1.0)
    ou, ov = number(found.find("offsetU"), 0.0), number(found.find("offsetV"), 0.0)
    turn = number(found.find("rotateUV"), 0.0)
    if (su, sv, ou, ov, turn) == (1.0, 1.0, 0.0, 0.0, 0.0):
        return None
    placed: Json = {"scale": [su, sv], "offset": [ou, 1.0 - sv - ov]}
    return placed | ({"rotation": math.radians(turn)} if turn else {})
