"""The mesh formats, read back by trimesh and by ourselves: same triangles, same place, same looks."""

from __future__ import annotations

import io
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image

from threed_workers.document import Builder, read, read_floats
from threed_workers.exports import EXPORTS
from threed_workers.exports.stl import StlOptions
from threed_workers.inspection import inspect

from .pieces import (
    QUAD,
    QUAD_COLORS,
    QUAD_UVS,
    colored,
    cube,
    every_mode,
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

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import trimesh

Z_UP = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
# How many of their numbers are a metre, and where is up?
FRAMES = {"obj": (1, np.eye(3)), "ply": (1, np.eye(3)), "stl": (1000, Z_UP), "3mf": (1000, Z_UP)}
every_mesh_format = pytest.mark.parametrize("name", FRAMES)


def solid(path, folder) -> trimesh.Trimesh:
    """Everything in the file as one mesh of trimesh."""
    if path.suffix == ".zip":
        zipfile.ZipFile(path).extractall(folder / "unzipped")
        path = next((folder / "unzipped").glob("*.obj"))
    if path.suffix == ".3mf":
        pytest.importorskip("lxml", reason="trimesh reads 3MF with lxml: pip install lxml")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # numpy about how trimesh reads 3MF
        return trimesh.load_scene(str(path), process=False).to_mesh()


def written(name, document, folder) -> trimesh.Trimesh:
    made = EXPORTS[name].write(document, folder, "model")
    return solid(folder / made.file, folder)


def in_metres(name, mesh) -> np.ndarray:
    """Corners (t, 3, 3) in metres, +Y up."""
    scale, turn = FRAMES[name]
    return mesh.triangles @ turn / scale


@every_mesh_format
def test_the_showpiece_has_its_triangles_and_its_size(name, tmp_path):
    # Given the sample model, and what our own inspection says of it
    document = showpiece()
    known = inspect(document)
    # When another program reads what we wrote
    corners = in_metres(name, written(name, document, tmp_path)).reshape(-1, 3)
    # Then the triangles and the box are the same
    assert len(corners) == 3 * known["drawn_triangle_count"]
    assert corners.min(axis=0) == pytest.approx(known["bounding_box"]["min"], abs=2e-5)
    assert corners.max(axis=0) == pytest.approx(known["bounding_box"]["max"], abs=2e-5)


@every_mesh_format
def test_a_mirror_image_keeps_its_front_outside(name, tmp_path):
    # Given a cube of 1 m3, and a mirrored one of 2 m3
    mesh = written(name, mirrored_cubes(), tmp_path)
    corners = in_metres(name, mesh)
    # Then the volume is positive for both, and they are where they were
    a, b, c = corners.transpose(1, 0, 2)
    assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6 == pytest.approx(3.0, rel=1e-5)
    assert corners.reshape(-1, 3).min(axis=0) == pytest.approx([-0.5, -0.5, -0.5], rel=1e-5)
    assert corners.reshape(-1, 3).max(axis=0) == pytest.approx([4.0, 0.5, 0.5], rel=1e-5)


@every_mesh_format
@pytest.mark.parametrize(
    ("model", "low", "high", "triangles"),
    [
        (morphed, [0, 0, 1], [1, 1, 1], 2),
        (skinned, [0, 0, 0], [1, 2, 0], 2),
        (instanced, [-0.5, -0.5, -0.5], [20.5, 0.5, 0.5], 36),
        (every_mode, [0, 0, 0], [1, 1, 0], 6),
    ],
)
def test_the_default_pose_is_written(name, model, low, high, triangles, tmp_path):
    corners = in_metres(name, written(name, model(), tmp_path))
    assert len(corners) == triangles
    assert corners.reshape(-1, 3).min(axis=0) == pytest.approx(low, abs=1e-5)
    assert corners.reshape(-1, 3).max(axis=0) == pytest.approx(high, abs=1e-5)


@pytest.mark.parametrize("name", ["stl", "ply", "obj", "points"])
@pytest.mark.parametrize("model", [showpiece, mirrored_cubes, skinned])
def test_an_export_comes_back_in_the_same_size(name, model, tmp_path):
    # Given a model that was exported
    document = model()
    made = EXPORTS[name].write(document, tmp_path, "model")
    # When it is imported again
    report, _ = imported(tmp_path / made.file, tmp_path / "in")
    # Then it fills the same box, in metres
    known, found = inspect(document)["bounding_box"], report["model"]["bounding_box"]
    assert found["min"] == pytest.approx(known["min"], rel=1e-5, abs=2e-5)
    assert found["max"] == pytest.approx(known["max"], rel=1e-5, abs=2e-5)


# ---------------------------------------------------------------- STL


def test_an_stl_may_be_in_metres_and_upright(tmp_path):
    EXPORTS["stl"].write(instanced(), tmp_path, "model", StlOptions(millimetres=False, z_up=False))
    mesh = solid(tmp_path / "model.stl", tmp_path)
    assert mesh.bounds.tolist() == [[-0.5, -0.5, -0.5], [20.5, 0.5, 0.5]]


# ---------------------------------------------------------------- OBJ


def textured(kind: str = "PNG", **more: object):
    """A cube under pictures for everything that MTL knows."""
    builder = Builder("tests")
    pictures = [
        picture(kind, (255, 0, 0)),
        picture(kind, (10, 120, 200)),
        picture(kind, (128, 128, 255)),
        picture(kind, (0, 0, 9)),
    ]
    for number, data in enumerate(pictures):
        image = builder.picture(data, f"image/{kind.lower()}", f"tile {number}.{kind.lower()}")
        texture = {"source": image} if kind != "WEBP" else {"extensions": {"EXT_texture_webp": {"source": image}}}
        builder.add("textures", texture)
    material = {
        "name": "tiled stuff",
        "pbrMetallicRoughness": {
            "baseColorFactor": [0.2, 0.4, 0.6, 0.5],
            "baseColorTexture": {"index": 0, **more},
            "metallicRoughnessTexture": {"index": 1, **more},
            "metallicFactor": 0.25,
            "roughnessFactor": 0.75,
        },
        "normalTexture": {"index": 2, **more},
        "emissiveTexture": {"index": 3, **more},
        "emissiveFactor": [1, 1, 1],
        "alphaMode": "BLEND",
    }
    mesh = cube(builder, material=builder.add("materials", material))
    builder.add("nodes", {"name": "a cube", "mesh": mesh})
    return builder.finish()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_obj_comes_with_its_pictures(kind, tmp_path):
    # Given a cube with a picture for each part of its material
    made = EXPORTS["obj"].write(textured(kind), tmp_path, "model")
    # When it is unpacked
    with zipfile.ZipFile(tmp_path / made.file) as archive:
        library = archive.read("model.mtl").decode().splitlines()
        words = dict(line.split(" ", 1) for line in library if " " in line)
        pictures = {word: words[word] for word in ("map_Kd", "map_Pr", "map_Pm", "map_Ke", "norm")}
        opened = {word: Image.open(io.BytesIO(archive.read(name))) for word, name in pictures.items()}
    # Then every map is a PNG or JPEG, and roughness and metalness are grey pictures of their own
    assert {image.format for image in opened.values()} <= {"PNG", "JPEG"}
    assert opened["map_Pr"].getpixel((0, 0)) == pytest.approx(120, abs=3)
    assert opened["map_Pm"].getpixel((0, 0)) == pytest.approx(200, abs=3)
    # And the numbers are those of glTF
    assert (words["newmtl"], words["Kd"], words["d"]) == ("tiled_stuff", "0.2 0.4 0.6", "0.5")
    assert (words["Pr"], words["Pm"], words["Ke"]) == ("0.75", "0.25", "1 1 1")


def test_an_obj_keeps_names_materials_and_texture_coordinates(tmp_path):
    # Given an exported cube
    document = textured()
    EXPORTS["obj"].write(document, tmp_path, "model")
    # When it is imported again
    _, found = imported(tmp_path / "model.zip", tmp_path / "in")
    # Then its name, material and texture are there
    assert [node["name"] for node in found.all("nodes")] == ["a_cube"]
    material = found.all("materials")[0]
    assert (material["name"], material["alphaMode"]) == ("tiled_stuff", "BLEND")
    assert material["pbrMetallicRoughness"]["metallicFactor"] == 0.25
    assert "baseColorTexture" in material["pbrMetallicRoughness"]
    # And each corner has its texture coordinates and its normal
    assert corner_table(found) == corner_table(document)


def corner_table(document) -> set:
    """(position, normal, uv) of the corners of the first primitive, rounded."""
    primitive = document.all("meshes")[0]["primitives"][0]
    names = ("POSITION", "NORMAL", "TEXCOORD_0")
    table = np.hstack([read_floats(document, primitive["attributes"][name]) for name in names])
    rows = table[read(document, primitive["indices"]).reshape(-1)]
    return {tuple(row) for row in (np.round(rows, 4) + 0.0).tolist()}


def test_a_texture_transform_is_applied_to_the_coordinates(tmp_path):
    # Given a quantized UV, as mesh optimizers make them: u and v scaled by a half and moved
    transform = {"offset": [0.25, 0.5], "scale": [0.5, 0.25], "rotation": np.pi / 2}
    document = textured(extensions={"KHR_texture_transform": transform})
    made = EXPORTS["obj"].write(document, tmp_path, "model")
    _, found = imported(tmp_path / made.file, tmp_path / "in")
    uvs = read_floats(found, found.all("meshes")[0]["primitives"][0]["attributes"]["TEXCOORD_0"])
    # Then a quarter turn takes (u, v) to (v, -u), as the example in the extension's text says: here scaled and moved
    assert uvs.min(axis=0) == pytest.approx([0.25, 0.0], abs=1e-6)
    assert uvs.max(axis=0) == pytest.approx([0.5, 0.5], abs=1e-6)
    assert "KHR_texture_transform" not in losses(made)


def test_maps_that_lie_otherwise_are_a_loss(tmp_path):
    document = textured()
    document.json["materials"][0]["normalTexture"]["texCoord"] = 1
    assert losses(EXPORTS["obj"].write(document, tmp_path, "model"))["texture coordinates of other maps"] == 1


def test_an_obj_keeps_points_lines_and_colours(tmp_path):
    EXPORTS["obj"].write(every_mode(), tmp_path, "modes")
    report, found = imported(tmp_path / "modes.zip", tmp_path / "in")
    modes = [primitive.get("mode", 4) for primitive in found.all("meshes")[0]["primitives"]]
    assert sorted(set(modes)) == [0, 1, 4]
    assert report["model"]["triangle_count"] == 6
    assert sum(count for mode, count in zip(modes, element_counts(found), strict=True) if mode == 1) == 2 * (4 + 4 + 3)


def element_counts(document) -> list[int]:
    primitives = document.all("meshes")[0]["primitives"]
    return [document.all("accessors")[primitive["indices"]]["count"] for primitive in primitives]


# ---------------------------------------------------------------- colours


def colors_of(document) -> dict:
    """Colours by position, as bytes of linear light."""
    attributes = document.all("meshes")[0]["primitives"][0]["attributes"]
    points, colors = (read_floats(document, attributes[name]) for name in ("POSITION", "COLOR_0"))
    return {tuple(point): color[:3] for point, color in zip(points.tolist(), colors, strict=True)}


def test_the_colours_of_an_obj_are_those_of_the_vertices(tmp_path):
    made = EXPORTS["obj"].write(colored(), tmp_path, "model")
    found = colors_of(imported(tmp_path / made.file, tmp_path / "in")[1])
    for point, color in zip(QUAD.tolist(), QUAD_COLORS, strict=True):
        assert found[tuple(point)] == pytest.approx(color[:3], abs=1e-4)


@pytest.mark.parametrize("name", ["ply", "points"])
def test_the_colours_of_a_ply_are_vertices_times_material(name, tmp_path):
    # Given colours under a material of half red
    made = EXPORTS[name].write(colored(), tmp_path, "model")
    found = colors_of(imported(tmp_path / made.file, tmp_path / "in")[1])
    # Then red is halved, within the steps of 8 bit sRGB
    for point, color in zip(QUAD.tolist(), QUAD_COLORS, strict=True):
        assert found[tuple(point)] == pytest.approx(color[:3] * [0.5, 1, 1], abs=0.005)


# ---------------------------------------------------------------- PLY


def test_a_ply_keeps_normals_and_texture_coordinates(tmp_path):
    document = textured()
    EXPORTS["ply"].write(document, tmp_path, "model")
    _, found = imported(tmp_path / "model.ply", tmp_path / "in")
    assert corner_table(found) == corner_table(document)


def test_a_ply_gives_facets_where_only_some_parts_have_normals(tmp_path):
    # Given a quad without normals beside one with
    builder = Builder("tests")
    bare, smooth = quad(builder, TEXCOORD_0=QUAD_UVS), quad(builder, NORMAL=np.tile(np.float32([0, 1, 0]), (4, 1)))
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [bare, smooth]})})
    EXPORTS["ply"].write(builder.finish(), tmp_path, "model")
    _, found = imported(tmp_path / "model.ply", tmp_path / "in")
    # Then the first has 6 vertices that look along +Z, and the second its 4 as they were
    normals = read_floats(found, found.all("meshes")[0]["primitives"][0]["attributes"]["NORMAL"])
    assert normals.tolist() == [[0, 0, 1]] * 6 + [[0, 1, 0]] * 4


def test_points_are_written_alone_where_there_are_some(tmp_path):
    made = EXPORTS["points"].write(every_mode(), tmp_path, "model")
    report, found = imported(tmp_path / made.file, tmp_path / "in")
    assert report["model"]["vertex_count"] == 4
    assert found.all("meshes")[0]["primitives"][0]["mode"] == 0
    assert losses(made)["triangles"] == 3


def test_a_mesh_without_points_becomes_a_cloud_of_its_vertices(tmp_path):
    EXPORTS["points"].write(mirrored_cubes(), tmp_path, "model")
    report, _ = imported(tmp_path / "model.ply", tmp_path / "in")
    assert (report["model"]["vertex_count"], report["model"]["triangle_count"]) == (48, 0)


# ---------------------------------------------------------------- 3MF


def model_of(folder) -> str:
    with zipfile.ZipFile(folder / "model.3mf") as archive:
        assert set(archive.namelist()) == {"[Content_Types].xml", "_rels/.rels", "3D/3dmodel.model"}
        return archive.read("3D/3dmodel.model").decode()


def test_a_3mf_is_closed_where_the_model_is(tmp_path):
    # Given a cube whose faces have corners of their own
    mesh = written("3mf", mirrored_cubes(), tmp_path)
    # Then its faces share them
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(3e9, rel=1e-5)


def test_a_3mf_holds_a_mesh_once_for_every_showing(tmp_path):
    EXPORTS["3mf"].write(instanced(), tmp_path, "model")
    text = model_of(tmp_path)
    assert (text.count("<mesh>"), text.count("<component "), text.count("<item ")) == (1, 3, 1)
    assert 'unit="millimeter"' in text


def test_a_3mf_keeps_base_colours_and_those_of_vertices(tmp_path):
    EXPORTS["3mf"].write(showpiece(), tmp_path, "model")
    text = model_of(tmp_path)
    assert '<base name="gold" displaycolor="#FFE39EFF"/>' in text
    EXPORTS["3mf"].write(colored(), tmp_path, "model")
    # Half red in sRGB is 188.
    assert '<m:color color="#BC0000FF"/>' in model_of(tmp_path)


def test_triangles_that_3mf_forbids_are_counted(tmp_path):
    document = every_mode()
    builder = Builder("tests")
    primitive = quad(builder, 4, np.array([[0, 1, 2], [0, 0, 2]]))
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})
    made = EXPORTS["3mf"].write(builder.finish(), tmp_path, "model")
    assert losses(made)["triangles without area"] == 1
    assert "triangles without area" not in losses(EXPORTS["3mf"].write(document, tmp_path, "other"))


@pytest.mark.parametrize("model", [mirrored_cubes, skinned, instanced, colored])
def test_our_own_reader_takes_a_3mf_back(model, tmp_path):
    # Given a model, written for a printer in millimetres
    document = model()
    made = EXPORTS["3mf"].write(document, tmp_path, "model")
    # When we import it
    report, _ = imported(tmp_path / made.file, tmp_path / "in")
    # Then it is as large as it was, in metres, and upright
    known, found = inspect(document), report["model"]
    assert found["drawn_triangle_count"] == known["drawn_triangle_count"]
    for end in ("min", "max"):
        assert found["bounding_box"][end] == pytest.approx(known["bounding_box"][end], abs=1e-5)
    assert report["losses"] == []
