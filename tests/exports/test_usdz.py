"""USDZ, read back by OpenUSD."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from pxr import Usd, UsdGeom, UsdShade, UsdSkel, UsdValidation

from threed.errors import FileTooComplex
from threed_workers.document import Builder, read_floats
from threed_workers.exports import EXPORTS
from threed_workers.inspection import inspect

from .pieces import (
    QUAD_COLORS,
    colored,
    cube,
    every_mode,
    furnished,
    imported,
    instanced,
    losses,
    mirrored_cubes,
    morphed,
    picture,
    quad,
    showpiece,
    skinned,
)

MODELS = (showpiece, mirrored_cubes, morphed, skinned, instanced, every_mode, colored, furnished)


def opened(document, folder) -> Usd.Stage:
    made = EXPORTS["usdz"].write(document, folder, "model")
    return Usd.Stage.Open(str(folder / made.file))


def meshes(stage: Usd.Stage) -> list[UsdGeom.Mesh]:
    return [UsdGeom.Mesh(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]


def corners(stage: Usd.Stage, time=None) -> np.ndarray:
    """Corners of all triangles in the world, (t, 3, 3), as OpenUSD places them."""
    time = Usd.TimeCode.Default() if time is None else time
    cache = UsdGeom.XformCache(time)
    found = []
    for mesh in meshes(stage):
        matrix = np.array(cache.GetLocalToWorldTransform(mesh.GetPrim()))
        points = np.array(mesh.GetPointsAttr().Get(time)) @ matrix[:3, :3] + matrix[3, :3]
        assert set(mesh.GetFaceVertexCountsAttr().Get()) == {3}
        found.append(points[np.array(mesh.GetFaceVertexIndicesAttr().Get())].reshape(-1, 3, 3))
    return np.concatenate(found)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_openusd_finds_nothing_to_object_to(model, tmp_path):
    stage = opened(model(), tmp_path)
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(validators) > 20
    found = UsdValidation.ValidationContext(validators).Validate(stage)
    assert [error.GetErrorAsString() for error in found] == []


def test_the_package_is_aligned_and_not_packed(tmp_path):
    opened(showpiece(), tmp_path)
    data = (tmp_path / "model.usdz").read_bytes()
    with zipfile.ZipFile(tmp_path / "model.usdz") as archive:
        entries = archive.infolist()
    assert entries[0].filename == "model.usdc"
    assert {entry.filename for entry in entries[1:]} == {
        "textures/checker.png",
        "textures/checker_normals.png",
        "textures/checker_surface.png",
    }
    for entry in entries:
        assert entry.compress_type == zipfile.ZIP_STORED
        head = entry.header_offset
        lengths = (
            int.from_bytes(data[head + 26 : head + 28], "little"),
            int.from_bytes(data[head + 28 : head + 30], "little"),
        )
        assert (head + 30 + sum(lengths)) % 64 == 0


def test_the_showpiece_has_its_triangles_and_its_size(tmp_path):
    document = showpiece()
    known = inspect(document)
    stage = opened(document, tmp_path)
    found = corners(stage)
    assert (UsdGeom.GetStageUpAxis(stage), UsdGeom.GetStageMetersPerUnit(stage)) == ("Y", 1.0)
    assert len(found) == known["drawn_triangle_count"]
    assert found.reshape(-1, 3).min(axis=0) == pytest.approx(known["bounding_box"]["min"], rel=1e-5, abs=1e-5)
    assert found.reshape(-1, 3).max(axis=0) == pytest.approx(known["bounding_box"]["max"], rel=1e-5, abs=1e-5)
    names = {prim.GetName() for prim in stage.Traverse()}
    assert {"threed_sample", "carousel", "ball_4", "plinth", "ring"} <= names


@pytest.mark.parametrize(
    ("model", "low", "high", "triangles"),
    [
        (mirrored_cubes, [-0.5, -0.5, -0.5], [4, 0.5, 0.5], 24),
        (instanced, [-0.5, -0.5, -0.5], [20.5, 0.5, 0.5], 36),
        (every_mode, [0, 0, 0], [1, 1, 0], 6),
    ],
)
def test_everything_is_where_it_was(model, low, high, triangles, tmp_path):
    found = corners(opened(model(), tmp_path))
    assert len(found) == triangles
    assert found.reshape(-1, 3).min(axis=0) == pytest.approx(low, abs=1e-5)
    assert found.reshape(-1, 3).max(axis=0) == pytest.approx(high, abs=1e-5)


def test_a_mesh_that_many_nodes_show_is_written_once(tmp_path):
    stage = opened(instanced(), tmp_path)
    kept = [prim for prim in stage.TraverseAll() if prim.IsA(UsdGeom.Mesh) and prim.IsAbstract()]
    assert (len(meshes(stage)), len(kept)) == (3, 1)


def test_points_and_lines_are_kept(tmp_path):
    stage = opened(every_mode(), tmp_path)
    points = [UsdGeom.Points(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Points)]
    curves = [UsdGeom.BasisCurves(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.BasisCurves)]
    assert [len(cloud.GetPointsAttr().Get()) for cloud in points] == [4]
    assert [len(curve.GetCurveVertexCountsAttr().Get()) for curve in curves] == [4, 4, 3]


def test_texture_coordinates_normals_and_colours_are_kept(tmp_path):
    # Given the corners of a textured cube
    document = mirrored_cubes()
    attributes = document.all("meshes")[0]["primitives"][0]["attributes"]
    stage = opened(document, tmp_path)  # prims live as long as their stage
    mesh = meshes(stage)[0]
    # Then they are the same but for the origin of the texture
    uvs = np.array(UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st").Get())
    assert np.allclose(uvs * [1, -1] + [0, 1], read_floats(document, attributes["TEXCOORD_0"]))
    assert np.allclose(np.array(mesh.GetNormalsAttr().Get()), read_floats(document, attributes["NORMAL"]))
    assert mesh.GetSubdivisionSchemeAttr().Get() == "none"


def test_colours_of_vertices_are_those_times_the_material(tmp_path):
    stage = opened(colored(), tmp_path)
    mesh = meshes(stage)[0]
    assert np.allclose(np.array(mesh.GetDisplayColorAttr().Get()), QUAD_COLORS[:, :3] * [0.5, 1, 1])
    source = surface_of(mesh).GetInput("diffuseColor").GetConnectedSources()[0][0].source
    assert UsdShade.Shader(source.GetPrim()).GetInput("varname").Get() == "displayColor"


def surface_of(mesh: UsdGeom.Mesh) -> UsdShade.Shader:
    material = UsdShade.MaterialBindingAPI(mesh).ComputeBoundMaterial()[0]
    return material.ComputeSurfaceSource()[0]


def texture_of(mesh: UsdGeom.Mesh, name: str) -> tuple[UsdShade.Shader, str]:
    """(texture shader, channel) behind an input of the surface."""
    source = surface_of(mesh).GetInput(name).GetConnectedSources()[0][0]
    return UsdShade.Shader(source.source.GetPrim()), source.sourceName


def dressed(kind: str = "PNG"):
    """A cube with a transparent, moved base colour texture, a normal map, occlusion, a mirrored sampler, a coat."""
    builder = Builder("tests")
    builder.add("samplers", {"wrapS": 33648, "wrapT": 33071})
    for color in ((255, 0, 0, 100), (128, 128, 255), (200, 100, 50)):
        image = builder.picture(picture(kind, color), f"image/{kind.lower()}")
        texture = {"source": image} if kind == "PNG" else {"extensions": {"EXT_texture_webp": {"source": image}}}
        builder.add("textures", {"sampler": 0, **texture})
    transform = {"offset": [0.1, 0.2], "rotation": np.pi / 6, "scale": [2, 3]}
    base = {"index": 0, "extensions": {"KHR_texture_transform": transform}}
    material = {
        "name": "dress",
        "pbrMetallicRoughness": {
            "baseColorFactor": [0.5, 0.6, 0.7, 0.8],
            "baseColorTexture": base,
            "metallicRoughnessTexture": {"index": 2},
            "roughnessFactor": 0.5,
        },
        "normalTexture": {"index": 1, "scale": 0.5},
        "occlusionTexture": {"index": 2, "strength": 0.25},
        "alphaMode": "MASK",
        "alphaCutoff": 0.3,
        "doubleSided": True,
        "extensions": {"KHR_materials_clearcoat": {"clearcoatFactor": 0.9, "clearcoatRoughnessFactor": 0.1}},
    }
    builder.add("nodes", {"mesh": cube(builder, material=builder.add("materials", material))})
    return builder.finish()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_material_becomes_a_preview_surface(kind, tmp_path):
    stage = opened(dressed(kind), tmp_path)
    mesh = meshes(stage)[0]
    assert mesh.GetDoubleSidedAttr().Get() is True
    surface = surface_of(mesh)
    assert surface.GetIdAttr().Get() == "UsdPreviewSurface"
    assert surface.GetInput("opacityThreshold").Get() == pytest.approx(0.3)
    assert surface.GetInput("clearcoat").Get() == pytest.approx(0.9)
    # Base colour and opacity come from one texture, which is in the package
    base, channel = texture_of(mesh, "diffuseColor")
    alpha, alpha_channel = texture_of(mesh, "opacity")
    assert (base.GetPath(), channel, alpha_channel) == (alpha.GetPath(), "rgb", "a")
    assert base.GetInput("file").Get().resolvedPath.endswith("[textures/picture_0.png]")
    assert list(base.GetInput("scale").Get()) == pytest.approx([0.5, 0.6, 0.7, 0.8])
    assert (base.GetInput("wrapS").Get(), base.GetInput("wrapT").Get()) == ("mirror", "clamp")
    assert base.GetInput("sourceColorSpace").Get() == "sRGB"
    # Vectors and factors are raw numbers
    normal, _ = texture_of(mesh, "normal")
    assert list(normal.GetInput("scale").Get()) == [1, 1, 2, 1]
    assert list(normal.GetInput("bias").Get()) == [-0.5, -0.5, -1, 0]
    rough, channel = texture_of(mesh, "roughness")
    assert (channel, rough.GetInput("scale").Get()[1]) == ("g", 0.5)
    shade, channel = texture_of(mesh, "occlusion")
    assert (channel, shade.GetInput("scale").Get()[0], shade.GetInput("bias").Get()[0]) == ("r", 0.25, 0.75)


def test_a_texture_transform_means_the_same_from_the_other_origin(tmp_path):
    # Given a texture that is scaled, turned and moved
    stage = opened(dressed(), tmp_path)
    mesh = meshes(stage)[0]
    base, _ = texture_of(mesh, "diffuseColor")
    node = UsdShade.Shader(base.GetInput("st").GetConnectedSources()[0][0].source.GetPrim())
    scale, shift = np.array(node.GetInput("scale").Get()), np.array(node.GetInput("translation").Get())
    turn = np.radians(node.GetInput("rotation").Get())
    uv = np.array([0.3, 0.4])
    # When OpenUSD applies it to coordinates from the bottom left: scale, turn, move
    x, y = np.array([uv[0], 1 - uv[1]]) * scale
    moved = np.array([np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y]) + shift
    # Then it is where glTF's own rule puts it, from the top left
    u, v = uv * [2, 3]
    expected = [
        np.cos(np.pi / 6) * u + np.sin(np.pi / 6) * v + 0.1,
        np.cos(np.pi / 6) * v - np.sin(np.pi / 6) * u + 0.2,
    ]
    assert [moved[0], 1 - moved[1]] == pytest.approx(expected, abs=1e-6)


def test_pictures_that_cannot_be_turned_are_a_loss(tmp_path):
    document = dressed()
    document.json["textures"][0] = {"extensions": {"KHR_texture_basisu": {"source": 0}}}
    document.pictures[0] = memoryview(b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(100))
    made = EXPORTS["usdz"].write(document, tmp_path, "model")
    assert losses(made)["pictures"] == 1


def test_a_camera_sees_the_same_part_of_the_world(tmp_path):
    stage = opened(furnished(), tmp_path)
    camera = next(UsdGeom.Camera(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Camera)).GetCamera()
    assert np.radians(camera.GetFieldOfView(camera.FOVVertical)) == pytest.approx(0.6, rel=1e-5)
    assert camera.aspectRatio == pytest.approx(1.5)


def test_more_nodes_than_usd_takes_are_refused(tmp_path):
    builder = Builder("tests")
    for _ in range(100_001):
        builder.add("nodes", {})
    with pytest.raises(FileTooComplex) as caught:
        EXPORTS["usdz"].write(builder.finish(), tmp_path, "model")
    assert caught.value.metadata["where"] == "/nodes"


# ---------------------------------------------------------------- motion


def test_an_animation_becomes_time_samples(tmp_path):
    # Given the sample, where the cube bobs and the carousel goes round once in 4 s
    stage = opened(showpiece(), tmp_path)
    assert stage.GetEndTimeCode() / stage.GetTimeCodesPerSecond() == pytest.approx(4.0)
    prims = {prim.GetName(): prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Xform)}
    ride = prims["carousel"]
    # When a quarter is over
    matrix = np.array(UsdGeom.XformCache(1.0 * 60).GetLocalToWorldTransform(ride))
    # Then it has turned by a quarter around Y: +Z went to +X
    assert np.array([0, 0, 1]) @ matrix[:3, :3] == pytest.approx([1, 0, 0], abs=1e-5)


def stepping(interpolation: str, values: list, times: list):
    """A cube that moves along X."""
    builder = Builder("tests")
    node = builder.add("nodes", {"name": "mover", "mesh": cube(builder)})
    clock = builder.accessor(np.array(times, np.float32), bounds=True)
    track = builder.accessor(np.array([[x, 0, 0] for x in values], np.float32))
    sampler = {"input": clock, "output": track, "interpolation": interpolation}
    channel = {"sampler": 0, "target": {"node": node, "path": "translation"}}
    builder.add("animations", {"samplers": [sampler], "channels": [channel]})
    return builder.finish()


@pytest.mark.parametrize(
    ("interpolation", "values", "seconds", "expected"),
    [
        ("LINEAR", [0, 4], 0.5, 1.0),
        ("STEP", [0, 4], 1.9, 0.0),
        ("STEP", [0, 4], 2.0, 4.0),
        # In-tangent, value, out-tangent: flat ends make a smooth step, 3 t^2 - 2 t^3.
        ("CUBICSPLINE", [0, 0, 0, 0, 4, 0], 0.5, 4 * (3 * 0.25**2 - 2 * 0.25**3)),
    ],
)
def test_every_interpolation_is_kept(interpolation, values, seconds, expected, tmp_path):
    stage = opened(stepping(interpolation, values, [0, 2]), tmp_path)
    found = corners(stage, seconds * stage.GetTimeCodesPerSecond())
    assert found.reshape(-1, 3).mean(axis=0)[0] == pytest.approx(expected, abs=2e-3)


def test_further_animations_and_other_channels_are_losses(tmp_path):
    document = stepping("LINEAR", [0, 1], [0, 1])
    first = document.json["animations"][0]
    document.json["animations"].append(first)
    first["channels"] = [*first["channels"], {"sampler": 0, "target": {"path": "pointer"}}]
    found = losses(EXPORTS["usdz"].write(document, tmp_path, "model"))
    assert (found["animations"], found["animation channels"]) == (1, 1)


def posed(stage: Usd.Stage, mesh: UsdGeom.Mesh, seconds: float | None) -> np.ndarray:
    """The points of a mesh under its blend shapes and joints, as OpenUSD deforms them, in the frame of its skeleton."""
    time = Usd.TimeCode.Default() if seconds is None else Usd.TimeCode(seconds * stage.GetTimeCodesPerSecond())
    cache, root = UsdSkel.Cache(), UsdSkel.Root.Find(mesh.GetPrim())
    cache.Populate(root, Usd.PrimDefaultPredicate)
    query = cache.GetSkinningQuery(mesh.GetPrim())
    skeleton = cache.GetSkelQuery(UsdSkel.BindingAPI(mesh).GetInheritedSkeleton())
    points = mesh.GetPointsAttr().Get()
    if query.HasBlendShapes():
        weights = query.GetBlendShapeMapper().Remap(skeleton.GetAnimQuery().ComputeBlendShapeWeights(time))
        shapes = UsdSkel.BlendShapeQuery(UsdSkel.BindingAPI(mesh))
        parts = shapes.ComputeSubShapeWeights(weights)
        indices, offsets = shapes.ComputeBlendShapePointIndices(), shapes.ComputeSubShapePointOffsets()
        assert shapes.ComputeDeformedPoints(*parts, indices, offsets, points)
    if query.HasJointInfluences():
        assert query.ComputeSkinnedPoints(skeleton.ComputeSkinningTransforms(time), points, time)
    return np.array(points)


@pytest.mark.parametrize(("seconds", "height"), [(None, 2.0), (0.0, 2.0), (1.0, 3.0), (2.0, 4.0)])
def test_a_skin_poses_the_mesh_as_in_gltf(seconds, height, tmp_path):
    # Given a flag whose upper edge follows a joint, written as UsdSkel
    stage = opened(skinned(), tmp_path)
    mesh = meshes(stage)[0]
    # When OpenUSD skins its points at that moment
    points = posed(stage, mesh, seconds)
    # Then it is where glTF has it, and its node's place counts for nothing
    assert points.min(axis=0) == pytest.approx([0, 0, 0], abs=1e-5)
    assert points.max(axis=0) == pytest.approx([1, height, 0], abs=1e-5)
    world = np.array(UsdGeom.XformCache().GetLocalToWorldTransform(mesh.GetPrim()))
    assert np.allclose(world, np.eye(4))


def test_a_morph_target_becomes_a_blend_shape_with_its_default_weight(tmp_path):
    stage = opened(morphed(), tmp_path)
    mesh = meshes(stage)[0]
    assert np.array(mesh.GetPointsAttr().Get())[:, 2].tolist() == [0] * 4, "the mesh itself is not lifted"
    assert posed(stage, mesh, None)[:, 2].tolist() == [1] * 4


@pytest.mark.parametrize("has_skin", [False, True], ids=["alone", "with a skin"])
def test_weights_move_over_time(has_skin, tmp_path):
    # Given a quad with two targets, of which the second goes from 0 to 1 in 2 s
    builder = Builder("tests")
    push = builder.positions(np.tile(np.array([[0, 0, 3]], np.float32), (4, 1)))
    one = builder.positions(np.array([[0, 0, 0], [0, 0, 0], [0, 0, 0], [5, 0, 0]], np.float32))
    primitive = {**quad(builder), "targets": [{"POSITION": push}, {"POSITION": one}]}
    mesh = {"primitives": [primitive], "weights": [0.5, 0], "extras": {"targetNames": ["push", "smile"]}}
    node = {"mesh": builder.add("meshes", mesh)}
    if has_skin:
        joints, weights = np.zeros((4, 4), np.uint8), np.tile(np.float32([1, 0, 0, 0]), (4, 1))
        primitive["attributes"] |= {"JOINTS_0": builder.attribute(joints), "WEIGHTS_0": builder.attribute(weights)}
        node["skin"] = builder.add("skins", {"joints": [builder.add("nodes", {})]})
    number = builder.add("nodes", node)
    clock = builder.accessor(np.array([0, 2], np.float32), bounds=True)
    values = builder.accessor(np.array([0.5, 0, 0.5, 1], np.float32))
    channel = {"sampler": 0, "target": {"node": number, "path": "weights"}}
    builder.add("animations", {"samplers": [{"input": clock, "output": values}], "channels": [channel]})
    # When it is written
    made = EXPORTS["usdz"].write(builder.finish(), tmp_path, "model")
    stage = Usd.Stage.Open(str(tmp_path / made.file))
    shape = meshes(stage)[0]
    # Then it moves as it did, under the names of its targets
    assert posed(stage, shape, 0.0)[:, 2].tolist() == [1.5] * 4
    assert posed(stage, shape, 1.0).max(axis=0) == pytest.approx([2.5, 1, 1.5])
    assert list(UsdSkel.BindingAPI(shape).GetBlendShapesAttr().Get()) == ["push", "smile"]
    assert losses(made).keys() == {"extras"}


@pytest.mark.parametrize("model", [mirrored_cubes, skinned, instanced, colored, morphed])
def test_our_own_reader_takes_it_back(model, tmp_path):
    # Given a model, written as a package
    document = model()
    made = EXPORTS["usdz"].write(document, tmp_path, "model")
    # When we import it
    report, _ = imported(tmp_path / made.file, tmp_path / "in")
    # Then it is as large as it was, and has its skin and its animation
    known, found = inspect(document), report["model"]
    for end in ("min", "max"):
        assert found["bounding_box"][end] == pytest.approx(known["bounding_box"][end], abs=1e-5)
    for count in ("drawn_triangle_count", "skin_count", "animation_count", "morph_target_count"):
        assert found[count] == known[count], count
    assert report["losses"] == []


def test_our_own_reader_sees_the_same_material(tmp_path):
    made = EXPORTS["usdz"].write(dressed(), tmp_path, "model")
    _, document = imported(tmp_path / made.file, tmp_path / "in")
    found, given = document.all("materials")[0], dressed().all("materials")[0]
    assert (found["name"], found["alphaMode"], found["doubleSided"]) == ("dress", "MASK", True)
    assert found["normalTexture"]["scale"] == 0.5
    base, known = (entry["pbrMetallicRoughness"] for entry in (found, given))
    assert base["baseColorFactor"][:3] == pytest.approx(known["baseColorFactor"][:3])
    moved, expected = (entry["baseColorTexture"]["extensions"]["KHR_texture_transform"] for entry in (base, known))
    assert moved["offset"] == pytest.approx(expected["offset"], abs=1e-6)
    assert (moved["scale"], moved["rotation"]) == (expected["scale"], pytest.approx(expected["rotation"]))
