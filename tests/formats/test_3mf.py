"""What a 3MF says, and what becomes of it; which rules of the specification refuse a file, and which are reported."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from threed.errors import FileRefused
from threed_workers.document import read, read_floats, read_glb
from threed_workers.document.companions import mapped
from threed_workers.document.world import scene_roots, world_matrices
from threed_workers.samples import sample, zipped
from threed_workers.samples.printing import mesh_3mf, model_3mf, parts_3mf

from .suite import BUDGET, taken_in
from .validity import assert_valid, missing, validator  # noqa: F401

OBJECT = f'<object id="5" name="box">{mesh_3mf()}</object>'
ITEM = '<item objectid="5"/>'
BEAMS = "http://schemas.microsoft.com/3dmanufacturing/beamlattice/2017/02"
PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"


def imported(tmp_path, resources=OBJECT, build=ITEM, attributes="", **changed: bytes | None):
    """Report and document of a package; `changed` parts replace or remove others, by name or key below."""
    parts = parts_3mf(model_3mf(resources, build, attributes), {"3D/Textures/wood.png": sample("png")})
    return imported_parts(tmp_path, parts | changed)


def imported_parts(tmp_path, parts: dict[str, bytes | None]):
    report = taken_in(tmp_path, zipped({name: data for name, data in parts.items() if data is not None}), "a.3mf")
    return report, read_glb(mapped(report["folder"] / "normalized.glb"), BUDGET)


def refusal(tmp_path, *given, **more) -> tuple[str, str]:
    with pytest.raises(FileRefused) as caught:
        imported(tmp_path, *given, **more)
    assert "no check foresaw" not in caught.value.message
    return caught.value.reason, caught.value.metadata["where"]


def codes(report, severity="ERROR") -> list[str]:
    return [entry["code"] for entry in report["issues"] if entry["severity"] == severity]


def lost(report) -> dict[str, int]:
    return {entry["feature"]: entry["count"] for entry in report["losses"] if entry["file"] == "normalized"}


# ---------------------------------------------------------------- geometry and scene


def test_a_box_stands_upright_in_metres(tmp_path):
    # Given a box of 10 x 20 x 30 millimetres, +Z up
    report, _ = imported(tmp_path)
    # Then it is as high as it was, and what was +Y is -Z
    assert report["model"]["triangle_count"] == 12
    assert report["model"]["vertex_count"] == 24, "creases split the corners of a box"
    assert np.allclose(report["model"]["bounding_box"]["min"], [0, 0, -0.02], atol=1e-9)
    assert np.allclose(report["model"]["bounding_box"]["max"], [0.01, 0.03, 0], atol=1e-9)
    assert (report["file_format"], report["packed"], report["issues"]) == ("3mf", False, [])


@pytest.mark.parametrize(
    ("unit", "metres"),
    [("micron", 1e-6), ("centimeter", 1e-2), ("inch", 0.0254), ("foot", 0.3048), ("meter", 1.0)],
)
def test_units_are_metres(tmp_path, unit, metres):
    parts = parts_3mf(model_3mf(OBJECT, ITEM).replace(b'"millimeter"', f'"{unit}"'.encode()))
    report, _ = imported_parts(tmp_path, parts)
    assert np.allclose(report["model"]["bounding_box"]["max"], [10 * metres, 30 * metres, 0])


def test_instances_share_their_mesh_and_stand_where_the_build_puts_them(tmp_path):
    # Given a box that is built alone and in a pair
    report = taken_in(tmp_path, sample("3mf"))
    document = read_glb(mapped(report["folder"] / "normalized.glb"), BUDGET)
    # Then there are two meshes for three placed boxes
    assert [mesh["name"] for mesh in document.json["meshes"]] == ["box", "signed box"]
    assert [node.get("name") for node in document.json["nodes"]] == ["box", "signed box", "pair", "box", "build"]
    # And the numbers of the parts and of the item are kept apart
    assert document.json["meshes"][0]["extras"] == {"partnumber": "B-1"}
    assert document.json["nodes"][3]["extras"] == {"partnumber": "P-9"}
    # And a turned component is where row vectors times its matrix are
    order, matrices = world_matrices(document, scene_roots(document))
    turned = matrices[order.index(1)]
    assert np.allclose(turned @ [10, 20, 30, 1], [0.02, 0.03, -0.01, 1]), "(10, 20) is turned to (20, 10) from (40, 0)"


def test_a_sheared_transform_is_two_nodes_and_the_same_place(tmp_path):
    build = '<item objectid="5" transform="1 0 0 0.5 1 0 0 0.25 2 3 4 5"/>'
    report, document = imported(tmp_path, build=build)
    nodes = document.json["nodes"]
    order, matrices = world_matrices(document, scene_roots(document))
    shown = next(number for number, node in enumerate(nodes) if "mesh" in node)
    matrix = np.array([[1, 0.5, 0, 3], [0, 1, 0.25, 4], [0, 0, 2, 5], [0, 0, 0, 1]])
    upright = np.array([[1e-3, 0, 0, 0], [0, 0, 1e-3, 0], [0, -1e-3, 0, 0], [0, 0, 0, 1]])
    assert np.allclose(matrices[order.index(shown)], upright @ matrix, atol=1e-9)
    assert len(nodes) == 3
    assert report["issues"] == []


def test_only_what_the_build_lists_comes_in(tmp_path):
    two = OBJECT + OBJECT.replace('id="5"', 'id="6"')
    report, _ = imported(tmp_path, two)
    assert report["model"]["mesh_count"] == 1


def test_an_empty_build_is_an_empty_model(tmp_path):
    report, _ = imported(tmp_path, build="")
    assert (report["model"]["mesh_count"], codes(report, "WARNING")) == (0, ["MODEL_EMPTY"])


def test_supports_are_losses_and_surfaces_have_two_sides(tmp_path):
    resources = OBJECT + "".join(
        OBJECT.replace('id="5"', f'id="{n}" type="{kind}"') for n, kind in ((6, "support"), (7, "surface"))
    )
    report, document = imported(tmp_path, resources, "".join(f'<item objectid="{n}"/>' for n in (5, 6, 7)))
    assert report["model"]["mesh_count"] == 2
    assert lost(report)["support structures"] == 1
    assert document.json["materials"][document.json["meshes"][1]["primitives"][0]["material"]]["doubleSided"]


def test_parts_by_path_are_read_in_their_own_unit(tmp_path):
    # Given a root in millimetres that places a box of another part, in centimetres, one part of a name in other case
    part = model_3mf(OBJECT, "").replace(b'"millimeter"', b'"centimeter"')
    build = '<item objectid="5" p:path="/3D/Objects/BOX.model" p:UUID="x" transform="1 0 0 0 1 0 0 0 1 7 0 0"/>'
    parts = parts_3mf(model_3mf("", build, f'xmlns:p="{PRODUCTION}" requiredextensions="p"'))
    report, _ = imported_parts(tmp_path, parts | {"3D/Objects/box.model": part})
    # Then the box is ten times as large, and the move is in millimetres
    assert np.allclose(report["model"]["bounding_box"]["min"], [0.007, 0, -0.2])
    assert np.allclose(report["model"]["bounding_box"]["max"], [0.107, 0.3, 0])


def test_metadata_is_kept(tmp_path):
    known = b'<metadata name="Title">A box</metadata><metadata name="Copyright">(c) nobody</metadata><resources>'
    parts = parts_3mf(model_3mf(OBJECT, ITEM).replace(b"<resources>", known))
    report, document = imported_parts(tmp_path, parts)
    assert document.json["asset"]["copyright"] == "(c) nobody"
    assert document.json["asset"]["extras"]["metadata"] == {"Title": "A box", "Copyright": "(c) nobody"}
    assert (document.json["scenes"][0]["name"], report["issues"]) == ("A box", [])


def test_beams_are_solid(tmp_path):
    vertices = (
        '<vertices><vertex x="0" y="0" z="0"/><vertex x="0" y="0" z="100"/><vertex x="50" y="0" z="0"/></vertices>'
    )
    beams = '<b:beam v1="0" v2="1"/><b:beam v1="1" v2="2" r1="2" r2="1"/>'
    lattice = f'<b:beamlattice radius="5" minlength="0.1"><b:beams>{beams}</b:beams></b:beamlattice>'
    resources = f'<object id="5"><mesh>{vertices}<triangles/>{lattice}</mesh></object>'
    report, document = imported(tmp_path, resources, attributes=f'xmlns:b="{BEAMS}" requiredextensions="b"')
    assert (report["model"]["triangle_count"], codes(report)) == (56, [])
    assert lost(report)["beam lattice joints and caps"] == 2
    assert np.allclose(report["model"]["bounding_box"]["min"], [-0.005, 0, -0.005], atol=1e-3)
    # And the frustums are closed, seen from outside: their volume is that of octagons of these radii
    primitive = document.json["meshes"][0]["primitives"][0]
    points = read(document, primitive["attributes"]["POSITION"]).astype(np.float64)
    a, b, c = points[read(document, primitive["indices"]).reshape(-1, 3)].transpose(1, 0, 2)
    octagon = 2 * np.sqrt(2)
    expected = octagon * (25 * 100 + np.hypot(100, 50) * (4 + 2 + 1) / 3)
    assert np.isclose(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6, expected, rtol=1e-5)


def test_beams_without_a_length_are_left_out(tmp_path):
    vertices = "<vertices>" + 2 * '<vertex x="1" y="2" z="3"/>' + "</vertices>"
    lattice = '<b:beamlattice radius="5"><b:beams><b:beam v1="0" v2="1"/></b:beams></b:beamlattice>'
    resources = f'{OBJECT}<object id="6"><mesh>{vertices}<triangles/>{lattice}</mesh></object>'
    report, _ = imported(tmp_path, resources, ITEM + '<item objectid="6"/>', f'xmlns:b="{BEAMS}"')
    assert (report["model"]["mesh_count"], codes(report, "WARNING")) == (1, ["BEAM_WITHOUT_LENGTH"])


# ---------------------------------------------------------------- materials


def material_of(document, place: int) -> dict:
    return document.json["materials"][document.json["meshes"][0]["primitives"][place]["material"]]


def painted(tmp_path, groups: str, first: str, whole: str = ""):
    """A box of `whole` properties whose first triangle has others; the primitives in order of their group's id."""
    return imported(tmp_path, f'{groups}<object id="5" {whole}>{mesh_3mf(first)}</object>')


BASES = '<basematerials id="1"><base name="PLA" displaycolor="#FF000080"/><base name="ABS" displaycolor="#00FF0000"/>'
BASES += "</basematerials>"
COLORS = '<m:colorgroup id="2"><m:color color="#00FF00"/><m:color color="#808080"/></m:colorgroup>'
WOOD = '<m:texture2d id="3" path="/3D/textures/WOOD.png" contenttype="image/png" tilestyleu="mirror" filter="nearest"/>'
WOOD += '<m:texture2dgroup id="4" texid="3">'
WOOD += "".join(f'<m:tex2coord u="{u}" v="{v}"/>' for u, v in ((0, 0), (1, 0), (1, 0.75))) + "</m:texture2dgroup>"


def test_base_materials_are_materials_of_their_names_and_colours(tmp_path):
    report, document = painted(tmp_path, BASES, 'pid="1" p1="1"', 'pid="1" pindex="0"')
    first, second = material_of(document, 0), material_of(document, 1)
    assert (first["name"], first["alphaMode"]) == ("PLA", "BLEND")
    assert np.allclose(first["pbrMetallicRoughness"]["baseColorFactor"], [1, 0, 0, 128 / 255], atol=1e-4)
    assert second["pbrMetallicRoughness"]["baseColorFactor"] == [0, 1, 0, 1], "nobody means an invisible material"
    assert report["model"]["triangle_count"] == 12


def test_colours_are_linear_at_the_corners(tmp_path):
    _, document = painted(tmp_path, COLORS, 'pid="2" p1="0" p2="1"')
    colored = next(p for p in document.json["meshes"][0]["primitives"] if "COLOR_0" in p["attributes"])
    found = read_floats(document, colored["attributes"]["COLOR_0"])[read(document, colored["indices"]).reshape(-1)]
    # p3 is p1, since it is left out
    assert np.allclose(found, [[0, 1, 0, 1], [0.2159, 0.2159, 0.2159, 1], [0, 1, 0, 1]], atol=1e-4)


def test_pictures_have_their_tiles_and_coordinates(tmp_path):
    report, document = painted(tmp_path, WOOD, 'pid="4" p1="0" p2="1" p3="2"')
    textured = next(p for p in document.json["meshes"][0]["primitives"] if "TEXCOORD_0" in p["attributes"])
    uvs = read(document, textured["attributes"]["TEXCOORD_0"])[read(document, textured["indices"]).reshape(-1)]
    assert uvs.tolist() == [[0, 1], [1, 1], [1, 0.25]], "glTF counts from the top"
    assert document.json["samplers"] == [{"wrapS": 33648, "wrapT": 10497, "magFilter": 9728, "minFilter": 9728}]
    assert bytes(document.picture(0)) == sample("png")
    assert codes(report) == []


def test_normals_go_on_across_materials(tmp_path):
    # Given a box whose one face has two materials
    _, document = painted(tmp_path, COLORS, 'pid="2" p1="0"')
    normals = {
        tuple(np.round(normal, 4))
        for primitive in document.json["meshes"][0]["primitives"]
        for normal in read(document, primitive["attributes"]["NORMAL"])
    }
    assert len(normals) == 6


def test_composites_are_mixed_and_layers_multiply(tmp_path):
    groups = BASES + COLORS + WOOD
    groups += (
        '<m:compositematerials id="6" matid="1" matindices="0 1"><m:composite values="1 3"/></m:compositematerials>'
    )
    groups += (
        '<m:multiproperties id="7" pids="2 4" blendmethods="multiply"><m:multi pindices="1 2"/></m:multiproperties>'
    )
    report, document = painted(tmp_path, groups, 'pid="7" p1="0"', 'pid="6" pindex="0"')
    mixed, layered = document.json["meshes"][0]["primitives"]
    assert np.allclose(read_floats(document, mixed["attributes"]["COLOR_0"])[0, :3], [0.25, 0.75, 0], atol=1e-4)
    assert np.allclose(read_floats(document, layered["attributes"]["COLOR_0"])[0], [0.2159] * 3 + [1], atol=1e-4)
    assert "baseColorTexture" in material_of(document, 1)["pbrMetallicRoughness"]
    assert "composite materials" in lost(report)


def test_pictures_of_the_same_coordinates_are_blended_over_a_colour(tmp_path):
    # Given half transparent red over green, as the layers of multiproperties
    veil = io.BytesIO()
    Image.new("RGBA", (2, 2), (255, 0, 0, 128)).save(veil, "PNG")
    layers = (
        '<m:multiproperties id="7" pids="2 4"><m:multi pindices="0 0"/><m:multi pindices="0 1"/></m:multiproperties>'
    )
    box = OBJECT.replace(mesh_3mf(), mesh_3mf('pid="7" p1="0" p2="1"'))
    parts = parts_3mf(model_3mf(COLORS + WOOD + layers + box, ITEM), {"3D/Textures/wood.png": veil.getvalue()})
    report, document = imported_parts(tmp_path, parts)
    # Then there is one opaque picture of both, mixed as light
    with Image.open(io.BytesIO(document.picture(0))) as image:
        assert image.mode == "RGB"
        assert image.getpixel((0, 0)) == (188, 187, 0)
    assert (lost(report), codes(report)) == ({}, [])


def test_a_layer_that_is_no_picture_is_reported(tmp_path):
    layers = '<m:multiproperties id="7" pids="2 4"><m:multi pindices="0 0"/></m:multiproperties>'
    box = OBJECT.replace(mesh_3mf(), mesh_3mf('pid="7" p1="0"'))
    parts = parts_3mf(model_3mf(COLORS + WOOD + layers + box, ITEM), {"3D/Textures/wood.png": sample("png")})
    parts["3D/Textures/wood.png"] = sample("png")[:60] + b"x" * 40 + sample("png")[100:]
    report, document = imported_parts(tmp_path, parts)
    assert codes(report) == ["IMAGE_UNUSABLE"]
    assert "images" not in document.json


def test_display_properties_are_metal_gloss_and_glass(tmp_path):
    for kind, row in (
        ("pbmetallic", '<m:pbmetallic name="m" metallicness="1" roughness="0.2"/>'),
        ("pbspecular", '<m:pbspecular name="s" specularcolor="#FFFFFF" glossiness="0.8"/>'),
        ("translucent", '<m:translucent name="t" attenuation="1 1 1" refractiveindex="1.5 1.5 1.5" roughness="0.2"/>'),
    ):
        base = '<basematerials id="1" displaypropertiesid="9"><base name="a" displaycolor="#FFFFFF"/></basematerials>'
        display = f'<m:{kind}displayproperties id="9">{row}</m:{kind}displayproperties>'
        _, document = painted(tmp_path, base + display, "", 'pid="1" pindex="0"')
        found = material_of(document, 0)
        assert np.isclose(found["pbrMetallicRoughness"]["roughnessFactor"], 0.2)
        assert found["pbrMetallicRoughness"]["metallicFactor"] == (1.0 if kind == "pbmetallic" else 0.0)
        if kind == "pbspecular":
            assert found["extensions"]["KHR_materials_specular"] == {"specularColorFactor": [25.0, 25.0, 25.0]}
        if kind == "translucent":
            assert found["extensions"]["KHR_materials_ior"] == {"ior": 1.5}


@pytest.mark.skipif(missing() is not None, reason="the Khronos validator is not installed")
def test_what_comes_out_is_valid(tmp_path, validator):  # noqa: F811
    assert_valid(validator, taken_in(tmp_path, sample("3mf"))["folder"] / "normalized.glb")
    transforms = (
        "1 0 0 0.5 1 0 0 0.25 2 3 4 5",
        "1 0 0 0 1 0 0 0 0 0 0 0",
        "0 0 0 0 0 0 0 0 0 0 0 0",
        "-1 0 0 0 1 0 0 0 1 0 0 0",
    )
    build = "".join(f'<item objectid="5" transform="{numbers}"/>' for numbers in transforms)
    report, _ = imported(tmp_path, build=build)
    assert codes(report, "WARNING") == ["TRANSFORM_SINGULAR"] * 2
    assert_valid(validator, report["folder"] / "normalized.glb")


# ---------------------------------------------------------------- rules


RULES = {
    "duplicate ids": (OBJECT + OBJECT, ITEM),
    "an id that is no number": (OBJECT.replace('id="5"', 'id="a"'), ITEM),
    "an id of 0": (OBJECT.replace('id="5"', 'id="0"'), '<item objectid="0"/>'),
    "an object without an id": (OBJECT.replace('id="5"', ""), ITEM),
    "an unknown object type": (OBJECT.replace('id="5"', 'id="5" type="thing"'), ITEM),
    "a vertex without z": (OBJECT.replace(' z="0"', "", 1), ITEM),
    "a vertex that is nothing": (OBJECT.replace('x="10"', 'x="nan"', 1), ITEM),
    "a vertex beyond all bounds": (OBJECT.replace('x="10"', 'x="1e30"', 1), ITEM),
    "a vertex index beyond the end": (OBJECT.replace('v1="0"', 'v1="8"', 1), ITEM),
    "a vertex index below 0": (OBJECT.replace('v1="0"', 'v1="-1"', 1), ITEM),
    "a vertex index of many digits": (OBJECT.replace('v1="0"', 'v1="99999999999999999999"', 1), ITEM),
    "a property group that is not there": (OBJECT.replace('id="5"', 'id="5" pid="9" pindex="0"'), ITEM),
    "a property index beyond the end": (COLORS + OBJECT.replace('id="5"', 'id="5" pid="2" pindex="2"'), ITEM),
    "a colour that is none": (COLORS.replace("#00FF00", "green") + OBJECT, ITEM),
    "a composite of colours": (
        COLORS + '<m:compositematerials id="6" matid="2" matindices="0"/>' + OBJECT,
        ITEM,
    ),
    "layers with the material on top": (
        BASES + COLORS + '<m:multiproperties id="7" pids="2 1"><m:multi pindices="0 0"/></m:multiproperties>' + OBJECT,
        ITEM,
    ),
    "an item without an object": (OBJECT, "<item/>"),
    "an item of an object that is not there": (OBJECT, '<item objectid="6"/>'),
    "a built object of type other": (OBJECT.replace('id="5"', 'id="5" type="other"'), ITEM),
    "a transform of 11 numbers": (OBJECT, '<item objectid="5" transform="1 0 0 0 1 0 0 0 1 0 0"/>'),
    "a transform that is not finite": (OBJECT, '<item objectid="5" transform="1 0 0 0 1 0 0 0 1 0 0 inf"/>'),
    "an object of itself": (
        '<object id="5"><components><component objectid="5"/></components></object>',
        ITEM,
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_refuses_the_file(tmp_path, rule):
    reason, where = refusal(tmp_path, *RULES[rule])
    assert reason in ("FILE_MALFORMED", "FILE_VALUES_INVALID")
    assert where.startswith("/3D/3dmodel.model")


PACKAGES = {
    "no start": {
        "_rels/.rels": b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>'
    },
    "no model where the start is": {"3D/3dmodel.model": None, "3D/other.model": model_3mf(OBJECT, ITEM)},
    "no unit that is known": {"3D/3dmodel.model": model_3mf(OBJECT, ITEM).replace(b"millimeter", b"furlong")},
    "no build": {"3D/3dmodel.model": model_3mf(OBJECT, ITEM).replace(b"build>", b"built>")},
    "no resources": {"3D/3dmodel.model": model_3mf(OBJECT, ITEM).replace(b"resources>", b"sources>")},
    "a document type": {"3D/3dmodel.model": b"<!DOCTYPE model [<!ELEMENT model ANY>]>" + model_3mf(OBJECT, ITEM)[39:]},
    "two parts of one name": {"3d/3DMODEL.model": model_3mf(OBJECT, ITEM)},
}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_broken_package_is_refused(tmp_path, package):
    assert refusal(tmp_path, **PACKAGES[package])[0] == "FILE_MALFORMED"


def test_a_required_extension_that_nobody_knows_refuses_the_file(tmp_path):
    space = "http://schemas.3mf.io/3dmanufacturing/volumetric/2022/01"
    assert refusal(tmp_path, attributes=f'xmlns:v="{space}" requiredextensions="v"')[0] == "FILE_FEATURE_UNSUPPORTED"
    assert refusal(tmp_path, attributes='requiredextensions="v"')[0] == "FILE_MALFORMED"
    # And when it is only there, what it holds is a loss
    report, _ = imported(tmp_path, f'<v:volumedata id="9"/>{OBJECT}', attributes=f'xmlns:v="{space}"')
    assert lost(report)["volumedata resource"] == 1


REPORTED = {
    "CONTENT_TYPES_MISSING": {"[Content_Types].xml": None},
    "CONTENT_TYPE_WRONG": {"[Content_Types].xml": b"<Types/>"},
    "PART_MISSING": {"3D/Textures/wood.png": None},
    "ENCODING_NOT_UTF8": {"3D/3dmodel.model": model_3mf(OBJECT, ITEM).replace(b"UTF-8", b"us-ascii")},
    "METADATA_NAME_MISSING": {
        "3D/3dmodel.model": model_3mf(OBJECT, ITEM).replace(b"<resources>", b"<metadata>a</metadata><resources>")
    },
    "METADATA_NAME_UNDEFINED": {
        "3D/3dmodel.model": model_3mf(OBJECT, ITEM).replace(b"<resources>", b'<metadata name="Mood"/><resources>')
    },
    "PROPERTY_GROUP_MISSING": {"3D/3dmodel.model": model_3mf(OBJECT.replace('id="5"', 'id="5" pindex="0"'), ITEM)},
    "TRIANGLE_DEGENERATE": {"3D/3dmodel.model": model_3mf(OBJECT.replace('v2="2"', 'v2="0"', 1), ITEM)},
    "OBJECT_EMPTY": {"3D/3dmodel.model": model_3mf(OBJECT + '<object id="6"/>', ITEM)},
    "REFERENCE_FORWARD": {
        "3D/3dmodel.model": model_3mf(
            f'<object id="4"><components><component objectid="5"/></components></object>{OBJECT}',
            '<item objectid="4"/>',
        )
    },
}


@pytest.mark.parametrize("code", REPORTED)
def test_a_broken_rule_that_does_no_harm_is_reported(tmp_path, code):
    # Given a box with a picture, and one thing about it that is wrong
    box = OBJECT.replace(mesh_3mf(), mesh_3mf('pid="4" p1="0"'))
    parts = parts_3mf(model_3mf(WOOD + box, ITEM), {"3D/Textures/wood.png": sample("png")})
    # Then it comes in, and the report says what is wrong
    report, _ = imported_parts(tmp_path, parts | REPORTED[code])
    assert code in codes(report)
    assert report["model"]["triangle_count"] == 12


# ---------------------------------------------------------------- hostile packages


def test_components_that_double_are_refused_before_they_unfold(tmp_path):
    twice = '<component objectid="{0}"/><component objectid="{0}"/>'
    levels = "".join(f'<object id="{n}"><components>{twice.format(n - 1)}</components></object>' for n in range(6, 40))
    assert refusal(tmp_path, OBJECT + levels, '<item objectid="39"/>')[0] == "FILE_TOO_COMPLEX"


def test_components_that_nest_without_end_are_refused(tmp_path):
    levels = "".join(
        f'<object id="{n}"><components><component objectid="{n - 1}"/></components></object>' for n in range(6, 5000)
    )
    assert refusal(tmp_path, OBJECT + levels, '<item objectid="4999"/>')[0] == "FILE_TOO_COMPLEX"
    # And a cycle across parts is one as well
    parts = parts_3mf(model_3mf(OBJECT, ITEM))
    link = '<object id="5"><components><component objectid="5" p:path="/3D/{}.model"/></components></object>'
    space = f'xmlns:p="{PRODUCTION}"'
    parts |= {"3D/3dmodel.model": model_3mf(link.format("b"), ITEM, space)}
    with pytest.raises(FileRefused) as caught:
        imported_parts(tmp_path, parts | {"3D/b.model": model_3mf(link.format("3dmodel"), "", space)})
    assert caught.value.reason == "FILE_VALUES_INVALID"


def test_what_repeats_without_end_takes_linear_time(tmp_path):
    # Given metadata of one name, groups of one colour, and relationships, by the ten thousand
    many = range(10, 20_010)
    groups = "".join(f'<m:colorgroup id="{n}"><m:color color="#00FF00"/></m:colorgroup>' for n in many)
    rows = "".join(f'<triangle v1="0" v2="1" v3="2" pid="{n}" p1="0"/>' for n in many)
    box = OBJECT.replace("</triangles>", rows + "</triangles>")
    metadata = 50_000 * '<metadata name="Title">ever and ever</metadata>'
    model = model_3mf(groups + box, ITEM).replace(b"<resources>", metadata.encode() + b"<resources>")
    parts = parts_3mf(model)
    link = b'<Relationship Id="x" Target="/3D/3dmodel.model" Type="other"/>'
    parts["_rels/.rels"] = parts["_rels/.rels"].replace(b"</Relationships>", 20_000 * link + b"</Relationships>")
    started = time.monotonic()
    # Then it comes in
    report, _ = imported_parts(tmp_path, parts)
    assert time.monotonic() - started < 60, "quadratic, it would be many minutes"
    assert lost(report)["long metadata"] == 1


def test_a_texture_outside_the_package_is_never_looked_for(tmp_path):
    groups = WOOD.replace("/3D/textures/WOOD.png", "../../../etc/passwd")
    report, document = painted(tmp_path, groups, 'pid="4" p1="0"')
    assert codes(report) == ["PART_MISSING"]
    assert "images" not in document.json


def test_a_3mf_in_a_zip_is_found(tmp_path):
    report = taken_in(tmp_path, zipped({"folder/box.3mf": sample("3mf"), "read me.txt": b"hello"}))
    assert (report["file_format"], report["packed"]) == ("3mf", True)


# ---------------------------------------------------------------- the consortium's own files

MODELS = Path(__file__).parents[3] / "shared/models"
MANIFEST = MODELS / "manifest.json"


def _entries(kind: str) -> list:
    entries = json.loads(MANIFEST.read_text())["entries"] if MANIFEST.exists() else []
    found = [entry["file"] for entry in entries if entry["format"] == "3mf" and entry["expected"]["kind"] == kind]
    return [pytest.param(MODELS / file, id=Path(file).name) for file in sorted(found)]


@pytest.mark.parametrize("path", _entries("valid"))
def test_a_file_that_must_pass_comes_in_and_is_valid(tmp_path, validator, path):  # noqa: F811
    report = taken_in(tmp_path, path.read_bytes(), path.name)
    assert report["model"]["triangle_count"] > 0
    if missing() is None:
        assert_valid(validator, report["folder"] / "normalized.glb")
    print(f"{path.name}: {report['model']['triangle_count']} triangles, {codes(report) or 'no errors'}")


@pytest.mark.parametrize("path", _entries("invalid"))
def test_a_file_that_must_fail_is_refused_or_reported(tmp_path, path):
    try:
        found = codes(taken_in(tmp_path, path.read_bytes(), path.name))
        assert found
    except FileRefused as refused:
        assert refused.metadata["where"]
        found = [f"refused, {refused.reason}"]
    print(f"{path.name}: {', '.join(found)}")
