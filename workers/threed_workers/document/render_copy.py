"""The copy of a model that renderers load: the same picture, in the plainest glTF there is.

Renderers stumble over what the specification allows (measured on 136 valid files with Filament: rows that are no
multiple of 4 bytes abort the process, unknown extension names and custom attributes refuse the file). So they never see
an upload, but this copy: every compressed, sparse or padded-wrong accessor written out plainly, pictures inside, names
that touch nothing removed. What it lacks against the upload is listed.
"""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import orjson

from threed_workers.document.accessors import layout, read
from threed_workers.document.bounds import bounds
from threed_workers.document.build import ARRAY, ELEMENTS
from threed_workers.document.drawn_pictures import AVIF, copy_pictures
from threed_workers.document.model import DRACO, INSTANCING, MESHOPT, Document, Json, extension, loss
from threed_workers.document.packing import Packed, Pieces
from threed_workers.document.world import scene_roots, topmost

# Extensions that change the picture and that the raster engine knows. Compression is undone.
DRAWN = frozenset(
    """
    EXT_mesh_gpu_instancing EXT_texture_webp KHR_animation_pointer KHR_lights_punctual KHR_materials_anisotropy
    KHR_materials_clearcoat KHR_materials_diffuse_transmission KHR_materials_dispersion KHR_materials_emissive_strength
    KHR_materials_ior KHR_materials_iridescence KHR_materials_pbrSpecularGlossiness KHR_materials_sheen
    KHR_materials_specular KHR_materials_transmission KHR_materials_unlit KHR_materials_variants KHR_materials_volume
    KHR_mesh_quantization KHR_texture_basisu KHR_texture_transform
    """.split()
)
_UNDONE = frozenset((AVIF, DRACO, MESHOPT))
_ATTRIBUTE = re.compile(r"POSITION|NORMAL|TANGENT|(TEXCOORD|COLOR|JOINTS|WEIGHTS)_[0-9]+")
_MORPHED = re.compile(r"POSITION|NORMAL|TANGENT")
_MOVED = re.compile(r"/(nodes|materials|extensions/KHR_lights_punctual/lights)/[0-9]+/")
_KEPT = ("componentType", "count", "type", "normalized", "name")
_LINE_LOOP, _LINE_STRIP, _TRIANGLES, _FAN = 2, 3, 4, 6


def render_copy(document: Document) -> tuple[Packed, list[Json]]:
    """(what to write, what it lacks). The document is checked already, and stays as it is."""
    return _Copy(document).made()


class _Copy:
    """The JSON under change, the new buffer, and the way from old accessors to new ones."""

    def __init__(self, document: Document):
        self.document = document
        self.root: Json = orjson.loads(orjson.dumps(document.json))
        self.pieces = Pieces()
        self.views: list[Json] = []
        self.accessors: list[Json] = []
        self.places: dict[tuple[int, bool], int] = {}
        self.shared: dict[int, int] = {}
        self.lost: Counter[tuple[str, str]] = Counter()

    def made(self) -> tuple[Packed, list[Json]]:
        self._drop_extensions(self.root)
        for key in ("extensionsUsed", "extensionsRequired"):
            self._keep_list(key, [name for name in self.root.get(key) or [] if name in DRAWN])
        self._copy_meshes()
        self._copy_motion()
        self._copy_pictures()
        self._set_scene()
        self._keep_list("accessors", self.accessors)
        self._keep_list("bufferViews", self.views)
        self._keep_list("buffers", [{"byteLength": self.pieces.size}] if self.pieces.size else [])
        losses = [loss(feature, count, reason, "render") for (feature, reason), count in sorted(self.lost.items())]
        return Packed(self.root, self.pieces), losses

    def _keep_list(self, key: str, values: list) -> None:
        """Lists may not be empty in glTF: an empty one goes."""
        self.root.pop(key, None)
        if values:
            self.root[key] = values

    def _drop_extensions(self, owner: Json) -> None:
        """Remove every extension object that is not drawn, everywhere but in extras."""
        rest: list = [owner]
        while rest:
            entry = rest.pop()
            if isinstance(entry, list):
                rest += entry
            elif isinstance(entry, dict):
                entry.pop("extras", None)
                extensions = entry.get("extensions")
                if isinstance(extensions, dict):
                    for name in [name for name in extensions if name not in DRAWN]:
                        del extensions[name]
                        if name not in _UNDONE:
                            self.lost[name, "The renderer does not know the extension."] += 1
                    if not extensions:
                        del entry["extensions"]
                rest += entry.values()

    # ---------------------------------------------------------------- accessors

    def accessor(self, index: int, vertex: bool) -> int:
        """The new number of an accessor; written out plainly where its bytes are not plain already."""
        if (index, vertex) not in self.places:
            self.places[index, vertex] = self._copied(index, vertex)
        return self.places[index, vertex]

    def _copied(self, index: int, vertex: bool) -> int:
        source = self.document.all("accessors")[index]
        entry = {key: source[key] for key in _KEPT if key in source}
        shape = layout(source)
        if self._is_plain(index, source, vertex):
            entry["bufferView"] = self._shared_view(source["bufferView"])
            entry["byteOffset"] = source.get("byteOffset", 0)
        else:
            entry["bufferView"] = self._new_view(_rows(read(self.document, index), shape.columns, vertex), vertex)
        self.accessors.append(entry)
        return len(self.accessors) - 1

    def _is_plain(self, index: int, source: Json, vertex: bool) -> bool:
        if "bufferView" not in source or "sparse" in source or index in self.document.unpacked:
            return False
        shape = layout(source)
        offset = source.get("byteOffset", 0)
        stride = self.document.all("bufferViews")[source["bufferView"]].get("byteStride") or shape.size
        if vertex:
            return stride % 4 == 0 and offset % 4 == 0
        return offset % shape.dtype.itemsize == 0 and stride == shape.size

    def _shared_view(self, index: int) -> int:
        if index not in self.shared:
            source = self.document.all("bufferViews")[index]
            view = {"buffer": 0, "byteOffset": self.pieces.append(self.document.view(index))}
            view["byteLength"] = source["byteLength"]
            view |= {key: source[key] for key in ("byteStride", "target") if key in source}
            self.views.append(view)
            self.shared[index] = len(self.views) - 1
        return self.shared[index]

    def _new_view(self, rows: np.ndarray, vertex: bool) -> int:
        view: Json = {"buffer": 0, "byteOffset": self.pieces.append(rows.tobytes()), "byteLength": rows.nbytes}
        if vertex:
            view |= {"byteStride": rows.shape[1], "target": ARRAY}
        self.views.append(view)
        return len(self.views) - 1

    def _indices(self, values: np.ndarray) -> int:
        rows = values.astype("<u4").reshape(-1, 1).view(np.uint8)
        view = self._new_view(rows, vertex=False)
        self.views[view]["target"] = ELEMENTS
        self.accessors.append({"bufferView": view, "componentType": 5125, "count": len(values), "type": "SCALAR"})
        return len(self.accessors) - 1

    # ---------------------------------------------------------------- meshes

    def _copy_meshes(self) -> None:
        kept: dict[int, int] = {}
        meshes = []
        shown = {node["mesh"] for node in self.document.all("nodes") if "mesh" in node}
        for number, mesh in enumerate(self.root.get("meshes") or []):
            if number not in shown:
                continue
            sources = self.document.all("meshes")[number]["primitives"]
            mesh["primitives"] = [
                self._primitive(primitive, source)
                for primitive, source in zip(mesh["primitives"], sources, strict=True)
                if "POSITION" in source["attributes"]
            ]
            if mesh["primitives"]:
                kept[number] = len(meshes)
                meshes.append(mesh)
        self._keep_list("meshes", meshes)
        for node in self.root.get("nodes") or []:
            if "mesh" in node:
                node["mesh"] = kept.get(node["mesh"])
                if node["mesh"] is None:
                    del node["mesh"]
                    node.pop("skin", None)
                    node.pop("weights", None)
            instanced = extension(node, INSTANCING)
            for name, index in ((instanced or {}).get("attributes") or {}).items():
                instanced["attributes"][name] = self.accessor(index, vertex=False)

    def _primitive(self, primitive: Json, source: Json) -> Json:
        primitive["attributes"] = self._attributes(source["attributes"])
        if source.get("targets"):
            primitive["targets"] = [self._attributes(target, _MORPHED) for target in source["targets"]]
        if "indices" in source:
            primitive["indices"] = self.accessor(source["indices"], vertex=False)
        count = self.accessors[primitive["attributes"]["POSITION"]]["count"]
        self._plain_mode(primitive, source, count)
        return primitive

    def _attributes(self, attributes: Json, wanted: re.Pattern = _ATTRIBUTE) -> Json:
        kept = {}
        for name, index in attributes.items():
            if wanted.fullmatch(name):
                kept[name] = self.accessor(index, vertex=True)
                if name == "POSITION":
                    self._bound(kept[name], index)
            else:
                reason = "Attributes of other names draw nothing; targets morph positions, normals and tangents."
                self.lost[f"attribute {name[:40]}", reason] += 1
        return kept

    def _bound(self, place: int, index: int) -> None:
        """Write the true min and max: the renderer frames and culls by them, and the file's are only claims."""
        low, high, _ = bounds(self.document, index)
        whole = self.accessors[place]["componentType"] != 5126
        for key, values in (("min", low), ("max", high)):
            self.accessors[place][key] = [int(value) if whole else float(value) for value in values]

    def _plain_mode(self, primitive: Json, source: Json, count: int) -> None:
        """Line loops become strips, and fans become triangles: the raster engine draws neither."""
        mode = source.get("mode", _TRIANGLES)
        if mode not in (_LINE_LOOP, _FAN):
            return
        order = read(self.document, source["indices"]).reshape(-1) if "indices" in source else np.arange(count)
        if mode == _LINE_LOOP:
            primitive["mode"], order = _LINE_STRIP, np.append(order, order[:1])
        else:
            primitive["mode"] = _TRIANGLES
            order = np.column_stack([np.full(max(0, len(order) - 2), order[0]), order[1:-1], order[2:]]).reshape(-1)
        if len(order):
            primitive["indices"] = self._indices(order)

    # ---------------------------------------------------------------- skins, animations, pictures, scene

    def _copy_motion(self) -> None:
        for skin in self.root.get("skins") or []:
            if "inverseBindMatrices" in skin:
                skin["inverseBindMatrices"] = self.accessor(skin["inverseBindMatrices"], vertex=False)
        animations = []
        for animation in self.root.get("animations") or []:
            known = [channel for channel in animation["channels"] if _is_seen(channel["target"])]
            if len(known) < len(animation["channels"]):
                reason = "The renderer moves nodes, materials and lights only."
                self.lost["animation channels", reason] += len(animation["channels"]) - len(known)
            for sampler in animation["samplers"]:
                clock = sampler["input"]
                sampler["input"] = self.accessor(clock, vertex=False)
                sampler["output"] = self.accessor(sampler["output"], vertex=False)
                if bounds(self.document, clock).finite:
                    self._bound(sampler["input"], clock)
            animation["channels"] = known
            if known:
                animations.append(animation)
        self._keep_list("animations", animations)

    def _copy_pictures(self) -> None:
        lost = copy_pictures(self.document, self.root, self._picture_view)
        if lost:
            self.lost["textures", "The picture is missing, or of a format that is not drawn."] += lost

    def _picture_view(self, data: bytes | memoryview) -> int:
        self.views.append({"buffer": 0, "byteOffset": self.pieces.append(data), "byteLength": len(data)})
        return len(self.views) - 1

    def _set_scene(self) -> None:
        """A default scene, which some files only imply, and roots that are roots."""
        roots = scene_roots(self.document)
        for scene in self.root.get("scenes") or []:
            if scene.get("nodes"):
                scene["nodes"] = topmost(self.document, scene["nodes"])
        if not self.root.get("scenes"):
            self.root["scenes"] = [{"nodes": roots}] if roots else [{}]
        self.root.setdefault("scene", 0)


def _is_seen(target: Json) -> bool:
    """Whether a channel moves something that is drawn and keeps its number here."""
    pointer = (extension(target, "KHR_animation_pointer") or {}).get("pointer")
    return "node" in target or (isinstance(pointer, str) and _MOVED.match(pointer) is not None)


def _rows(values: np.ndarray, columns: int, vertex: bool) -> np.ndarray:
    """uint8 (n, bytes): rows as glTF stores them, columns of matrices and vertex rows at multiples of 4."""
    values = np.ascontiguousarray(values)
    count = len(values)
    data = values.view(np.uint8).reshape(count, columns, -1)
    width = data.shape[2]
    if (vertex or columns > 1) and width % 4:
        padded = np.zeros((count, columns, width + -width % 4), np.uint8)
        padded[:, :, :width] = data
        data = padded
    return data.reshape(count, -1)
