"""X3D in XML and text, and VRML97."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from threed.errors import (
    FileFeatureUnsupported,
    FileMalformed,
    FileRefused,
    FileTooComplex,
    FileValuesInvalid,
)
from threed_workers.document import Companions, Document, read
from threed_workers.document.world import scene_roots, world_box, world_matrices
from threed_workers.formats import Source, recognise, vrml, x3d
from threed_workers.samples import sample

from .suite import BUDGET, taken_in
from .validity import assert_valid, missing, validator

__all__ = ["validator"]


def xml(*nodes: str, head: str = "", doctype: str = "") -> bytes:
    body = "".join(nodes)
    return f'<?xml version="1.0"?>{doctype}<X3D version="3.3"><head>{head}</head><Scene>{body}</Scene></X3D>'.encode()


def classic(*nodes: str, head: str = "") -> bytes:
    return f"#X3D V3.3 utf8\nPROFILE Immersive\n{head}\n{' '.join(nodes)}".encode()


def wrl(*nodes: str) -> bytes:
    return f"#VRML V2.0 utf8\n{' '.join(nodes)}".encode()


def opened(tmp_path, data: bytes, budget=BUDGET) -> Document:
    (tmp_path / "upload").write_bytes(data)
    (tmp_path / "wood.png").write_bytes(sample("png"))
    source = Source(tmp_path / "upload", "", Companions({"wood.png": tmp_path / "wood.png"}))
    format = recognise(source)
    assert format is (vrml if data.startswith(b"#VRML") else x3d)
    return format.read(source, budget)


def shape(geometry: str, appearance: str = "<Appearance><Material/></Appearance>") -> str:
    return f"<Shape>{appearance}{geometry}</Shape>"


SQUARE = '<Coordinate point="0 0 0, 1 0 0, 1 1 0, 0 1 0"/>'
QUAD = f'<IndexedFaceSet coordIndex="0 1 2 3 -1">{SQUARE}</IndexedFaceSet>'


BOX = "Shape { appearance Appearance { material Material { } } geometry Box { } }"


def primitive_of(document: Document) -> dict:
    return document.json["meshes"][0]["primitives"][0]


def attribute(document: Document, name: str) -> np.ndarray:
    """A row per corner, float64."""
    primitive = primitive_of(document)
    rows = read(document, primitive["indices"]).reshape(-1)
    return read(document, primitive["attributes"][name])[rows].astype(np.float64)


def volume(document: Document) -> float:
    """Of a closed surface, positive when it is counter-clockwise from outside."""
    a, b, c = attribute(document, "POSITION").reshape(-1, 3, 3).transpose(1, 0, 2)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def faced(document: Document) -> np.ndarray:
    """The cosine between the winding and the normal at each corner."""
    a, b, c = attribute(document, "POSITION").reshape(-1, 3, 3).transpose(1, 0, 2)
    flat = np.cross(b - a, c - a)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    return np.einsum("tci,ti->tc", attribute(document, "NORMAL").reshape(-1, 3, 3), flat)


# ---------------------------------------------------------------- encodings


def test_xml_classic_and_vrml_are_the_same_model(tmp_path):
    in_xml = xml(
        '<Transform DEF="T" translation="1 2 3"><Shape DEF="S"><Appearance><Material diffuseColor="1 0 0"/>'
        f"</Appearance>{QUAD}</Shape></Transform><Transform translation='0 0 5'><Shape USE='S'/></Transform>"
    )
    text = (
        "DEF T Transform { translation 1 2 3 children [ DEF S Shape { # a comment, with [ and {\n"
        "appearance Appearance { material Material { diffuseColor 1 0 0 } } geometry IndexedFaceSet { "
        "coord Coordinate { point [ 0 0 0, 1 0 0, 1 1 0, # here too ]\n 0 1 0 ] } coordIndex [0,1,2,3,-1] } } ] }",
        "Transform { translation 0 0 5 children USE S }",
    )
    first, second, third = (opened(tmp_path, data) for data in (in_xml, classic(*text), wrl(*text)))
    assert first.json == second.json == third.json
    assert bytes(first.buffers[0]) == bytes(second.buffers[0]) == bytes(third.buffers[0])
    assert np.allclose(world_box(first), ((0, 0, 3), (2, 3, 5)))


def test_words_that_stand_beside_nodes_are_passed_over(tmp_path):
    document = opened(
        tmp_path,
        classic(
            'META "title" "A box"\nCOMPONENT Geometry3D:2',
            'PROTO P [ field SFColor c 1 0 0 ] { Group { } } EXTERNPROTO Q [ ] [ "urn:q" ]',
            "DEF J Script { url [ \"javascript: x = '{ ]';\" ] field SFTime t 0 eventIn SFBool go }",
            "Shape { appearance Appearance { material NULL } geometry Box { } }",
        ),
    )
    assert document.json["asset"]["extras"]["x3d"] == {"title": "A box"}
    assert {loss["feature"]: loss["count"] for loss in document.losses} == {"prototypes": 2, "node Script": 1}


def test_a_web3d_doctype_passes_and_any_other_is_refused(tmp_path):
    official = '<!DOCTYPE X3D PUBLIC "ISO//Web3D//DTD X3D 3.0//EN" "http://www.web3d.org/specifications/x3d-3.0.dtd">'
    assert opened(tmp_path, xml(shape(QUAD), doctype=official)).json["meshes"]
    with pytest.raises(FileMalformed):
        opened(tmp_path, xml(shape(QUAD), doctype='<!DOCTYPE X3D SYSTEM "http://example.com/x">'))
    with pytest.raises(FileMalformed):
        opened(tmp_path, xml(shape(QUAD), doctype=official.replace(">", ' [<!ENTITY a "b">]>')))


def test_another_unit_of_length_becomes_metres(tmp_path):
    head = '<unit category="length" name="inch" conversionFactor="0.5"/>'
    assert np.allclose(world_box(opened(tmp_path, xml(shape(QUAD), head=head)))[1], (0.5, 0.5, 0))


# ---------------------------------------------------------------- the graph


@pytest.mark.parametrize(
    ("fields", "corner"),
    [
        ('translation="1 2 3"', (2, 3, 3)),
        ('rotation="0 0 1 1.5707963"', (-1, 1, 0)),
        ('scale="2 3 1" translation="1 0 0"', (3, 3, 0)),
        ('rotation="0 0 1 3.14159265" center="0.5 0.5 0"', (1, 1, 0)),
        ('scale="2 2 2" center="1 1 0"', (-1, -1, 0)),
        ('scale="1 4 1" scaleOrientation="0 0 1 1.5707963"', (4, 1, 0)),
    ],
)
def test_transforms_follow_the_standard(tmp_path, fields, corner):
    low, high = world_box(opened(tmp_path, xml(f"<Transform {fields}>{shape(QUAD)}</Transform>")))
    assert np.allclose(np.where(np.array(corner) < 0, low, high), corner, atol=1e-5)


def test_shear_takes_two_nodes_and_nothing_is_lost(tmp_path):
    # Given a scale along axes that are turned by 45 degrees
    fields = 'scale="3 1 1" scaleOrientation="0 0 1 0.78539816" translation="5 6 7"'
    document = opened(tmp_path, xml(f"<Transform {fields}>{shape(QUAD)}</Transform>"))
    # Then (1, 1) goes three times as far along the diagonal, and (1, 0) only by half
    low, high = world_box(document)
    assert np.allclose([low, high], [[5, 6, 7], [8, 9, 7]], atol=1e-6)
    order, matrices = world_matrices(document, scene_roots(document))
    shown = next(matrices[place] for place, node in enumerate(order) if "mesh" in document.json["nodes"][node])
    assert np.allclose(shown[:2, :2], [[2, 1], [1, 2]], atol=1e-6)
    assert document.losses == []


def test_what_moves_has_one_node_and_its_shear_is_counted_as_lost(tmp_path):
    mover = '<PositionInterpolator DEF="mover" key="0 1" keyValue="0 0 0 3 0 0"/>'
    fields = 'DEF="T" scale="3 1 1" scaleOrientation="0 0 1 0.78539816"'
    thing = f"<Transform {fields}>{shape(QUAD)}</Transform>"
    document = opened(tmp_path, xml(thing, CLOCK, mover, ROUTES.format("translation")))
    assert [(loss["feature"], loss["count"]) for loss in document.losses] == [("shear in motion", 1)]
    target = document.json["animations"][0]["channels"][0]["target"]["node"]
    above = next(node for node in document.json["nodes"] if target in node.get("children", []))
    assert above == {"children": [target]}


def test_a_switch_shows_its_choice_and_levels_of_detail_the_finest(tmp_path):
    boxes = "".join(f'<Group DEF="{name}"/>' for name in "abc")
    document = opened(
        tmp_path,
        xml(f'<Switch whichChoice="1">{boxes}</Switch><LOD>{boxes.upper()}</LOD>'.replace("GROUP DEF", "Group DEF")),
    )
    assert [node["name"] for node in document.json["nodes"] if "name" in node] == ["b", "A"]
    assert sorted(loss["count"] for loss in document.losses) == [2, 2]


def test_a_node_within_itself_is_refused(tmp_path):
    with pytest.raises(FileValuesInvalid):
        opened(tmp_path, wrl("DEF A Group { children [ Group { children USE A } ] }"))


def test_uses_that_double_are_bounded(tmp_path):
    groups = ["DEF G0 Group { }"]
    groups += [f"DEF G{n} Group {{ children [ USE G{n - 1} USE G{n - 1} ] }}" for n in range(1, 40)]
    with pytest.raises(FileTooComplex):
        opened(tmp_path, wrl(*groups), replace(BUDGET, nodes=1000))


def test_other_files_are_not_opened(tmp_path):
    document = opened(tmp_path, xml('<Inline url="file:///etc/passwd"/>', shape(QUAD)))
    assert [loss["feature"] for loss in document.losses] == ["Inline"]


def test_lights_and_viewpoints_look_where_they_should(tmp_path):
    document = opened(
        tmp_path,
        xml(
            '<DirectionalLight DEF="sun" direction="0 -1 0" intensity="0.5"/>',
            '<SpotLight DEF="spot" location="1 2 3" direction="1 0 0" cutOffAngle="0.5" beamWidth="0.25" radius="7"/>',
            '<Viewpoint DEF="eye" position="0 0 4" orientation="0 1 0 1.5707963" fieldOfView="0.5"/>',
        ),
    )
    numbers, matrices = world_matrices(document, scene_roots(document))
    ahead = {
        document.json["nodes"][number]["name"]: -matrix[:3, 2] for number, matrix in zip(numbers, matrices, strict=True)
    }
    assert np.allclose(ahead["sun"], (0, -1, 0))
    assert np.allclose(ahead["spot"], (1, 0, 0))
    assert np.allclose(ahead["eye"], (-1, 0, 0), atol=1e-6)
    sun, spot = document.json["extensions"]["KHR_lights_punctual"]["lights"]
    assert sun["intensity"] == pytest.approx(np.pi / 2)
    assert (spot["range"], spot["spot"]) == (7, {"innerConeAngle": 0.25, "outerConeAngle": 0.5})
    assert document.json["cameras"][0]["perspective"]["yfov"] == 0.5


# ---------------------------------------------------------------- geometry


@pytest.mark.parametrize(
    ("geometry", "size"),
    [
        ('<Box size="1 2 3"/>', 6),
        ('<Sphere radius="2"/>', 4 / 3 * np.pi * 8),
        ('<Cylinder radius="2" height="3"/>', np.pi * 12),
        ('<Cone bottomRadius="2" height="3"/>', np.pi * 4),
        ("<Extrusion/>", 4),
        ('<Extrusion spine="0 0 0 0 3 0" scale="1 1 2 2" crossSection="1 1 1 -1 -1 -1 -1 1 1 1"/>', 28),
        ('<Extrusion spine="0 0 0 1 0 0 2 0 0" orientation="1 0 0 0"/>', 8),
        ('<Extrusion ccw="false" crossSection="1 1 -1 1 -1 -1 1 -1 1 1"/>', 4),
    ],
)
def test_solids_are_closed_and_wind_outwards(tmp_path, geometry, size):
    document = opened(tmp_path, xml(shape(geometry)))
    assert volume(document) == pytest.approx(size, rel=0.02)
    assert faced(document).min() > 0.9


def test_a_bent_extrusion_keeps_its_section(tmp_path):
    bent = '<Extrusion spine="0 0 0 0 5 0 5 5 0" crossSection="1 1 1 -1 -1 -1 -1 1 1 1"/>'
    document = opened(tmp_path, xml(shape(bent)))
    assert np.allclose(np.ptp(attribute(document, "POSITION")[:, 2]), 2)
    assert volume(document) > 0


def test_an_elevation_grid_looks_up(tmp_path):
    grid = '<ElevationGrid xDimension="3" zDimension="2" xSpacing="2" height="0 1 0 0 1 0" creaseAngle="3"/>'
    document = opened(tmp_path, xml(shape(grid)))
    assert attribute(document, "NORMAL")[:, 1].min() > 0.5
    assert np.allclose(world_box(document), ((0, 0, 0), (4, 1, 1)))


@pytest.mark.parametrize(
    "geometry",
    [
        f'<IndexedTriangleSet index="0 1 2 0 2 3">{SQUARE}</IndexedTriangleSet>',
        f'<IndexedTriangleStripSet index="0 1 3 2 -1">{SQUARE}</IndexedTriangleStripSet>',
        f'<IndexedTriangleFanSet index="0 1 2 3 -1">{SQUARE}</IndexedTriangleFanSet>',
        f'<IndexedQuadSet index="0 1 2 3">{SQUARE}</IndexedQuadSet>',
        f"<QuadSet>{SQUARE}</QuadSet>",
        f'<TriangleFanSet fanCount="4">{SQUARE}</TriangleFanSet>',
        '<TriangleStripSet stripCount="4"><Coordinate point="0 0 0 1 0 0 0 1 0 1 1 0"/></TriangleStripSet>',
        '<TriangleSet><Coordinate point="0 0 0 1 0 0 1 1 0 0 0 0 1 1 0 0 1 0"/></TriangleSet>',
        f'<IndexedFaceSet ccw="false" coordIndex="3 2 1 0">{SQUARE}</IndexedFaceSet>',
        f'<IndexedFaceSet coordIndex="0 1 2 -1 0 2 3 -1">{SQUARE.replace("Coordinate", "CoordinateDouble")}'
        "</IndexedFaceSet>",
    ],
)
def test_every_kind_of_faces_becomes_the_same_square(tmp_path, geometry):
    document = opened(tmp_path, xml(shape(geometry)))
    assert np.allclose(faced(document), 1)
    a, b, c = attribute(document, "POSITION").reshape(-1, 3, 3).transpose(1, 0, 2)
    assert np.cross(b - a, c - a)[:, 2].sum() / 2 == pytest.approx(1)


def test_a_concave_face_covers_its_area_once(tmp_path):
    arrow = '<IndexedFaceSet convex="false" coordIndex="3 0 1 2 -1"><Coordinate point="0 0 0 2 1 0 0 2 0 1 1 0"/>'
    document = opened(tmp_path, xml(shape(arrow + "</IndexedFaceSet>")))
    a, b, c = attribute(document, "POSITION").reshape(-1, 3, 3).transpose(1, 0, 2)
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()


def test_attributes_are_taken_by_their_own_indices(tmp_path):
    faces = (
        '<IndexedFaceSet coordIndex="0 1 2 -1 0 2 3 -1" colorPerVertex="false" colorIndex="1 0" '
        'texCoordIndex="3 2 1 -1 3 1 0 -1" normalPerVertex="true" normalIndex="0 0 0 -1 1 1 1 -1">'
        f'{SQUARE}<Color color="1 0 0 0 0 1"/><TextureCoordinate point="0 0 0.25 0 0.5 0 0.75 1"/>'
        '<Normal vector="0 0 1 0 0 -1"/></IndexedFaceSet>'
    )
    document = opened(tmp_path, xml(shape(faces)))
    assert (attribute(document, "COLOR_0")[:, 2] / 65535).tolist() == [1, 1, 1, 0, 0, 0]
    assert attribute(document, "TEXCOORD_0")[:, 0].tolist() == [0.75, 0.5, 0.25, 0.75, 0.25, 0]
    assert attribute(document, "NORMAL")[:, 2].tolist() == [1, 1, 1, -1, -1, -1]


@pytest.mark.parametrize(("crease", "smooth"), [(0, False), (1, False), (2, True)])
def test_the_crease_angle_decides_what_is_smooth(tmp_path, crease, smooth):
    roof = f'<IndexedFaceSet creaseAngle="{crease}" coordIndex="0 1 2 -1 1 3 2 -1">'
    roof += '<Coordinate point="-1 0 0 0 0 1 0 1 1 1 0 0"/></IndexedFaceSet>'
    normals = attribute(opened(tmp_path, xml(shape(roof))), "NORMAL")
    assert np.allclose(normals[1], normals[3]) == smooth


def test_lines_and_points_keep_their_colours(tmp_path):
    lines = f'<IndexedLineSet coordIndex="0 1 2 -1 2 3 -1" colorPerVertex="false">{SQUARE}<Color color="1 0 0 0 1 0"/>'
    document = opened(tmp_path, xml(shape(lines + "</IndexedLineSet>")))
    assert (primitive_of(document)["mode"], len(attribute(document, "POSITION"))) == (1, 6)
    assert (attribute(document, "COLOR_0")[:, 0] / 65535).tolist() == [1, 1, 1, 1, 0, 0]
    document = opened(tmp_path, xml(shape(f"<PointSet>{SQUARE}</PointSet>")))
    assert (primitive_of(document)["mode"], len(attribute(document, "POSITION"))) == (0, 4)


def test_solids_that_become_too_much_are_refused(tmp_path):
    spheres = "".join(shape(f'<Sphere radius="{n}"/>') for n in range(1, 20))
    with pytest.raises(FileTooComplex):
        opened(tmp_path, xml(spheres), replace(BUDGET, invented_bytes=1 << 20))


# ---------------------------------------------------------------- appearances


def test_a_material_keeps_its_colour_opacity_and_sides(tmp_path):
    look = '<Appearance><Material diffuseColor="1 0.5 0" transparency="0.25" shininess="0.375" specularColor="1 1 1"/>'
    faces = QUAD.replace("<IndexedFaceSet", '<IndexedFaceSet solid="false"')
    made = opened(tmp_path, xml(shape(faces, look + "</Appearance>"))).json["materials"][0]
    assert made["pbrMetallicRoughness"]["baseColorFactor"] == pytest.approx([1, 0.2140, 0, 0.75], abs=1e-4)
    assert made["pbrMetallicRoughness"]["roughnessFactor"] == pytest.approx(0.2)
    assert (made["alphaMode"], made["doubleSided"]) == ("BLEND", True)
    assert made["extras"]["x3d"]["specularColor"] == [1, 1, 1]


def test_a_shape_without_a_material_is_white_and_unlit(tmp_path):
    made = opened(tmp_path, xml(shape(QUAD, ""))).json["materials"][0]
    assert made["extensions"] == {"KHR_materials_unlit": {}}
    assert made["pbrMetallicRoughness"]["baseColorFactor"] == [1, 1, 1, 1]


def test_a_physical_material_is_taken_as_it_is(tmp_path):
    look = '<Appearance><PhysicalMaterial baseColor="0.5 0.5 0.5" metallic="0.25" roughness="0.75">'
    look += '<ImageTexture containerField="baseTexture" url=\'"wood.png"\'/></PhysicalMaterial></Appearance>'
    document = opened(tmp_path, xml(shape(QUAD, look)))
    surface = document.json["materials"][0]["pbrMetallicRoughness"]
    assert surface["baseColorFactor"] == [0.5, 0.5, 0.5, 1]
    assert (surface["metallicFactor"], surface["roughnessFactor"]) == (0.25, 0.75)
    assert surface["baseColorTexture"] == {"index": 0}


def test_a_picture_is_taken_from_what_came_along_and_moved_as_told(tmp_path):
    # Given a picture that also lies in the web, laid on a face without texture coordinates
    look = '<Appearance><Material/><ImageTexture repeatS="false" url=\'"http://example.com/a.png" "maps/wood.png"\'/>'
    look += '<TextureTransform translation="0.25 0.5" scale="2 2"/></Appearance>'
    document = opened(tmp_path, xml(shape(QUAD, look)))
    # Then the local one is used, clamped where it was not to be repeated
    info = document.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    assert document.json["samplers"] == [{"wrapS": 33071}]
    assert document.json["images"][0]["name"] == "wood.png"
    # And the corner (0, 0) shows the place (0.5, 1) of the picture, from below
    moved = info["extensions"]["KHR_texture_transform"]
    corner = attribute(document, "TEXCOORD_0")[0] * moved["scale"] + moved["offset"]
    assert (corner[0], 1 - corner[1]) == pytest.approx((0.5, 1.0))


def test_a_turned_picture_follows_the_formula_of_the_standard(tmp_path):
    # -C x S x R x C x T, so (1, 0) goes by (1.5, 0.5) and (-0.5, 1.5) to (-1, 1)
    look = '<Appearance><Material/><ImageTexture url="wood.png"/>'
    look += '<TextureTransform rotation="1.5707963" center="0.5 0.5"/></Appearance>'
    document = opened(tmp_path, xml(shape(QUAD, look)))
    info = document.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    moved = info["extensions"]["KHR_texture_transform"]
    u, v = attribute(document, "TEXCOORD_0")[1]  # the corner (1, 0), from below
    sine, cosine = np.sin(moved["rotation"]), np.cos(moved["rotation"])
    turned = np.array([cosine * u + sine * v, cosine * v - sine * u]) + moved["offset"]
    assert (turned[0], 1 - turned[1]) == pytest.approx((-1, 1))


def test_pixels_in_the_file_become_a_picture(tmp_path):
    look = '<Appearance><Material/><PixelTexture image="2 1 4 0xff000080 0x00ff00ff"/></Appearance>'
    document = opened(tmp_path, xml(shape(QUAD, look)))
    assert document.json["images"][0]["mimeType"] == "image/png"
    assert document.json["materials"][0]["alphaMode"] == "BLEND"


# ---------------------------------------------------------------- animations


CLOCK = '<TimeSensor DEF="clock" cycleInterval="4"/>'
ROUTES = (
    '<ROUTE fromNode="clock" fromField="fraction_changed" toNode="mover" toField="set_fraction"/>'
    '<ROUTE fromNode="mover" fromField="value_changed" toNode="T" toField="set_{}"/>'
)


def test_a_clock_and_an_interpolator_move_a_node(tmp_path):
    mover = '<PositionInterpolator DEF="mover" key="0 1" keyValue="0 0 0 3 0 0"/>'
    thing = f'<Transform DEF="T">{shape(QUAD)}</Transform>'
    document = opened(tmp_path, xml(thing, CLOCK, mover, ROUTES.format("translation")))
    animation = document.json["animations"][0]
    assert animation["name"] == "clock"
    assert read(document, animation["samplers"][0]["input"]).reshape(-1).tolist() == [0, 4]
    assert read(document, animation["samplers"][0]["output"]).tolist() == [[0, 0, 0], [3, 0, 0]]
    assert document.losses == []


def test_a_turn_about_a_centre_moves_the_node_along(tmp_path):
    mover = '<OrientationInterpolator DEF="mover" key="0 0.5 1" keyValue="0 0 1 0 0 0 1 1.5707963 0 0 1 3.1415926"/>'
    thing = f'<Transform DEF="T" center="1 0 0">{shape(QUAD)}</Transform>'
    document = opened(tmp_path, xml(thing, CLOCK, mover, ROUTES.format("rotation")))
    animation = document.json["animations"][0]
    rows = {
        channel["target"]["path"]: read(document, animation["samplers"][channel["sampler"]]["output"])
        for channel in animation["channels"]
    }
    assert np.allclose(rows["translation"][-1], (2, 0, 0), atol=1e-5)
    assert np.allclose(np.abs(rows["rotation"][-1]), (0, 0, 1, 0), atol=1e-5)


def test_routes_that_do_something_else_are_counted_as_lost(tmp_path):
    document = opened(tmp_path, wrl("DEF A Group { } ROUTE A.x TO A.y", BOX))
    assert [loss["feature"] for loss in document.losses] == ["routes"]


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"#VRML V1.0 ascii\nSeparator { }", FileFeatureUnsupported),
        (wrl("Group { children ["), FileMalformed),
        (wrl("Group { } }"), FileMalformed),
        (wrl('WorldInfo { title "open'), FileMalformed),
        (wrl("ROUTE a.b c.d"), FileMalformed),
        (wrl("Group { children [" * 2000), FileTooComplex),
        (
            xml(shape('<IndexedFaceSet coordIndex="0 1 9"><Coordinate point="0 0 0"/></IndexedFaceSet>')),
            FileValuesInvalid,
        ),
        (xml(shape(QUAD.replace("1 1 0", "1 NaN 0"))), FileValuesInvalid),
        (xml(shape(QUAD.replace("1 1 0", "1 x 0"))), FileMalformed),
        (xml(shape('<ElevationGrid xDimension="9" zDimension="9" height="1 2"/>')), FileMalformed),
        (xml(shape('<Sphere radius="1e300"/>')), FileValuesInvalid),
    ],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path, data, error):
    with pytest.raises(error) as caught:
        opened(tmp_path, data)
    assert caught.value.metadata["where"]


EVERYTHING = wrl(
    "DEF T Transform { center 1 0 0 children [ Shape { appearance Appearance { material Material { transparency 0.5 } "
    "texture PixelTexture { image 1 1 3 0xff0000 } textureTransform TextureTransform { rotation 1 } } geometry "
    "IndexedFaceSet { coordIndex [ 0 1 2 3 -1 ] coord DEF C Coordinate { point [ 0 0 0 1 0 0 1 1 0 0 1 0 ] } texCoord "
    "TextureCoordinate { point [ 0 0 1 0 1 1 0 1 ] } color Color { color [ 1 0 0 0 1 0 0 0 1 1 1 1 ] } } } Shape { "
    "geometry IndexedLineSet { coord USE C coordIndex [ 0 1 2 -1 ] } } Shape { geometry Extrusion { } } ] }",
    "Shape { geometry Cone { } } PointLight { attenuation 1 0 1 } Viewpoint { } DEF clock TimeSensor { }",
    "DEF mover OrientationInterpolator { key [ 0 1 ] keyValue [ 0 1 0 0 0 1 0 3 ] }",
    "ROUTE clock.fraction_changed TO mover.set_fraction ROUTE mover.value_changed TO T.rotation",
)


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
@pytest.mark.parametrize("data", [EVERYTHING, wrl(), xml(shape(QUAD, "")), xml(shape("<Sphere radius='0'/>"))])
def test_what_comes_out_satisfies_the_validator(tmp_path, validator, data):
    folder = taken_in(tmp_path, data)["folder"]
    for file in ("normalized.glb", "render.glb"):
        assert_valid(validator, folder / file)


def test_damaged_files_are_refused_or_read_but_never_more(tmp_path):
    chance = random.Random(7)
    for turn in range(200):
        damaged = bytearray(EVERYTHING)
        for _ in range(chance.choice((1, 1, 2, 4))):
            place = chance.randrange(16, len(damaged))
            damaged[place] = chance.choice(b'0123456789 -.#{}[]"eE') if turn % 4 else chance.randrange(256)
        try:
            taken_in(tmp_path, bytes(damaged))
        except FileRefused as refusal:
            assert "no check foresaw" not in refusal.message, refusal.message
            assert refusal.metadata["where"]
