"""glTF that the Khronos validator lets pass and that cannot be shown as it is: taken, and what is wrong is said."""

from __future__ import annotations

import base64
import io
import struct

import orjson
import pytest
from PIL import Image

from threed.errors import FileRefused
from threed.v1 import recipes_pb2
from threed_workers.document import Builder, read_glb
from threed_workers.document.companions import mapped
from threed_workers.document.packing import pack
from threed_workers.samples import glb_bytes, sample, triangle
from threed_workers.samples.shapes import sphere
from threed_workers.transforms import transform

from .suite import BUDGET, taken_in
from .validity import assert_valid, missing, validator  # noqa: F401 a fixture

pytestmark = pytest.mark.skipif(bool(missing()), reason="the Khronos validator is not installed")
WEB = "https://127.0.0.1:9/never.asked"


def stored(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 40, 90)).save(out, kind)
    return out.getvalue()


def ktx2() -> bytes:
    """A KTX2 of one level, whose format is undefined: Basis Universal (KTX 2.0 section 3)."""
    header = struct.pack("<9I", 0, 1, 8, 8, 0, 0, 1, 1, 1) + bytes(32)
    return b"\xabKTX 20\xbb\r\n\x1a\n" + header + struct.pack("<3Q", 104, 16, 64) + bytes(16)


def textured(*pictures: dict | bytes) -> dict:
    """A .gltf whose material shows a texture of each picture: as base colour, normals, occlusion."""
    root = orjson.loads(sample("gltf"))
    images = [dict(one) if isinstance(one, dict) else {"uri": data_uri(one)} for one in pictures]
    infos = [{"index": number} for number in range(len(images))]
    material = dict(zip(("emissiveTexture", "normalTexture", "occlusionTexture"), infos, strict=False))
    root |= {"images": images, "textures": [{"source": info["index"]} for info in infos], "materials": [material]}
    root["meshes"][0]["primitives"][0]["material"] = 0
    root["accessors"].append({"componentType": 5126, "count": 3, "type": "VEC2"})
    root["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"] = len(root["accessors"]) - 1
    return root


def data_uri(data: bytes) -> str:
    return "data:application/octet-stream;base64," + base64.b64encode(data).decode()


@pytest.fixture
def taken(validator, tmp_path):  # noqa: F811 the fixture
    """A function: imports a .gltf, sees that what was written is valid, and gives (report, document)."""

    def take(root: dict | bytes):
        report = taken_in(tmp_path, root if isinstance(root, bytes) else orjson.dumps(root), "upload")
        for name in ("normalized", "render"):
            assert_valid(validator, report["folder"] / report["files"][name])
        return report, read_glb(mapped(report["folder"] / "normalized.glb"), BUDGET)

    return take


def codes(report: dict) -> dict[str, str]:
    return {found["code"]: found["severity"] for found in report["issues"]}


def refusal(tmp_path, data: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        taken_in(tmp_path, data)
    assert caught.value.metadata["where"]
    return caught.value


def test_a_later_minor_version_comes_in_and_one_that_must_be_known_is_refused(taken, tmp_path):
    root = orjson.loads(sample("gltf"))
    taken(root | {"asset": {"version": "2.1"}})
    refused = refusal(tmp_path, orjson.dumps(root | {"asset": {"version": "2.1", "minVersion": "2.1"}}))
    assert refused.reason == "FILE_FEATURE_UNSUPPORTED"
    assert refused.metadata["where"] == "/asset/minVersion"


# ---------------------------------------------------------------- buffers


@pytest.mark.parametrize("buffer", [{"byteLength": 7}, {"byteLength": 7, "uri": WEB}], ids=["no bytes", "on the web"])
def test_a_buffer_that_nothing_reads_is_left_out(taken, buffer):
    for root in (orjson.loads(sample("gltf")), {"asset": {"version": "2.0"}}):
        before = len(root.get("buffers", []))
        report, document = taken(root | {"buffers": [*root.get("buffers", []), buffer]})
        assert codes(report)["BUFFER_LEFT_OUT"] == "WARNING"
        assert len(document.all("buffers")) == before


def test_accessors_of_a_buffer_without_bytes_are_zeros(taken):
    # Given a .gltf whose one buffer has no uri
    root = orjson.loads(sample("gltf"))
    accessors = len(root["accessors"])
    del root["buffers"][0]["uri"]
    # When it comes in
    report, document = taken(root)
    # Then it has its counts, an error that says so, and a loss for each accessor
    assert report["model"]["vertex_count"] == 3 and report["model"]["triangle_count"] == 1
    assert codes(report)["BUFFER_WITHOUT_BYTES"] == "ERROR"
    assert [(lost["feature"], lost["count"]) for lost in report["losses"]] == [("accessors", accessors)]
    assert "bufferViews" not in document.json and "buffers" not in document.json


def test_a_placeholder_on_the_web_is_not_needed_and_not_named_again(taken):
    # Given meshopt streams, whose uncompressed form is said to lie on the web
    builder = Builder("tests")
    points, _, _, _, triangles = sphere(48, 24)
    primitive = {"attributes": {"POSITION": builder.positions(points)}}
    primitive["indices"] = builder.indices(triangles, len(points))
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})
    packed = pack(transform("meshopt").apply(builder.finish(), recipes_pb2.Meshopt()))
    packed.json["buffers"][0]["uri"] = data_uri(b"".join(packed.pieces.pieces))
    packed.json["buffers"][1]["uri"] = WEB
    report, document = taken(packed.json)
    # Then the ball is there, and whoever loads what is written is not sent to the web
    assert report["model"]["bounding_box"] is not None and report["losses"] == []
    assert WEB.encode() not in orjson.dumps(document.json)


def test_a_glb_without_its_bytes_is_refused(tmp_path):
    data = glb_bytes(triangle())
    size = struct.unpack_from("<I", data, 12)[0]
    alone = data[:8] + struct.pack("<I", 20 + size) + data[12 : 20 + size]
    assert refusal(tmp_path, alone).reason == "FILE_MALFORMED"


def test_a_picture_in_a_buffer_without_bytes_is_refused(tmp_path):
    root = textured({"bufferView": 0, "mimeType": "image/png"})
    del root["buffers"][0]["uri"]
    assert refusal(tmp_path, orjson.dumps(root)).reason == "FILE_MALFORMED"


# ---------------------------------------------------------------- pictures


def test_a_picture_on_the_web_is_not_fetched_and_the_material_shows_its_factors(taken):
    # Given a picture on the web between two that are inside
    root = textured(stored("PNG"), {"uri": WEB}, stored("JPEG"))
    report, document = taken(root)
    # Then it is gone with the one slot that showed it, and the others show what they did
    assert codes(report)["IMAGE_NOT_FETCHED"] == "WARNING"
    assert {(lost["feature"], lost["count"]) for lost in report["losses"]} == {("images", 1), ("textures", 1)}
    material = document.json["materials"][0]
    assert "normalTexture" not in material
    shown = [document.all("textures")[material[f"{slot}Texture"]["index"]] for slot in ("emissive", "occlusion")]
    assert [bytes(document.picture(texture["source"])) for texture in shown] == [stored("PNG"), stored("JPEG")]
    assert WEB.encode() not in orjson.dumps(document.json)


def test_a_texture_goes_from_an_extension_of_any_name_too(taken):
    root = textured({"uri": WEB})
    root["materials"][0]["extensions"] = {"ACME_a/b~c": {"inner": {"tintTexture": {"index": 0}}}}
    root["extensionsUsed"] = ["ACME_a/b~c"]
    report, document = taken(root)
    assert document.json["materials"] == [{"extensions": {"ACME_a/b~c": {"inner": {}}}}]
    assert ("textures", 2) in {(lost["feature"], lost["count"]) for lost in report["losses"]}


def test_a_picture_on_the_web_that_an_extension_needs_is_refused(tmp_path):
    root = textured({"uri": WEB})
    root["extensionsUsed"] = ["VRMC_vrm"]
    root["extensions"] = {"VRMC_vrm": {"meta": {"thumbnailImage": 0}}}
    assert refusal(tmp_path, orjson.dumps(root)).reason == "FILE_URI_FORBIDDEN"


@pytest.mark.parametrize("data", [b"\x90PNG\r\n\x1a\n\0", stored("GIF")], ids=["nothing known", "GIF"])
def test_a_picture_of_another_format_is_kept_and_the_material_shows_its_factors(taken, data):
    report, document = taken(textured(data, stored("PNG")))
    assert codes(report)["IMAGE_FORMAT_NOT_DRAWN"] == codes(report)["TEXTURE_WITHOUT_PICTURE"] == "WARNING"
    assert [(lost["feature"], lost["count"]) for lost in report["losses"]] == [("textures", 1)]
    assert list(document.json["materials"][0]) == ["normalTexture"]
    assert bytes(document.picture(0)) == data


def test_what_calls_itself_png_and_is_nothing_is_refused(tmp_path):
    root = textured({"uri": data_uri(b"nothing at all"), "mimeType": "image/png"})
    assert refusal(tmp_path, orjson.dumps(root)).reason == "FILE_FORMAT_UNKNOWN"


@pytest.mark.parametrize(
    ("name", "data"),
    [("EXT_texture_webp", stored("WEBP")), ("EXT_texture_avif", stored("AVIF")), ("KHR_texture_basisu", ktx2())],
)
def test_a_picture_whose_place_is_an_extension_is_put_there(taken, name, data):
    # Given one as a texture's source
    report, document = taken(textured(data))
    # Then it is in its extension, which is required, for there is no other picture
    assert codes(report)["TEXTURE_SOURCE_MOVED"] == "WARNING"
    assert document.all("textures") == [{"extensions": {name: {"source": 0}}}]
    assert document.json["extensionsUsed"] == document.json["extensionsRequired"] == [name]
    assert bytes(document.picture(0)) == data


def test_what_was_settled_once_stays(taken):
    # Given what an import wrote of a file with everything at once
    root = textured(b"\x90PNG\r\n\x1a\n\0", {"uri": WEB}, stored("AVIF"))
    first, document = taken(root)
    # When that is imported
    again, same = taken((first["folder"] / "normalized.glb").read_bytes())
    # Then nothing more is changed or lost
    assert same.json == document.json
    assert again["losses"] == []
