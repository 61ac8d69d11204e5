"""Bad input of render jobs on a real stack: refused when the job is created, with its field, or FAILED with a reason.

What is known of an asset or of the request is refused by the server; what only a look at the scene tells, by a worker.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from google.rpc import error_details_pb2, status_pb2
from tests.end_to_end.doors import Grpc
from tests.end_to_end.job import SMALL, ready, texture, upload

from threed.v1.assets_pb2 import Asset
from threed.v1.render_jobs_pb2 import RenderJob
from threed_workers.document import Builder
from threed_workers.samples import glb_bytes, sample, triangle

INVALID, NOT_FOUND, PRECONDITION = 3, 5, 9  # of google.rpc.Code


def scaled(scale: float, **node: Any) -> bytes:
    """The sample triangle, of so many metres."""
    document = triangle()
    document.json["nodes"][0] |= {"scale": [scale] * 3, **node}
    return glb_bytes(document)


def geometry(points: list[list[float]]) -> bytes:
    """One triangle at these points, written as they are."""
    builder = Builder("tests")
    position = builder.positions(np.array(points, np.float32))
    mesh = builder.add("meshes", {"primitives": [{"attributes": {"POSITION": position}}]})
    node = builder.add("nodes", {"mesh": mesh})
    builder.add("scenes", {"nodes": [node]})
    builder.json["scene"] = 0
    return glb_bytes(builder.finish())


def empty() -> bytes:
    """A model whose scene shows nothing."""
    document = triangle()
    document.json["scenes"] = [{"nodes": []}]
    return glb_bytes(document)


def moving() -> bytes:
    """The triangle with two clips of two lengths, and two variants."""
    builder = Builder("tests")
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    colors = [builder.add("materials", {"name": name}) for name in ("red", "blue")]
    mappings = [{"material": color, "variants": [number]} for number, color in enumerate(colors)]
    primitive = {"attributes": {"POSITION": builder.positions(points)}, "material": colors[0]}
    primitive["extensions"] = {"KHR_materials_variants": {"mappings": mappings}}
    node = builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})
    for name, end in (("Walk", 2.0), ("Blink", 0.5)):
        times = builder.accessor(np.array([0.0, end], np.float32), bounds=True)
        values = builder.accessor(np.array([[0, 0, 0], [0, 1, 0]], np.float32))
        channel = {"sampler": 0, "target": {"node": node, "path": "translation"}}
        builder.add(
            "animations", {"name": name, "samplers": [{"input": times, "output": values}], "channels": [channel]}
        )
    builder.add("scenes", {"nodes": [node]})
    builder.json |= {"scene": 0, "extensionsUsed": ["KHR_materials_variants"]}
    builder.json["extensions"] = {"KHR_materials_variants": {"variants": [{"name": "red"}, {"name": "blue"}]}}
    return glb_bytes(builder.finish())


@pytest.fixture(scope="session")
def assets(stack) -> dict[str, str]:
    """What the tables name by `$word`: ids of assets and scenes of every kind."""
    door = Grpc(stack.address, stack.token())
    try:
        made = {name: ready(door, data).asset_id for name, data in _models().items()}
        made["picture"] = ready(door, texture(), "picture.png").asset_id
        made["text"] = _failed(door, b"This is no picture, and no model.\n" * 20, "panorama.hdr")
        made["broken"] = _failed(door, sample("gltf")[:100], "broken.gltf")
        made["nobody"] = "ast_" + "0" * 26
        made["no scene"] = "scn_" + "0" * 26
        for name, nodes in _scenes(made).items():
            made[name] = door("CreateScene", scene={"nodes": nodes}).scene_id
        return made
    finally:
        door.close()


def _models() -> dict[str, bytes]:
    return {
        "moving": moving(),
        "plain": scaled(1.0),
        "zero": scaled(0.0),
        "a point": geometry([[1, 1, 1]] * 3),
        "huge": scaled(1e12),
        "far": scaled(1.0, translation=[3e12, 0, 0]),
        "vast": geometry([[0, 0, 0], [1e12, 0, 0], [0, 1e12, 0]]),
        "empty": empty(),
    }


def _scenes(made: dict[str, str]) -> dict[str, list[dict]]:
    return {
        "no nodes": [],
        "no assets": [{"id": "nothing"}, {"id": "eye", "camera": {"perspective": {"yfov": 1.0}}}],
        "all hidden": [{"id": "a", "asset_id": made["plain"], "hidden": True}],
        "shrunk": [{"id": "a", "asset_id": made["plain"], "scale": [0, 0, 0]}],
        "blown up": [{"id": "a", "asset_id": made["plain"], "scale": [1e12, 1e12, 1e12]}],
    }


def _failed(door: Grpc, data: bytes, filename: str) -> str:
    """An upload that a worker refuses: its asset."""
    asset = upload(door, data, filename)
    *_, last = door.watch("WatchAsset", asset_id=asset.asset_id)
    assert last.asset.status == Asset.FAILED
    return asset.asset_id


KEYS = [{"seconds": at, "look_at": {"eye": [0, 0, 2 + at], "target": [0, 0, 0]}} for at in (0, 50_000)]
# What is asked for: (code, reason, field). All of it is known when the job is created.
AT_CREATION = {
    "no camera node of that id": (
        {"asset_id": "$plain", "camera_config": {"scene_camera": "eye"}},
        (INVALID, "SCENE_INVALID", "camera_config.scene_camera"),
    ),
    "a second camera that is not there": (
        {"asset_id": "$plain", "cameras": [{}, {"scene_camera": "eye"}]},
        (INVALID, "SCENE_INVALID", "cameras[1].scene_camera"),
    ),
    "a camera in its own target": (
        {"asset_id": "$plain", "camera_config": {"look_at": {"eye": [1, 1, 1], "target": [1, 1, 1]}}},
        (INVALID, "FIELD_INVALID", "camera_config.look_at.target"),
    ),
    "a camera without an up": (
        {"asset_id": "$plain", "camera_config": {"look_at": {"eye": [0, 3, 0], "target": [0, 0, 0]}}},
        (INVALID, "FIELD_INVALID", "camera_config.look_at.up"),
    ),
    "a camera of no angle": (
        {"asset_id": "$plain", "camera_config": {"auto_frame": {"yfov": 1e-300}}},
        (INVALID, "FIELD_INVALID", "camera_config.auto_frame.yfov"),
    ),
    "a scene of nothing": ({"scene_id": "$no nodes"}, (INVALID, "SCENE_INVALID", "scene_id")),
    "a scene of a camera alone": ({"scene_id": "$no assets"}, (INVALID, "SCENE_INVALID", "scene_id")),
    "a model that shows nothing": ({"asset_id": "$empty"}, (INVALID, "SCENE_INVALID", "asset_id")),
    "a model scaled to nothing": ({"asset_id": "$zero"}, (INVALID, "SCENE_INVALID", "asset_id")),
    "a model of one point": ({"asset_id": "$a point"}, (INVALID, "SCENE_INVALID", "asset_id")),
    "a model scaled to 10^12 m": ({"asset_id": "$huge"}, (INVALID, "SCENE_INVALID", "asset_id")),
    "a model with coordinates of 10^12 m": ({"asset_id": "$vast"}, (INVALID, "SCENE_INVALID", "asset_id")),
    "a model 10^12 m away": ({"asset_id": "$far"}, (INVALID, "SCENE_INVALID", "asset_id")),
    "an asset that is not there": ({"asset_id": "$nobody"}, (NOT_FOUND, "NOT_FOUND", "asset_id")),
    "an asset that FAILED": ({"asset_id": "$broken"}, (PRECONDITION, "ASSET_NOT_READY", "asset_id")),
    "an asset that is a picture": ({"asset_id": "$picture"}, (PRECONDITION, "ASSET_NOT_READY", "asset_id")),
    "a scene that is not there": ({"scene_id": "$no scene"}, (NOT_FOUND, "NOT_FOUND", "scene_id")),
    "32k": (
        {"asset_id": "$plain", "resolution": {"width": 32768, "height": 32768}},
        (INVALID, "FIELD_INVALID", "resolution.width"),
    ),
    "more pixels than there may be": (
        {"asset_id": "$plain", "resolution": {"width": 8192, "height": 8192}},
        (INVALID, "FIELD_INVALID", "resolution"),
    ),
    "an environment that is a text": (
        {"asset_id": "$plain", "environment": {"asset_id": "$text"}},
        (PRECONDITION, "ASSET_NOT_READY", "environment.asset_id"),
    ),
    "an environment that is a model": (
        {"asset_id": "$plain", "environment": {"asset_id": "$plain"}},
        (PRECONDITION, "ASSET_NOT_READY", "environment.asset_id"),
    ),
    "an environment that is no panorama": (
        {"asset_id": "$plain", "environment": {"asset_id": "$picture"}},
        (PRECONDITION, "ASSET_NOT_READY", "environment.asset_id"),
    ),
    "an environment that is not there": (
        {"asset_id": "$plain", "environment": {"asset_id": "$nobody"}},
        (NOT_FOUND, "NOT_FOUND", "environment.asset_id"),
    ),
    "an environment that nobody knows": (
        {"asset_id": "$plain", "environment": {"builtin": "moon"}},
        (INVALID, "FIELD_INVALID", "environment.builtin"),
    ),
    "an animation that does not exist": (
        {"asset_id": "$moving", "animation": {"clip": "Run"}},
        (INVALID, "FIELD_INVALID", "animation.clip"),
    ),
    "a film of one that does not exist": (
        {"asset_id": "$moving", "animation_film": {"clip": "#2"}},
        (INVALID, "FIELD_INVALID", "animation_film.clip"),
    ),
    "an animation of what does not move": (
        {"asset_id": "$plain", "animation_film": {}},
        (INVALID, "FIELD_INVALID", "animation_film.clip"),
    ),
    "a time after a clip's end": (
        {"asset_id": "$moving", "animation": {"clip": "Blink", "seconds": 1.0}},
        (INVALID, "FIELD_INVALID", "animation.seconds"),
    ),
    "a time before its begin": (
        {"asset_id": "$moving", "animation": {"seconds": -1.0}},
        (INVALID, "FIELD_INVALID", "animation.seconds"),
    ),
    "a film after a clip's end": (
        {"asset_id": "$moving", "animation_film": {"clip": "Blink", "end_s": 2.0}},
        (INVALID, "FIELD_INVALID", "animation_film.end_s"),
    ),
    "a variant that does not exist": (
        {"asset_id": "$moving", "material_variant": "green"},
        (INVALID, "FIELD_INVALID", "material_variant"),
    ),
    "a film of 10^6 frames": (
        {"asset_id": "$plain", "camera_path": {"keyframes": KEYS, "fps": 20}},
        (INVALID, "FIELD_INVALID", "camera_path"),
    ),
    "a turntable of 10^6 frames": (
        {"asset_id": "$plain", "turntable": {"frames": 10**6}},
        (INVALID, "FIELD_INVALID", "turntable.frames"),
    ),
    "a film too large for its format": (
        {
            "asset_id": "$plain",
            "turntable": {"frames": 9000, "seconds": 300},
            "resolution": {"width": 1024, "height": 768},
        },
        (INVALID, "FIELD_INVALID", "resolution"),
    ),
    "an engine that nobody has": (
        {"asset_id": "$plain", "engine": "nosuch"},
        (PRECONDITION, "ENGINE_UNAVAILABLE", "engine"),
    ),
    "a format that holds no film": (
        {"asset_id": "$plain", "turntable": {}, "output_format": "EXR"},
        (INVALID, "FIELD_INVALID", "output_format"),
    ),
}


@pytest.mark.parametrize("case", AT_CREATION)
def test_bad_input_is_refused_when_the_job_is_created(assets, door, refused, case):
    asked, (code, reason, field) = AT_CREATION[case]
    with refused(reason) as refusal:
        door("CreateRenderJob", render_job=_filled({"resolution": SMALL, **asked}, assets))
    assert refusal.value.code == code
    assert f"render_job.{field}" in refusal.value.violations, refusal.value.violations
    assert refusal.value.message.endswith((".", "?")), "a sentence that says what to do"


# What only a worker finds out: (code, reason) of the job's error.
BY_A_WORKER = {
    "a scene of hidden nodes": ({"scene_id": "$all hidden"}, (INVALID, "SCENE_INVALID")),
    "a scene that scales its model to nothing": ({"scene_id": "$shrunk"}, (INVALID, "SCENE_INVALID")),
    "a scene that scales its model to 10^12 m": ({"scene_id": "$blown up"}, (INVALID, "SCENE_INVALID")),
}


@pytest.mark.parametrize("case", BY_A_WORKER)
def test_what_only_a_worker_finds_out_fails_the_job_with_a_reason(assets, grpc_door, case):
    asked, (code, reason) = BY_A_WORKER[case]
    job = grpc_door("CreateRenderJob", render_job=_filled({"resolution": SMALL, **asked}, assets))
    *_, last = grpc_door.watch("WatchRenderJob", job_id=job.job_id)
    assert last.render_job.status == RenderJob.FAILED
    assert (last.render_job.error.code, _reason(last.render_job.error)) == (code, reason)
    assert not last.render_job.outputs


def test_what_is_nearly_as_bad_is_drawn(assets, grpc_door):
    # Given moments, clips and variants just within what there is
    for asked in (
        {"animation": {"clip": "Blink", "seconds": 0.5}},
        {"animation": {"clip": "#1"}, "material_variant": "blue"},
        {"animation_film": {"clip": "Blink", "fps": 8}, "output_format": "GIF"},
    ):
        # Then they are drawn
        job = grpc_door("CreateRenderJob", render_job={"asset_id": assets["moving"], "resolution": SMALL, **asked})
        *_, last = grpc_door.watch("WatchRenderJob", job_id=job.job_id)
        assert last.render_job.status == RenderJob.COMPLETED, last.render_job.error
    assert (last.render_job.frame_count, last.render_job.animation_film.end_s) == (4, 0.5)


def test_every_length_and_variant_is_in_the_asset(assets, door):
    model = door("GetAsset", asset_id=assets["moving"]).model
    assert [(clip.name, clip.duration_s) for clip in model.animations] == [("Walk", 2.0), ("Blink", 0.5)]
    assert list(model.variant_names) == ["red", "blue"]


def test_workers_tell_what_outputs_they_write(door):
    outputs = {(each.format, each.codec): each for each in door("GetCapabilities").outputs}
    assert {("PNG", ""), ("EXR", ""), ("MP4", "AV1"), ("MP4", "H264"), ("ZIP", "")} <= set(outputs)
    assert outputs["MP4", "AV1"].available
    assert all(each.available != bool(each.unavailable_reason) for each in outputs.values())


def _filled(value: Any, assets: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, assets) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, assets) for each in value]
    return assets[value[1:]] if isinstance(value, str) and value.startswith("$") else value


def _reason(error: status_pb2.Status) -> str:
    info = error_details_pb2.ErrorInfo()
    (reason,) = [info.reason for detail in error.details if detail.Unpack(info)]
    return reason
