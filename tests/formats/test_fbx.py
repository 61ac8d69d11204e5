"""What of FBX becomes what of glTF, on small scenes made here."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest

from threed.errors import FileMalformed, FileRefused, FileTooComplex, FileTruncated, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Document, read_floats
from threed_workers.document.rotations import quaternion
from threed_workers.document.world import world_matrices
from threed_workers.fbx.curves import read_channel, read_curve
from threed_workers.fbx.node import Ledger, Node
from threed_workers.fbx.polygons import read_polygons
from threed_workers.fbx.transforms import euler, matrix, rotate
from threed_workers.formats import Source, fbx
from threed_workers.inspection import inspect
from threed_workers.mesh.triangulate import triangulate
from threed_workers.samples import sample
from threed_workers.samples.fbx import Tree, binary, layer, node, properties, scene, text
from threed_workers.validator import Validator, missing

from .fbx_damage import damaged
from .suite import BUDGET, taken_in

SECOND = 46_186_158_000
SQUARE = np.array([0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0], float)
FOUR = np.array([0, 1, 2, -4], np.int32)


def document_of(tmp_path, tree: list[Tree], version: int = 7400, budget: Budget = BUDGET) -> Document:
    path = tmp_path / "scene.fbx"
    path.write_bytes(binary(tree, version))
    return fbx.read(Source(path, path.name), budget)


def file_of(objects: list[Tree], links: list[tuple], **settings: object) -> list[Tree]:
    """A file of these objects. `links`: (child, parent), and the property where there is one."""
    connections = [node("C", "OP" if len(link) > 2 else "OO", *link) for link in links]
    return [
        node("FBXHeaderExtension", children=[node("FBXVersion", 7400)]),
        node("GlobalSettings", children=[properties(**settings)]),
        node("Objects", children=objects),
        node("Connections", children=connections),
    ]


def mesh(number: int, *layers: Tree, points: np.ndarray = SQUARE, corners: np.ndarray = FOUR) -> Tree:
    tables = [node("Vertices", points), node("PolygonVertexIndex", corners)]
    return node("Geometry", number, "shape\0\1Geometry", "Mesh", children=[*tables, *layers])


def model(number: int, name: str = "it", kind: str = "Mesh", **values: object) -> Tree:
    return node("Model", number, f"{name}\0\1Model", kind, children=[properties(**values)])


def one_mesh(*layers: Tree, links: tuple = (), objects: tuple = (), **settings: object) -> list[Tree]:
    return file_of([model(1), mesh(2, *layers), *objects], [(1, 0), (2, 1), *links], **settings)


def attribute(document: Document, name: str, primitive: int = 0) -> np.ndarray:
    return read_floats(document, document.json["meshes"][0]["primitives"][primitive]["attributes"][name])


def world_of(document: Document, name: str) -> np.ndarray:
    order, matrices = world_matrices(document, document.json["scenes"][0]["nodes"])
    names = [document.json["nodes"][number].get("name") for number in order]
    return matrices[names.index(name)]


# ------------------------------------------------------------------ the container


@pytest.mark.parametrize("version", [6100, 7400, 7500, 7700])
def test_every_version_of_the_container_gives_the_same_scene(version, tmp_path):
    found = document_of(tmp_path, scene(sample("png"), version), version)
    found.json["asset"]["extras"]["threed"].pop("source_version")
    wanted = document_of(tmp_path, scene(sample("png")))
    wanted.json["asset"]["extras"]["threed"].pop("source_version")
    assert found.json == wanted.json
    assert found.buffers == wanted.buffers


def test_text_gives_the_same_scene_as_bytes(tmp_path):
    path = tmp_path / "scene.fbx"
    path.write_bytes(text(scene(sample("png"))))
    written = fbx.read(Source(path, path.name), BUDGET)
    assert written.json == document_of(tmp_path, scene(sample("png"))).json


def test_the_sample_has_one_of_everything_and_no_errors(tmp_path):
    # Given a scene with one of everything
    # When it is imported
    report = taken_in(tmp_path, sample("fbx"))
    # Then everything is there
    counted = ("material_count", "texture_count", "animation_count", "skin_count", "camera_count", "light_count")
    assert {name: report["model"][name] for name in counted} == dict.fromkeys(counted, 1)
    assert report["model"]["morph_target_count"] == 1
    assert report["losses"] == []
    # And the Khronos validator agrees
    if missing():
        pytest.skip(missing())
    validator = Validator(report["folder"])
    judged = validator.validate(report["folder"] / "normalized.glb")
    validator.close()
    assert [message for message in judged["issues"]["messages"] if message["severity"] == 0] == []


def test_an_array_that_inflates_beyond_the_budget_is_refused_before_it_is_inflated(tmp_path):
    vertices = node("Vertices", np.zeros(3_000_000))
    tree = file_of([model(1), node("Geometry", 2, "x\0\1Geometry", "Mesh", children=[vertices])], [(1, 0), (2, 1)])
    with pytest.raises(FileTooComplex):
        document_of(tmp_path, tree, budget=Budget(decoded_bytes=1 << 20))


def test_an_array_that_promises_more_than_deflate_can_hold_is_refused(tmp_path):
    data = bytearray(binary([node("Objects", children=[node("Vertices", np.zeros(3))])]))
    place = data.index(b"Vertices") + 8
    assert data[place : place + 1] == b"d"
    struct.pack_into("<I", data, place + 1, 1 << 31)
    node_read = fbx.read_binary(memoryview(bytes(data)), Ledger(1 << 40))[1].children[0].children[0]
    with pytest.raises(FileMalformed, match="no deflate can do"):
        node_read.array(float)


def test_a_node_that_ends_beyond_the_file_is_refused(tmp_path):
    data = bytearray(sample("fbx"))
    struct.pack_into("<I", data, 27, len(data) + 100)
    with pytest.raises(FileTruncated, match="beyond the file") as caught:
        fbx.read_binary(memoryview(bytes(data)), Ledger(1 << 20))
    assert caught.value.metadata["where"] == "byte 27"


@pytest.mark.parametrize("write", [binary, text], ids=["binary", "text"])
def test_deep_nesting_is_refused(write):
    tree = node("deepest", 1)
    for _ in range(100):
        tree = node("deep", children=[tree])
    reader = fbx.read_binary if write is binary else fbx.read_text
    with pytest.raises(FileTooComplex, match="nested deeper"):
        reader(memoryview(write([tree])), Ledger(1 << 20))


def test_text_that_ends_within_a_node_is_refused():
    with pytest.raises(FileTruncated, match="within Objects"):
        fbx.read_text(memoryview(b"; FBX 7.4.0\nObjects: {\n Model: 1"), Ledger(1 << 20))


def test_identifiers_of_64_bits_stay_exact_in_text():
    tree = fbx.read_text(memoryview(b"C: 9007199254740993, -9223372036854775808"), Ledger(1 << 20))[1]
    assert tree.children[0].values == [9007199254740993, -9223372036854775808]


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_tree_is_refused_or_read_but_never_more(seed, tmp_path):
    # Given trees whose containers are sound, with wrong values, missing and doubled nodes in them
    chance, whole = random.Random(seed), scene(sample("png"))
    for round_ in range(40):
        try:
            data = (binary, text)[round_ % 2](damaged(whole, chance, chance.choice((1, 2, 3, 6))))
        except KeyError:
            continue  # a value that the writer has no letter for
        (tmp_path / "damaged").write_bytes(data)
        # When they are read
        try:
            document = fbx.read(Source(tmp_path / "damaged", ""), BUDGET)
        except FileRefused as refusal:
            assert refusal.metadata["where"]
        else:
            # Then what comes out is whole
            assert inspect(document)["node_count"] == len(document.all("nodes"))


# ------------------------------------------------------------------ units, axes, transforms


def test_units_are_multiplied_into_the_numbers(tmp_path):
    document = document_of(tmp_path, one_mesh(UnitScaleFactor=2.54))
    assert attribute(document, "POSITION").max() == pytest.approx(0.0254)
    assert document.json["asset"]["extras"]["threed"]["source_unit_m"] == pytest.approx(0.0254)


@pytest.mark.parametrize(
    ("settings", "x", "y", "z"),
    [
        ({"UpAxis": 1, "FrontAxis": 2, "CoordAxis": 0}, (1, 0, 0), (0, 1, 0), (0, 0, 1)),
        ({"UpAxis": 2, "FrontAxis": 1, "FrontAxisSign": -1, "CoordAxis": 0}, (1, 0, 0), (0, 0, -1), (0, 1, 0)),
        ({"UpAxis": 1, "FrontAxis": 2, "FrontAxisSign": -1, "CoordAxis": 0}, (1, 0, 0), (0, 1, 0), (0, 0, -1)),
        ({"UpAxis": 0, "FrontAxis": 2, "CoordAxis": 1, "CoordAxisSign": -1}, (0, 1, 0), (-1, 0, 0), (0, 0, 1)),
    ],
)
def test_axes_are_turned_to_those_of_gltf(settings, x, y, z, tmp_path):
    # Given where the file's X, Y and Z go
    document = document_of(tmp_path, one_mesh(**settings))
    assert np.allclose(world_of(document, "it")[:3, :3].T, [x, y, z], atol=1e-12)


def test_axes_that_are_no_system_are_noted(tmp_path):
    document = document_of(tmp_path, one_mesh(UpAxis=1, FrontAxis=1, CoordAxis=0))
    assert [issue["code"] for issue in document.issues] == ["AXES_ASSUMED"]
    assert np.allclose(world_of(document, "it"), np.eye(4))


def rotation(angles: tuple, order: str) -> np.ndarray:
    """The product of elementary rotations: the first letter turns first."""
    total = np.eye(4)
    for letter in order:
        axis = "XYZ".index(letter)
        sine, cosine = np.sin(np.radians(angles[axis])), np.cos(np.radians(angles[axis]))
        one = np.eye(4)
        a, b = [(1, 2), (2, 0), (0, 1)][axis]
        one[a, a] = one[b, b] = cosine
        one[a, b], one[b, a] = -sine, sine
        total = one @ total
    return total


def shifted(values: tuple) -> np.ndarray:
    total = np.eye(4)
    total[:3, 3] = values
    return total


@pytest.mark.parametrize(("number", "order"), list(enumerate(["XYZ", "XZY", "YZX", "YXZ", "ZXY", "ZYX"])))
def test_a_local_transform_is_the_whole_formula(number, order, tmp_path):
    # Given a model with all of it
    values = {
        "Lcl_Translation": (1.0, 2.0, 3.0),
        "RotationOffset": (0.5, 0.25, -1.0),
        "RotationPivot": (2.0, -1.0, 0.5),
        "PreRotation": (10.0, 20.0, 30.0),
        "Lcl_Rotation": (40.0, -50.0, 60.0),
        "PostRotation": (-15.0, 25.0, 35.0),
        "ScalingOffset": (0.1, 0.2, 0.3),
        "ScalingPivot": (-0.5, 1.5, 2.5),
        "Lcl_Scaling": (2.0, 3.0, -0.5),
    }
    tree = file_of([model(1, **values, RotationOrder=number), mesh(2)], [(1, 0), (2, 1)], UnitScaleFactor=100.0)
    document = document_of(tmp_path, tree)
    # When the product is taken matrix by matrix (FBX SDK, "Computing transformation matrices")
    t, roff, rp, rpre, r, rpost, soff, sp, s = values.values()
    wanted = shifted(t) @ shifted(roff) @ shifted(rp) @ rotation(rpre, "XYZ") @ rotation(r, order)
    wanted = wanted @ np.linalg.inv(rotation(rpost, "XYZ")) @ np.linalg.inv(shifted(rp))
    wanted = wanted @ shifted(soff) @ shifted(sp) @ np.diag([*s, 1.0]) @ np.linalg.inv(shifted(sp))
    # Then it is the node's
    assert np.allclose(world_of(document, "it"), wanted, atol=1e-9)


def test_a_geometric_transform_moves_the_mesh_and_not_the_children(tmp_path):
    moved = {"GeometricTranslation": (1.0, 0.0, 0.0), "GeometricScaling": (2.0, 2.0, 2.0)}
    objects = [model(1, "parent", **moved), model(3, "child", "Null"), mesh(2)]
    document = document_of(tmp_path, file_of(objects, [(1, 0), (2, 1), (3, 1)], UnitScaleFactor=100.0))
    assert np.allclose(world_of(document, "child"), np.eye(4))
    shown = world_of(document, "parent geometry")
    assert np.allclose(shown, shifted((1, 0, 0)) @ np.diag([2, 2, 2, 1]))


def test_a_scale_that_a_child_does_not_inherit_moves_it_only(tmp_path):
    # Given a joint that is scaled unevenly, and a turned child with segment scale compensation
    parent = model(1, "parent", "LimbNode", Lcl_Scaling=(2.0, 1.0, 1.0))
    turned = {"Lcl_Translation": (10.0, 0.0, 0.0), "Lcl_Rotation": (0.0, 0.0, 45.0), "InheritType": 2}
    plain = {"Lcl_Translation": (10.0, 0.0, 0.0), "InheritType": 1}
    objects = [parent, model(2, "child", "LimbNode", **turned), model(3, "heir", "LimbNode", **plain)]
    document = document_of(tmp_path, file_of(objects, [(1, 0), (2, 1), (3, 1)], UnitScaleFactor=100.0))
    # Then the child stands where the scale puts it, and has none; its brother has
    assert np.allclose(world_of(document, "child"), shifted((20, 0, 0)) @ rotation((0, 0, 45), "XYZ"))
    assert np.allclose(world_of(document, "heir"), shifted((20, 0, 0)) @ np.diag([2, 1, 1, 1]))
    assert document.losses == []


def test_quaternions_and_matrices_say_the_same():
    angles = np.random.default_rng(3).uniform(-180, 180, (50, 3))
    for turn, triple in zip(euler(angles, 0), angles, strict=True):
        wanted = rotation(triple, "XYZ")[:3, :3]
        assert np.allclose(rotate(np.repeat(turn[None], 3, axis=0), np.eye(3)).T, wanted)
        assert np.allclose(matrix(np.zeros(3), quaternion(wanted), np.ones(3))[:3, :3], wanted)


def test_models_that_are_their_own_ancestors_are_refused(tmp_path):
    with pytest.raises(FileValuesInvalid, match="ancestors"):
        document_of(tmp_path, file_of([model(1), model(2)], [(1, 2), (2, 1)]))


def test_custom_properties_become_extras_and_hidden_models_stay_hidden(tmp_path):
    objects = [model(1, my_note=7, my_words="ä", my_vector=(1.0, 2.0, 3.0), Visibility=0.0), mesh(2)]
    found = document_of(tmp_path, file_of(objects, [(1, 0), (2, 1)])).json["nodes"][0]
    assert found["extras"] == {"my note": 7, "my words": "ä", "my vector": [1.0, 2.0, 3.0]}
    assert found["extensions"] == {"KHR_node_visibility": {"visible": False}}


# ------------------------------------------------------------------ surfaces


def test_a_concave_polygon_keeps_its_surface():
    # Given an L of 3 unit squares, and an arrow head of 4 corners
    ell = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [1, 1, 0], [1, 2, 0], [0, 2, 0]], float)
    arrow = np.array([[0, 0, 1], [2, 2, 1], [0, 1, 1], [-2, 2, 1]], float)
    numbers = np.array([0, 1, 2, 3, 4, ~5, 6, 7, 8, ~9])
    polygons = read_polygons(numbers, 10, "here")
    points = np.concatenate([ell, arrow])
    # When it is cut
    triangles, owners = triangulate(points, polygons.points, polygons.sizes)
    # Then every triangle is counter-clockwise, and together they are the polygon
    a, b, c = (points[polygons.points[triangles[:, corner]]] for corner in range(3))
    areas = np.cross(b - a, c - a)[:, 2] / 2
    assert (areas > 0).all()
    assert np.bincount(owners, areas).tolist() == pytest.approx([3.0, 2.0])


@pytest.mark.parametrize("axes", [[0, 1, 2], [1, 2, 0], [2, 0, 1], [1, 0, 2], [0, 2, 1], [2, 1, 0]])
def test_a_concave_polygon_keeps_its_direction_in_every_plane(axes):
    ell = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [1, 1, 0], [1, 2, 0], [0, 2, 0]], float)[:, axes]
    polygons = read_polygons(np.array([0, 1, 2, 3, 4, ~5]), 6, "here")
    triangles, _ = triangulate(ell, polygons.points, polygons.sizes)
    a, b, c = (ell[triangles[:, corner]] for corner in range(3))
    wanted = np.cross(ell - ell[0], np.roll(ell, -1, axis=0) - ell[0]).sum(axis=0)
    assert (np.cross(b - a, c - a) @ wanted > 0).all()


@pytest.mark.parametrize("version", [0, 1999, 10000, 4294967295])
def test_a_version_that_never_was_is_refused(tmp_path, version):
    data = bytearray(binary(scene(sample("png"), 7400), 7400))
    data[23:27] = version.to_bytes(4, "little")
    (tmp_path / "scene.fbx").write_bytes(data)
    with pytest.raises(FileMalformed, match=f"version {version}"):
        fbx.read(Source(tmp_path / "scene.fbx", "scene.fbx"), BUDGET)


@pytest.mark.parametrize("data", [binary([], 7400), binary([], 7700), b"; FBX 7.4.0 project file\n"])
def test_a_file_without_a_node_is_refused(tmp_path, data):
    (tmp_path / "empty.fbx").write_bytes(data)
    with pytest.raises(FileMalformed, match="nothing behind"):
        fbx.read(Source(tmp_path / "empty.fbx", "empty.fbx"), BUDGET)


def test_a_corner_without_a_point_is_refused(tmp_path):
    with pytest.raises(FileMalformed, match="corner 9"):
        document_of(tmp_path, file_of([model(1), mesh(2, corners=np.array([0, 1, -10]))], [(1, 0), (2, 1)]))


def test_positions_that_are_not_finite_are_refused(tmp_path):
    points = SQUARE.copy()
    points[4] = np.inf
    with pytest.raises(FileValuesInvalid, match="Control point 1"):
        document_of(tmp_path, file_of([model(1), mesh(2, points=points)], [(1, 0), (2, 1)]))


TWO = np.array([0, 1, -3, 0, 2, -4], np.int32)  # two triangles of the square


@pytest.mark.parametrize(
    ("mapping", "index", "wanted"),
    [
        ("ByPolygonVertex", None, [0, 1, 2, 3, 4, 5]),
        ("ByPolygonVertex", [5, 4, 3, 2, 1, 0], [5, 4, 3, 2, 1, 0]),
        ("ByVertice", None, [0, 1, 2, 0, 2, 3]),
        ("ByVertex", [3, 2, 1, 0], [3, 2, 1, 3, 1, 0]),
        ("ByPolygon", None, [0, 0, 0, 1, 1, 1]),
        ("ByPolygon", [4, 2], [4, 4, 4, 2, 2, 2]),
        ("AllSame", None, [0] * 6),
        ("AllSame", [3], [3] * 6),
    ],
)
def test_every_mapping_gives_each_corner_its_row(mapping, index, wanted, tmp_path):
    # Given six texture coordinates, told apart by u
    table = np.column_stack([np.arange(6.0), np.zeros(6)]).reshape(-1)
    tables = {"UV": table} | ({} if index is None else {"UVIndex": np.array(index, np.int32)})
    element = layer("LayerElementUV", mapping, "Direct" if index is None else "IndexToDirect", **tables)
    tree = file_of([model(1), mesh(2, element, corners=TWO)], [(1, 0), (2, 1)])
    # When the mesh is read
    document = document_of(tmp_path, tree)
    # Then each corner has the coordinate that the mapping says, with v from the top
    indices = read_floats(document, document.json["meshes"][0]["primitives"][0]["indices"]).astype(int).reshape(-1)
    coordinates = attribute(document, "TEXCOORD_0")[indices]
    assert coordinates[:, 0].tolist() == wanted
    assert (coordinates[:, 1] == 1).all()


def test_tangents_get_the_side_of_their_binormals(tmp_path):
    layers = (
        layer("LayerElementNormal", "AllSame", "Direct", Normals=np.array([0.0, 0.0, 1.0])),
        layer("LayerElementTangent", "AllSame", "Direct", Tangents=np.array([2.0, 0.0, 0.0])),
        layer("LayerElementBinormal", "AllSame", "Direct", Binormals=np.array([0.0, -1.0, 0.0])),
    )
    assert attribute(document_of(tmp_path, one_mesh(*layers)), "TANGENT")[0].tolist() == [1, 0, 0, -1]


def test_materials_by_polygon_become_primitives(tmp_path):
    element = layer("LayerElementMaterial", "ByPolygon", "IndexToDirect", Materials=np.array([1, 0], np.int32))
    materials = [node("Material", 10 + n, f"m{n}\0\1Material", "", children=[properties()]) for n in range(2)]
    tree = file_of([model(1), mesh(2, element, corners=TWO), *materials], [(1, 0), (2, 1), (10, 1), (11, 1)])
    document = document_of(tmp_path, tree)
    names = [document.json["materials"][part["material"]]["name"] for part in document.json["meshes"][0]["primitives"]]
    assert names == ["m0", "m1"]


def test_models_that_share_a_geometry_share_the_mesh(tmp_path):
    tree = file_of([model(1, "a"), model(3, "b"), mesh(2)], [(1, 0), (3, 0), (2, 1), (2, 3)])
    document = document_of(tmp_path, tree)
    assert [found["mesh"] for found in document.json["nodes"]] == [0, 0]
    assert len(document.json["meshes"]) == 1


def test_what_gltf_cannot_hold_is_counted(tmp_path):
    crease = layer("LayerElementEdgeCrease", "ByEdge", "Direct", EdgeCrease=np.array([0.0, 0.5, 1.0]))
    objects = (
        node("Geometry", 5, "n\0\1Geometry", "NurbsSurface", children=[node("Type", "NurbsSurface")]),
        node("Constraint", 6, "aim\0\1Constraint", "Aim", children=[node("Type", "Aim")]),
    )
    document = document_of(tmp_path, one_mesh(crease, objects=objects, links=((5, 1),)))
    counts = {loss["feature"]: loss["count"] for loss in document.losses}
    assert counts == {"edge_creases": 2, "nurbs_surfaces": 1, "constraints": 1}


# ------------------------------------------------------------------ materials


def material_of(tmp_path, *, links: tuple = (), objects: tuple = (), creator: str = "", **values: object) -> Document:
    uv = layer("LayerElementUV", "ByVertice", "Direct", UV=np.array([0, 0, 1, 0, 1, 1, 0, 1], float))
    tree = one_mesh(
        uv,
        objects=(node("Material", 9, "m\0\1Material", "", children=[properties(**values)]), *objects),
        links=((9, 1), *links),
    )
    return document_of(tmp_path, [*tree, node("Creator", creator)])


def picture(number: int, **values: object) -> tuple[Tree, ...]:
    """A texture and its embedded picture."""
    content = [node("Content", sample("png"))]
    about = [node("RelativeFilename", f"p{number}.png"), properties(**values)]
    texture = node("Texture", number, "t\0\1Texture", "", children=about)
    return texture, node("Video", number + 1, "v\0\1Video", "Clip", children=content)


@pytest.mark.parametrize(
    ("values", "creator", "color", "metal", "rough"),
    [
        ({"DiffuseColor": (0.5, 0.25, 1.0), "DiffuseFactor": 0.5}, "", (0.25, 0.125, 0.5), 0, (2 / 22) ** 0.5),
        ({"ShadingModel": "Lambert"}, "", (0.8, 0.8, 0.8), 0, 1.0),
        ({"ShininessExponent": 6.0}, "", (0.8, 0.8, 0.8), 0, 0.5),
        ({"Shininess": 25.0, "ReflectionFactor": 0.75}, "Blender", (0.8, 0.8, 0.8), 0.75, 0.5),
        ({"Maya|baseColor": (1.0, 0.5, 0.0), "Maya|base": 0.5, "Maya|metalness": 0.25}, "", (0.5, 0.25, 0), 0.25, 0.5),
        ({"3dsMax|main|baseColor": (1.0, 1.0, 0.0), "3dsMax|main|glossiness": 0.75}, "", (1, 1, 0), 0, 0.25),
    ],
    ids=["phong", "lambert", "exponent", "blender", "arnold", "glossiness"],
)
def test_materials_become_metallic_roughness(values, creator, color, metal, rough, tmp_path):
    surface = material_of(tmp_path, creator=creator, **values).json["materials"][0]["pbrMetallicRoughness"]
    assert surface["baseColorFactor"][:3] == pytest.approx(color)
    assert (surface["metallicFactor"], surface["roughnessFactor"]) == pytest.approx((metal, rough))


@pytest.mark.parametrize(
    ("values", "alpha"),
    [
        ({"Opacity": 0.25, "TransparencyFactor": 1.0}, 0.25),
        ({"TransparencyFactor": 0.5}, 0.5),
        ({"TransparencyFactor": 0.5, "TransparentColor": (0.5, 0.5, 0.5)}, 0.75),
        ({"TransparencyFactor": 1.0}, 1.0),
    ],
)
def test_transparency_becomes_alpha(values, alpha, tmp_path):
    material = material_of(tmp_path, **values).json["materials"][0]
    assert material["pbrMetallicRoughness"]["baseColorFactor"][3] == pytest.approx(alpha)
    assert material.get("alphaMode") == ("BLEND" if alpha < 1 else None)


def test_an_embedded_picture_with_a_transform_and_a_clamp(tmp_path):
    moved = {"Translation": (0.25, 0.5, 0.0), "Scaling": (2.0, 3.0, 1.0), "Rotation": (0.0, 0.0, 90.0), "WrapModeU": 1}
    links = ((20, 9, "DiffuseColor"), (21, 20))
    document = material_of(tmp_path, objects=picture(20, **moved), links=links, DiffuseColor=(0.1, 0.1, 0.1))
    surface = document.json["materials"][0]["pbrMetallicRoughness"]
    assert surface["baseColorFactor"] == [1, 1, 1, 1]
    texture = document.json["textures"][surface["baseColorTexture"]["index"]]
    assert document.json["samplers"][texture["sampler"]] == {"wrapS": 33071}
    # FBX: (u, v) -> T R S (u, v); glTF's v runs the other way.
    found = surface["baseColorTexture"]["extensions"]["KHR_texture_transform"]
    turn, scale, offset = found["rotation"], np.array(found["scale"]), np.array(found["offset"])
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    for u, v in ((0.0, 0.0), (1.0, 0.0), (0.3, 0.9)):
        wanted = np.array([0.25, 0.5]) + np.array([[0, -1], [1, 0]]) @ (np.array([u, v]) * (2, 3))
        assert spin @ (np.array([u, 1 - v]) * scale) + offset == pytest.approx([wanted[0], 1 - wanted[1]])


def test_maps_of_roughness_and_metalness_become_one(tmp_path):
    links = ((20, 9, "Maya|metalness"), (21, 20), (30, 9, "Maya|specularRoughness"), (31, 30))
    values = {"Maya|baseColor": (1.0, 1.0, 1.0)}
    document = material_of(tmp_path, objects=(*picture(20), *picture(30)), links=links, **values)
    surface = document.json["materials"][0]["pbrMetallicRoughness"]
    assert (surface["metallicFactor"], surface["roughnessFactor"]) == (1, 1)
    assert "metallicRoughnessTexture" in surface
    assert "occlusionTexture" not in document.json["materials"][0]


def test_a_picture_that_is_not_there_leaves_the_colour(tmp_path):
    lonely = node("Texture", 20, "t\0\1Texture", "", children=[node("RelativeFilename", "..\\away.png")])
    document = material_of(tmp_path, objects=(lonely,), links=((20, 9, "DiffuseColor"),), DiffuseColor=(0.1, 0.2, 0.3))
    surface = document.json["materials"][0]["pbrMetallicRoughness"]
    assert surface["baseColorFactor"][:3] == pytest.approx([0.1, 0.2, 0.3])
    assert [issue["code"] for issue in document.issues] == ["COMPANION_MISSING"]


def test_a_picture_beside_the_model_is_found(tmp_path):
    report = taken_in(tmp_path, sample("fbx.zip"), "scene.zip")
    assert (report["model"]["texture_count"], report["issues"]) == (1, [])


# ------------------------------------------------------------------ skins, shapes, animations


def skinned(clusters: list[dict[int, float]], points: int = 4) -> list[Tree]:
    """A mesh on model 1, and a joint at 100 + n for each cluster: {control point: weight}."""
    objects = [model(1), mesh(2), node("Deformer", 3, "\0\1Deformer", "Skin", children=[node("Version", 1)])]
    links = [(1, 0), (2, 1), (3, 2)]
    for number, weights in enumerate(clusters):
        joint, cluster = 100 + number, 200 + number
        tables = [
            node("Indexes", np.array(list(weights), np.int32)),
            node("Weights", np.array(list(weights.values()), float)),
            node("Transform", np.eye(4).reshape(-1)),
        ]
        objects += [model(joint, f"j{number}", "LimbNode")]
        objects += [node("Deformer", cluster, "\0\1SubDeformer", "Cluster", children=tables)]
        links += [(joint, 0), (cluster, 3), (joint, cluster)]
    return file_of(objects, links)


def test_weights_are_the_largest_and_sum_to_one(tmp_path):
    # Given ten joints that all pull at one point, and one that pulls at the others
    weights = [{0: n + 1.0, **({1: 2.0, 2: 2.0, 3: 2.0} if n == 0 else {})} for n in range(10)]
    document = document_of(tmp_path, skinned(weights))
    # Then the eight largest are there, in order, and two are lost
    first = np.concatenate([attribute(document, "WEIGHTS_0"), attribute(document, "WEIGHTS_1")], axis=1)
    joints = np.concatenate([attribute(document, "JOINTS_0"), attribute(document, "JOINTS_1")], axis=1)
    assert joints[0].tolist() == [9, 8, 7, 6, 5, 4, 3, 2]
    assert first[0] == pytest.approx(np.arange(10, 2, -1) / 52)
    assert first.sum(axis=1) == pytest.approx(np.ones(4))
    assert [(loss["feature"], loss["count"]) for loss in document.losses] == [("skin_weights", 2)]


def test_points_of_no_joint_follow_the_mesh_itself(tmp_path):
    document = document_of(tmp_path, skinned([{0: 0.5}]))
    names = [document.json["nodes"][joint]["name"] for joint in document.json["skins"][0]["joints"]]
    assert names == ["j0", "it"]
    assert attribute(document, "JOINTS_0")[:, 0].tolist() == [0, 1, 1, 1]
    assert attribute(document, "WEIGHTS_0")[:, 0].tolist() == [1, 1, 1, 1]


def shaped(full: list[float], **channel: object) -> list[Tree]:
    objects = [
        model(1),
        mesh(2),
        node("Deformer", 3, "\0\1Deformer", "BlendShape", children=[node("Version", 1)]),
        node(
            "Deformer",
            4,
            "smile\0\1SubDeformer",
            "BlendShapeChannel",
            children=[properties(**channel), node("FullWeights", np.array(full))],
        ),
    ]
    links = [(1, 0), (2, 1), (3, 2), (4, 3)]
    for number in range(len(full)):
        tables = [node("Indexes", np.array([number], np.int32)), node("Vertices", np.array([0.0, 0.0, 100.0]))]
        objects.append(node("Geometry", 10 + number, f"s{number}\0\1Geometry", "Shape", children=tables))
        links.append((10 + number, 4))
    return file_of(objects, links)


@pytest.mark.parametrize(
    ("percent", "weights"), [(0, [0, 0]), (25, [0.5, 0]), (50, [1, 0]), (75, [0.5, 0.5]), (150, [-1, 2])]
)
def test_shapes_in_between_share_a_channel(percent, weights, tmp_path):
    found = document_of(tmp_path, shaped([50.0, 100.0], DeformPercent=float(percent))).json["meshes"][0]
    assert found["weights"] == pytest.approx(weights)
    assert found["extras"] == {"targetNames": ["s0", "s1"]}


def test_a_morph_target_moves_its_points_only(tmp_path):
    document = document_of(tmp_path, shaped([100.0]))
    target = document.json["meshes"][0]["primitives"][0]["targets"][0]
    assert "sparse" in document.json["accessors"][target["POSITION"]]
    assert read_floats(document, target["POSITION"]).tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]]


def curve_node(times: list, values: list, flags: int, slopes: tuple = (0.0, 0.0)) -> Node:
    """An AnimationCurve whose keys all have one attribute."""
    details = np.array([*slopes, 0.0, 0.0], np.float32)
    return Node(
        "AnimationCurve",
        "here",
        [],
        [
            Node("KeyTime", "", [(np.array(times) * SECOND).astype(np.int64)]),
            Node("KeyValueFloat", "", [np.array(values, float)]),
            Node("KeyAttrFlags", "", [np.array([flags])]),
            Node("KeyAttrDataFloat", "", [details]),
            Node("KeyAttrRefCount", "", [np.array([len(times)])]),
        ],
    )


@pytest.mark.parametrize(
    ("flags", "slopes", "wanted"),
    [
        (0x2, (0, 0), [0, 0, 0, 8, 8]),
        (0x102, (0, 0), [0, 8, 8, 8, 8]),
        (0x4, (0, 0), [0, 2, 4, 8, 8]),
        (0x408, (0, 0), [0, 1.25, 4, 8, 8]),
        (0x408, (8, 8), [0, 2, 4, 8, 8]),
        (0x6108, (0, 0), [0, 1.25, 4, 8, 8]),
    ],
    ids=["constant", "constant next", "linear", "flat", "straight", "automatic"],
)
def test_curves_go_from_key_to_key_as_they_say(flags, slopes, wanted):
    curve = read_curve(curve_node([0, 1], [0.0, 8.0], flags, slopes))
    assert curve.at(np.array([-1, 0.25, 0.5, 1, 2])).tolist() == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("kind", "wanted"), [("C", [4, 4]), ("R", [2, 1]), ("M", [2, 3]), ("A", [6, 13]), ("K", [6, 13])]
)
def test_curves_go_on_beyond_their_ends(kind, wanted):
    source = curve_node([0, 1], [0.0, 4.0], 0x4)
    after = Node("Post-Extrapolation", "", [], [Node("Type", "", [kind]), Node("Repetition", "", [-1])])
    source.children.append(after)
    assert read_curve(source).at(np.array([1.5, 3.25])).tolist() == pytest.approx(wanted)


def test_keys_of_6100_are_read_with_their_letters():
    keys = [0, 1.0, "U", "s", 0, 0, "n", SECOND, 3.0, "L", 2 * SECOND, 5.0, "C", "s", 3 * SECOND, 7.0, "U", "a", "n"]
    curve = read_channel(Node("Channel", "here", ["X"], [Node("Key", "here", keys)]))
    assert curve.values.tolist() == [1, 3, 5, 7]
    assert curve.at(np.array([0.5, 1.5, 2.5])).tolist() == pytest.approx([2, 4, 5])


def test_a_turn_becomes_quaternions_at_every_frame(tmp_path):
    # Given a joint that turns by 90 degrees in a second, behind a pre-rotation of 30
    document = document_of(tmp_path, scene(sample("png")))
    animation = document.json["animations"][0]
    assert (animation["name"], len(animation["channels"])) == ("turn", 1)
    # When its samples are read
    sampler = animation["samplers"][0]
    times, turns = read_floats(document, sampler["input"])[:, 0], read_floats(document, sampler["output"])
    # Then they are those of 30 frames a second, from 30 to 120 degrees about +Z
    assert times == pytest.approx(np.arange(31) / 30, abs=1e-6)
    assert np.degrees(2 * np.arctan2(turns[:, 2], turns[:, 3])) == pytest.approx(np.linspace(30, 120, 31), abs=1e-3)


def animated(name: str, curves: dict[str, Node], **values: object) -> list[Tree]:
    """A Null whose property `name` follows these curves by axis."""
    objects = [
        model(1, "it", "Null", **values),
        node("AnimationStack", 30, "s\0\1AnimStack", "", children=[properties(LocalStop=2 * SECOND)]),
        node("AnimationLayer", 31, "l\0\1AnimLayer", "", children=[node("Version", 1)]),
        node("AnimationCurveNode", 32, "n\0\1AnimCurveNode", "", children=[node("Version", 1)]),
    ]
    links = [(1, 0), (31, 30), (32, 31), (32, 1, name)]
    for number, (axis, source) in enumerate(curves.items()):
        tables = [node(child.name, *child.values) for child in source.children]
        objects.append(node("AnimationCurve", 40 + number, "\0\1AnimCurve", "", children=tables))
        links.append((40 + number, 32, f"d|{axis}"))
    return file_of(objects, links)


def channel_of(document: Document) -> tuple[str, str, np.ndarray, np.ndarray]:
    """(path, interpolation, times, values) of the only channel."""
    (animation,) = document.json["animations"]
    (channel,) = animation["channels"]
    sampler = animation["samplers"][channel["sampler"]]
    times, values = read_floats(document, sampler["input"])[:, 0], read_floats(document, sampler["output"])
    return channel["target"]["path"], sampler.get("interpolation", "LINEAR"), times, values


def test_straight_moves_need_their_keys_only_and_begin_at_zero(tmp_path):
    curve = curve_node([0.5, 1.5], [0.0, 100.0], 0x4)
    document = document_of(tmp_path, animated("Lcl Translation", {"Y": curve}, Lcl_Translation=(7.0, 0.0, 0.0)))
    path, interpolation, times, values = channel_of(document)
    assert (path, interpolation, times.tolist()) == ("translation", "LINEAR", [0, 1])
    assert values == pytest.approx(np.array([[0.07, 0, 0], [0.07, 1, 0]]))
    assert document.json["animations"][0]["extras"] == {"threed": {"source_start_s": 0.5}}


def test_steps_stay_steps(tmp_path):
    curve = curve_node([0, 1, 2], [1.0, 2.0, 3.0], 0x2)
    _, interpolation, times, values = channel_of(document_of(tmp_path, animated("Lcl Scaling", {"X": curve})))
    assert (interpolation, times.tolist(), values[:, 0].tolist()) == ("STEP", [0, 1, 2], [1, 2, 3])


def test_what_does_not_move_is_no_animation(tmp_path):
    curve = curve_node([0, 1], [0.0, 0.0], 0x4)
    assert "animations" not in document_of(tmp_path, animated("Lcl Translation", {"X": curve})).json


def test_a_take_of_a_million_seconds_is_sampled_coarsely(tmp_path):
    curve = curve_node([0, 1e6], [0.0, 90.0], 0x4)
    _, _, times, _ = channel_of(document_of(tmp_path, animated("Lcl Rotation", {"X": curve})))
    assert 1000 < len(times) < 110_000


# ------------------------------------------------------------------ cameras and lights


def seen(tmp_path, kind: str, **values: object) -> tuple[Document, np.ndarray]:
    """(document, world matrix of the camera or light) of one at rest."""
    attribute_of = node("NodeAttribute", 2, "\0\1NodeAttribute", kind, children=[properties(**values)])
    document = document_of(tmp_path, file_of([model(1, "it", kind), attribute_of], [(1, 0), (2, 1)]))
    order, matrices = world_matrices(document, document.json["scenes"][0]["nodes"])
    return document, matrices[order.index(len(document.json["nodes"]) - 1)]


def test_a_camera_looks_along_x_with_its_film_and_lens(tmp_path):
    values = {"ApertureMode": 3, "FocalLength": 35.0, "FilmWidth": 1.41732, "FilmHeight": 0.94488}
    document, world = seen(tmp_path, "Camera", **values, AspectWidth=960.0, AspectHeight=540.0, NearPlane=0.1)
    assert np.allclose(world[:3, :3] @ (0, 0, -1), (1, 0, 0))
    assert np.allclose(world[:3, :3] @ (0, 1, 0), (0, 1, 0))
    view = document.json["cameras"][0]["perspective"]
    across = 2 * np.arctan(np.tan(view["yfov"] / 2) * view["aspectRatio"])
    assert np.degrees(across) == pytest.approx(54.43, abs=0.01)  # 36 mm of film behind 35 mm of lens
    assert view["znear"] == pytest.approx(0.001)


def test_an_orthographic_camera_has_a_width(tmp_path):
    document, _ = seen(tmp_path, "Camera", CameraProjectionType=1, OrthoZoom=2.0, AspectWidth=2.0, AspectHeight=1.0)
    view = document.json["cameras"][0]["orthographic"]
    assert (view["xmag"], view["ymag"]) == pytest.approx((0.3, 0.15))


@pytest.mark.parametrize(("number", "kind"), [(0, "point"), (1, "directional"), (2, "spot")])
def test_a_light_shines_down_its_own_axis(number, kind, tmp_path):
    values = {"LightType": number, "Intensity": 250.0, "Color": (1.0, 0.5, 0.0), "OuterAngle": 60.0, "InnerAngle": 40.0}
    document, world = seen(tmp_path, "Light", **values, DecayType=2)
    assert np.allclose(world[:3, :3] @ (0, 0, -1), (0, -1, 0))
    (light,) = document.json["extensions"]["KHR_lights_punctual"]["lights"]
    assert (light["type"], light["intensity"], light["color"]) == (kind, 2.5, [1.0, 0.5, 0.0])
    if kind == "spot":
        assert np.degrees([light["spot"]["innerConeAngle"], light["spot"]["outerConeAngle"]]) == pytest.approx([20, 30])
    assert document.losses == []
