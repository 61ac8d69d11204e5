"""3DS: chunks, smoothing groups, materials, the keyframer."""

from __future__ import annotations

import random
import struct
from dataclasses import replace

import numpy as np
import pytest

from threed.errors import FileMalformed, FileRefused, FileTooComplex, FileTruncated, FileValuesInvalid
from threed_workers.document import Companions, Document, read
from threed_workers.document.world import world_box
from threed_workers.formats import Source, recognise, threeds
from threed_workers.samples import sample

from .suite import BUDGET, taken_in
from .validity import assert_valid, missing, validator

__all__ = ["validator"]


def chunk(number: int, *content: bytes) -> bytes:
    data = b"".join(content)
    return struct.pack("<HI", number, 6 + len(data)) + data


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def shorts(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def percent(value: int) -> bytes:
    return chunk(0x0030, shorts(value))


def track(number: int, *keys: tuple) -> bytes:
    """Keys are (frame, flags, *floats)."""
    rows = b"".join(struct.pack("<IH", *key[:2]) + floats(*key[2:]) for key in keys)
    return chunk(number, shorts(0), bytes(8), struct.pack("<I", len(keys)), rows)


MATERIAL = chunk(
    0xAFFF,
    chunk(0xA000, text("wood")),
    chunk(0xA020, chunk(0x0011, bytes((255, 0, 128)))),
    chunk(0xA030, chunk(0x0010, floats(0.5, 0.5, 0.5))),
    chunk(0xA040, percent(50)),
    chunk(0xA050, percent(25)),
    chunk(0xA081),
    chunk(0xA200, percent(100), chunk(0xA300, text("WOOD.PNG")), chunk(0xA356, floats(2)), chunk(0xA35A, floats(0.25))),
    chunk(0xA230, chunk(0xA300, text("BUMP.PNG"))),
)
# A roof: two triangles that meet at the edge (0, 0, 1) to (0, 1, 1), and share no vertex number.
ROOF = ((-1, 0, 0), (0, 0, 1), (0, 1, 1), (0, 0, 1), (1, 0, 0), (0, 1, 1))
FACES = shorts(0, 1, 2, 7, 3, 4, 5, 7)


def roof(groups: tuple[int, int] | None = (1, 1), *more: bytes, name: str = "roof") -> bytes:
    smoothing = chunk(0x4150, struct.pack("<2I", *groups)) if groups else b""
    return chunk(
        0x4000,
        text(name),
        chunk(
            0x4100,
            chunk(0x4110, shorts(6), floats(*np.ravel(ROOF))),
            chunk(0x4140, shorts(6), floats(*range(12))),
            chunk(0x4120, shorts(2), FACES, chunk(0x4130, text("wood"), shorts(1, 0)), smoothing),
            *more,
        ),
    )


def file(*parts: bytes, keyframer: bytes = b"") -> bytes:
    return chunk(0x4D4D, chunk(0x0002, struct.pack("<I", 3)), chunk(0x3D3D, *parts), keyframer)


def node(title: str, *parts: bytes, number: int = 0, parent: int = 0xFFFF, kind: int = 0xB002) -> bytes:
    return chunk(kind, chunk(0xB030, shorts(number)), chunk(0xB010, text(title), shorts(0, 0, parent)), *parts)


LIGHT = chunk(0x4000, text("lamp"), chunk(0x4600, floats(0, 0, 5), chunk(0x4610, floats(0, 0, 0, 40, 60))))
CAMERA = chunk(0x4000, text("eye"), chunk(0x4700, floats(0, -5, 0, 0, 0, 0, 0, 35)))
MOVES = chunk(
    0xB000,
    node(
        "roof",
        chunk(0xB013, floats(0, 0, 1)),
        track(0xB020, (0, 0, 0, 0, 0), (30, 0b10, 0.5, 10, 0, 0)),
        track(0xB021, (0, 0, 0, 0, 0, 1), (30, 0, np.pi / 2, 0, 0, 1)),
        track(0xB022, (0, 0, 2, 2, 2)),
        number=4,
    ),
    node("$$$DUMMY", chunk(0xB011, text("empty")), number=5, parent=4),
)
EVERYTHING = file(MATERIAL, roof(), LIGHT, CAMERA, keyframer=MOVES)


def opened(tmp_path, data: bytes) -> Document:
    (tmp_path / "upload").write_bytes(data)
    source = Source(tmp_path / "upload", "")
    assert recognise(source) is threeds
    return threeds.read(source, BUDGET)


def node_named(document: Document, title: str) -> dict:
    return next(entry for entry in document.json["nodes"] if entry.get("name") == title)


def normals(document: Document) -> np.ndarray:
    found = []
    for primitive in document.json["meshes"][0]["primitives"]:
        rows = read(document, primitive["indices"]).reshape(-1)
        found.append(read(document, primitive["attributes"]["NORMAL"])[rows])
    return np.concatenate(found).reshape(-1, 3, 3)


def test_z_up_becomes_y_up_and_the_unit_is_said_to_be_unknown(tmp_path):
    document = opened(tmp_path, file(roof()))
    low, high = world_box(document)
    assert np.allclose(low, (-1, 0, -1), atol=1e-6)
    assert np.allclose(high, (1, 1, 0), atol=1e-6)
    assert [entry["code"] for entry in document.issues] == ["UNITS_ASSUMED"]


def test_faces_of_a_shared_smoothing_group_are_smooth_across_doubled_points(tmp_path):
    normal = normals(opened(tmp_path, file(MATERIAL, roof((0b01, 0b11)))))
    assert np.allclose(normal[0, 1], (0, 0, 1), atol=1e-6)
    assert np.allclose(normal[1, 0], (0, 0, 1), atol=1e-6)


@pytest.mark.parametrize("groups", [(1, 2), (0, 0)])
def test_faces_without_a_shared_smoothing_group_are_flat(tmp_path, groups):
    normal = normals(opened(tmp_path, file(MATERIAL, roof(groups))))
    assert np.allclose(normal[0], np.array((-1, 0, 1)) / np.sqrt(2), atol=1e-6)
    assert np.allclose(normal[1], np.array((1, 0, 1)) / np.sqrt(2), atol=1e-6)


def test_a_primitive_per_material_and_one_for_faces_without(tmp_path):
    primitives = opened(tmp_path, file(MATERIAL, roof())).json["meshes"][0]["primitives"]
    assert [primitive.get("material") for primitive in primitives] == [0, None]


def test_a_material_keeps_its_colours_opacity_and_sides(tmp_path):
    document = opened(tmp_path, file(MATERIAL, roof()))
    material = document.json["materials"][0]
    color = material["pbrMetallicRoughness"]["baseColorFactor"]
    assert color == pytest.approx([1, 0, 0.2159, 0.75], abs=1e-3)
    assert material["pbrMetallicRoughness"]["roughnessFactor"] == pytest.approx(np.sqrt(2 / 34))
    assert (material["name"], material["doubleSided"], material["alphaMode"]) == ("wood", True, "BLEND")
    assert material["extras"]["3ds"]["specular"] == [0.5, 0.5, 0.5]
    assert {"COMPANION_MISSING", "MATERIAL_MAPS_UNUSED"} <= {entry["code"] for entry in document.issues}


def test_a_picture_is_tiled_and_moved_as_the_map_says(tmp_path):
    # Given a map that repeats twice across and begins a quarter above the lower edge, with its picture beside it
    (tmp_path / "upload").write_bytes(file(MATERIAL, roof()))
    (tmp_path / "wood.png").write_bytes(sample("png"))
    source = Source(tmp_path / "upload", "", Companions({"maps/wood.png": tmp_path / "wood.png"}))
    # When it is read
    document = threeds.read(source, BUDGET)
    # Then the picture is there, and the transform counts v from the upper edge
    info = document.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    assert document.json["images"][0]["name"] == "WOOD.PNG"
    assert info["extensions"]["KHR_texture_transform"] == {"scale": [2, 1], "offset": [0, -0.25]}


def test_keyframes_move_an_object_about_its_pivot(tmp_path):
    # Given a node with a pivot, twice the size, and two keys
    document = opened(tmp_path, EVERYTHING)
    moved = node_named(document, "roof")
    # Then its points are around the pivot
    assert world_box(document)[1][1] == pytest.approx(0, abs=1e-6)
    assert moved["scale"] == [2, 2, 2]
    # And after a second it stands elsewhere, turned clockwise about +Z
    channels = document.json["animations"][0]["channels"]
    samplers = document.json["animations"][0]["samplers"]
    last = {
        channel["target"]["path"]: read(document, samplers[channel["sampler"]]["output"])[-1] for channel in channels
    }
    assert read(document, samplers[0]["input"]).reshape(-1).tolist() == [0, 1]
    assert last["translation"].tolist() == [10, 0, 0]
    assert np.allclose(last["rotation"], (0, 0, -np.sqrt(0.5), np.sqrt(0.5)), atol=1e-6)
    assert [entry["feature"] for entry in document.losses] == ["keyframe easing"]


def test_the_hierarchy_of_the_keyframer_is_kept(tmp_path):
    document = opened(tmp_path, EVERYTHING)
    parent, child = node_named(document, "roof"), node_named(document, "empty")
    assert [document.json["nodes"][number] for number in parent["children"]] == [child]


def test_a_camera_and_a_spot_look_at_their_targets(tmp_path):
    document = opened(tmp_path, EVERYTHING)
    for title, forward in (("eye", (0, 1, 0)), ("lamp", (0, 0, -1))):
        matrix = np.array(node_named(document, title)["matrix"]).reshape(4, 4).T
        assert np.allclose(-matrix[:3, 2], forward)
    spot = document.json["extensions"]["KHR_lights_punctual"]["lights"][0]["spot"]
    assert spot["outerConeAngle"] == pytest.approx(np.radians(30))


def test_an_object_matrix_becomes_the_node_when_nothing_is_keyed(tmp_path):
    place = chunk(0x4160, floats(1, 0, 0, 0, 1, 0, 0, 0, 1, 3, 4, 5))
    document = opened(tmp_path, file(roof((1, 1), place)))
    assert node_named(document, "roof")["matrix"][12:15] == [3, 4, 5]
    assert np.allclose(world_box(document)[1], (1, 1, 0), atol=1e-6)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (EVERYTHING[:-1], FileTruncated),
        (file(chunk(0x4000, text("x"), struct.pack("<HI", 0x4100, 1 << 30))), FileMalformed),
        (file(chunk(0x4000, text("x"), chunk(0x4100, chunk(0x4110, shorts(9))))), FileMalformed),
        (
            file(chunk(0x4000, text("x"), chunk(0x4100, chunk(0x4120, shorts(1, 0, 1, 2, 0))))),
            FileValuesInvalid,
        ),
        (file(roof(), keyframer=chunk(0xB000, node("roof", parent=0))), FileValuesInvalid),
        (
            file(
                roof(),
                keyframer=chunk(0xB000, node("roof", number=0, parent=1), node("$$$DUMMY", number=1, parent=0)),
            ),
            FileValuesInvalid,
        ),
        (file(roof(), keyframer=chunk(0xB000, node("roof", track(0xB020, (0, 0, np.nan, 0, 0))))), FileValuesInvalid),
    ],
    ids=["cut", "chunk too long", "points missing", "index", "own parent", "cycle", "NaN"],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path, data, error):
    (tmp_path / "upload").write_bytes(data)
    with pytest.raises(error) as caught:
        threeds.read(Source(tmp_path / "upload", ""), BUDGET)
    assert caught.value.metadata["where"]


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
@pytest.mark.parametrize("data", [EVERYTHING, file(roof(None)), file()])
def test_what_comes_out_satisfies_the_validator(tmp_path, validator, data):
    folder = taken_in(tmp_path, data)["folder"]
    for name in ("normalized.glb", "render.glb"):
        assert_valid(validator, folder / name)


def test_copies_of_a_mesh_for_other_pivots_are_bounded(tmp_path):
    lines = [node("roof", chunk(0xB013, floats(number, 0, 0)), number=number) for number in range(9)]
    (tmp_path / "upload").write_bytes(file(roof(), keyframer=chunk(0xB000, *lines)))
    with pytest.raises(FileTooComplex):
        threeds.read(Source(tmp_path / "upload", ""), replace(BUDGET, invented_bytes=1000))


def test_damaged_files_are_refused_or_read_but_never_more(tmp_path):
    chance = random.Random(7)
    for _ in range(150):
        damaged = bytearray(EVERYTHING)
        for _ in range(chance.choice((1, 2, 8))):
            damaged[chance.randrange(len(damaged))] = chance.choice((0, 255, 127, chance.randrange(256)))
        try:
            taken_in(tmp_path, bytes(damaged))
        except FileRefused as refusal:
            assert "no check foresaw" not in refusal.message, refusal.message
