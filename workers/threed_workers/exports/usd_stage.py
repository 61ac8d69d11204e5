"""A document's default scene as a USD stage: nodes become Xforms, meshes are written once and referenced."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from pxr import Gf, Kind, Sdf, Usd, UsdGeom

from threed.errors import FileTooComplex
from threed_workers.document import Document
from threed_workers.document.model import INSTANCING, Json, extension
from threed_workers.document.placements import Placement, is_skinned, moved, placements
from threed_workers.document.shapes import Shape, shape_of
from threed_workers.document.world import scene_roots, world_matrices
from threed_workers.exports.export import one_line
from threed_workers.exports.pictures import Pictures
from threed_workers.exports.surfaces import surface_of
from threed_workers.exports.usd_materials import Materials
from threed_workers.exports.usd_meshes import write_shape
from threed_workers.exports.usd_morphs import Morphs, can_morph, is_morphed
from threed_workers.exports.usd_motion import RATE, Motion
from threed_workers.exports.usd_names import Paths, identifier
from threed_workers.exports.usd_skins import Skins

Lost = Counter[tuple[str, str]]

_APERTURE_MM = 24.0
_ASPECT = 1.5
_FAR_M = 1e6
_MOST_PRIMS = 100_000  # of nodes and instances: layers keep siblings in lists that are copied for each new one


def write_stage(document: Document, stage: Usd.Stage, title: str) -> tuple[Pictures, Lost]:
    """Fill the stage. Answers the pictures that it refers to as textures/<name>, and what was lost on the way."""
    writer = _Writer(document, stage, title)
    writer.write()
    return writer.pictures, writer.lost


class _Writer:
    def __init__(self, document: Document, stage: Usd.Stage, title: str):
        self.document, self.stage = document, stage
        self.lost: Lost = Counter()
        self.pictures = Pictures(document)
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
        UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        self.root = Sdf.Path.absoluteRootPath.AppendChild(identifier(title, "model"))
        root = UsdGeom.Xform.Define(stage, self.root).GetPrim()
        stage.SetDefaultPrim(root)
        Usd.ModelAPI(root).SetKind(Kind.Tokens.component)
        root.SetAssetInfoByKey("name", title)
        self.names = Paths()
        self.scopes = {name: self.names.child(self.root, name, name) for name in ("Prototypes", "Materials", "Skins")}
        self.paths: dict[int, Sdf.Path] = {}
        self.defined = 0
        self.prototypes: dict[tuple, Sdf.Path] = {}
        self.materials = Materials(document, stage, self.scopes["Materials"], self.names, self.pictures)
        self.motion = Motion(document, self.lost)
        self.morphs = Morphs(document, stage, self.names, self.motion, self.lost)
        self.skins = Skins(document, stage, self.scopes["Skins"], self.motion, self.lost)

    def write(self) -> None:
        copyright = one_line(self.document.json["asset"].get("copyright"))
        if copyright:
            self.stage.GetRootLayer().customLayerData = {"creator": "threed", "copyright": copyright}
        self._nodes()
        shown = list(placements(self.document))
        uses = Counter(self._key(placement) for placement in shown)
        for placement, home in zip(shown, self._homes(shown), strict=True):
            self._place(placement, home, uses[self._key(placement)] > 1)
        self.morphs.finish()
        if self.motion.end:
            self.stage.SetTimeCodesPerSecond(RATE)
            self.stage.SetFramesPerSecond(RATE)
            self.stage.SetStartTimeCode(0)
            self.stage.SetEndTimeCode(self.motion.end * RATE)
        count = len(self.pictures.unusable)
        self.lost["pictures", "They do not decode, or the KTX2 program is not installed."] += count

    # ---------------------------------------------------------------- nodes

    def _nodes(self) -> None:
        """Parents come before their children in the order of the levels."""
        nodes = self.document.all("nodes")
        roots = scene_roots(self.document)
        order, _ = world_matrices(self.document, roots)
        above = dict.fromkeys(roots, self.root)
        for number in order:
            self.paths[number] = self.names.child(above[number], nodes[number].get("name"), f"node_{number}")
            above |= dict.fromkeys(nodes[number].get("children") or [], self.paths[number])
        self._define(list(self.paths.values()))
        for number in order:
            self._transform(UsdGeom.Xform.Get(self.stage, self.paths[number]), nodes[number], number)
            if "camera" in nodes[number]:
                self._camera(self.paths[number], self.document.all("cameras")[nodes[number]["camera"]])

    def _define(self, paths: list[Sdf.Path]) -> None:
        """Xforms, all at once: one after the other, each would make the stage look at all of its siblings again."""
        self.defined += len(paths)
        if self.defined > _MOST_PRIMS:
            raise FileTooComplex(
                f"The scene has more than {_MOST_PRIMS} nodes and instances, too many for USD. Export it as glb.",
                where="/nodes",
            )
        with Sdf.ChangeBlock():
            for path in paths:
                spec = Sdf.CreatePrimInLayer(self.stage.GetRootLayer(), path)
                spec.specifier, spec.typeName = Sdf.SpecifierDef, "Xform"

    def _transform(self, xform: UsdGeom.Xform, node: Json, number: int) -> None:
        if node.get("matrix") is not None:
            # glTF's columns one after the other are USD's rows.
            xform.AddTransformOp().Set(Gf.Matrix4d(*map(float, node["matrix"])))
            return
        moving = self.motion.of_node(number)
        if "translation" in node or "translation" in moving:
            operation = xform.AddTranslateOp()
            operation.Set(Gf.Vec3d(*node.get("translation") or (0, 0, 0)))
            for time, value in moving.get("translation", ()):
                operation.Set(Gf.Vec3d(*value), time * RATE)
        if "rotation" in node or "rotation" in moving:
            operation = xform.AddOrientOp()
            operation.Set(_quaternion(node.get("rotation") or (0, 0, 0, 1)))
            for time, value in moving.get("rotation", ()):
                operation.Set(_quaternion(value), time * RATE)
        if "scale" in node or "scale" in moving:
            operation = xform.AddScaleOp()
            operation.Set(Gf.Vec3f(*node.get("scale") or (1, 1, 1)))
            for time, value in moving.get("scale", ()):
                operation.Set(Gf.Vec3f(*value), time * RATE)

    def _camera(self, path: Sdf.Path, entry: Json) -> None:
        """glTF's cameras look along -Z with +Y up, as USD's do; apertures are tenths of a unit (UsdGeomCamera)."""
        camera = UsdGeom.Camera.Define(self.stage, self.names.child(path, entry.get("name"), "camera"))
        lens = entry.get(entry.get("type")) or {}
        near, far = float(lens.get("znear", 0.01)), float(lens.get("zfar", _FAR_M))
        camera.CreateClippingRangeAttr(Gf.Vec2f(near, far))
        if entry.get("type") == "orthographic":
            camera.CreateProjectionAttr(UsdGeom.Tokens.orthographic)
            camera.CreateHorizontalApertureAttr(20.0 * float(lens.get("xmag", 1)))
            camera.CreateVerticalApertureAttr(20.0 * float(lens.get("ymag", 1)))
            return
        camera.CreateVerticalApertureAttr(_APERTURE_MM)
        camera.CreateHorizontalApertureAttr(_APERTURE_MM * float(lens.get("aspectRatio", _ASPECT)))
        camera.CreateFocalLengthAttr(_APERTURE_MM / 2 / math.tan(float(lens.get("yfov", 0.8)) / 2))

    # ---------------------------------------------------------------- meshes

    def _key(self, placement: Placement) -> tuple:
        return placement.mesh, tuple(placement.weights)

    def _place(self, placement: Placement, home: Sdf.Path, shared: bool) -> None:
        """A mesh below its node: written there, or referenced where several nodes show it; skinned ones apart."""
        node, mesh = self.document.all("nodes")[placement.node], self.document.all("meshes")[placement.mesh]
        skin, otherwise = node.get("skin"), f"mesh_{placement.mesh}"
        if skin is not None and any(is_skinned(primitive) for primitive in mesh["primitives"]):
            if placement.joints is not None:
                path = self.names.child(self.skins.root(skin), placement.name, otherwise)
                UsdGeom.Xform.Define(self.stage, path)
                self._write_mesh(path, placement, skin, self.skins.skeleton(skin) if is_morphed(mesh) else None)
                return
            self.lost["skins", "Not all of their joints are in the scene."] += 1
        path = self.names.child(home, mesh.get("name"), otherwise)
        if is_morphed(mesh) and extension(node, INSTANCING) is None:
            self._write_mesh(path, placement, None, self.morphs.root(path))
            return
        if is_morphed(mesh):
            self.lost["morph targets", "Instances are written with the weights that the file shows."] += 1
        if not shared:
            UsdGeom.Xform.Define(self.stage, path)
            self._write_mesh(path, placement, None, None)
            return
        key = self._key(placement)
        if key not in self.prototypes:
            kept = self.stage.CreateClassPrim(self.scopes["Prototypes"]).GetPath()
            self.prototypes[key] = self.names.child(kept, mesh.get("name"), otherwise)
            UsdGeom.Xform.Define(self.stage, self.prototypes[key])
            self._write_mesh(self.prototypes[key], placement, None, None)
        UsdGeom.Xform.Define(self.stage, path).GetPrim().GetReferences().AddInternalReference(self.prototypes[key])

    def _write_mesh(self, path: Sdf.Path, placement: Placement, skin: int | None, morphing: Sdf.Path | None) -> None:
        """One prim for each primitive below `path`; `morphing` is the skeleton whose animation weighs the targets."""
        mesh = self.document.all("meshes")[placement.mesh]
        targets = self.morphs.targets(morphing, mesh, placement.node, placement.weights) if morphing else []
        for number, primitive in enumerate(mesh["primitives"]):
            blends = bool(targets) and can_morph(primitive)
            shape = shape_of(self.document, primitive, None if blends else placement.weights)
            if shape is None:
                continue
            if skin is not None and not is_skinned(primitive):
                shape = moved(shape, placement.matrix)  # below the skeleton's root there is no node to move it
            prim = self._write_shape(path.AppendChild(f"primitive_{number}"), shape, primitive)
            if skin is not None and is_skinned(primitive):
                self.skins.bind(prim, skin, primitive)
            if blends:
                self.morphs.bind(prim, morphing, primitive, targets)

    def _write_shape(self, path: Sdf.Path, shape: Shape, primitive: Json) -> Usd.Prim:
        """A prim with its material."""
        surface = surface_of(self.document, primitive.get("material"))
        painted = shape.colors is not None
        if painted and "base" in surface.maps:
            self.lost["vertex colours", "Under a texture, a preview surface shows the texture alone."] += 1
        elif painted:
            shape = replace(shape, colors=shape.colors * np.float32(surface.color))
        prim = write_shape(self.stage, path, shape)
        self.materials.bind(prim, primitive.get("material"), surface, painted)
        if surface.double_sided:
            UsdGeom.Gprim(prim).CreateDoubleSidedAttr(True)
        return prim

    def _homes(self, shown: list[Placement]) -> list[Sdf.Path]:
        """Below which prim each mesh goes: its node, or an Xform for one instance of EXT_mesh_gpu_instancing."""
        homes, instances = [], {}
        for place, placement in enumerate(shown):
            path = self.paths[placement.node]
            if extension(self.document.all("nodes")[placement.node], INSTANCING) is not None:
                path = instances[place] = self.names.child(path, None, "instance")
            homes.append(path)
        self._define(list(instances.values()))
        for place, path in instances.items():
            local = Gf.Matrix4d(*shown[place].instance.T.reshape(-1).tolist())
            UsdGeom.Xform.Get(self.stage, path).AddTransformOp().Set(local)
        return homes


def _quaternion(xyzw: Any) -> Gf.Quatf:
    x, y, z, w = (float(part) for part in np.asarray(xyzw, np.float64) / np.linalg.norm(xyzw))
    return Gf.Quatf(w, x, y, z)
