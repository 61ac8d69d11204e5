"""The main job, from the outside: a model goes in over the wire, a picture comes out; by gRPC and by REST alike."""

from __future__ import annotations

import hashlib
import json
import math

import pytest
from PIL import Image
from tests.end_to_end.doors import get
from tests.end_to_end.job import decoded, differing, model, picture, ready, rendered, showpiece, upload

from threed.v1.assets_pb2 import Asset, AssetFile
from threed.v1.render_jobs_pb2 import RenderJob

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_model_goes_in_and_a_picture_comes_out(door):
    # Given a model that nobody uploaded before
    data = model(door.name)
    # When it is uploaded and watched
    asset = upload(door, data, "triangle.glb", tags=["first"])
    assert (asset.status, asset.sha256) == (Asset.UPLOADED, hashlib.sha256(data).hexdigest())
    seen = list(door.watch("WatchAsset", asset_id=asset.asset_id))
    # Then its states come in order, and the last one has everything
    assert [each.sequence for each in seen] == sorted({each.sequence for each in seen})
    last = seen[-1].asset
    assert (last.status, last.file_format, last.asset_type) == (Asset.VALIDATED, "glb", Asset.MODEL)
    assert (last.model.triangle_count, list(last.model.bounding_box.max)) == (1, [1, 1, 0])
    assert (last.validation.validator, last.validation.error_count) == ("khronos-gltf-validator", 0)
    assert {file.long_edge_px for file in last.files if file.kind == AssetFile.THUMBNAIL} == {256, 512, 1024}
    # When it is rendered
    job = rendered(door, asset_id=asset.asset_id)
    # Then there is a picture of the asked size, with more than one colour
    assert (job.progress, job.phase, job.attempts) == (1, "done", 1)
    shown = picture(door, job)
    assert (shown.format, shown.size) == ("PNG", (96, 64))
    assert len(shown.convert("RGB").getcolors(96 * 64)) > 1


def test_both_doors_say_the_same(project, rest, grpc_door):
    assert rest("GetAsset", asset_id=project.asset.asset_id) == grpc_door("GetAsset", asset_id=project.asset.asset_id)
    assert rest("GetScene", scene_id=project.scene.scene_id) == grpc_door("GetScene", scene_id=project.scene.scene_id)
    assert rest("GetRenderJob", job_id=project.job.job_id) == grpc_door("GetRenderJob", job_id=project.job.job_id)


def test_server_sent_events_take_their_token_from_the_address(project, rest, stack):
    # Given a browser's EventSource, which can set no header
    path = f"/v1/renderjobs/{project.job.job_id}:watch?access_token={stack.token('viewer')}"
    rest.token = None
    # When it watches
    answer = rest.send("GET", path, accept="text/event-stream")
    # Then it reads events, each one message
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
    events = [each for each in answer.body.decode().split("\n\n") if each]
    assert all(each.startswith("data: ") for each in events)
    assert json.loads(events[-1].removeprefix("data: "))["renderJob"]["status"] == "COMPLETED"


def test_a_watch_without_that_header_is_lines_of_json(project, rest):
    answer = rest.send("GET", f"/v1/renderjobs/{project.job.job_id}:watch")
    assert answer.headers["content-type"].startswith("application/json")
    assert [json.loads(line)["renderJob"]["status"] for line in answer.body.splitlines()] == ["COMPLETED"]


def test_the_original_comes_back_byte_for_byte(door):
    data = model()
    asset = ready(door, data)
    answer = get(door("GetAssetDownloadUrl", asset_id=asset.asset_id).url)
    assert answer.body == data
    assert answer.headers["content-disposition"] == 'attachment; filename="model.glb"'
    assert answer.headers["content-type"] == "model/gltf-binary"


def test_a_download_can_be_continued_and_cached(project, rest):
    # Given the signed address of the normalized model
    asset = project.asset
    signed = rest("GetAssetDownloadUrl", asset_id=asset.asset_id, kind=AssetFile.NORMALIZED)
    whole = get(signed.url)
    assert (whole.status, whole.body[:4], len(whole.body)) == (200, b"glTF", signed.size_bytes)
    assert hashlib.sha256(whole.body).hexdigest() == signed.sha256
    # When a part is asked for
    part = get(signed.url, {"range": "bytes=4-7"})
    # Then only that part comes
    assert (part.status, part.body) == (206, whole.body[4:8])
    assert part.headers["content-range"] == f"bytes 4-7/{signed.size_bytes}"
    assert get(signed.url, {"range": f"bytes={signed.size_bytes}-"}).status == 416
    # And what the caller has already does not come again
    assert get(signed.url, {"if-none-match": whole.headers["etag"]}).status == 304
    assert get(signed.url, verb="HEAD").headers["content-length"] == str(signed.size_bytes)


def test_a_signed_address_opens_one_file_and_no_other(project, rest):
    signed = rest("GetAssetDownloadUrl", asset_id=project.asset.asset_id).url
    altered = signed[:-2] + ("aa" if signed[-2:] != "aa" else "bb")
    refusal = get(altered).refusal()
    assert (refusal.http_status, refusal.reason) == (403, "DOWNLOAD_URL_INVALID")


@pytest.mark.parametrize("edge", [256, 512, 1024])
@pytest.mark.parametrize("media_type", ["image/webp", "image/png"])
def test_a_thumbnail_has_its_size_and_encoding(project, rest, edge, media_type):
    asset_id = project.asset.asset_id
    kind = {"kind": AssetFile.THUMBNAIL, "long_edge_px": edge, "media_type": media_type}
    answer = get(rest("GetAssetDownloadUrl", asset_id=asset_id, **kind).url)
    assert answer.headers["content-type"] == media_type
    shown = decoded(answer.body)
    assert max(shown.size) == edge
    assert len(shown.convert("RGB").getcolors(edge * edge)) > 100, "a picture, not a plain area"


FORMATS = {RenderJob.PNG: "PNG", RenderJob.JPEG: "JPEG", RenderJob.WEBP: "WEBP"}


@pytest.mark.parametrize("output_format", FORMATS, ids=FORMATS.get)
def test_a_picture_comes_in_every_encoding(project, door, output_format):
    job = rendered(door, asset_id=project.asset.asset_id, output_format=output_format)
    assert picture(door, job).format == FORMATS[output_format]
    assert job.output.media_type == f"image/{FORMATS[output_format].lower()}"


@pytest.mark.parametrize("output_format", [RenderJob.PNG, RenderJob.WEBP], ids=FORMATS.get)
def test_a_transparent_background_is_an_alpha_channel(project, rest, output_format):
    asked = {"background": {"transparent": True}, "output_format": output_format}
    shown = picture(rest, rendered(rest, asset_id=project.asset.asset_id, **asked))
    alpha = shown.getchannel("A")
    assert alpha.getpixel((0, 0)) == 0
    assert alpha.getextrema()[1] == 255


def test_a_jpeg_cannot_be_transparent(project, door, refused):
    with refused("FIELD_INVALID") as refusal:
        job = {"asset_id": project.asset.asset_id, "output_format": "JPEG", "background": {"transparent": True}}
        door("CreateRenderJob", render_job=job)
    assert list(refusal.value.violations) == ["render_job.output_format"]


def composed(project, other: str) -> dict:
    """Two models side by side, a camera that sees both, and a sun."""
    tilted = [math.sin(-0.3), 0, 0, math.cos(-0.3)]
    return {
        "display_name": "composed",
        "nodes": [
            {"id": "left", "asset_id": project.asset.asset_id, "translation": [-1, 0, 0]},
            {"id": "group", "translation": [1, 0, 0]},
            {"id": "right", "asset_id": other, "parent_id": "group", "scale": [0.5, 0.5, 0.5]},
            {"id": "eye", "camera": {"perspective": {"yfov": 0.8}}, "translation": [0, 0.5, 5]},
            {"id": "sun", "light": {"type": "DIRECTIONAL", "intensity": 1000}, "rotation": tilted},
        ],
    }


def test_a_scene_of_two_models_a_camera_and_a_light_is_seen_in_every_way(project, door):
    # Given a scene with one of everything
    other = ready(door, model())
    scene = door("CreateScene", scene=composed(project, other.asset_id))
    assert [list(node.children) for node in scene.nodes if node.id == "group"] == [["right"]]
    # When it is seen by its own camera, from a point, and as a whole
    whole = rendered(door, scene_id=scene.scene_id, camera_config={"auto_frame": {"yaw": 1.0}})
    own = rendered(door, scene_id=scene.scene_id, camera_config={"scene_camera": "eye"})
    above = {"eye": [0.01, 6, 0.01], "target": [0, 0, 0]}
    looked = rendered(door, scene_id=scene.scene_id, camera_config={"look_at": above})
    default = rendered(door, scene_id=scene.scene_id)
    # Then each view is another picture, and without a word it is the scene's own camera
    a, b, c, d = (picture(door, job) for job in (whole, own, looked, default))
    assert min(differing(a, b), differing(b, c), differing(a, c)) > 0.01
    assert differing(b, d) == 0
    # And each job keeps the scene as it was
    assert {job.scene_revision for job in (whole, own, looked, default)} == {1}


def test_a_panorama_lights_a_scene(project, rest):
    # Given the same scene in a studio and under a sky that was uploaded
    scene = rest("CreateScene", scene=composed(project, project.asset.asset_id))
    shown = {"environment": True}
    # And the sky's light was made ready when it came in
    assert "LIGHT" in [AssetFile.Kind.Name(file.kind) for file in project.environment.files]
    # When each is rendered with its surroundings in view
    studio = rendered(rest, scene_id=scene.scene_id, background=shown)
    lit_by = {"asset_id": project.environment.asset_id}
    outside = rendered(rest, scene_id=scene.scene_id, background=shown, environment=lit_by)
    # Then nearly all of the picture is another
    assert differing(picture(rest, studio), picture(rest, outside)) > 0.5


def test_hiding_a_model_changes_the_picture(project, rest):
    other = ready(rest, model())
    scene = rest("CreateScene", scene=composed(project, other.asset_id))
    before = picture(rest, rendered(rest, scene_id=scene.scene_id))
    nodes = composed(project, other.asset_id)["nodes"]
    nodes[0]["hidden"] = True
    changed = rest("UpdateScene", scene={"scene_id": scene.scene_id, "nodes": nodes}, update_mask={"paths": ["nodes"]})
    assert changed.revision == 2
    assert differing(before, picture(rest, rendered(rest, scene_id=scene.scene_id))) > 0.01


def test_the_showpiece_is_worth_looking_at(rest, tmp_path):
    asset = ready(rest, showpiece())
    job = rendered(rest, asset_id=asset.asset_id, resolution={"width": 320, "height": 240})
    shown: Image.Image = picture(rest, job)
    assert len(shown.convert("RGB").getcolors(320 * 240)) > 500
    shown.save(tmp_path / "showpiece.png")
    assert (tmp_path / "showpiece.png").read_bytes()[:8] == PNG
