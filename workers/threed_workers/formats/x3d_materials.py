"""Appearances of X3D and VRML97 to glTF materials (ISO/IEC 19775-1, 12 and 18)."""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image

from threed.errors import FileMalformed, FileRefused, FileTooComplex
from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats.phong import phong, roughness_of, texture_info
from threed_workers.formats.surface import add_texture
from threed_workers.formats.x3d_model import Node, World
from threed_workers.picture import probe

_MATERIALS = ("Material", "TwoSidedMaterial", "PhysicalMaterial", "UnlitMaterial")
_TEXTURES = ("ImageTexture", "PixelTexture", "MultiTexture", "MovieTexture", "ComposedCubeMapTexture")
_UNLIT = "KHR_materials_unlit"
_CLAMP = 33071
_FAR = 1e6  # texture sizes; nothing is to be seen of a picture beyond


def has_picture(appearance: Node | None) -> bool:
    """Does the appearance, or its material, lay a picture on the surface?"""
    holders = [appearance, appearance.of(*_MATERIALS)] if appearance is not None else []
    return any(holder.of(*_TEXTURES) is not None for holder in holders if holder is not None)


class Materials:
    """Makes a glTF material for each appearance and way of use."""

    def __init__(self, world: World, builder: Builder):
        self._world = world
        self._builder = builder
        self._made: dict[tuple, int | None] = {}
        self._textures: dict[Node, int | None] = {}
        self._see_through: set[int] = set()

    def add(self, appearance: Node | None, *, lit: bool, two_sided: bool, colored: bool, textured: bool) -> int | None:
        """`lit` is false for lines and points; `colored` where vertices bring their colours, which replace ours."""
        key = (appearance, lit, two_sided, colored, textured)
        if key not in self._made:
            made = self._material(appearance, lit, two_sided, colored, textured)
            self._made[key] = self._builder.add("materials", made)
        return self._made[key]

    def _material(self, appearance: Node | None, lit: bool, two_sided: bool, colored: bool, textured: bool) -> Json:
        node = appearance.of(*_MATERIALS) if appearance is not None else None
        if node is None or not lit or node.kind == "UnlitMaterial":
            made = self._unlit(appearance, node, lit, colored, textured)
        elif node.kind == "PhysicalMaterial":
            made = self._physical(appearance, node, colored, textured)
        else:
            made = self._phong(appearance, node, colored, textured)
        name = (node.name if node is not None else "") or (appearance.name if appearance is not None else "")
        if name:
            made["name"] = name
        if two_sided:
            made["doubleSided"] = True
        mode = appearance.fields.get("alphaMode", "").strip().strip('"') if appearance is not None else ""
        if mode in ("MASK", "BLEND", "OPAQUE"):
            made["alphaMode"] = mode
            if mode == "MASK":
                made["alphaCutoff"] = min(max(appearance.number("alphaCutoff", 0.5), 0.0), 1.0)
        return made

    def _unlit(self, appearance: Node | None, node: Node | None, lit: bool, colored: bool, textured: bool) -> Json:
        """Without a material, light makes no difference, and white is all there is."""
        texture = self._texture(appearance, "texture") if textured else None
        color = [1.0, 1.0, 1.0]
        if node is not None and not colored:
            color = node.vector("emissiveColor", (1.0, 1.0, 1.0) if node.kind == "UnlitMaterial" else (0.0, 0.0, 0.0))
            if texture is None and textured and node.kind == "UnlitMaterial":
                texture = self._texture(node, "emissiveTexture")
        alpha = 1.0 - (node.number("transparency", 0.0) if node is not None else 0.0)
        made = phong(diffuse=color, alpha=alpha, texture=texture)
        made["extensions"] = {_UNLIT: {}}
        self._builder.use(_UNLIT)
        return self._opacity(made)

    def _phong(self, appearance: Node, node: Node, colored: bool, textured: bool) -> Json:
        texture = self._texture(appearance, "texture") if textured else None
        if texture is None and textured:
            texture = self._texture(node, "diffuseTexture")
        plain = node.vector("diffuseColor", (0.8, 0.8, 0.8))
        made = phong(
            diffuse=[1.0, 1.0, 1.0] if texture or colored else plain,
            alpha=1.0 - node.number("transparency", 0.0),
            roughness=roughness_of(128.0 * node.number("shininess", 0.2)),
            emission=node.vector("emissiveColor", (0.0, 0.0, 0.0)),
            texture=texture,
        )
        if textured:
            made |= self._more_textures(node)
        kept = {name: node.vector(name, (0.0,) * 3) for name in ("specularColor",) if name in node.fields}
        kept |= {"ambientIntensity": node.number("ambientIntensity", 0.2)} if "ambientIntensity" in node.fields else {}
        if kept:
            made["extras"] = {"x3d": kept}
        return self._opacity(made)

    def _physical(self, appearance: Node, node: Node, colored: bool, textured: bool) -> Json:
        """The factors of X3D 4.0 are those of glTF, linear as they stand."""
        alpha = min(max(1.0 - node.number("transparency", 0.0), 0.0), 1.0)
        color = [min(max(part, 0.0), 1.0) for part in node.vector("baseColor", (1.0, 1.0, 1.0))]
        surface: Json = {
            "baseColorFactor": [*([1.0] * 3 if colored else color), alpha],
            "metallicFactor": min(max(node.number("metallic", 1.0), 0.0), 1.0),
            "roughnessFactor": min(max(node.number("roughness", 1.0), 0.0), 1.0),
        }
        glow = [min(max(part, 0.0), 1.0) for part in node.vector("emissiveColor", (0.0, 0.0, 0.0))]
        made: Json = {"pbrMetallicRoughness": surface} | ({"emissiveFactor": glow} if any(glow) else {})
        if alpha < 1:
            made["alphaMode"] = "BLEND"
        if textured:
            base = self._texture(node, "baseTexture") or self._texture(appearance, "texture")
            surface |= {"baseColorTexture": base} if base else {}
            rough = self._texture(node, "metallicRoughnessTexture")
            surface |= {"metallicRoughnessTexture": rough} if rough else {}
            made |= self._more_textures(node)
        return self._opacity(made)

    def _more_textures(self, node: Node) -> Json:
        found = {}
        for name in ("normalTexture", "occlusionTexture", "emissiveTexture"):
            info = self._texture(node, name)
            if info:
                found[name] = info
        if "emissiveTexture" in found and "emissiveColor" not in node.fields:
            found["emissiveFactor"] = [1.0, 1.0, 1.0]
        return found

    def _opacity(self, made: Json) -> Json:
        """A picture with alpha is drawn through."""
        info = made["pbrMetallicRoughness"].get("baseColorTexture")
        if info is not None and "alphaMode" not in made and info["index"] in self._see_through:
            made["alphaMode"] = "BLEND"
        return made

    def _texture(self, owner: Node, under: str) -> Json | None:
        """The textureInfo of a node under that field; a node that names no field is the appearance's texture."""
        node = owner.of(*_TEXTURES, under=under)
        if node is None and under == "texture":
            node = owner.of(*_TEXTURES, under="")
        if node is not None and node.kind == "MultiTexture":
            self._world.findings.lose("further textures of a MultiTexture", "glTF mixes no textures.")
            node = node.of("ImageTexture", "PixelTexture")
        if node is None:
            return None
        if node not in self._textures:
            self._textures[node] = self._picture(node)
        index = self._textures[node]
        if index is None:
            return None
        return texture_info(self._builder, index, self._transform(owner) if under == "texture" else None)

    def _picture(self, node: Node) -> int | None:
        if node.kind == "ImageTexture":
            index = self._image(node)
        elif node.kind == "PixelTexture":
            index = self._pixels(node)
        else:
            self._world.findings.lose(f"node {node.kind}", "glTF has no such textures.")
            return None
        wraps = {key: _CLAMP for key, name in (("wrapS", "repeatS"), ("wrapT", "repeatT")) if not node.flag(name, True)}
        if index is None or not wraps:
            return index
        sampler = self._builder.add("samplers", wraps)
        wrapped = self._builder.add("textures", {**self._builder.json["textures"][index], "sampler": sampler})
        if index in self._see_through:
            self._see_through.add(wrapped)
        return wrapped

    def _image(self, node: Node) -> int | None:
        """The first of its addresses that came along; addresses of the web are never opened."""
        names = node.strings("url")
        companions = self._world.source.companions
        here = [name for name in names if companions.nearby(name) is not None] or names[:1]
        if not here:
            return None
        index = add_texture(
            self._builder, companions, here[0], self._world.budget, self._world.findings.issues, node.where
        )
        if index is not None and _has_alpha(companions.nearby(here[0])):
            self._see_through.add(index)
        return index

    def _pixels(self, node: Node) -> int | None:
        """SFImage: width, height, bytes per pixel, and a number for each pixel, the lowest row first."""
        words = node.fields.get("image", "").replace(",", " ").split(None, 3)
        try:
            width, height, parts = (int(word, 0) for word in words[:3])
            if not 1 <= parts <= 4 or width <= 0 or height <= 0:
                return None
            if width * height > self._world.budget.picture_pixels:
                raise FileTooComplex(f"A picture has {width} x {height} pixels.", where=node.where)
            values = [int(word, 0) for word in words[3].split()] if len(words) > 3 else []
        except ValueError:
            raise FileMalformed("The pixels of a PixelTexture are no numbers.", where=node.where) from None
        if len(values) != width * height:
            text = f"The picture should have {width * height} pixels, and has {len(values)}; it is left out."
            self._world.findings.warning("IMAGE_UNUSABLE", node.where, text)
            return None
        packed = np.array([value & 0xFFFFFFFF for value in values], np.uint32).reshape(height, width)[::-1]
        bytes_of = [(packed >> np.uint32(8 * (parts - 1 - part))).astype(np.uint8) for part in range(parts)]
        out = io.BytesIO()
        Image.fromarray(np.squeeze(np.dstack(bytes_of)) if parts > 1 else bytes_of[0]).save(out, "PNG")
        image = self._builder.picture(out.getvalue(), "image/png", node.name)
        index = self._builder.add("textures", {"source": image})
        if parts in (2, 4):
            self._see_through.add(index)
        return index

    def _transform(self, appearance: Node) -> Json | None:
        """KHR_texture_transform. X3D moves, then turns, then scales about a centre, with v upwards."""
        node = appearance.of("TextureTransform")
        if node is None:
            if appearance.of("MultiTextureTransform", "TextureTransform3D", "TextureTransformMatrix3D") is not None:
                self._world.findings.lose("texture transforms in three dimensions", "glTF transforms in two.")
            return None
        sx, sy = node.vector("scale", (1.0, 1.0))
        turn = node.number("rotation", 0.0)
        move, center = np.array(node.vector("translation", (0.0, 0.0))), np.array(node.vector("center", (0.0, 0.0)))
        if (sx, sy, turn) == (1.0, 1.0, 0.0) and not move.any():
            return None
        if max(map(abs, (sx, sy, *move, *center))) > _FAR:
            self._world.findings.warning("VALUES_TOO_LARGE", node.where, "The texture transform is left out.")
            return None
        if turn and sx != sy:
            self._world.findings.lose("sheared textures", "glTF scales before it turns.")
        cosine, sine = math.cos(turn), math.sin(turn)
        linear = np.diag([sx, sy]) @ np.array([[cosine, -sine], [sine, cosine]])
        shift = linear @ (move + center) - center
        # In v downwards: p = (U, 1 - V), so the origin (0, 1) of p goes to linear (0, 1) + shift.
        right, up = (linear @ np.array([0.0, 1.0]) + shift).tolist()
        return {"offset": [right, 1.0 - up], "scale": [sx, sy]} | ({"rotation": turn} if turn else {})


def _has_alpha(data: memoryview) -> bool:
    try:
        return probe(data, "").channels in (2, 4)
    except FileRefused:
        return False
