"""Skins, morph targets and instances as plain meshes, against closed forms."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from threed.errors import FileTooComplex
from threed_workers.budget import Budget
from threed_workers.document import Document, read_floats, write_glb
from threed_workers.document.world import scene_roots, world_box, world_matrices
from threed_workers.engines.baking import baked
from threed_workers.engines.models import Model
from threed_workers.engines.pose import posed

from .moving import HALF, Stage, bending_arm, growing_box, reread, turning_cube


def drawn(document: Document, name: str = "POSITION") -> np.ndarray:
    """An attribute of everything in the scene, in the world (n, 3)."""
    found = []
    for number, matrix in zip(*world_matrices(document, scene_roots(document)), strict=True):
        node = document.all("nodes")[number]
        for primitive in document.all("meshes")[node["mesh"]]["primitives"] if "mesh" in node else []:
            values = read_floats(document, primitive["attributes"][name])[:, :3]
            found.append(values @ matrix[:3, :3].T + (matrix[:3, 3] if name == "POSITION" else 0))
    return np.concatenate(found)


def plain(document: Document) -> bool:
    """Whether nothing is left that an engine of static meshes does not know."""
    targets = any("targets" in primitive for _, primitive in document.primitives())
    return not targets and not document.all("skins") and not document.all("animations")


def test_a_skin_bends_at_its_joint():
    # Given an arm whose far half turns around (1, 0)
    rest = drawn(bending_arm())[:, :] - [9, 9, 9]
    far = rest[:, 0] > 1
    for seconds in (0.0, 0.5, 1.0):
        document = posed(bending_arm(), "bend", seconds)
        assert plain(document)
        angle = seconds * math.pi / 2
        turn = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
        wanted = np.where(far[:, None], (rest - [1, 0, 0]) @ turn.T + [1, 0, 0], rest)
        assert drawn(document) == pytest.approx(wanted, abs=1e-5)
        upright = np.where(far[:, None], drawn(bending_arm(), "NORMAL") @ turn.T, drawn(bending_arm(), "NORMAL"))
        assert drawn(document, "NORMAL") == pytest.approx(upright, abs=1e-5)


@pytest.mark.parametrize(("sets", "joints"), [(2, 2), (3, 2), (1, 400), (2, 400)])
def test_any_number_of_joints_and_weights_is_followed(sets, joints):
    assert drawn(posed(bending_arm(sets, joints), "bend", 1.0)) == pytest.approx(
        drawn(posed(bending_arm(), "bend", 1.0)), abs=1e-5
    )


def test_morph_targets_add_up():
    low, high = world_box(posed(growing_box(), "grow", 0.25))
    assert (low.tolist(), high.tolist()) == ([-0.5, -0.5, -0.5], [1.0, 1.0, 0.5])


def test_normals_tangents_colours_and_texture_coordinates_are_morphed_too():
    stage = Stage()
    points = np.float32([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    kinds = {"NORMAL": [0, 0, 1], "TANGENT": [1, 0, 0, -1], "TEXCOORD_0": [0, 0], "COLOR_0": [0, 0, 0, 1]}
    moves = {"NORMAL": [0, 1, 0], "TANGENT": [0, 1, 0], "TEXCOORD_0": [1, 0.5], "COLOR_0": [1, 0, 0, 0]}
    attribute = stage.builder.attribute
    base = {name: attribute(np.float32([value] * 3)) for name, value in kinds.items()}
    target = {name: attribute(np.float32([value] * 3)) for name, value in moves.items()}
    stage.builder.add("nodes", {"mesh": stage.mesh(points, [[0, 1, 2]], base, targets=[target]), "weights": [0.5]})
    document = baked(stage.done())
    (primitive,) = document.all("meshes")[document.all("nodes")[0]["mesh"]]["primitives"]
    seen = {name: read_floats(document, primitive["attributes"][name])[0].tolist() for name in kinds}
    assert seen["TEXCOORD_0"] == [0.5, 0.25] and seen["COLOR_0"] == [0.5, 0, 0, 1]
    assert seen["NORMAL"] == [0, 0.5, 1] and seen["TANGENT"] == [1, 0.5, 0, -1]


def test_a_skinned_morph_moves_before_it_bends():
    # Given a triangle that a target moves up, on a joint that turns a quarter around +Z
    stage = Stage()
    points, up = np.float32([[0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.float32([[0, 1, 0]] * 3)
    attribute = stage.builder.attribute
    bones = {"JOINTS_0": attribute(np.zeros((3, 4), np.uint8))}
    bones["WEIGHTS_0"] = attribute(np.tile(np.float32([1, 0, 0, 0]), (3, 1)))
    mesh = stage.mesh(points, [[0, 1, 2]], bones, targets=[{"POSITION": stage.builder.positions(up)}])
    joint = stage.builder.add("nodes", {"rotation": [0, 0, HALF, HALF]})
    skin = stage.builder.add("skins", {"joints": [joint]})
    stage.builder.add("nodes", {"mesh": mesh, "skin": skin, "weights": [1.0]})
    assert drawn(baked(stage.done())) == pytest.approx(np.array([[-1, 0, 0], [-1, 1, 0], [-2, 0, 0]]), abs=1e-6)


def test_instances_become_nodes_that_share_their_mesh():
    stage = Stage()
    places = stage.builder.accessor(np.float32([[0, 0, 0], [5, 0, 0], [0, 5, 0]]))
    sizes = stage.builder.accessor(np.float32([[1, 1, 1], [2, 2, 2], [1, 1, 1]]))
    mesh = stage.mesh(np.float32([[0, 0, 0], [1, 0, 0], [0, 1, 0]]), [[0, 1, 2]])
    spread = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": places, "SCALE": sizes}}}
    stage.builder.add("nodes", {"mesh": mesh, "translation": [0, 0, 3], "extensions": spread})
    stage.builder.use("EXT_mesh_gpu_instancing", required=True)
    document = baked(stage.done())
    assert len(drawn(document)) == 9 and len(document.all("meshes")) == 1
    assert drawn(document)[3:6].tolist() == [[5, 0, 3], [7, 0, 3], [5, 2, 3]]
    assert "extensionsUsed" not in document.json and "extensionsRequired" not in document.json


def test_nodes_that_look_the_same_share_what_is_baked():
    document = growing_box()
    document.json["nodes"] += [{"mesh": 0, "translation": [5, 0, 0], "weights": [1, 0]}, {"mesh": 0, "weights": [1, 0]}]
    document.json["scenes"][0]["nodes"] += [1, 2]
    made = baked(document)
    first, second, third = (node["mesh"] for node in made.json["nodes"])
    assert second == third != first


def test_a_document_that_stands_still_is_left_alone():
    stage = Stage()
    stage.builder.add("nodes", {"mesh": stage.mesh(np.float32([[0, 0, 0], [1, 0, 0], [0, 1, 0]]), [[0, 1, 2]])})
    document = stage.done()
    assert baked(document) is document


def test_what_is_baked_can_be_written_and_read(tmp_path):
    for document, clip in ((bending_arm(), "bend"), (growing_box(), "grow"), (turning_cube(), "turn")):
        made = posed(document, clip, 0.7)
        assert drawn(reread(made)) == pytest.approx(drawn(made))
        assert write_glb(made, tmp_path / "made.glb") > 0


def test_more_than_the_budget_is_refused_before_memory_is_taken():
    with pytest.raises(FileTooComplex, match="more than 100 bytes"):
        baked(bending_arm(), dataclasses.replace(Budget(), decoded_bytes=100))


def test_a_model_is_measured_as_it_is_shown(tmp_path):
    write_glb(growing_box(), tmp_path / "box.glb")
    model = Model.open(tmp_path / "box.glb")
    assert model.at(1.0).corners().max(axis=0).tolist() == [1.0, 2.5, 0.5]
    assert model.at(0.0).corners().max(axis=0).tolist() == [1.0, 0.5, 0.5]
    assert model.at(1.0).still().corners().max(axis=0).tolist() == [1.0, 2.5, 0.5]
