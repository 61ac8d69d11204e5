"""A polygon that bends inwards covers the same surface in every format."""

from __future__ import annotations

import numpy as np
import pytest

from threed_workers.document import read, read_glb
from threed_workers.document.companions import mapped

from ..mesh.test_triangulate import ARROW, ELL, STAR, area
from .suite import BUDGET, taken_in

OUTLINES = pytest.mark.parametrize("outline", [ELL, ARROW, STAR], ids=["L", "arrow", "star"])


def obj(outline: list) -> bytes:
    lines = [f"v {x} {y} 0" for x, y in outline]
    return "\n".join([*lines, "f " + " ".join(str(n + 1) for n in range(len(outline))), ""]).encode()


def ply(outline: list) -> bytes:
    head = f"ply\nformat ascii 1.0\nelement vertex {len(outline)}\nproperty float x\nproperty float y\n"
    head += "property float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
    face = f"{len(outline)} " + " ".join(map(str, range(len(outline))))
    return (head + "".join(f"{x} {y} 0\n" for x, y in outline) + face + "\n").encode()


def off(outline: list) -> bytes:
    face = f"{len(outline)} " + " ".join(map(str, range(len(outline))))
    return (f"OFF\n{len(outline)} 1 0\n" + "".join(f"{x} {y} 0\n" for x, y in outline) + face + "\n").encode()


def usd(outline: list) -> bytes:
    pytest.importorskip("pxr", reason="usd-core is not installed")
    return f"""#usda 1.0
(
    metersPerUnit = 1
    upAxis = "Y"
)
def Mesh "polygon" {{
    int[] faceVertexCounts = [{len(outline)}]
    int[] faceVertexIndices = {list(range(len(outline)))}
    point3f[] points = [{", ".join(f"({x}, {y}, 0)" for x, y in outline)}]
    uniform token subdivisionScheme = "none"
}}
""".encode()


@OUTLINES
@pytest.mark.parametrize("write", [obj, ply, off, usd])
def test_a_concave_polygon_keeps_its_area_and_none_of_it_lies_double(write, outline, tmp_path):
    # Given a file with one polygon that bends inwards, counter-clockwise seen from +Z
    data = write([(round(float(x), 6), round(float(y), 6)) for x, y in outline])
    # When it is imported
    report = taken_in(tmp_path, data, f"polygon.{write.__name__}")
    document = read_glb(mapped(report["folder"] / "normalized.glb"), BUDGET)
    # Then every triangle looks to +Z, and together they are the polygon
    primitive = document.all("meshes")[0]["primitives"][0]
    points = read(document, primitive["attributes"]["POSITION"]).astype(float)
    a, b, c = points[read(document, primitive["indices"]).reshape(-1, 3)].transpose(1, 0, 2)
    found = np.cross(b - a, c - a)[:, 2] / 2
    assert (found > 0).all()
    assert found.sum() == pytest.approx(area(outline), rel=1e-5)
