"""USD meshes to glTF primitives: polygons to triangles, values per face and corner to vertices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from threed.errors import FileValuesInvalid
from threed_workers.document.model import Json
from threed_workers.formats.usd_conversion import Conversion, array, value
from threed_workers.formats.usd_materials import Materials, Wearer
from threed_workers.formats.usd_primvars import Column, Primvars, checked, read_primvars
from threed_workers.formats.usd_skinning import Skinning, read_skinning
from threed_workers.mesh.normals import MOST_CREASED, crease_normals, smooth_normals, unit_normals
from threed_workers.mesh.triangulate import triangulate
from threed_workers.mesh.weld import weld


@dataclass(eq=False)
class Surface:
    """A mesh on its way: `points` float32 (n, 3); of each corner its point and face; triangles as corners (t, 3)."""

    prim: Any
    points: np.ndarray
    corner_points: np.ndarray
    corner_faces: np.ndarray
    triangles: np.ndarray
    primvars: Primvars
    skinning: Skinning | None = None
    parts: list[tuple[np.ndarray, Any]] = field(default_factory=list)  # triangles, and the prim that has the material

    def columns(self) -> dict[str, Column]:
        """The attributes that a vertex may take from its point, face or corner, by glTF name."""
        found = {"NORMAL": self.primvars.normals} if self.primvars.normals is not None else {}
        found |= {f"TEXCOORD_{number}": column for number, column in enumerate(self.primvars.uvs.values())}
        return found | self.primvars.custom


class Meshes:
    """Meshes by what they are made of: instances share one."""

    def __init__(self, conversion: Conversion, materials: Materials):
        self.conversion = conversion
        self.materials = materials
        self.made: dict[tuple, tuple[int, Skinning | None] | None] = {}

    def number(self, prim: Any) -> tuple[int, Skinning | None] | None:
        """(glTF mesh, how it is skinned and morphed); None for a mesh without triangles."""
        master = prim.GetPrimInPrototype() if prim.IsInstanceProxy() else prim
        material = self.materials.bound(prim)
        key = (str(master.GetPath()), str(material.GetPath()) if material else "")
        if key not in self.made:
            self.made[key] = self._make(prim)
        return self.made[key]

    def add(self, surface: Surface) -> int | None:
        """The glTF mesh of a surface that is ready."""
        primitives = [
            made
            for triangles, owner in surface.parts or [(surface.triangles, surface.prim)]
            if len(triangles) and (made := self._primitive(surface, triangles, owner)) is not None
        ]
        if not primitives:
            return None
        entry: Json = {"name": surface.prim.GetName(), "primitives": primitives}
        notes = {"primvars": surface.primvars.extras} if surface.primvars.extras else {}
        if surface.skinning is not None and surface.skinning.targets:
            entry["weights"] = [0.0] * len(surface.skinning.targets)
            notes["targetNames"] = surface.skinning.names
        return self.conversion.builder.add("meshes", entry | ({"extras": notes} if notes else {}))

    def _make(self, prim: Any) -> tuple[int, Skinning | None] | None:
        surface = self._read(prim)
        number = self.add(surface) if surface is not None else None
        return None if number is None else (number, surface.skinning)

    def _read(self, prim: Any) -> Surface | None:
        from pxr import UsdGeom

        conversion, mesh = self.conversion, UsdGeom.Mesh(prim)
        if mesh.GetPointsAttr().ValueMightBeTimeVarying():
            conversion.lose("deforming points", "Points that move one by one keep their first place.")
        points = array(value(mesh.GetPointsAttr(), conversion), 3, prim, "points")
        sizes = array(value(mesh.GetFaceVertexCountsAttr(), conversion), 1, prim, "faceVertexCounts", np.int64)
        corners = array(value(mesh.GetFaceVertexIndicesAttr(), conversion), 1, prim, "faceVertexIndices", np.int64)
        if not len(sizes) or not len(points):
            return None
        _check_topology(prim, points, sizes, corners)
        counts = {"constant": 1, "uniform": len(sizes), "faceVarying": len(corners), "vertex": len(points)}
        primvars = read_primvars(prim, counts, conversion)
        if primvars.normals is None and mesh.GetNormalsAttr().HasAuthoredValue():
            normals = array(value(mesh.GetNormalsAttr(), conversion), 3, prim, "normals")
            kind = str(mesh.GetNormalsInterpolation())
            primvars.normals = checked(normals, kind, "normals", prim, counts, conversion)
        if str(value(mesh.GetSubdivisionSchemeAttr(), conversion, "catmullClark")) != "none":
            conversion.lose("subdivision", "Subdivision surfaces come in as their cage of polygons.")
        surface = self._surface(prim, mesh, points, sizes, corners, primvars)
        surface.skinning = read_skinning(prim, points, conversion)
        surface.parts = self._parts(prim, mesh, surface)
        return surface

    def _surface(self, prim: Any, mesh: Any, points: Any, sizes: Any, corners: Any, primvars: Primvars) -> Surface:
        faces = np.arange(len(sizes))
        self.conversion.spend(3 * int(np.maximum(sizes - 2, 0).sum()), 0, prim)
        triangles, owner = triangulate(points, corners, sizes)
        holes = array(value(mesh.GetHoleIndicesAttr(), self.conversion), 1, prim, "holeIndices", np.int64)
        if len(holes):
            triangles = triangles[~np.isin(owner, holes)]
        if str(value(mesh.GetOrientationAttr(), self.conversion)) == "leftHanded":
            triangles = triangles[:, [0, 2, 1]]
        return Surface(prim, points, corners, np.repeat(faces, sizes), triangles, primvars)

    def _parts(self, prim: Any, mesh: Any, surface: Surface) -> list[tuple[np.ndarray, Any]]:
        """Triangles by material: those of each subset, and the rest."""
        from pxr import UsdGeom, UsdShade

        subsets = UsdShade.MaterialBindingAPI(prim).GetMaterialBindSubsets()
        faces = int(surface.corner_faces.max(initial=-1)) + 1
        others = len(UsdGeom.Subset.GetAllGeomSubsets(mesh)) - len(subsets)
        if others > 0:
            self.conversion.lose("face sets", "Subsets of faces that bind no material are left out.", others)
        if not subsets:
            return [(surface.triangles, prim)]
        owner = np.full(faces, -1)
        for number, subset in enumerate(subsets):
            indices = array(value(subset.GetIndicesAttr(), self.conversion), 1, prim, "indices", np.int64)
            owner[indices[(indices >= 0) & (indices < faces)]] = number
        of_triangle = owner[surface.corner_faces[surface.triangles[:, 0]]] if len(surface.triangles) else owner[:0]
        owners = [prim, *(subset.GetPrim() for subset in subsets)]
        return [(surface.triangles[of_triangle == number - 1], one) for number, one in enumerate(owners)]

    # ---------------------------------------------------------------- vertices

    def _primitive(self, surface: Surface, triangles: np.ndarray, owner: Any) -> Json | None:
        corners = triangles.reshape(-1)
        points, faces = surface.corner_points[corners], surface.corner_faces[corners]
        columns = surface.columns()
        if "NORMAL" not in columns:
            columns["NORMAL"] = _made_normals(surface.points, points.reshape(-1, 3))
        material, colors = self._dress(surface, owner)
        columns |= colors
        needed = sum(column.values.shape[1] for column in columns.values()) + 6
        self.conversion.spend(0, 4 * needed * len(corners), surface.prim)
        rows = {name: column.rows(points, faces, corners) for name, column in columns.items()}
        splitting = [part for name, part in rows.items() if columns[name].splits]
        if splitting:
            first, indices = weld(points.astype(np.int64), *(np.ascontiguousarray(part) for part in splitting))
        else:
            _, first, indices = np.unique(points, return_index=True, return_inverse=True)
        return self._written(
            surface, points[first], {name: part[first] for name, part in rows.items()}, indices, material
        )

    def _written(self, surface: Surface, points: np.ndarray, rows: dict, indices: np.ndarray, material: Any) -> Json:
        builder = self.conversion.builder
        skinning = surface.skinning
        positions, normals = surface.points[points], rows.pop("NORMAL")
        if skinning is not None:
            positions, normals = skinning.bound(positions, normals)
        attributes = {"POSITION": builder.positions(positions), "NORMAL": builder.attribute(unit_normals(normals))}
        for name, values in rows.items():
            attributes[name] = builder.attribute(_as_gltf(name, values), **_normalized(name))
        if skinning is not None and skinning.joints is not None:
            for number in range(skinning.joints.shape[1] // 4):
                four = np.s_[:, 4 * number : 4 * number + 4]
                attributes[f"JOINTS_{number}"] = builder.attribute(skinning.joints[points][four])
                attributes[f"WEIGHTS_{number}"] = builder.attribute(skinning.weights[points][four])
        primitive: Json = {"attributes": attributes, "indices": builder.indices(indices, len(points))}
        if material is not None:
            primitive["material"] = material
        if skinning is not None and skinning.targets:
            self.conversion.spend(0, 24 * len(points) * len(skinning.targets), surface.prim)
            primitive["targets"] = [skinning.target(builder, number, points) for number in range(len(skinning.targets))]
        return primitive

    def _dress(self, surface: Surface, owner: Any) -> tuple[int | None, dict[str, Column]]:
        """(material, colour columns). displayColor is what a mesh wears when nothing else is bound."""
        from pxr import UsdGeom

        primvars = surface.primvars
        material = self.materials.bound(owner)
        if material is not None and self.materials.is_readable(material):
            read = primvars.color is not None and self.materials.reads(material, "displayColor")
        else:
            material, read = None, primvars.color is not None or primvars.opacity is not None
        uv_sets = tuple((name, number) for number, name in enumerate(primvars.uvs))
        gprim = UsdGeom.Gprim(surface.prim)
        double = bool(gprim and value(gprim.GetDoubleSidedAttr(), self.conversion, False))
        constant = all(one is None or one.interpolation == "constant" for one in (primvars.color, primvars.opacity))
        if read and material is None and constant:
            color = primvars.color.values[0].tolist() if primvars.color is not None else [1.0] * 3
            alpha = float(primvars.opacity.values[0, 0]) if primvars.opacity is not None else 1.0
            tint = tuple(min(max(part, 0.0), 1.0) for part in (*color, alpha))
            return self.materials.number(None, Wearer((), double, tint), owner), {}
        if read and material is None:
            white = Wearer((), double, (1.0, 1.0, 1.0, 1.0), primvars.opacity is not None)
            return self.materials.number(None, white, owner), _color_columns(primvars)
        number = self.materials.number(material, Wearer(uv_sets if material else (), double), owner)
        columns: dict[str, Column] = {}
        if read:
            columns = _color_columns(primvars)
        elif primvars.color is not None and primvars.color.interpolation != "constant":
            columns = {"_DISPLAYCOLOR": primvars.color}
        return number, columns


def points_mesh(prim: Any, conversion: Conversion) -> int | None:
    """A glTF mesh of the points of a UsdGeomPoints; None when there are none. Widths are the attribute _WIDTHS."""
    from pxr import UsdGeom

    cloud, builder = UsdGeom.Points(prim), conversion.builder
    points = array(value(cloud.GetPointsAttr(), conversion), 3, prim, "points")
    if not len(points):
        return None
    conversion.spend(len(points), 32 * len(points), prim)
    counts = {"constant": 1, "uniform": len(points), "faceVarying": len(points), "vertex": len(points)}
    primvars = read_primvars(prim, counts, conversion)
    widths = array(value(cloud.GetWidthsAttr(), conversion), 1, prim, "widths")
    if len(widths) == len(points):
        primvars.custom["_WIDTHS"] = Column(widths[:, None], "vertex")
    columns = _color_columns(primvars) if primvars.color is not None or primvars.opacity is not None else {}
    columns |= {f"TEXCOORD_{number}": column for number, column in enumerate(primvars.uvs.values())}
    every = np.arange(len(points))
    attributes = {"POSITION": builder.positions(points)}
    for name, column in (columns | primvars.custom).items():
        values = _as_gltf(name, column.rows(every, every, every))
        attributes[name] = builder.attribute(values, **_normalized(name))
    entry: Json = {"name": prim.GetName(), "primitives": [{"mode": 0, "attributes": attributes}]}
    return builder.add("meshes", entry | ({"extras": {"primvars": primvars.extras}} if primvars.extras else {}))


def _normalized(name: str) -> dict[str, bool]:
    return {"normalized": True} if name == "COLOR_0" else {}


def _color_columns(primvars: Primvars) -> dict[str, Column]:
    """COLOR_0 of displayColor; displayOpacity joins it where both go by the same rule."""
    color, opacity = primvars.color, primvars.opacity
    if color is None:
        color = Column(np.ones((len(opacity.values), 3), np.float32), opacity.interpolation)
    if opacity is None:
        return {"COLOR_0": Column(_with_alpha(color.values, np.ones(len(color.values))), color.interpolation)}
    if opacity.interpolation == "constant":
        opacity = Column(np.repeat(opacity.values[:1], len(color.values), axis=0), color.interpolation)
    elif color.interpolation == "constant":
        color = Column(np.repeat(color.values[:1], len(opacity.values), axis=0), opacity.interpolation)
    alpha = opacity.values[: len(color.values), 0] if opacity.interpolation == color.interpolation else None
    if alpha is None or len(alpha) < len(color.values):
        alpha = np.ones(len(color.values))
    return {"COLOR_0": Column(_with_alpha(color.values, alpha), color.interpolation)}


def _with_alpha(colors: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.column_stack([colors, alpha]).astype(np.float32)


def _as_gltf(name: str, values: np.ndarray) -> np.ndarray:
    """The values of an attribute as glTF has them: v points down, and colours are whole numbers of 65535."""
    if name.startswith("TEXCOORD_"):
        return np.column_stack([values[:, 0], 1 - values[:, 1]]).astype(np.float32)
    if name == "COLOR_0":
        return np.rint(np.clip(values, 0, 1) * 65535).astype(np.uint16)
    return np.ascontiguousarray(values, np.float32)


def _check_topology(prim: Any, points: np.ndarray, sizes: np.ndarray, corners: np.ndarray) -> None:
    where = str(prim.GetPath())
    if (sizes < 0).any() or int(sizes.sum()) != len(corners):
        raise FileValuesInvalid(
            f"The faces have {int(sizes.sum())} corners, and {len(corners)} are given. Repair the mesh.", where=where
        )
    wrong = (corners < 0) | (corners >= len(points))
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise FileValuesInvalid(
            f"Corner {place} uses point {int(corners[place])}, and there are {len(points)}.", where=where
        )


def _made_normals(points: np.ndarray, triangles: np.ndarray) -> Column:
    """Normals that nobody gave: per corner of the triangles, or per point where there are too many."""
    if len(triangles) <= MOST_CREASED:
        return Column(crease_normals(points, triangles).reshape(-1, 3), "made")
    return Column(smooth_normals(points, triangles), "vertex")
