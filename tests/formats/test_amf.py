"""What AMF files say, and what becomes of it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from threed.errors import FileRefused
from threed_workers.document import read, read_floats, read_glb
from threed_workers.document.companions import mapped
from threed_workers.document.world import scene_roots, world_matrices
from threed_workers.samples import sample, zipped

from .suite import BUDGET, taken_in
from .validity import assert_valid, missing, validator  # noqa: F401

POINTS = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
FACES = [(0, 2, 1), (0, 1, 3), (1, 2, 3), (0, 3, 2)]
RED = "<color><r>1</r><g>0</g><b>0</b></color>"
GREEN = "<color><r>0</r><g>1</g><b>0</b></color>"
BLUE = "<color><r>0</r><g>0</g><b>1</b><a>0.5</a></color>"


def vertex(point, more: str = "") -> str:
    x, y, z = point
    return f"<vertex><coordinates><x>{x}</x><y>{y}</y><z>{z}</z></coordinates>{more}</vertex>"


def triangle(face, more: str = "") -> str:
    a, b, c = face
    return f"<triangle>{more}<v1>{a}</v1><v2>{b}</v2><v3>{c}</v3></triangle>"


def tetrahedron(of_object="", of_volume="", of_vertex="", of_triangle="", attributes="") -> str:
    """An object 1 that says something at each level; of vertices the second, of triangles the first."""
    vertices = "".join(vertex(point, of_vertex if n == 1 else "") for n, point in enumerate(POINTS))
    triangles = "".join(triangle(face, of_triangle if n == 0 else "") for n, face in enumerate(FACES))
    volume = f"<volume {attributes}>{of_volume}{triangles}</volume>"
    return f'<object id="1">{of_object}<mesh><vertices>{vertices}</vertices>{volume}</mesh></object>'


def imported(tmp_path, content: str, attributes: str = ""):
    data = f'<?xml version="1.0" encoding="UTF-8"?><!-- a comment -->\n<amf {attributes}>{content}</amf>'.encode()
    report = taken_in(tmp_path, data)
    return report, read_glb(mapped(report["folder"] / "normalized.glb"), BUDGET)


def lost(report) -> dict[str, int]:
    return {entry["feature"]: entry["count"] for entry in report["losses"] if entry["file"] == "normalized"}


def primitive_of(document, place: int = 0) -> dict:
    return document.json["meshes"][0]["primitives"][place]


def corners(document, name: str, place: int = 0) -> np.ndarray:
    primitive = primitive_of(document, place)
    values = read_floats(document, primitive["attributes"][name])
    return values[read(document, primitive["indices"]).reshape(-1)]


def test_a_tetrahedron_stands_upright_in_metres(tmp_path):
    report, _ = imported(tmp_path, tetrahedron())
    assert (report["model"]["triangle_count"], report["issues"], report["losses"]) == (4, [], [])
    assert np.allclose(report["model"]["bounding_box"]["max"], [0.001, 0.001, 0])
    assert np.allclose(report["model"]["bounding_box"]["min"], [0, 0, -0.001])


@pytest.mark.parametrize(
    ("unit", "metres"), [("inch", 0.0254), ("Millimeter", 1e-3), ("meter", 1), ("feet", 0.3048), ("micron", 1e-6)]
)
def test_units_are_metres(tmp_path, unit, metres):
    report, _ = imported(tmp_path, tetrahedron(), f'unit="{unit}"')
    assert np.allclose(report["model"]["bounding_box"]["max"], [metres, metres, 0], rtol=1e-5)


def test_a_default_namespace_changes_nothing(tmp_path):
    report, _ = imported(tmp_path, tetrahedron(), 'version="1.2" xmlns="http://example.invalid/ISOASTM52915"')
    assert report["model"]["triangle_count"] == 4


def test_the_innermost_colour_counts(tmp_path):
    material = f'<material id="2"><metadata type="name">steel</metadata>{BLUE}</material>'
    # Given a colour of the material alone
    _, document = imported(tmp_path, material + tetrahedron(attributes='materialid="2"'))
    found = document.json["materials"][0]
    assert (found["name"], found["alphaMode"]) == ("steel", "BLEND")
    assert np.allclose(found["pbrMetallicRoughness"]["baseColorFactor"], [0, 0, 1, 0.5], atol=1e-4)
    # When the object has one, and the volume another
    _, document = imported(tmp_path, material + tetrahedron(RED, attributes='materialid="2"'))
    assert document.json["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] == [1, 0, 0, 1]
    _, document = imported(tmp_path, material + tetrahedron(RED, GREEN, attributes='materialid="2"'))
    assert document.json["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] == [0, 1, 0, 1]
    # And a vertex and a triangle have theirs
    _, document = imported(tmp_path, tetrahedron(RED, GREEN, RED, BLUE))
    blue, red, green = [0, 0, 1, 0.5], [1, 0, 0, 1], [0, 1, 0, 1]
    expected = [blue, blue, blue, green, red, green, red, green, green, green, green, green]
    assert np.allclose(corners(document, "COLOR_0"), expected, atol=1e-4)
    assert "baseColorFactor" not in document.json["materials"][0]["pbrMetallicRoughness"]


def test_instances_share_their_mesh_and_turn_about_x_then_y_then_z(tmp_path):
    placed = "<deltax>2</deltax><deltay>0</deltay><deltaz>0</deltaz><rx>90</rx><ry>0</ry><rz>90</rz>"
    content = tetrahedron("<metadata type='name'>part</metadata>")
    content += (
        f'<constellation id="2"><instance objectid="1">{placed}</instance><instance objectid="1"/></constellation>'
    )
    report, document = imported(tmp_path, content, 'unit="meter"')
    assert (report["model"]["mesh_count"], report["model"]["drawn_triangle_count"]) == (1, 8)
    # y turns to z, and z to -y, which turns to x
    order, matrices = world_matrices(document, scene_roots(document))
    turned = matrices[order.index(0)]
    assert document.json["nodes"][0]["name"] == "part"
    assert np.allclose(turned @ [0, 1, 0, 1], [2, 1, 0, 1])
    assert np.allclose(turned @ [0, 0, 1, 1], [3, 0, 0, 1])


def test_grey_textures_become_one_picture(tmp_path):
    # Given red, green and blue as grey pictures of 2 x 1
    pixels = {1: bytes([255, 0]), 2: bytes([0, 255]), 3: bytes([10, 20])}
    content = "".join(
        f'<texture id="{n}" width="2" height="1" depth="1" tiled="true" type="grayscale">'
        f"{base64.b64encode(data).decode()}</texture>"
        for n, data in pixels.items()
    )
    uvs = "<utex1>0</utex1><utex2>1</utex2><utex3>1</utex3><vtex1>0</vtex1><vtex2>0</vtex2><vtex3>1</vtex3>"
    content += tetrahedron(of_triangle=f'<texmap rtexid="1" gtexid="2" btexid="3">{uvs}</texmap>')
    # When it is read
    report, document = imported(tmp_path, content)
    # Then a triangle has a coloured picture
    (tmp_path / "picture.png").write_bytes(bytes(document.picture(0)))
    with Image.open(tmp_path / "picture.png") as image:
        assert np.asarray(image).tolist() == [[[255, 0, 10], [0, 255, 20]]]
    assert corners(document, "TEXCOORD_0").tolist() == [[0, 1], [1, 1], [1, 0]]
    assert document.json["samplers"] == [{"wrapS": 10497, "wrapT": 10497}]
    assert (report["model"]["triangle_count"], report["losses"]) == (4, [])


def test_curves_supports_mixtures_and_formulas_are_losses(tmp_path):
    normal = "<normal><nx>0</nx><ny>0</ny><nz>-2</nz></normal>"
    formula = "<color><r>sin(x)</r><g>0</g><b>0</b></color>"
    mixed = '<material id="2"><composite materialid="3">x</composite></material>'
    content = mixed + tetrahedron(formula, of_vertex=normal).replace(
        "</vertices>", "<edge><v1>0</v1><dx1>1</dx1></edge></vertices>"
    )
    content = content.replace("</mesh>", f'<volume type="support">{triangle((0, 1, 2))}</volume></mesh>')
    report, document = imported(tmp_path, content)
    assert lost(report) == {
        "composite materials": 1,
        "colour formulas": 1,
        "curved edges": 1,
        "curved triangles": 1,
        "support structures": 1,
    }
    assert report["model"]["triangle_count"] == 4
    # And a normal that is given is kept
    given = corners(document, "NORMAL")[(corners(document, "POSITION") == [1, 0, 0]).all(axis=1)]
    assert given.tolist() == [[0, 0, -1]] * 3


def test_metadata_is_kept(tmp_path):
    more = '<metadata type="name">part</metadata><metadata type="volume">7</metadata>'
    _, document = imported(tmp_path, '<metadata type="cad">me</metadata>' + tetrahedron(more))
    assert document.json["asset"]["extras"]["metadata"] == {"cad": "me"}
    assert document.json["nodes"][0]["extras"] == {"metadata": {"volume": "7"}}
    assert (document.json["nodes"][0]["name"], document.json["meshes"][0]["name"]) == ("part", "part")


CYCLE = '<constellation id="2"><instance objectid="3"/></constellation>'
CYCLE += '<constellation id="3"><instance objectid="2"/></constellation>'
BROKEN = {
    "a unit of its own": (tetrahedron(), 'unit="furlong"', "FILE_FEATURE_UNSUPPORTED"),
    "two objects of one id": (tetrahedron() * 2, "", "FILE_MALFORMED"),
    "an object without an id": (tetrahedron().replace(' id="1"', ""), "", "FILE_MALFORMED"),
    "a vertex without coordinates": (tetrahedron().replace("coordinates", "place"), "", "FILE_MALFORMED"),
    "a vertex that is no number": (tetrahedron().replace("<x>1</x>", "<x>one</x>"), "", "FILE_MALFORMED"),
    "a vertex that is infinite": (tetrahedron().replace("<x>1</x>", "<x>inf</x>"), "", "FILE_VALUES_INVALID"),
    "a corner that is missing": (tetrahedron().replace("<v3>1</v3>", ""), "", "FILE_MALFORMED"),
    "a corner that is not there": (tetrahedron().replace("<v3>1</v3>", "<v3>4</v3>"), "", "FILE_VALUES_INVALID"),
    "an instance of nothing": ('<constellation id="2"><instance objectid="9"/></constellation>', "", "FILE_MALFORMED"),
    "a constellation of itself": (CYCLE, "", "FILE_VALUES_INVALID"),
    "an instance that is nowhere": (
        tetrahedron() + '<constellation id="2"><instance objectid="1"><rx>nan</rx></instance></constellation>',
        "",
        "FILE_VALUES_INVALID",
    ),
    "an entity": ("&lots;", "", "FILE_MALFORMED"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_refused(tmp_path, what):
    content, attributes, reason = BROKEN[what]
    with pytest.raises(FileRefused) as caught:
        imported(tmp_path, content, attributes)
    assert caught.value.reason == reason
    assert caught.value.metadata["where"]


def test_constellations_that_double_or_nest_are_refused_before_they_unfold(tmp_path):
    def chain(instances: str, count: int) -> str:
        rows = (f'<constellation id="{n}">{instances.format(n - 1)}</constellation>' for n in range(2, count))
        return tetrahedron() + "".join(rows)

    one = '<instance objectid="{0}"/>'
    for content in (chain(one + one, 40), chain(one, 5000)):
        with pytest.raises(FileRefused) as caught:
            imported(tmp_path, content)
        assert caught.value.reason == "FILE_TOO_COMPLEX"


def test_a_zipped_amf_is_read_whatever_its_name(tmp_path):
    report = taken_in(tmp_path, zipped({"model": sample("amf")}), "model.amf")
    assert (report["file_format"], report["packed"]) == ("amf", True)


@pytest.mark.skipif(missing() is not None, reason="the Khronos validator is not installed")
def test_what_comes_out_is_valid(tmp_path, validator):  # noqa: F811
    assert_valid(validator, taken_in(tmp_path, sample("amf"))["folder"] / "normalized.glb")


# ---------------------------------------------------------------- real files

MODELS = Path(__file__).parents[3] / "shared/models"
MANIFEST = MODELS / "manifest.json"
REAL = [
    pytest.param(MODELS / entry["file"], id=entry["file"])
    for entry in (json.loads(MANIFEST.read_text())["entries"] if MANIFEST.exists() else [])
    if entry["format"] == "amf" and entry["expected"]["kind"] == "valid"
]


@pytest.mark.parametrize("path", REAL)
def test_a_real_file_comes_in_and_is_valid(tmp_path, validator, path):  # noqa: F811
    report = taken_in(tmp_path, path.read_bytes(), path.name)
    assert report["model"]["triangle_count"] == path.read_text().count("<triangle>")
    assert report["losses"] == []
    if missing() is None:
        assert_valid(validator, report["folder"] / "normalized.glb")
