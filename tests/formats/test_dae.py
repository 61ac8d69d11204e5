"""COLLADA: scenes, meshes, materials, controllers and animations."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace

import numpy as np
import pytest

from threed.errors import FileMalformed, FileRefused, FileTooComplex, FileValuesInvalid
from threed_workers.document import Companions, Document, read
from threed_workers.document.world import scene_roots, world_box, world_matrices
from threed_workers.formats import Source, dae, recognise
from threed_workers.formats.dae_skins import heaviest
from threed_workers.samples import sample

from .dae_text import (
    SAMPLER,
    SQUARE,
    animation,
    animations,
    bound,
    collada,
    entry,
    floats,
    geometry,
    material,
    names,
    polylist,
    scene,
    shown,
)
from .suite import BUDGET, taken_in
from .validity import assert_valid, missing, validator

__all__ = ["validator"]

QUAD = geometry(polylist("4", "0 1 2 3"))
UVS = floats("uv", "0 0  1 0  1 1  0 1", "ST")
TEXTURED = geometry(polylist("4", "0 0 1 1 2 2 3 3", entry("TEXCOORD", "uv", 1, 0)), more=UVS)


def opened(tmp_path, data: bytes, budget=BUDGET) -> Document:
    (tmp_path / "upload").write_bytes(data)
    (tmp_path / "wood.png").write_bytes(sample("png"))
    source = Source(tmp_path / "upload", "", Companions({"wood.png": tmp_path / "wood.png"}))
    assert recognise(source) is dae
    return dae.read(source, budget)


def primitive_of(document: Document, place: int = 0) -> dict:
    return document.json["meshes"][0]["primitives"][place]


def attribute(document: Document, name: str, place: int = 0) -> np.ndarray:
    """A row per corner, float64."""
    primitive = primitive_of(document, place)
    rows = read(document, primitive["indices"]).reshape(-1)
    return read(document, primitive["attributes"][name])[rows].astype(np.float64)


def signed_area(document: Document) -> float:
    """Of all triangles, seen from +Z."""
    a, b, c = attribute(document, "POSITION").reshape(-1, 3, 3).transpose(1, 0, 2)
    return float(np.cross(b - a, c - a)[:, 2].sum() / 2)


def node_named(document: Document, title: str) -> dict:
    return next(node for node in document.json["nodes"] if node.get("name") == title)


def tracks(document: Document, place: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray, str]]:
    """(times, values, interpolation) by path."""
    found = document.json["animations"][place]
    return {
        channel["target"]["path"]: (
            read(document, found["samplers"][channel["sampler"]]["input"]).reshape(-1),
            read(document, found["samplers"][channel["sampler"]]["output"]),
            found["samplers"][channel["sampler"]]["interpolation"],
        )
        for channel in found["channels"]
    }


# ---------------------------------------------------------------- scenes


@pytest.mark.parametrize(
    ("up", "high"), [("Y_UP", (2, 2, 0)), ("Z_UP", (2, 0, 0)), ("X_UP", (0, 2, 0))], ids=lambda value: str(value)
)
def test_axes_and_unit_become_metres_with_y_up(tmp_path, up, high):
    document = opened(tmp_path, collada(QUAD, scene(shown()), up=up, meter=2))
    assert np.allclose(world_box(document)[1], high, atol=1e-6)


@pytest.mark.parametrize(
    ("transform", "corner"),
    [
        ("<translate>1 2 3</translate>", (2, 3, 3)),
        ("<rotate>0 0 1 90</rotate>", (-1, 1, 0)),
        ("<translate>1 0 0</translate><rotate>0 0 1 90</rotate><scale>2 3 1</scale>", (-2, 2, 0)),
        ("<rotate>0 0 1 90</rotate><translate>1 0 0</translate>", (-1, 2, 0)),
        ("<matrix>1 0 0 5  0 1 0 6  0 0 1 7  0 0 0 1</matrix>", (6, 7, 7)),
        ("<matrix>-1 0 0 0  0 1 0 0  0 0 1 0  0 0 0 1</matrix>", (-1, 1, 0)),
        ("<lookat>0 0 5  0 0 0  0 1 0</lookat>", (1, 1, 5)),
        ("<scale>1 1 0</scale>", (1, 1, 0)),
        ("<translate/>", (1, 1, 0)),
    ],
)
def test_transforms_apply_from_the_last_to_the_first(tmp_path, transform, corner):
    document = opened(tmp_path, collada(QUAD, scene(shown(transform=transform))))
    low, high = world_box(document)
    assert np.allclose(np.where(np.array(corner) < 0, low, high), corner, atol=1e-6)


def places(document: Document) -> np.ndarray:
    """The corners of the mesh as they stand in the scene, (c, 3)."""
    order, matrices = world_matrices(document, scene_roots(document))
    shown = next(matrices[place] for place, node in enumerate(order) if "mesh" in document.json["nodes"][node])
    return attribute(document, "POSITION") @ shown[:3, :3].T + shown[:3, 3]


SHEAR = "<matrix {}>1 0.5 0 3  0 1 0 4  0 0.25 -1 5  0 0 0 1</matrix>"


def test_shear_takes_two_nodes_and_nothing_is_lost(tmp_path):
    # Given a node with shear, and one below it
    below = shown(transform="<translate>1 0 0</translate>", name="below")
    document = opened(tmp_path, collada(QUAD, scene(f'<node id="n">{SHEAR.format("")}{below}</node>')))
    # Then its corners are where the matrix puts them
    matrix = np.array([[1, 0.5, 0], [0, 1, 0], [0, 0.25, -1]])
    moved = attribute(document, "POSITION") + np.array([1, 0, 0])
    wanted = moved @ matrix.T + np.array([3, 4, 5])
    assert np.allclose(places(document), wanted, atol=1e-6)
    assert document.losses == []


def test_what_moves_has_one_node_and_its_shear_is_counted_as_lost(tmp_path):
    rows = "1 0.5 0 {} 0 1 0 4 0 0.25 -1 5 0 0 0 1"
    moves = animations(animation("n/m", "0 1", f"{rows.format(3)} {rows.format(7)}", "M" * 16))
    transform = SHEAR.format('sid="m"')
    document = opened(tmp_path, collada(QUAD, moves, scene(shown(transform=transform))))
    assert [(loss["feature"], loss["count"]) for loss in document.losses] == [("shear in motion", 1)]
    # The node above does nothing, and the lower one goes the whole way
    target = document.json["animations"][0]["channels"][0]["target"]["node"]
    above = next(node for node in document.json["nodes"] if target in node.get("children", []))
    assert above == {"children": [target]}
    assert np.allclose(tracks(document)["translation"][1], [[3, 4, 5], [7, 4, 5]])


def test_every_visual_scene_becomes_a_scene_and_the_shown_one_is_first(tmp_path):
    other = '<library_visual_scenes><visual_scene id="other" name="other"/></library_visual_scenes>'
    document = opened(tmp_path, collada(QUAD, other, scene(shown())))
    assert [entry["name"] for entry in document.json["scenes"]] == ["s", "other"]


def test_an_instanced_node_is_shown_again_with_the_same_mesh(tmp_path):
    library = f"<library_nodes>{shown(name='shared')}</library_nodes>"
    twice = '<instance_node url="#shared"/>'
    document = opened(tmp_path, collada(QUAD, library, scene(shown(twice), shown(twice, name="b"))))
    assert [node["mesh"] for node in document.json["nodes"] if "mesh" in node] == [0, 0]


def test_a_node_within_itself_is_refused(tmp_path):
    with pytest.raises(FileValuesInvalid) as caught:
        opened(tmp_path, collada(QUAD, scene(shown('<node id="x"><instance_node url="#n"/></node>'))))
    assert caught.value.metadata["where"] == "<node 'n'>"


def test_nodes_that_double_are_bounded(tmp_path):
    doubling = "".join(shown(f'<instance_node url="#d{n + 1}"/>' * 2, name=f"d{n}") for n in range(40))
    with pytest.raises(FileTooComplex):
        opened(tmp_path, collada(scene(f"{doubling}{shown(name='d40')}")), replace(BUDGET, nodes=1000))


def test_a_file_without_a_scene_shows_its_geometries(tmp_path):
    document = opened(tmp_path, collada(QUAD))
    assert "SCENE_ASSUMED" in {entry["code"] for entry in document.issues}
    assert document.json["nodes"] == [{"mesh": 0}]


def test_prefixed_elements_are_the_same_model(tmp_path):
    plain = collada(QUAD, scene(shown()))
    prefixed = re.sub(rb"<(/?)(\w)", rb"<\1c:\2", plain).replace(b"xmlns=", b"xmlns:c=")
    prefixed = prefixed.replace(b"<?c:xml", b"<?xml")
    assert opened(tmp_path, prefixed).json == opened(tmp_path, plain).json


def test_text_in_extras_and_the_authoring_tool_are_kept(tmp_path):
    extra = '<extra><technique profile="X"><user>hello</user></technique></extra>'
    document = opened(tmp_path, collada(QUAD, scene(shown(transform=extra))))
    assert node_named(document, "n")["extras"] == {"X": {"user": "hello"}}
    assert document.json["asset"]["extras"]["collada"]["authoring_tool"] == "by hand"


# ---------------------------------------------------------------- meshes


def test_a_concave_polygon_covers_its_area_once(tmp_path):
    arrow = "0 0 0  2 1 0  0 2 0  1 1 0"
    document = opened(tmp_path, collada(geometry(polylist("4", "3 0 1 2"), points=arrow), scene(shown())))
    a, b, c = attribute(document, "POSITION").reshape(-1, 3, 3).transpose(1, 0, 2)
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()
    assert signed_area(document) == pytest.approx(1)


def test_a_hole_is_left_open(tmp_path):
    points = "0 0 0  4 0 0  4 4 0  0 4 0  1 1 0  1 2 0  2 2 0  2 1 0"
    holed = f'<polygons count="1">{entry("VERTEX", "g-v", 0)}<ph><p>0 1 2 3</p><h>4 5 6 7</h></ph></polygons>'
    document = opened(tmp_path, collada(geometry(holed, points=points), scene(shown())))
    assert signed_area(document) == pytest.approx(15)


@pytest.mark.parametrize(
    ("tag", "lists"),
    [
        ("triangles", "<p>0 1 2 0 2 3</p>"),
        ("tristrips", "<p>0 1 3 2</p>"),
        ("trifans", "<p>0 1 2 3</p>"),
        ("polygons", "<p>0 1 2</p><p>0 2\n 3</p>"),
    ],
)
def test_every_kind_of_triangles_winds_the_same_way(tmp_path, tag, lists):
    primitive = f'<{tag} count="1">{entry("VERTEX", "g-v", 0)}{lists}</{tag}>'
    document = opened(tmp_path, collada(geometry(primitive), scene(shown())))
    assert signed_area(document) == pytest.approx(1)
    assert np.allclose(attribute(document, "NORMAL"), (0, 0, 1))


@pytest.mark.parametrize(("tag", "corners"), [("lines", "0 1 2 3"), ("linestrips", "0 1 2 3")])
def test_lines_stay_lines(tmp_path, tag, corners):
    primitive = f'<{tag} count="1">{entry("VERTEX", "g-v", 0)}<p>{corners}</p></{tag}>'
    document = opened(tmp_path, collada(geometry(primitive), scene(shown())))
    assert primitive_of(document)["mode"] == 1
    assert len(attribute(document, "POSITION")) == (4 if tag == "lines" else 6)


def test_every_input_is_taken_from_its_own_offset(tmp_path):
    # Given a quad with normals, two sets of texture coordinates, colours and tangents
    more = floats("n", "0 0 2") + floats("c", "1 0 0 0.5", "RGBA") + floats("t", "1 0 0") + UVS
    more += floats("b", "0 -1 0") + floats("uv2", "0.25 0.25", "ST")
    inputs = entry("NORMAL", "n", 1) + entry("TEXCOORD", "uv", 2, 3) + entry("TEXCOORD", "uv2", 1, 5)
    inputs += entry("COLOR", "c", 1) + entry("TEXTANGENT", "t", 1, 3) + entry("TEXBINORMAL", "b", 1, 3)
    corners = "0 0 0 1 0 1 2 0 2 3 0 3"
    document = opened(tmp_path, collada(geometry(polylist("4", corners, inputs), more=more), scene(shown())))
    # Then each is a vertex attribute, as glTF wants it
    assert np.allclose(attribute(document, "NORMAL"), (0, 0, 1))
    assert attribute(document, "TEXCOORD_0")[:3].tolist() == [[0, 1], [1, 1], [1, 0]]
    assert np.allclose(attribute(document, "TEXCOORD_1"), (0.25, 0.75))
    assert np.allclose(attribute(document, "COLOR_0") / 65535, (1, 0, 0, 0.5), atol=1e-4)
    assert np.allclose(attribute(document, "TANGENT"), (1, 0, 0, -1))
    assert len(read(document, primitive_of(document)["attributes"]["POSITION"])) == 4


# ---------------------------------------------------------------- materials


def color(tag: str, rgba: str, attributes: str = "") -> str:
    return f"<{tag} {attributes}><color>{rgba}</color></{tag}>"


def value(tag: str, number: float) -> str:
    return f"<{tag}><float>{number}</float></{tag}>"


@pytest.mark.parametrize(
    ("transparency", "alpha"),
    [
        ("", 1),
        (color("transparent", "1 1 1 0.25", 'opaque="A_ONE"') + value("transparency", 1), 0.25),
        (color("transparent", "0 0 0 1", 'opaque="A_ONE"') + value("transparency", 0.5), 0.5),
        (color("transparent", "0.5 0.5 0.5 1", 'opaque="RGB_ZERO"') + value("transparency", 1), 0.5),
        (color("transparent", "0 0 0 1", 'opaque="RGB_ZERO"'), 1),
        (value("transparency", 0.75), 0.75),
        (value("transparency", 0), 1),
    ],
)
def test_opacity_follows_the_mode_and_is_never_nothing(tmp_path, transparency, alpha):
    library = material(f"<phong>{color('diffuse', '1 0 0 1')}{transparency}</phong>")
    document = opened(tmp_path, collada(library, QUAD, scene(shown(bound()))))
    made = document.json["materials"][0]
    assert made["pbrMetallicRoughness"]["baseColorFactor"] == pytest.approx([1, 0, 0, alpha], abs=1e-5)
    assert made.get("alphaMode", "OPAQUE") == ("BLEND" if alpha < 1 else "OPAQUE")


def test_colours_shine_and_roughness_are_kept(tmp_path):
    shading = color("emission", "0 0.5 0 1") + color("diffuse", "0.5 0.5 0.5 1") + color("specular", "1 1 1 1")
    document = opened(
        tmp_path, collada(material(f"<blinn>{shading}{value('shininess', 48)}</blinn>"), QUAD, scene(shown(bound())))
    )
    made = document.json["materials"][0]
    assert made["name"] == "mat"
    assert made["pbrMetallicRoughness"]["roughnessFactor"] == pytest.approx(0.2)
    assert made["pbrMetallicRoughness"]["baseColorFactor"][0] == pytest.approx(0.2140, abs=1e-4)
    assert made["emissiveFactor"][1] == pytest.approx(0.2140, abs=1e-4)
    assert made["extras"]["collada"]["specular"] == [1, 1, 1, 1]


def test_a_picture_is_found_through_sampler_and_surface(tmp_path):
    library = material('<lambert><diffuse><texture texture="samp" texcoord="T"/></diffuse></lambert>', SAMPLER)
    document = opened(tmp_path, collada(library, TEXTURED, scene(shown(bound()))))
    info = document.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    texture = document.json["textures"][info["index"]]
    assert document.json["images"][texture["source"]]["name"] == "wood.png"
    assert document.json["samplers"][texture["sampler"]] == {"wrapS": 33648}


def test_a_binding_chooses_the_texture_coordinates(tmp_path):
    inputs = entry("TEXCOORD", "uv", 0, 1) + entry("TEXCOORD", "uv", 0, 4)
    library = material('<lambert><diffuse><texture texture="samp" texcoord="T"/></diffuse></lambert>', SAMPLER)
    bind = '<bind_vertex_input semantic="T" input_semantic="TEXCOORD" input_set="4"/>'
    quad = geometry(polylist("4", "0 1 2 3", inputs), more=UVS)
    document = opened(tmp_path, collada(library, quad, scene(shown(bound(bind)))))
    assert document.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["texCoord"] == 1


def test_a_picture_on_a_mesh_without_texture_coordinates_is_left_out(tmp_path):
    library = material('<lambert><diffuse><texture texture="samp" texcoord="T"/></diffuse></lambert>', SAMPLER)
    document = opened(tmp_path, collada(library, QUAD, scene(shown(bound()))))
    assert "baseColorTexture" not in document.json["materials"][0]["pbrMetallicRoughness"]


def test_a_bump_map_becomes_the_normal_texture(tmp_path):
    extra = '<extra><technique profile="FCOLLADA"><bump bumptype="NORMALMAP"><texture texture="samp" texcoord="T"/>'
    extra += "</bump></technique></extra>"
    double = '<extra><technique profile="GOOGLEEARTH"><double_sided>1</double_sided></technique></extra>'
    library = material("<lambert/>", SAMPLER, extra + double)
    document = opened(tmp_path, collada(library, TEXTURED, scene(shown(bound()))))
    made = document.json["materials"][0]
    assert made["normalTexture"]["index"] == 1
    assert made["doubleSided"] is True


# ---------------------------------------------------------------- controllers


def skinned(weights: str = "1 0.5", counts: str = "1 1 2 2", pairs: str = "0 0 0 0 0 1 1 1 0 1 1 1") -> str:
    identity = "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1"
    lifted = "1 0 0 0 0 1 0 -1 0 0 1 0 0 0 0 1"
    sources = names("j", "root tip") + floats("w", weights, "W") + floats("ib", f"{identity} {lifted}", "M" * 16)
    return (
        '<library_controllers><controller id="c"><skin source="#g"><bind_shape_matrix>2 0 0 0 0 2 0 0 0 0 2 0 0 0 0 1'
        f"</bind_shape_matrix>{sources}<joints>{entry('JOINT', 'j')}{entry('INV_BIND_MATRIX', 'ib')}</joints>"
        f'<vertex_weights count="4">{entry("JOINT", "j", 0)}{entry("WEIGHT", "w", 1)}<vcount>{counts}</vcount>'
        f"<v>{pairs}</v></vertex_weights></skin></controller></library_controllers>"
    )


BONES = '<node id="b0" sid="root" type="JOINT"><node id="b1" sid="tip" type="JOINT">{}</node></node>'
POSED = BONES.format('<translate sid="t">0 1 0</translate>')
SKINNED = shown('<instance_controller url="#c"><skeleton>#b0</skeleton></instance_controller>')


def test_a_skin_in_its_bind_pose_is_the_bind_shape(tmp_path):
    document = opened(tmp_path, collada(QUAD, skinned(), scene(POSED, SKINNED)))
    assert np.allclose(world_box(document)[1], (2, 2, 0), atol=1e-6)
    assert [document.json["nodes"][joint]["name"] for joint in document.json["skins"][0]["joints"]] == ["b0", "b1"]
    assert attribute(document, "WEIGHTS_0").sum(axis=1) == pytest.approx(1)


def test_a_skin_without_its_joints_stays_a_mesh(tmp_path):
    document = opened(tmp_path, collada(QUAD, skinned(), scene(SKINNED)))
    assert "SKIN_UNUSABLE" in {entry["code"] for entry in document.issues}
    assert "skins" not in document.json
    assert "JOINTS_0" not in document.json["meshes"][node_named(document, "n")["mesh"]]["primitives"][0]["attributes"]


def test_the_eight_heaviest_joints_are_kept_and_doubles_are_joined():
    # Given ten joints on one point, and one joint twice on another
    point, joint = np.array([0] * 10 + [1, 1]), np.array([*range(10), 3, 3])
    weight = np.array([*range(1, 11), 0.25, 0.75], float)
    joints, weights, dropped = heaviest(point, joint, weight, 3)
    assert joints[0].tolist() == [9, 8, 7, 6, 5, 4, 3, 2]
    assert (dropped, joints[1, 0]) == (2, 3)
    assert weights[:, 0].tolist() == [10 / 52, 1, 1]
    assert weights.sum(axis=1).tolist() == pytest.approx([1, 1, 1])


def morphed(method: str) -> str:
    other = geometry("", points="0 0 3  1 0 0  1 1 0  0 1 0", name="o")
    return other + (
        f'<library_controllers><controller id="c"><morph source="#g" method="{method}">'
        f"{names('mt', 'o', 'IDREF_array')}{floats('mw', '0.5', 'W')}<targets>{entry('MORPH_TARGET', 'mt')}"
        f"{entry('MORPH_WEIGHT', 'mw')}</targets></morph></controller></library_controllers>"
    )


@pytest.mark.parametrize(("method", "first"), [("NORMALIZED", (0, 0, 3)), ("RELATIVE", (0, 0, 3))])
def test_a_morph_keeps_its_targets_weights_and_movement(tmp_path, method, first):
    moves = animations(animation("mw-array(0)", "0 1", "0 1"))
    instance = shown('<instance_controller url="#c"/>')
    document = opened(tmp_path, collada(QUAD, morphed(method), moves, scene(instance)))
    mesh = document.json["meshes"][0]
    assert (mesh["weights"], mesh["extras"]["targetNames"]) == ([0.5], ["o"])
    assert read(document, mesh["primitives"][0]["targets"][0]["POSITION"])[0].tolist() == list(first)
    assert tracks(document)["weights"][1].reshape(-1).tolist() == [0, 1]


# ---------------------------------------------------------------- animations


def test_a_component_of_a_rotation_turns_the_node(tmp_path):
    node = shown(transform='<translate sid="t">1 0 0</translate><rotate sid="rotateZ">0 0 1 0</rotate>')
    moves = animations(animation("n/rotateZ.ANGLE", "0 2", "0 180", "A"))
    document = opened(tmp_path, collada(QUAD, moves, scene(node)))
    (path, (times, turns, _)), *others = tracks(document).items()
    assert (path, others) == ("rotation", [])
    # half a turn is told in steps, since a quaternion could go either way round
    assert np.allclose(turns[np.searchsorted(times, 1.0)], (0, 0, np.sqrt(0.5), np.sqrt(0.5)), atol=1e-3)
    assert np.allclose(turns[-1], (0, 0, 1, 0), atol=1e-6)


def test_a_matrix_becomes_translation_rotation_and_scale(tmp_path):
    first, last = "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1", "0 -2 0 4 2 0 0 0 0 0 2 0 0 0 0 1"
    node = shown(transform=f'<matrix sid="transform">{first}</matrix>')
    moves = animations(animation("n/transform", "0 1", f"{first} {last}", "M" * 16))
    found = tracks(opened(tmp_path, collada(QUAD, moves, scene(node))))
    assert found["translation"][1][-1].tolist() == [4, 0, 0]
    assert np.allclose(found["rotation"][1][-1], (0, 0, np.sqrt(0.5), np.sqrt(0.5)), atol=1e-6)
    assert np.allclose(found["scale"][1][-1], 2)


def test_a_bezier_curve_is_followed_between_its_keys(tmp_path):
    # Given a curve that leaves and arrives level
    ease = animation("n/t.X", "0 1", "0 1", kinds="BEZIER BEZIER", tangents=("-1 0 0.5 1", "0.5 0 2 1"))
    document = opened(
        tmp_path, collada(QUAD, animations(ease), scene(shown(transform='<translate sid="t">0 0 0</translate>')))
    )
    times, values, _ = tracks(document)["translation"]
    # Then it is half way at half time, and behind before
    assert np.interp(0.5, times, values[:, 0]) == pytest.approx(0.5, abs=1e-3)
    s = 0.25  # the curve there: time 1.5 s (1 - s) + s^3, value 3 s^2 - 2 s^3
    assert np.interp(1.5 * s * (1 - s) + s**3, times, values[:, 0]) == pytest.approx(3 * s**2 - 2 * s**3, abs=2e-3)


def test_steps_stay_steps(tmp_path):
    node = shown(transform='<translate sid="t">0 0 0</translate>')
    moves = animations(animation("n/t", "0 1 2", "0 0 0 1 0 0 2 0 0", "XYZ", kinds="STEP STEP STEP"))
    times, _, interpolation = tracks(opened(tmp_path, collada(QUAD, moves, scene(node))))["translation"]
    assert (times.tolist(), interpolation) == ([0, 1, 2], "STEP")


def test_a_clip_is_an_animation_of_its_own_time(tmp_path):
    node = shown(transform='<translate sid="t">0 0 0</translate>')
    moves = animations(animation("n/t.X", "0 4", "0 4"))
    clips = '<library_animation_clips><animation_clip id="walk" start="1" end="3"><instance_animation url="#a"/>'
    clips += "</animation_clip></library_animation_clips>"
    document = opened(tmp_path, collada(QUAD, moves, clips, scene(node)))
    times, values, _ = tracks(document)["translation"]
    assert document.json["animations"][0]["name"] == "walk"
    assert (times.tolist(), values[:, 0].tolist()) == ([0, 2], [1, 3])


def test_what_cannot_be_animated_is_counted_as_lost(tmp_path):
    moves = animations(animation("mat/diffuse.R", "0 1", "0 1"))
    document = opened(tmp_path, collada(QUAD, moves, scene(shown())))
    assert [loss["feature"] for loss in document.losses] == ["animated properties"]


# ---------------------------------------------------------------- cameras and lights


def test_cameras_and_lights_are_kept_and_ambient_light_is_lost(tmp_path):
    optics = "<optics><technique_common><perspective><xfov>90</xfov><aspect_ratio>2</aspect_ratio><znear>1</znear>"
    optics += "<zfar>100</zfar></perspective></technique_common></optics>"
    lights = (
        '<light id="sun"><technique_common><directional><color>1 1 1</color></directional></technique_common></light>'
        '<light id="lamp"><technique_common><spot><color>2 0 0</color><falloff_angle>60</falloff_angle></spot>'
        '</technique_common></light><light id="dim"><technique_common><ambient><color>1 1 1</color></ambient>'
        "</technique_common></light>"
    )
    library = f'<library_cameras><camera id="cam">{optics}</camera></library_cameras>'
    library += f"<library_lights>{lights}</library_lights>"
    uses = '<instance_camera url="#cam"/>' + "".join(f'<instance_light url="#{n}"/>' for n in ("sun", "lamp", "dim"))
    document = opened(tmp_path, collada(library, scene(shown(uses)), meter=0.5))
    lens = document.json["cameras"][0]["perspective"]
    assert lens["yfov"] == pytest.approx(2 * np.arctan(0.5))
    assert (lens["znear"], lens["zfar"], lens["aspectRatio"]) == (0.5, 50, 2)
    sun, lamp = document.json["extensions"]["KHR_lights_punctual"]["lights"]
    assert sun["type"] == "directional"
    assert lamp["spot"]["outerConeAngle"] == pytest.approx(np.radians(30))
    assert (lamp["color"], lamp["intensity"]) == ([1, 0, 0], pytest.approx(2 * np.pi))
    assert [loss["feature"] for loss in document.losses] == ["ambient lights"]


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"<COLLADA><", FileMalformed),
        (collada(geometry(polylist("4", "0 1 2 9")), scene(shown())), FileValuesInvalid),
        (collada(geometry(polylist("9", "0 1 2 3")), scene(shown())), FileMalformed),
        (collada(geometry(polylist("3", "0 x 2")), scene(shown())), FileMalformed),
        (
            collada(geometry(polylist("3", "0 1 2"), points=SQUARE.replace("1", "NaN")), scene(shown())),
            FileValuesInvalid,
        ),
        (collada(geometry(polylist("3", "0 1 2", entry("NORMAL", "none", 0))), scene(shown())), FileMalformed),
        (collada(QUAD, scene(shown(transform="<matrix>1 2 3</matrix>"))), FileMalformed),
        (collada(QUAD, scene(shown(transform="<scale>1e300 1 1</scale><scale>1e300 1 1</scale>"))), FileValuesInvalid),
        (collada(QUAD, skinned(counts="1 1 2 99"), scene(POSED, SKINNED)), FileMalformed),
        (collada(QUAD, animations(animation("n/t", "0 1", "0 1 2", "V")), scene(shown())), FileMalformed),
    ],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path, data, error):
    with pytest.raises(error) as caught:
        opened(tmp_path, data)
    assert caught.value.metadata["where"]


EVERYTHING = collada(
    material('<phong><diffuse><texture texture="samp" texcoord="T"/></diffuse></phong>', SAMPLER),
    TEXTURED,
    skinned(),
    animations(animation("b1/t.X", "0 1", "0 1", kinds="BEZIER LINEAR", tangents=("-1 0 0.5 1", "0.5 0 2 1"))),
    scene(POSED, SKINNED, shown(bound(), "<rotate>1 0 0 30</rotate>", name="other")),
    up="Z_UP",
)


VALID = {
    "everything": EVERYTHING,
    "morph": collada(
        QUAD,
        morphed("NORMALIZED"),
        animations(animation("mw-array(0)", "0 1", "0 1")),
        scene(shown('<instance_controller url="#c"/>')),
    ),
    "many joints": collada(QUAD, skinned(counts="0 1 2 3", pairs="0 0 1 0 1 1 0 0 1 1 1 0"), scene(POSED, SKINNED)),
    "no scene": collada(QUAD),
    "flat": collada(QUAD, scene(shown(transform="<scale>1 1 0</scale>"))),
    "mirrored": collada(QUAD, scene(shown(transform="<matrix>-1 0 0 0  0 1 0 0  0 0 1 0  0 0 0 1</matrix>"))),
    "nothing": collada(),
}


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
@pytest.mark.parametrize("name", VALID)
def test_what_comes_out_satisfies_the_validator(tmp_path, validator, name):
    folder = taken_in(tmp_path, VALID[name])["folder"]
    for file in ("normalized.glb", "render.glb"):
        assert_valid(validator, folder / file)


def test_an_import_describes_the_file(tmp_path):
    report = taken_in(tmp_path, EVERYTHING)
    report.pop("folder")
    json.dumps(report, allow_nan=False)
    assert (report["file_format"], report["model"]["skin_count"], report["model"]["animation_count"]) == ("dae", 1, 1)


def test_damaged_files_are_refused_or_read_but_never_more(tmp_path):
    chance = random.Random(7)
    for turn in range(200):
        damaged = bytearray(EVERYTHING)
        for _ in range(chance.choice((1, 1, 2, 4))):
            place = chance.randrange(len(damaged))
            damaged[place] = chance.choice(b'0123456789 -.#<>/"eE') if turn % 4 else chance.randrange(256)
        try:
            taken_in(tmp_path, bytes(damaged))
        except FileRefused as refusal:
            assert "no check foresaw" not in refusal.message, refusal.message
            assert refusal.metadata["where"]
