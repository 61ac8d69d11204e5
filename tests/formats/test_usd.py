"""What a USD stage says, and what becomes of it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from threed.errors import FileRefused
from threed_workers.document import read, read_floats, read_glb
from threed_workers.document.companions import mapped
from threed_workers.document.world import scene_roots, world_matrices
from threed_workers.samples import sample, zipped
from threed_workers.samples.files import png_bytes
from threed_workers.samples.usd import usdz
from threed_workers.validator import Validator, missing

from .suite import BUDGET, taken_in

pxr = pytest.importorskip("pxr", reason="usd-core is not installed")
from pxr import Gf, Sdf, Usd, UsdGeom, UsdLux, UsdShade, UsdSkel, Vt  # noqa: E402

TRIANGLE = """def Mesh "triangle" {
    int[] faceVertexCounts = [3]
    int[] faceVertexIndices = [0, 1, 2]
    point3f[] points = [(0, 0, 0), (1, 0, 0), (0, 1, 0)]
    uniform token subdivisionScheme = "none"
}
"""
METRES = "#usda 1.0\n(\n    metersPerUnit = 1\n)\n"


@pytest.fixture(scope="module")
def validator(tmp_path_factory):
    made = Validator(tmp_path_factory.mktemp("validator"))
    yield made
    made.close()


@pytest.fixture
def imported(tmp_path, validator):
    """Import bytes: (report, document). What was written must satisfy the Khronos validator."""

    def imported(data: bytes, filename: str = "upload"):
        report = taken_in(tmp_path, data, filename)
        path = report["folder"] / "normalized.glb"
        if missing() is None:
            (validator._scratch / "model.glb").write_bytes(path.read_bytes())
            found = validator.validate(validator._scratch / "model.glb")
            errors = [entry for entry in found["issues"]["messages"] if entry["severity"] == 0]
            assert not errors
        return report, read_glb(mapped(path), BUDGET)

    return imported


def new_stage() -> Usd.Stage:
    stage = Usd.Stage.CreateInMemory()
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    return stage


def text_of(stage: Usd.Stage) -> bytes:
    return stage.GetRootLayer().ExportToString().encode()


def quad(stage: Usd.Stage, path: str = "/quad") -> UsdGeom.Mesh:
    mesh = UsdGeom.Mesh.Define(stage, path)
    mesh.CreatePointsAttr([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)])
    mesh.CreateFaceVertexCountsAttr([4])
    mesh.CreateFaceVertexIndicesAttr([0, 1, 2, 3])
    mesh.CreateSubdivisionSchemeAttr("none")
    return mesh


def features(report: dict) -> list[str]:
    return [loss["feature"] for loss in report["losses"] if loss["file"] == "normalized"]


def codes(report: dict) -> list[str]:
    return [issue["code"] for issue in report["issues"]]


# ---------------------------------------------------------------- the whole stage


def test_a_stage_stands_upright_in_metres_with_its_materials(imported):
    # Given a stage in centimetres with +Z up, a quad of wood and a triangle of steel
    report, document = imported(sample("usdz"))
    # Then it stands in metres with +Y up
    assert report["model"]["bounding_box"] == {
        "min": pytest.approx([0, 0.1, -1]),
        "max": pytest.approx([2, 0.1, 0]),
    }
    # And has a primitive for each material, the picture with its wrapping, and texture coordinates from the top
    wood, steel = document.json["materials"]
    first, second = document.json["meshes"][0]["primitives"]
    assert (wood["name"], steel["name"], first["material"], second["material"]) == ("wood", "steel", 0, 1)
    assert document.json["samplers"] == [{"wrapT": 33071}]
    assert bytes(document.picture(0)) == sample("png")
    assert read_floats(document, first["attributes"]["TEXCOORD_0"]).tolist() == [[0, 1], [1, 1], [1, 0], [0, 0]]
    assert steel["pbrMetallicRoughness"] == {
        "baseColorFactor": pytest.approx([0.6, 0.6, 0.6, 1]),
        "metallicFactor": 1,
        "roughnessFactor": pytest.approx(0.3),
    }
    assert report["losses"] == [] and report["issues"] == []


def test_a_package_a_zip_and_a_binary_layer_are_the_same_model(imported, tmp_path):
    text, _ = imported(sample("usdz"))
    layer = Sdf.Layer.CreateAnonymous("quad.usda")
    layer.ImportFromString(sample("usd").decode())
    layer.Export(str(tmp_path / "quad.usdc"))
    binary, _ = imported(
        zipped({"a/q.usdc": (tmp_path / "quad.usdc").read_bytes(), "a/textures/wood.png": sample("png")})
    )
    zipped_, _ = imported(sample("usd.zip"))
    assert text["model"] == binary["model"] == zipped_["model"]
    assert [text["file_format"], binary["file_format"], zipped_["file_format"]] == ["usdz", "usd", "usd"]


def test_a_picture_that_did_not_come_along_is_named(imported):
    report, _ = imported(sample("usd"))
    assert codes(report) == ["IMAGE_UNUSABLE"] and "textures/wood.png" in report["issues"][0]["message"]


def test_layers_of_the_upload_are_composed(imported):
    main = METRES + 'def "a" (\n references = @./parts/b.usda@</b>\n) {\n}\n'
    part = METRES + 'def "b" (\n payload = @../c.usd@</triangle>\n) {\n}\n'
    report, _ = imported(
        usdz({"main.usda": main.encode(), "parts/b.usda": part.encode(), "c.usd": (METRES + TRIANGLE).encode()})
    )
    assert report["issues"] == []
    assert report["model"]["triangle_count"] == 1


def test_of_several_layers_in_a_zip_the_one_that_none_refers_to_is_the_stage(imported):
    main = METRES + 'def "a" (\n references = @part.usda@</triangle>\n) {\n}\n'
    data = zipped({"part.usda": (METRES + TRIANGLE).encode(), "stage.usda": main.encode()})
    report, document = imported(data)
    assert [node["name"] for node in document.json["nodes"]] == ["a"]
    assert report["model"]["triangle_count"] == 1


@pytest.mark.parametrize("how", ["references = @{}@", "payload = @{}@", "subLayers", 'references = @`"{}"`@'])
@pytest.mark.parametrize(
    "path", ["{folder}/secret.usda", "../secret.usda", "secret.usda", "file://{folder}/secret.usda"]
)
def test_a_layer_outside_the_upload_is_not_read(imported, tmp_path, monkeypatch, how, path):
    # Given a layer on the machine, beside the upload, above it, and in the working folder
    for folder in (tmp_path, tmp_path / "work"):
        folder.mkdir(exist_ok=True)
        (folder / "secret.usda").write_text(METRES + TRIANGLE)
    monkeypatch.chdir(tmp_path / "work")
    path = path.format(folder=tmp_path)
    if how == "subLayers":
        text = f"#usda 1.0\n(\n    subLayers = [@{path}@]\n)\n"
    else:
        arc = how.format(path) + "</triangle>"
        text = f'#usda 1.0\ndef "a" (\n    {arc}\n) {{\n}}\n'
    # When a stage refers to it
    report, _ = imported(text.encode())
    # Then it is not there, and the report says so
    assert report["model"]["mesh_count"] == 0
    assert "COMPANION_MISSING" in codes(report)


def test_value_clips_open_no_layer(imported, tmp_path):
    (tmp_path / "clip.1.usda").write_text(METRES + TRIANGLE)
    clips = f'clips = {{\n dictionary default = {{\n string templateAssetPath = "{tmp_path}/clip.#.usda"\n }}\n }}\n'
    report, _ = imported((METRES + TRIANGLE.replace("{", f"(\n{clips}) {{", 1)).encode())
    assert features(report) == ["value clips"]


def test_references_that_double_are_refused_before_they_are_composed(tmp_path):
    text = METRES + 'def Xform "a0" {\n}\n'
    for step in range(1, 29):
        text += f'def Xform "a{step}" {{\n'
        text += "".join(f'  def "{side}" (\n references = </a{step - 1}>\n ) {{\n }}\n' for side in "xy") + "}\n"
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, text.encode())
    assert caught.value.reason == "FILE_TOO_COMPLEX"


@pytest.mark.parametrize(
    "text",
    [
        'def Xform "p" {\n' * 20_000 + "}\n" * 20_000,
        'def Xform "p" {\n custom string[] a = ' + "[" * 100_000 + "]" * 100_000 + "\n}\n",
    ],
    ids=["prims", "lists"],
)
def test_nesting_beyond_reason_is_refused(tmp_path, text):
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, ("#usda 1.0\n" + text).encode())
    assert caught.value.reason == "FILE_TOO_COMPLEX"


def test_brackets_in_text_and_comments_do_not_nest(imported):
    text = METRES + "# " + "{" * 5000 + '\ndef Xform "a" (doc = """' + "[" * 5000 + '""") {\n}\n'
    report, _ = imported(text.encode())
    assert report["model"]["node_count"] == 1


def test_variants_keep_the_chosen_one_and_name_the_others(imported):
    stage = new_stage()
    prim = UsdGeom.Xform.Define(stage, "/a").GetPrim()
    chosen = prim.GetVariantSets().AddVariantSet("size")
    for name in ("small", "large"):
        chosen.AddVariant(name)
        chosen.SetVariantSelection(name)
        with chosen.GetVariantEditContext():
            quad(stage, f"/a/{name}")
    chosen.SetVariantSelection("small")
    report, document = imported(text_of(stage))
    assert [mesh["name"] for mesh in document.json["meshes"]] == ["small"]
    assert features(report) == ["variants of size"] and "large" in report["losses"][0]["reason"]


def test_notes_become_extras(imported):
    stage = new_stage()
    prim = UsdGeom.Xform.Define(stage, "/a").GetPrim()
    prim.SetCustomDataByKey("author:name", "Ada")
    prim.CreateAttribute("userProperties:weight", Sdf.ValueTypeNames.Float, True).Set(2.5)
    _, document = imported(text_of(stage))
    assert document.json["nodes"][0]["extras"] == {
        "customData": {"author": {"name": "Ada"}},
        "userProperties:weight": 2.5,
    }


# ---------------------------------------------------------------- transforms


def test_a_sheared_transform_stays_where_it_is(imported):
    stage = new_stage()
    turned = Gf.Matrix4d(2, 0.3, 0, 0, -0.5, 1, 0.2, 0, 0, 0.1, -3, 0, 5, 6, 7, 1)
    quad(stage).AddTransformOp().Set(turned)
    _, document = imported(text_of(stage))
    order, matrices = world_matrices(document, scene_roots(document))
    shown = next(matrices[place] for place, node in enumerate(order) if "mesh" in document.json["nodes"][node])
    assert np.allclose(shown, np.array(turned).T, atol=1e-5)


def test_a_full_turn_between_two_samples_is_a_full_turn(imported):
    stage = new_stage()
    stage.SetStartTimeCode(1)
    stage.SetEndTimeCode(25)
    stage.SetTimeCodesPerSecond(24)
    op = quad(stage).AddRotateYOp()
    op.Set(0.0, 1)
    op.Set(360.0, 25)
    report, document = imported(text_of(stage))
    animation = document.json["animations"][0]
    assert report["model"]["animation_duration_s"] == pytest.approx(1)
    assert [channel["target"]["path"] for channel in animation["channels"]] == ["rotation"]
    turns = read_floats(document, animation["samplers"][0]["output"])
    angles = 2 * np.arccos(np.abs(np.einsum("ij,ij->i", turns[1:], turns[:-1])).clip(0, 1))
    assert np.degrees(angles.sum()) == pytest.approx(360, abs=0.1)


def test_instances_share_their_mesh(imported):
    stage = new_stage()
    quad(stage, "/library/chair/seat")
    stage.GetPrimAtPath("/library").SetSpecifier(Sdf.SpecifierClass)
    for number in range(3):
        prim = UsdGeom.Xform.Define(stage, f"/chair{number}").GetPrim()
        prim.GetReferences().AddInternalReference("/library/chair")
        prim.SetInstanceable(True)
    report, _ = imported(text_of(stage))
    assert (report["model"]["mesh_count"], report["model"]["drawn_triangle_count"]) == (1, 6)


@pytest.mark.parametrize(("count", "nodes"), [(10, 11), (2000, 2)])
def test_point_instances_stand_at_their_places(imported, count, nodes):
    stage = new_stage()
    scatter = UsdGeom.PointInstancer.Define(stage, "/scatter")
    quad(stage, "/scatter/quad").AddTranslateOp().Set((0, 0, 1))
    scatter.CreatePrototypesRel().AddTarget("/scatter/quad")
    scatter.CreateProtoIndicesAttr([0] * count)
    scatter.CreatePositionsAttr([(2 * x, 0, 0) for x in range(count)])
    scatter.CreateOrientationsAttr([Gf.Quath(1)] * count)
    scatter.CreateScalesAttr([(1, 2, 1)] * count)
    report, _ = imported(text_of(stage))
    assert report["model"]["node_count"] == nodes
    assert report["model"]["drawn_triangle_count"] == 2 * count
    assert report["model"]["bounding_box"] == {"min": [0, 0, 1], "max": [2 * count - 1, 2, 1]}


def test_what_is_not_shown_is_left_out_and_said(imported):
    stage = new_stage()
    for name, purpose in (("a", "render"), ("b", "proxy"), ("c", "guide")):
        quad(stage, f"/{name}").CreatePurposeAttr(purpose)
    quad(stage, "/d").MakeInvisible()
    UsdGeom.BasisCurves.Define(stage, "/e")
    report, document = imported(text_of(stage))
    assert [mesh["name"] for mesh in document.json["meshes"]] == ["a"]
    assert sorted(features(report)) == ["BasisCurves", "guide geometry", "invisible prims", "proxy geometry"]


# ---------------------------------------------------------------- geometry


def test_left_handed_faces_are_turned_and_holes_stay_open(imported):
    stage = new_stage()
    mesh = quad(stage)
    mesh.CreateFaceVertexCountsAttr([3, 3])
    mesh.CreateFaceVertexIndicesAttr([0, 1, 2, 0, 2, 3])
    mesh.CreateOrientationAttr("leftHanded")
    mesh.CreateHoleIndicesAttr([1])
    _, document = imported(text_of(stage))
    primitive = document.json["meshes"][0]["primitives"][0]
    corners = read(document, primitive["attributes"]["POSITION"])[read(document, primitive["indices"]).reshape(-1)]
    assert corners.tolist() == [[0, 0, 0], [1, 1, 0], [1, 0, 0]]


def test_a_subdivision_surface_comes_in_as_its_cage(imported):
    stage = new_stage()
    quad(stage).CreateSubdivisionSchemeAttr("catmullClark")
    report, _ = imported(text_of(stage))
    assert features(report) == ["subdivision"] and report["model"]["triangle_count"] == 2


def test_every_set_of_texture_coordinates_and_every_primvar_is_kept(imported):
    stage = new_stage()
    primvars = UsdGeom.PrimvarsAPI(quad(stage))
    for name, kind, interpolation, values in (
        ("lightmap", Sdf.ValueTypeNames.TexCoord2fArray, "faceVarying", [(0, 0), (1, 0), (1, 1), (0, 1)]),
        ("st", Sdf.ValueTypeNames.TexCoord2fArray, "vertex", [(0, 0.5)] * 4),
        ("heat", Sdf.ValueTypeNames.FloatArray, "vertex", [1, 2, 3, 4]),
        ("part", Sdf.ValueTypeNames.IntArray, "uniform", [7]),
    ):
        primvars.CreatePrimvar(name, kind, interpolation).Set(values)
    primvars.CreatePrimvar("label", Sdf.ValueTypeNames.String, "constant").Set("north")
    report, document = imported(text_of(stage))
    mesh = document.json["meshes"][0]
    attributes = mesh["primitives"][0]["attributes"]
    assert read_floats(document, attributes["TEXCOORD_0"]).tolist() == [[0, 0.5]] * 4
    assert read_floats(document, attributes["TEXCOORD_1"]).tolist() == [[0, 1], [1, 1], [1, 0], [0, 0]]
    assert read(document, attributes["_HEAT"]).reshape(-1).tolist() == [1, 2, 3, 4]
    assert read(document, attributes["_PART"]).reshape(-1).tolist() == [7] * 4
    assert mesh["extras"] == {"primvars": {"label": "north"}}
    assert report["losses"] == [] or features(report) == []


def test_a_display_color_is_worn_where_no_material_is(imported):
    stage = new_stage()
    quad(stage, "/one").CreateDisplayColorAttr([(1, 0, 0.5)])
    many = quad(stage, "/many")
    many.CreateDisplayColorPrimvar("vertex").Set([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)])
    _, document = imported(text_of(stage))
    meshes = {mesh["name"]: mesh["primitives"][0] for mesh in document.json["meshes"]}
    plain = document.json["materials"][meshes["one"]["material"]]
    assert plain["pbrMetallicRoughness"]["baseColorFactor"] == [1, 0, 0.5, 1]
    assert read_floats(document, meshes["many"]["attributes"]["COLOR_0"])[1].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("kind", "sizes", "area"),
    [
        ("Cube", {"size": 2.0}, 24.0),
        ("Plane", {"width": 2.0, "length": 3.0}, 6.0),
        ("Sphere", {"radius": 1.0}, 4 * np.pi),
        ("Cylinder", {"radius": 1.0, "height": 2.0}, 6 * np.pi),
        ("Cone", {"radius": 1.0, "height": 2.0}, np.pi * (1 + np.sqrt(5))),
        ("Capsule", {"radius": 1.0, "height": 2.0}, 8 * np.pi),
    ],
)
def test_a_shape_given_by_numbers_has_its_area_and_faces_outwards(imported, kind, sizes, area):
    stage = new_stage()
    prim = stage.DefinePrim("/shape", kind)
    for name, size in sizes.items():
        prim.GetAttribute(name).Set(size)
    _, document = imported(text_of(stage))
    primitive = document.json["meshes"][0]["primitives"][0]
    points = read_floats(document, primitive["attributes"]["POSITION"])
    normals = read_floats(document, primitive["attributes"]["NORMAL"])
    triangles = read(document, primitive["indices"]).reshape(-1, 3)
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    across = np.cross(b - a, c - a)
    assert np.linalg.norm(across, axis=1).sum() / 2 == pytest.approx(area, rel=0.006)
    assert (np.einsum("ij,ij->i", across, normals[triangles].mean(axis=1)) > 0).all()
    if kind != "Plane":
        assert (np.einsum("ij,ij->i", across, (a + b + c)) > 0).all()


def test_points_keep_their_colors_and_widths(imported):
    stage = new_stage()
    cloud = UsdGeom.Points.Define(stage, "/cloud")
    cloud.CreatePointsAttr([(0, 0, 0), (1, 2, 3)])
    cloud.CreateWidthsAttr([0.5, 0.25])
    cloud.CreateDisplayColorPrimvar("vertex").Set([(1, 0, 0), (0, 0, 1)])
    _, document = imported(text_of(stage))
    primitive = document.json["meshes"][0]["primitives"][0]
    assert primitive["mode"] == 0
    assert read_floats(document, primitive["attributes"]["COLOR_0"]).tolist() == [[1, 0, 0, 1], [0, 0, 1, 1]]
    assert read(document, primitive["attributes"]["_WIDTHS"]).reshape(-1).tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    ("old", "new"), [("[3]", "[2147483647]"), ("[0, 1, 2]", "[0, 1, 9]"), ("(1, 0, 0)", "(nan, 0, 0)"), ("[3]", "[-3]")]
)
def test_numbers_that_cannot_be_are_refused_by_the_prim(tmp_path, old, new):
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, (METRES + TRIANGLE.replace(old, new)).encode())
    assert (caught.value.reason, caught.value.metadata["where"]) == ("FILE_VALUES_INVALID", "/triangle")


# ---------------------------------------------------------------- materials


def preview(stage: Usd.Stage, mesh: UsdGeom.Mesh, textures: dict | None = None, **inputs) -> UsdShade.Shader:
    """A UsdPreviewSurface on a mesh. `textures`: input -> (file, channel)."""
    material = UsdShade.Material.Define(stage, "/look")
    shader = UsdShade.Shader.Define(stage, "/look/surface")
    shader.CreateIdAttr("UsdPreviewSurface")
    material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
    kinds = Sdf.ValueTypeNames
    for name, value in inputs.items():
        kind = {tuple: kinds.Color3f, int: kinds.Int}.get(type(value), kinds.Float)
        shader.CreateInput(name, kind).Set(Gf.Vec3f(value) if isinstance(value, tuple) else value)
    reader = UsdShade.Shader.Define(stage, "/look/uv")
    reader.CreateIdAttr("UsdPrimvarReader_float2")
    reader.CreateInput("varname", kinds.String).Set("st")
    for number, (name, (file, channel)) in enumerate((textures or {}).items()):
        texture = UsdShade.Shader.Define(stage, f"/look/texture{number}")
        texture.CreateIdAttr("UsdUVTexture")
        texture.CreateInput("file", kinds.Asset).Set(file)
        texture.CreateInput("st", kinds.Float2).ConnectToSource(reader.ConnectableAPI(), "result")
        target = shader.CreateInput(name, kinds.Color3f if channel == "rgb" else kinds.Float)
        target.ConnectToSource(texture.ConnectableAPI(), channel)
    UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(material)
    UsdGeom.PrimvarsAPI(mesh).CreatePrimvar("st", kinds.TexCoord2fArray, "vertex").Set([(0, 0), (1, 0), (1, 1), (0, 1)])
    return shader


def test_numbers_of_a_preview_surface_become_a_material(imported):
    stage = new_stage()
    mesh = quad(stage)
    mesh.CreateDoubleSidedAttr(True)
    numbers = {"metallic": 0.5, "roughness": 0.25, "opacity": 0.5, "ior": 1.75, "clearcoat": 1.0}
    numbers |= {"clearcoatRoughness": 0.5, "diffuseColor": (0.5, 0.25, 1.0), "emissiveColor": (4.0, 2.0, 0.0)}
    preview(stage, mesh, **numbers)
    _, document = imported(text_of(stage))
    assert document.json["materials"] == [
        {
            "name": "look",
            "doubleSided": True,
            "alphaMode": "BLEND",
            "pbrMetallicRoughness": {
                "baseColorFactor": [0.5, 0.25, 1, 0.5],
                "metallicFactor": 0.5,
                "roughnessFactor": 0.25,
            },
            "emissiveFactor": [1, 0.5, 0],
            "extensions": {
                "KHR_materials_emissive_strength": {"emissiveStrength": 4},
                "KHR_materials_ior": {"ior": 1.75},
                "KHR_materials_clearcoat": {"clearcoatFactor": 1, "clearcoatRoughnessFactor": 0.5},
            },
        }
    ]


def test_the_specular_workflow_keeps_its_reflectance(imported):
    stage = new_stage()
    preview(stage, quad(stage), useSpecularWorkflow=1, specularColor=(0.04, 0.5, 1.0), opacityThreshold=0.25)
    _, document = imported(text_of(stage))
    material = document.json["materials"][0]
    assert material["extensions"]["KHR_materials_specular"] == {"specularColorFactor": pytest.approx([1, 12.5, 25])}
    assert (material["alphaMode"], material["alphaCutoff"]) == ("MASK", 0.25)


def test_single_channels_are_put_together_as_gltf_wants_them(imported):
    # Given roughness and metalness in the red channels of two pictures, and opacity in a third
    stage = new_stage()
    pictures = {f"{name}.png": png_bytes(np.full((2, 2, 3), level, np.uint8)) for name, level in
                (("base", 200), ("rough", 100), ("metal", 50), ("alpha", 25))}  # fmt: skip
    preview(stage, quad(stage), {"diffuseColor": ("base.png", "rgb"), "roughness": ("rough.png", "r"),
                                 "metallic": ("metal.png", "r"), "opacity": ("alpha.png", "r")})  # fmt: skip
    _, document = imported(usdz({"main.usda": text_of(stage), **pictures}))
    # Then there is one picture of base colour and alpha, and one of roughness in green and metalness in blue
    surface = document.json["materials"][0]["pbrMetallicRoughness"]
    pixels = {}
    for key in ("baseColorTexture", "metallicRoughnessTexture"):
        image = document.json["textures"][surface[key]["index"]]["source"]
        pixels[key] = Image.open(io.BytesIO(bytes(document.picture(image)))).getpixel((0, 0))
    assert pixels == {"baseColorTexture": (200, 200, 200, 25), "metallicRoughnessTexture": (255, 100, 50)}


def test_channels_that_lie_as_gltf_wants_them_stay_one_picture(imported):
    stage = new_stage()
    preview(
        stage, quad(stage), {"occlusion": ("orm.png", "r"), "roughness": ("orm.png", "g"), "metallic": ("orm.png", "b")}
    )
    orm = png_bytes(np.full((2, 2, 3), 9, np.uint8))
    _, document = imported(usdz({"main.usda": text_of(stage), "orm.png": orm}))
    assert len(document.json["images"]) == 1 and bytes(document.picture(0)) == orm


def test_a_moved_texture_shows_the_same_pixel(imported):
    # Given texture coordinates that are scaled, turned and moved
    stage = new_stage()
    preview(stage, quad(stage), {"diffuseColor": ("a.png", "rgb")})
    moved = UsdShade.Shader.Define(stage, "/look/moved")
    moved.CreateIdAttr("UsdTransform2d")
    moved.CreateInput("scale", Sdf.ValueTypeNames.Float2).Set(Gf.Vec2f(2, 3))
    moved.CreateInput("rotation", Sdf.ValueTypeNames.Float).Set(30.0)
    moved.CreateInput("translation", Sdf.ValueTypeNames.Float2).Set(Gf.Vec2f(0.1, 0.2))
    reader = UsdShade.Shader(stage.GetPrimAtPath("/look/uv"))
    moved.CreateInput("in", Sdf.ValueTypeNames.Float2).ConnectToSource(reader.ConnectableAPI(), "result")
    texture = UsdShade.Shader(stage.GetPrimAtPath("/look/texture0"))
    texture.GetInput("st").ConnectToSource(moved.ConnectableAPI(), "result")
    _, document = imported(usdz({"main.usda": text_of(stage), "a.png": sample("png")}))
    # Then glTF's transform of the flipped coordinate is the flip of USD's transform of the coordinate
    info = document.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    found = info["extensions"]["KHR_texture_transform"]
    u, v = 0.3, 0.6
    angle = np.radians(30)
    wanted = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ [2 * u, 3 * v] + [0.1, 0.2]
    turn = found["rotation"]
    given = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) @ (
        np.array(found["scale"]) * [u, 1 - v]
    )
    given += found["offset"]
    assert [given[0], 1 - given[1]] == pytest.approx(wanted.tolist())


# ---------------------------------------------------------------- cameras, lights, skeletons


def test_a_camera_counts_in_metres(imported):
    stage = new_stage()
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    lens = UsdGeom.Camera.Define(stage, "/camera")
    lens.CreateFocalLengthAttr(50.0)
    lens.CreateHorizontalApertureAttr(36.0)
    lens.CreateVerticalApertureAttr(24.0)
    lens.CreateClippingRangeAttr(Gf.Vec2f(10, 1000))
    lens.AddTranslateOp().Set((0, 0, 300))
    _, document = imported(text_of(stage))
    found = document.json["cameras"][0]["perspective"]
    assert found == pytest.approx({"yfov": 2 * np.arctan(0.24), "aspectRatio": 1.5, "znear": 0.1, "zfar": 10})
    order, matrices = world_matrices(document, scene_roots(document))
    place = next(n for n, node in enumerate(order) if "camera" in document.json["nodes"][node])
    assert np.allclose(matrices[place][:3, :3], np.eye(3)) and matrices[place][2, 3] == pytest.approx(3)


def test_lights_keep_their_power_and_others_are_said(imported):
    stage = new_stage()
    sun = UsdLux.DistantLight.Define(stage, "/sun")
    sun.CreateIntensityAttr(3.0)
    sun.CreateNormalizeAttr(True)
    bulb = UsdLux.SphereLight.Define(stage, "/bulb")
    bulb.CreateIntensityAttr(100.0)
    bulb.CreateExposureAttr(1.0)
    bulb.CreateRadiusAttr(0.5)
    bulb.CreateColorAttr((0.5, 0.25, 0))
    UsdLux.ShapingAPI.Apply(UsdLux.SphereLight.Define(stage, "/spot").GetPrim()).CreateShapingConeAngleAttr(30.0)
    UsdLux.DomeLight.Define(stage, "/sky")
    report, document = imported(text_of(stage))
    lights = {light["name"]: light for light in document.json["extensions"]["KHR_lights_punctual"]["lights"]}
    assert (lights["sun"]["type"], lights["sun"]["intensity"]) == ("directional", 3)
    assert (lights["bulb"]["type"], lights["bulb"]["color"]) == ("point", [1, 0.5, 0])
    assert lights["bulb"]["intensity"] == pytest.approx(100 * 2 * 0.5 * np.pi * 0.25)
    assert lights["spot"]["spot"]["outerConeAngle"] == pytest.approx(np.pi / 6)
    assert features(report) == ["light DomeLight"]


def skinned_stage() -> Usd.Stage:
    """A quad on two joints, the second of which turns, with a blend shape that grows."""
    stage = new_stage()
    stage.SetTimeCodesPerSecond(1)
    UsdSkel.Root.Define(stage, "/root")
    skeleton = UsdSkel.Skeleton.Define(stage, "/root/bones")
    skeleton.AddTranslateOp().Set((0, 0, 2))
    skeleton.CreateJointsAttr(["hip", "hip/knee"])
    up = Gf.Matrix4d().SetTranslate((0, 0.5, 0))
    skeleton.CreateRestTransformsAttr([Gf.Matrix4d(1), up])
    skeleton.CreateBindTransformsAttr([Gf.Matrix4d(1), up])
    animation = UsdSkel.Animation.Define(stage, "/root/bones/walk")
    animation.CreateJointsAttr(["hip/knee"])
    animation.CreateTranslationsAttr([(0, 0.5, 0)])
    animation.CreateScalesAttr([Gf.Vec3h(1, 1, 1)])
    turns = animation.CreateRotationsAttr()
    turns.Set(Vt.QuatfArray([Gf.Quatf(1)]), 0)
    turns.Set(Vt.QuatfArray([Gf.Quatf(np.sqrt(0.5), 0, 0, np.sqrt(0.5))]), 1)
    animation.CreateBlendShapesAttr(["grow"])
    growth = animation.CreateBlendShapeWeightsAttr()
    growth.Set([0.0], 0)
    growth.Set([1.0], 1)
    mesh = quad(stage, "/root/skin")
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    UsdSkel.BindingAPI.Apply(skeleton.GetPrim()).CreateAnimationSourceRel().AddTarget("/root/bones/walk")
    UsdSkel.BindingAPI.Apply(stage.GetPrimAtPath("/root")).CreateSkeletonRel().AddTarget("/root/bones")
    binding.CreateAnimationSourceRel().AddTarget("/root/bones/walk")
    binding.CreateJointIndicesPrimvar(False, 2).Set([0, 1] * 4)
    binding.CreateJointWeightsPrimvar(False, 2).Set([1, 0, 1, 0, 0.25, 0.75, 0, 1])
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d().SetTranslate((0.5, 0, 0)))
    binding.CreateBlendShapesAttr(["grow"])
    binding.CreateBlendShapeTargetsRel().AddTarget("/root/skin/grow")
    shape = UsdSkel.BlendShape.Define(stage, "/root/skin/grow")
    shape.CreateOffsetsAttr([(0, 0, 1)])
    shape.CreatePointIndicesAttr([2])
    return stage


def test_a_skinned_mesh_moves_as_usd_moves_it(imported):
    # Given a quad on two joints, and where USD's own skinning puts it at the end
    stage = skinned_stage()
    cache = UsdSkel.Cache()
    root = UsdSkel.Root(stage.GetPrimAtPath("/root"))
    cache.Populate(root, Usd.PrimDefaultPredicate)
    query = cache.GetSkelQuery(UsdSkel.Skeleton(stage.GetPrimAtPath("/root/bones")))
    skin = cache.GetSkinningQuery(stage.GetPrimAtPath("/root/skin"))
    wanted = Vt.Vec3fArray([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)])
    skin.ComputeSkinnedPoints(query.ComputeSkinningTransforms(1), wanted, 1)
    # When it is imported, and its last pose is set
    report, document = imported(text_of(stage))
    animation = document.json["animations"][0]
    for channel in animation["channels"]:
        last = read_floats(document, animation["samplers"][channel["sampler"]]["output"])[-1]
        if channel["target"]["path"] == "rotation":
            document.json["nodes"][channel["target"]["node"]]["rotation"] = last.tolist()
    # Then glTF's skinning puts it at the same place
    order, matrices = world_matrices(document, scene_roots(document))
    worlds = dict(zip(order, matrices, strict=True))
    found = document.json["skins"][0]
    inverse = read_floats(document, found["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    attributes = document.json["meshes"][0]["primitives"][0]["attributes"]
    points = np.column_stack([read_floats(document, attributes["POSITION"]), np.ones(4)])
    joints, weights = read(document, attributes["JOINTS_0"]), read_floats(document, attributes["WEIGHTS_0"])
    moves = np.array([worlds[joint] @ bind for joint, bind in zip(found["joints"], inverse, strict=True)])
    moved = np.einsum("nk,nkij,nj->ni", weights, moves[joints], points)[:, :3]
    assert np.allclose(moved, np.array(wanted) + np.array([0, 0, 2]), atol=1e-5)
    assert (report["model"]["joint_count"], report["model"]["morph_target_count"]) == (2, 1)


def test_blend_shapes_become_morph_targets_that_move(imported):
    _, document = imported(text_of(skinned_stage()))
    mesh = document.json["meshes"][0]
    offsets = read_floats(document, mesh["primitives"][0]["targets"][0]["POSITION"])
    assert offsets.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert mesh["extras"] == {"targetNames": ["grow"]}
    animation = document.json["animations"][0]
    weights = next(channel for channel in animation["channels"] if channel["target"]["path"] == "weights")
    assert read_floats(document, animation["samplers"][weights["sampler"]]["output"]).reshape(-1).tolist() == [0, 1]
