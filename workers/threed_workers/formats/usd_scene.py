"""The prims of a stage to glTF nodes, with what each of them shows."""

from __future__ import annotations

from typing import Any

import numpy as np

from threed.errors import FileTooComplex
from threed_workers.document.model import INSTANCING, Json
from threed_workers.formats.placement import decompose
from threed_workers.formats.placement import parts as parts_of
from threed_workers.formats.usd_conversion import Conversion, array, value
from threed_workers.formats.usd_extras import extras
from threed_workers.formats.usd_gprims import GPRIMS, gprim
from threed_workers.formats.usd_lights import LIGHTS, camera, light
from threed_workers.formats.usd_materials import Materials
from threed_workers.formats.usd_mesh import Meshes, points_mesh
from threed_workers.formats.usd_motion import Motion
from threed_workers.formats.usd_skeletons import Skeletons
from threed_workers.formats.usd_skinning import Skinning
from threed_workers.formats.usd_transforms import local_matrix

# No place in space: read where they are used.
_NOWHERE = frozenset(
    "Material Shader NodeGraph GeomSubset SkelAnimation BlendShape RenderSettings RenderProduct".split()
)
_LEFT_OUT = {
    "BasisCurves": "glTF has no curves.",
    "NurbsCurves": "glTF has no curves.",
    "HermiteCurves": "glTF has no curves.",
    "NurbsPatch": "glTF has no free-form surfaces.",
    "TetMesh": "glTF has no volumes.",
    "Volume": "glTF has no volumes.",
}
# Beyond that many, instances of a point instancer share one node (EXT_mesh_gpu_instancing).
_MOST_INSTANCE_NODES = 1000


class Scene:
    """Walks the stage once; then skins, motion and lights are complete."""

    def __init__(self, conversion: Conversion, metres: float, z_up: bool):
        self.conversion = conversion
        self.metres = metres
        self.motion = Motion(conversion)
        self.materials = Materials(conversion)
        self.meshes = Meshes(conversion, self.materials)
        self.skeletons = Skeletons(conversion, self.motion)
        self.root = self._upright(metres, z_up)

    def add_all(self) -> None:
        """Every prim that is active, defined and loaded, instances as often as they are shown."""
        self.add_tree(self.conversion.stage.GetPseudoRoot(), self.root)
        self.skeletons.finish()
        self.motion.finish()

    def add_tree(self, top: Any, parent: int | None) -> None:
        """What lies below a prim, below a node."""
        rest = [(child, parent, 1) for child in reversed(_children(top))]
        while rest:
            prim, above, depth = rest.pop()
            if depth > self.conversion.budget.node_depth // 2:  # a prim may take two nodes
                raise FileTooComplex("Prims nest too deep. Flatten the stage.", where=str(prim.GetPath()))
            node = self.add(prim, above) if self._is_shown(prim) else None
            if node is not None and prim.GetTypeName() != "PointInstancer":
                rest += [(child, node, depth + 1) for child in reversed(_children(prim))]

    def add(self, prim: Any, parent: int | None, placed: np.ndarray | None = None) -> int:
        """The node of one prim (the lower one, where it takes two), at its own transform or at `placed`."""
        from pxr import UsdGeom

        conversion, xformable = self.conversion, UsdGeom.Xformable(prim)
        if xformable and xformable.GetResetXformStack():
            parent = self.root
        made = placed if placed is not None else local_matrix(xformable, conversion) if xformable else np.eye(4)
        outer, *inner = parts_of(made)
        entry: Json = {"name": prim.GetName(), **outer}
        notes = extras(prim, conversion)
        node = top = conversion.add_node(entry | ({"extras": notes} if notes else {}), parent, prim)
        for below in inner:
            node = conversion.add_node({"name": f"{prim.GetName()} shear", **below}, node, prim)
        if xformable and placed is None and xformable.TransformMightBeTimeVarying():
            self.motion.transform(top, xformable)
        self._tell_variants(prim)
        self._show(prim, node)
        return node

    def _upright(self, metres: float, z_up: bool) -> int | None:
        """The node that turns and scales everything, where the stage is not in metres with +Y up."""
        if metres == 1 and not z_up:
            return None
        columns = np.diag([metres, metres, metres, 1.0])
        if z_up:  # a matrix, because a quaternion of a quarter turn is not exact
            columns = np.array([[metres, 0, 0, 0], [0, 0, metres, 0], [0, -metres, 0, 0], [0, 0, 0, 1]])
        return self.conversion.builder.add("nodes", {"name": "stage", "matrix": columns.T.reshape(-1).tolist()})

    def _is_shown(self, prim: Any) -> bool:
        from pxr import UsdGeom

        kind = prim.GetTypeName()
        if kind in _NOWHERE or (kind == "Scope" and not _holds_things(prim)):
            return False
        imageable = UsdGeom.Imageable(prim)
        if not imageable:
            return True
        if imageable.GetVisibilityAttr().ValueMightBeTimeVarying():
            self.conversion.lose("moving visibility", "What appears and vanishes keeps its first state.")
        if str(value(imageable.GetVisibilityAttr(), self.conversion)) == "invisible":
            self.conversion.lose("invisible prims", "What the stage does not show is left out.")
            return False
        purpose = str(value(imageable.GetPurposeAttr(), self.conversion, "default"))
        if purpose in ("proxy", "guide"):
            self.conversion.lose(f"{purpose} geometry", "Only what is there to be rendered is read.")
            return False
        return True

    def _tell_variants(self, prim: Any) -> None:
        """Others than the chosen variants are left out, and named."""
        for name in prim.GetVariantSets().GetNames():
            chosen = prim.GetVariantSet(name)
            others = sorted(set(chosen.GetVariantNames()) - {chosen.GetVariantSelection()})
            if others:
                reason = f"Kept is {chosen.GetVariantSelection()[:60]!r}; left out are {', '.join(others[:10])[:200]}."
                self.conversion.lose(f"variants of {name[:60]}", reason, len(others))

    # ---------------------------------------------------------------- what a prim shows

    def _show(self, prim: Any, node: int) -> None:
        kind = prim.GetTypeName()
        entry = self.conversion.builder.json["nodes"][node]
        if kind == "Mesh":
            made = self.meshes.number(prim)
            if made is not None:
                self._wear(entry, node, prim, *made)
        elif kind in GPRIMS:
            surface = gprim(prim, self.conversion)
            number = self.meshes.add(surface) if surface is not None else None
            entry |= {"mesh": number} if number is not None else {}
        elif kind == "Points":
            number = points_mesh(prim, self.conversion)
            entry |= {"mesh": number} if number is not None else {}
        elif kind == "PointInstancer":
            self._instances(prim, node)
        elif kind == "Skeleton":
            self.skeletons.add(prim, node)
        elif kind == "Camera":
            self._look(prim, node)
        elif kind in LIGHTS:
            number = light(prim, self.conversion, self.metres)
            entry |= {"extensions": {"KHR_lights_punctual": {"light": number}}} if number is not None else {}
        elif kind in _LEFT_OUT:
            self.conversion.lose(kind, _LEFT_OUT[kind])

    def _wear(self, entry: Json, node: int, prim: Any, number: int, skinning: Skinning | None) -> None:
        entry["mesh"] = number
        if skinning is not None:
            self.skeletons.wait(node, prim, skinning)

    def _look(self, prim: Any, node: int) -> None:
        """A camera counts in metres: a node below undoes the stage's unit."""
        number = camera(prim, self.conversion, self.metres)
        if number is None:
            return
        if self.metres == 1:
            self.conversion.builder.json["nodes"][node]["camera"] = number
        else:
            entry = {"name": f"{prim.GetName()} lens", "camera": number, "scale": [1 / self.metres] * 3}
            self.conversion.add_node(entry, node, prim)

    # ---------------------------------------------------------------- point instancers

    def _instances(self, prim: Any, node: int) -> None:
        """The prototypes of a point instancer, each where its instances are."""
        from pxr import UsdGeom

        conversion, instancer = self.conversion, UsdGeom.PointInstancer(prim)
        if any(
            attribute.ValueMightBeTimeVarying()
            for attribute in (instancer.GetPositionsAttr(), instancer.GetOrientationsAttr(), instancer.GetScalesAttr())
        ):
            conversion.lose("moving instances", "Instances that move one by one keep their first place.")
        kinds = array(value(instancer.GetProtoIndicesAttr(), conversion), 1, prim, "protoIndices", np.int64)
        conversion.spend(0, 64 * len(kinds), prim)
        array(value(instancer.GetPositionsAttr(), conversion), 3, prim, "positions")
        places = instancer.ComputeInstanceTransformsAtTime(
            conversion.time,
            conversion.time,
            UsdGeom.PointInstancer.ExcludeProtoXform,
            UsdGeom.PointInstancer.IgnoreMask,
        )
        mask = list(instancer.ComputeMaskAtTime(conversion.time)) or [True] * len(kinds)
        if len(places) != len(kinds) or len(mask) != len(kinds):
            conversion.warn("INSTANCES_INVALID", prim, "The instances' places do not fit their number; none is shown.")
            return
        columns = np.asarray(places, np.float64).reshape(-1, 4, 4).transpose(0, 2, 1)
        for number, path in enumerate(instancer.GetPrototypesRel().GetForwardedTargets()):
            prototype = conversion.stage.GetPrimAtPath(path)
            chosen = np.flatnonzero((kinds == number) & np.array(mask, bool))
            if prototype and len(chosen):
                self._scatter(prototype, columns[chosen], node)

    def _scatter(self, prototype: Any, places: np.ndarray, node: int) -> None:
        """A node for each place; where they are many, one for all, if the prototype is a single mesh."""
        own = self._local(prototype)
        if len(places) > _MOST_INSTANCE_NODES and prototype.GetTypeName() == "Mesh" and not _children(prototype):
            parts = [decompose(place @ own) for place in places]
            made = self.meshes.number(prototype)
            if made is not None and made[1] is None and all(part is not None for part in parts):
                self._share(prototype, made[0], parts, node)
                return
        for place in places:
            below = self.add(prototype, node, place @ own)
            if prototype.GetTypeName() == "PointInstancer":
                continue
            self.add_tree(prototype, below)

    def _share(self, prototype: Any, mesh: int, parts: list, node: int) -> None:
        builder = self.conversion.builder
        columns = [np.array([part[n] for part in parts], np.float32) for n in range(3)]
        names = ("TRANSLATION", "ROTATION", "SCALE")
        attributes = {name: builder.accessor(rows) for name, rows in zip(names, columns, strict=True)}
        builder.use(INSTANCING)
        entry = {"name": prototype.GetName(), "mesh": mesh, "extensions": {INSTANCING: {"attributes": attributes}}}
        self.conversion.add_node(entry, node, prototype)

    def _local(self, prim: Any) -> np.ndarray:
        from pxr import UsdGeom

        xformable = UsdGeom.Xformable(prim)
        return local_matrix(xformable, self.conversion) if xformable else np.eye(4)


def _children(prim: Any) -> list[Any]:
    from pxr import Usd

    return list(prim.GetFilteredChildren(Usd.TraverseInstanceProxies()))


def _holds_things(prim: Any) -> bool:
    """Whether a scope holds more than materials and the like. An empty one is nothing, too."""
    return any(child.GetTypeName() not in _NOWHERE for child in _children(prim))
