"""A Shape as a USD prim: Mesh, BasisCurves or Points."""

from __future__ import annotations

import numpy as np
from pxr import Sdf, Usd, UsdGeom, Vt

from threed_workers.document.shapes import LINES, TRIANGLES, Shape

_STROKE = 1 / 500  # of the extent: USD draws points and lines with a width in metres, glTF in pixels


def write_shape(stage: Usd.Stage, path: Sdf.Path, shape: Shape) -> Usd.Prim:
    """A prim in the frame of its parent, metres. Texture coordinate sets are st, st1, ..., from the bottom left."""
    if shape.corners == TRIANGLES:
        return _mesh(stage, path, shape)
    order = shape.elements.reshape(-1)
    if shape.corners == LINES:
        gprim = UsdGeom.BasisCurves.Define(stage, path)
        gprim.CreateTypeAttr(UsdGeom.Tokens.linear)
        gprim.CreateCurveVertexCountsAttr(_ints(np.full(len(shape.elements), 2)))
    else:
        gprim = UsdGeom.Points.Define(stage, path)
    points = shape.positions[order]
    gprim.CreatePointsAttr(_floats(points))
    size = float(np.linalg.norm(points.max(axis=0) - points.min(axis=0))) or 1.0
    gprim.CreateWidthsAttr(Vt.FloatArray([size * _STROKE]))
    gprim.SetWidthsInterpolation(UsdGeom.Tokens.constant)
    gprim.CreateExtentAttr(_extent(points))
    if shape.colors is not None:
        _colors(gprim, shape.colors[order])
    return gprim.GetPrim()


def _mesh(stage: Usd.Stage, path: Sdf.Path, shape: Shape) -> Usd.Prim:
    mesh = UsdGeom.Mesh.Define(stage, path)
    mesh.CreatePointsAttr(_floats(shape.positions))
    mesh.CreateFaceVertexCountsAttr(_ints(np.full(len(shape.elements), 3)))
    mesh.CreateFaceVertexIndicesAttr(_ints(shape.elements.reshape(-1)))
    mesh.CreateExtentAttr(_extent(shape.positions))
    # Without this, a mesh is the cage of a smooth surface, and its normals count for nothing.
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    if shape.normals is not None:
        mesh.CreateNormalsAttr(_floats(shape.normals))
        mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    primvars = UsdGeom.PrimvarsAPI(mesh)
    for number, uvs in shape.uvs.items():
        kind = Sdf.ValueTypeNames.TexCoord2fArray
        primvar = primvars.CreatePrimvar(coordinates(number), kind, UsdGeom.Tokens.vertex)
        flipped = np.column_stack([uvs[:, 0], 1 - uvs[:, 1]])
        primvar.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(flipped, np.float32)))
    if shape.colors is not None:
        _colors(mesh, shape.colors)
    return mesh.GetPrim()


def coordinates(uv_set: int) -> str:
    """The name of a texture coordinate set."""
    return f"st{uv_set}" if uv_set else "st"


def _colors(gprim: UsdGeom.Gprim, colors: np.ndarray) -> None:
    """displayColor is linear, as COLOR_0."""
    gprim.CreateDisplayColorPrimvar(UsdGeom.Tokens.vertex).Set(_floats(colors[:, :3]))
    if (colors[:, 3] < 1).any():
        opacity = Vt.FloatArray.FromNumpy(np.ascontiguousarray(colors[:, 3], np.float32))
        gprim.CreateDisplayOpacityPrimvar(UsdGeom.Tokens.vertex).Set(opacity)


def _extent(points: np.ndarray) -> Vt.Vec3fArray:
    return _floats(np.stack([points.min(axis=0), points.max(axis=0)]))


def _floats(values: np.ndarray) -> Vt.Vec3fArray:
    return Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(values, np.float32))


def _ints(values: np.ndarray) -> Vt.IntArray:
    return Vt.IntArray.FromNumpy(np.ascontiguousarray(values, np.int32))
