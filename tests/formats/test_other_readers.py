"""What we write, read by others: pygltflib and trimesh see the same counts as our own metadata."""

from __future__ import annotations

import warnings

import pytest
from tests.formats.suite import taken_in

from threed_workers.samples import SAMPLES, animated_model, sample

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pygltflib
    import trimesh

_MODELS = [name for name in SAMPLES if name.split(".")[0] in ("glb", "gltf", "zip", "obj", "stl", "ply")]


@pytest.mark.parametrize("name", _MODELS)
def test_pygltflib_reads_every_normalized_glb(tmp_path, name):
    found = taken_in(tmp_path, sample(name))
    document = pygltflib.GLTF2().load_binary(str(found["folder"] / "normalized.glb"))
    model = found["model"]
    assert len(document.nodes) == model["node_count"]
    assert len(document.meshes) == model["mesh_count"]
    positions = [
        document.accessors[primitive.attributes.POSITION].count
        for mesh in document.meshes
        for primitive in mesh.primitives
    ]
    assert sum(positions) == model["vertex_count"]
    assert document.buffers[0].uri is None and len(document.buffers) == 1


def test_trimesh_draws_the_same_box_and_triangles(tmp_path):
    found = taken_in(tmp_path, animated_model())
    scene = trimesh.load_scene(str(found["folder"] / "normalized.glb"), file_type="glb")
    model = found["model"]
    assert (
        sum(len(scene.geometry[scene.graph[node][1]].faces) for node in scene.graph.nodes_geometry)
        == (model["drawn_triangle_count"])
    )
    assert scene.bounds[0] == pytest.approx(model["bounding_box"]["min"], abs=1e-4)
    assert scene.bounds[1] == pytest.approx(model["bounding_box"]["max"], abs=1e-4)
