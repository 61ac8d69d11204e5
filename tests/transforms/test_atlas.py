"""Pictures side by side: every surface shows the pixels that it showed, by one material."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from threed_workers import transforms
from threed_workers.document import Builder, Document, read_floats
from threed_workers.quality.texturing import uses
from threed_workers.samples.files import png_bytes

from .carried_out import carried_out, copy, options

CORNERS = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
WHOLE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
REPEAT, CLAMP, MIRRORED = 10497, 33071, 33648
MOVED = {"offset": [0.25, 0.4], "rotation": 0.5, "scale": [0.25, 0.5]}


def noise(seed: int, width: int = 16, height: int = 16, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels)).astype(np.uint8)


class Model:
    """Squares side by side, each with a material and pictures of its own."""

    def __init__(self):
        self.builder = Builder()
        self.samplers = {}

    def texture(self, pixels: np.ndarray, wrap: int = REPEAT) -> dict:
        if wrap not in self.samplers:
            sampler = {"magFilter": 9729, "minFilter": 9987, "wrapS": wrap, "wrapT": wrap}
            self.samplers[wrap] = self.builder.add("samplers", sampler)
        image = self.builder.picture(png_bytes(pixels), "image/png")
        return {"index": self.builder.add("textures", {"source": image, "sampler": self.samplers[wrap]})}

    def square(self, material: dict, uvs: np.ndarray = WHOLE, **attributes: np.ndarray) -> int:
        """Its material's number."""
        number = len(self.builder.json.get("meshes") or [])
        names = {
            "POSITION": self.builder.positions(CORNERS + np.array([2 * number, 0, 0])),
            "TEXCOORD_0": uvs,
            **attributes,
        }
        made = {name: v if isinstance(v, int) else self.builder.attribute(v) for name, v in names.items()}
        primitive = {"attributes": made, "indices": self.builder.indices(np.array([0, 1, 2, 0, 2, 3]), 4)}
        primitive["material"] = self.builder.add("materials", {"name": f"paint {number}", **material})
        mesh = self.builder.add("meshes", {"primitives": [primitive]})
        self.builder.add("nodes", {"mesh": mesh})
        return primitive["material"]

    def painted(self, seed: int, width: int = 16, height: int = 16, wrap: int = REPEAT, **more) -> dict:
        return {"pbrMetallicRoughness": {"baseColorTexture": self.texture(noise(seed, width, height), wrap) | more}}


def atlas(document: Document, **settings) -> Document:
    return carried_out("atlas", copy(document), **settings)


def shown(document: Document, mesh: int, slot: int = 0, over: float = 0.0) -> np.ndarray:
    """The pixels that points of a square show, strewn over it and beyond it by `over`: for each the nearest."""
    (primitive,) = document.json["meshes"][mesh]["primitives"]
    use = uses(document, primitive["material"])[slot]
    corners = read_floats(document, primitive["attributes"][f"TEXCOORD_{use.uv_set}"])
    u, v = np.random.default_rng(1).uniform(-over, 1 + over, (2, 2000, 1))
    inside = corners[0] + u * (corners[1] - corners[0]) + v * (corners[3] - corners[0])
    placed = inside @ use.matrix[:, :2].T + use.matrix[:, 2]
    pixels = np.asarray(Image.open(io.BytesIO(document.picture(use.image))))
    place = [_wrapped(np.floor(placed[:, n] * pixels.shape[1 - n]), pixels.shape[1 - n], use.wraps[n]) for n in (0, 1)]
    return pixels[place[1], place[0]]


def _wrapped(pixel: np.ndarray, size: int, wrap: int) -> np.ndarray:
    pixel = pixel.astype(int)
    if wrap == CLAMP:
        return pixel.clip(0, size - 1)
    if wrap == MIRRORED:
        pixel = pixel % (2 * size)
        return np.where(pixel < size, pixel, 2 * size - 1 - pixel)
    return pixel % size


def assert_same(before: Document, after: Document, slots: int = 1, over: float = 0.0) -> None:
    for mesh in range(len(before.json["meshes"])):
        for slot in range(slots):
            assert np.array_equal(shown(after, mesh, slot, over), shown(before, mesh, slot, over)), (mesh, slot)


def left_out(document: Document) -> list[str]:
    return [issue["message"] for issue in document.issues if issue["code"] == "ATLAS_LEFT_OUT"]


# ---------------------------------------------------------------- what goes together


def test_every_surface_shows_what_it_showed_by_one_material():
    # Given squares with pictures of several sizes, one of which two of them share
    model = Model()
    for seed, size in enumerate([(16, 16), (64, 32), (5, 7), (33, 64), (1, 1)]):
        model.square(model.painted(seed, *size))
    model.square({"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}})
    before = model.builder.finish()
    # When an atlas is made of them
    made = atlas(before)
    # Then there is one material with one picture, and nothing looks different
    assert [len(made.json[kind]) for kind in ("materials", "textures", "images", "samplers")] == [1, 1, 1, 1]
    assert made.json["materials"][0]["name"] == "atlas"
    assert_same(before, made)
    assert left_out(made) == []


def test_meshes_can_be_joined_then():
    model = Model()
    for seed in range(4):
        model.square(model.painted(seed))
    before = model.builder.finish()
    assert len(carried_out("join", atlas(before)).json["meshes"]) == 1


def test_each_role_has_a_picture_of_its_own_and_values_are_kept():
    # Given colours, numbers in pictures half as large, and normals
    model = Model()
    for seed in range(3):
        material = model.painted(seed, 32, 32)
        numbers = model.texture(noise(10 + seed, 16, 16))
        material["pbrMetallicRoughness"]["metallicRoughnessTexture"] = numbers
        material["normalTexture"] = model.texture(noise(20 + seed, 32, 32)) | {"scale": 0.5}
        model.square(material)
    before = model.builder.finish()
    # When an atlas is made
    made = atlas(before)
    # Then each is there, pixel by pixel, and their sizes still stand in that ratio
    assert_same(before, made, slots=3)
    sizes = [Image.open(io.BytesIO(made.picture(number))).size for number in range(3)]
    assert sizes[0] == sizes[2] == (2 * sizes[1][0], 2 * sizes[1][1])
    assert made.json["materials"][0]["normalTexture"]["scale"] == 0.5


def test_a_picture_with_alpha_gives_the_others_one_that_is_opaque():
    model = Model()
    model.square(model.painted(0))
    model.square({"pbrMetallicRoughness": {"baseColorTexture": model.texture(noise(1, channels=4))}})
    before = model.builder.finish()
    made = atlas(before)
    assert np.array_equal(shown(made, 1), shown(before, 1))
    assert np.array_equal(shown(made, 0)[:, :3], shown(before, 0))
    assert (shown(made, 0)[:, 3] == 255).all()


def test_where_a_picture_lies_goes_into_the_texture_coordinates():
    # Given a material that shows a turned part of its picture
    model = Model()
    model.builder.use("KHR_texture_transform")
    model.square(model.painted(0, 64, 64, extensions={"KHR_texture_transform": MOVED}))
    model.square(model.painted(1, 64, 64))
    before = model.builder.finish()
    made = atlas(before)
    assert len(made.json["materials"]) == 1
    assert "extensionsUsed" not in made.json
    assert_same(before, made)


@pytest.mark.parametrize("wrap", [REPEAT, CLAMP, MIRRORED])
@pytest.mark.parametrize("padding", [2, 8])
def test_beyond_the_edge_lies_what_the_sampler_showed(wrap, padding):
    # Given pictures, and a reader that looks over their edges by half of the border
    model = Model()
    for seed, size in enumerate([(16, 16), (8, 24), (40, 3)]):
        model.square(model.painted(seed, *size, wrap=wrap))
    before = model.builder.finish()
    made = atlas(before, padding_px=padding)
    for mesh, size in enumerate([16, 24, 40]):
        over = padding / 2 / size
        assert np.array_equal(shown(made, mesh, over=over), shown(before, mesh, over=over))


def test_another_set_of_coordinates_stays_where_it_is():
    model = Model()
    unused = np.full((4, 2), 7, np.float32)
    for seed in range(2):
        model.square(model.painted(seed, texCoord=1), uvs=unused, TEXCOORD_1=WHOLE)
    before = model.builder.finish()
    made = atlas(before)
    assert made.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["texCoord"] == 1
    first = made.json["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"]
    assert np.array_equal(read_floats(made, first), unused)
    assert_same(before, made)


def test_what_does_not_fit_goes_into_another_one():
    # Given twelve pictures, of which four fit into an atlas
    model = Model()
    for seed in range(12):
        model.square(model.painted(seed, 24, 24))
    before = model.builder.finish()
    made = atlas(before, max_px=64, padding_px=4)
    assert 3 <= len(made.json["materials"]) <= 4
    for number in range(len(made.json["images"])):
        assert max(Image.open(io.BytesIO(made.picture(number))).size) <= 64
    assert_same(before, made)


# ---------------------------------------------------------------- what does not


def test_a_repeated_picture_stays_and_is_told():
    model = Model()
    for seed in range(2):
        model.square(model.painted(seed))
    tiled = model.square(model.painted(2), uvs=3 * WHOLE)
    before = model.builder.finish()
    made = atlas(before)
    assert [material["name"] for material in made.json["materials"]] == ["paint 2", "atlas"]
    assert len(left_out(made)) == 1 and "repeats" in left_out(made)[0]
    assert [issue["pointer"] for issue in made.issues] == [f"/materials/{tiled}"]
    assert_same(before, made)


def test_a_material_is_moved_for_all_its_primitives_or_for_none():
    # Given two squares of one material, one of which repeats its picture
    model = Model()
    first = model.square(model.painted(0))
    model.square(model.painted(1))
    model.square(model.painted(2))
    model.square({}, uvs=2 * WHOLE)
    model.builder.json["meshes"][3]["primitives"][0]["material"] = first
    before = model.builder.finish()
    made = atlas(before)
    names = [made.json["materials"][mesh["primitives"][0]["material"]]["name"] for mesh in made.json["meshes"]]
    assert names == ["paint 0", "atlas", "atlas", "paint 0"]


@pytest.mark.parametrize(
    "differs",
    [
        {"alphaMode": "BLEND"},
        {"doubleSided": True},
        {"extras": {"part": 1}},
        {"normalTexture": {"index": 0}},
        {"emissiveFactor": [1, 0, 0]},
    ],
    ids=lambda value: next(iter(value)),
)
def test_materials_that_differ_in_more_stay_apart(differs):
    model = Model()
    model.square(model.painted(0))
    model.square(model.painted(1) | differs)
    before = model.builder.finish()
    assert atlas(before).json["materials"] == before.json["materials"]


def test_textures_that_lie_differently_stay_and_are_told():
    model = Model()
    for seed in range(2):
        material = model.painted(seed)
        material["emissiveTexture"] = model.texture(noise(9 + seed)) | {"texCoord": 1}
        model.square(material, TEXCOORD_1=WHOLE)
    before = model.builder.finish()
    made = atlas(before)
    assert made.json["materials"] == before.json["materials"]
    assert len(left_out(made)) == 2 and "same way" in left_out(made)[0]


def test_too_few_materials_stay():
    model = Model()
    for seed in range(3):
        model.square(model.painted(seed))
    before = model.builder.finish()
    assert len(atlas(before, min=4).json["materials"]) == 3


def test_a_material_whose_place_of_pictures_is_animated_stays():
    model = Model()
    for seed in range(3):
        model.square(model.painted(seed, extensions={"KHR_texture_transform": {"offset": [0, 0]}}))
    builder = model.builder
    clock = builder.accessor(np.array([0, 1], np.float32), bounds=True)
    values = builder.accessor(np.array([[0, 0], [1, 0]], np.float32))
    place = "/materials/1/pbrMetallicRoughness/baseColorTexture/extensions/KHR_texture_transform/offset"
    target = {"path": "pointer", "extensions": {"KHR_animation_pointer": {"pointer": place}}}
    sampler = {"input": clock, "output": values}
    builder.add("animations", {"samplers": [sampler], "channels": [{"sampler": 0, "target": target}]})
    for name in ("KHR_texture_transform", "KHR_animation_pointer"):
        builder.use(name)
    made = atlas(builder.finish())
    assert [material["name"] for material in made.json["materials"]] == ["paint 1", "atlas"]


def test_a_picture_that_does_not_decode_stays_and_is_told():
    model = Model()
    for seed in range(3):
        model.square(model.painted(seed))
    before = model.builder.finish()
    broken = bytearray(before.picture(1))
    broken[60:90] = bytes(30)
    before.pictures[1] = memoryview(bytes(broken))
    before.json["images"][1].pop("bufferView")
    made = atlas(before)
    assert [material["name"] for material in made.json["materials"]] == ["paint 1", "atlas"]
    assert "decode" in left_out(made)[0]


def test_a_picture_that_is_not_decoded_here_is_told_once():
    # Given materials that all show one picture of an encoding that only graphics processors read
    model = Model()
    first = model.painted(0)
    for _ in range(3):
        model.square(first)
    before = model.builder.finish()
    head = b"\xabKTX 20\xbb\r\n\x1a\n" + np.array([37, 1, 16, 16, 0, 0, 1, 1, 0], "<u4").tobytes()
    before.pictures[0] = memoryview(head + bytes(200))
    before.json["images"][0].pop("bufferView")
    made = transforms.transform("atlas").apply(before, options("atlas"))
    assert [issue["code"] for issue in made.issues] == ["TEXTURE_KEPT"]
    assert len(made.json["materials"]) == 3
