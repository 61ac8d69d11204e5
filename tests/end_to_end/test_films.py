"""Pictures from several cameras, and films, on a real stack: by gRPC and by REST."""

from __future__ import annotations

import hashlib
import io
import itertools
import zipfile

import numpy as np
import pytest
from PIL import Image
from tests.end_to_end.doors import get

from threed.v1.render_jobs_pb2 import RenderJob

SMALL = {"width": 64, "height": 64}


@pytest.fixture(scope="session")
def asset(project):
    """The textured, animated sample, uploaded and checked."""
    return project.asset


def made(door, **job) -> RenderJob:
    """Create a job, and watch it to its end."""
    created = door("CreateRenderJob", render_job={"resolution": SMALL, **job})
    *_, last = door.watch("WatchRenderJob", job_id=created.job_id)
    assert last.render_job.status == RenderJob.COMPLETED, last.render_job.error
    return last.render_job


def outputs(door, job: RenderJob) -> dict[str, bytes]:
    """Every output by its name, read by signed URLs without a token."""
    found = {}
    for output in job.outputs:
        answer = get(door("GetRenderJobDownloadUrl", job_id=job.job_id, output=output.name).url)
        assert (answer.status, answer.headers["content-type"]) == (200, output.media_type)
        assert (len(answer.body), hashlib.sha256(answer.body).hexdigest()) == (output.size_bytes, output.sha256)
        found[output.name] = answer.body
    return found


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)


def test_every_camera_gives_a_picture(door, asset):
    cameras = [{"auto_frame": {"yaw": yaw}} for yaw in (0.0, 1.6, 3.1)]
    job = made(door, asset_id=asset.asset_id, cameras=cameras, exposure=0.1 if door.name == "rest" else 0.2)
    assert (job.frame_count, job.frames_completed, job.engine_used) == (3, 3, "raster")
    found = outputs(door, job)
    assert list(found) == ["camera0.png", "camera1.png", "camera2.png"]
    assert [output.camera for output in job.outputs] == [0, 1, 2]
    first, second, third = (pixels(data) for data in found.values())
    assert first.shape == (64, 64, 4)
    assert all(np.abs(one - other).mean() > 1 for one, other in ((first, second), (second, third)))


def test_a_turntable_is_a_zip_of_frames(door, asset):
    # Given a turntable of frames that several workers draw
    table = {"frames": 9, "seconds": 0.9 if door.name == "rest" else 0.45}
    job = made(door, asset_id=asset.asset_id, turntable=table, output_format="ZIP")
    # Then every frame was drawn once, and is in the file
    frames = door("ListRenderFrames", job_id=job.job_id).frames
    assert [(frame.frame, frame.status, frame.attempts) for frame in frames] == [
        (number, RenderJob.COMPLETED, 1) for number in range(9)
    ]
    (output,) = job.outputs
    assert (output.name, output.frame_count, round(output.seconds, 3)) == ("film.zip", 9, table["seconds"])
    with zipfile.ZipFile(io.BytesIO(outputs(door, job)["film.zip"])) as archive:
        pictures = [pixels(archive.read(name)) for name in archive.namelist()]
    assert len(pictures) == 9
    assert all(np.abs(one - other).mean() > 0.1 for one, other in itertools.pairwise(pictures))


@pytest.mark.parametrize(
    ("format", "media_type"),
    [("MP4", "video/mp4"), ("WEBM", "video/webm"), ("GIF", "image/gif"), ("WEBP", "image/webp")],
)
def test_an_animation_is_a_film(grpc_door, asset, format, media_type):
    film = {"fps": 10, "end_s": 0.8}
    job = made(grpc_door, asset_id=asset.asset_id, animation_film=film, output_format=format)
    (output,) = job.outputs
    assert (output.media_type, output.frame_count, round(output.seconds, 3)) == (media_type, 8, 0.8)
    assert output.video_codec in ((1, 2) if format == "MP4" else (1,) if format == "WEBM" else (0,))
    data = outputs(grpc_door, job)[output.name]
    if format in ("GIF", "WEBP"):
        assert Image.open(io.BytesIO(data)).n_frames == 8


def test_the_same_film_is_not_drawn_again(door, asset):
    wanted = {"asset_id": asset.asset_id, "turntable": {"frames": 4}, "output_format": "ZIP", "resolution": SMALL}
    *_, first = door.watch("WatchRenderJob", job_id=door("CreateRenderJob", render_job=wanted).job_id)
    again = door("CreateRenderJob", render_job=wanted)
    assert (again.status, again.cached) == (RenderJob.COMPLETED, True)
    assert again.outputs == first.render_job.outputs
    assert not door("CreateRenderJob", render_job=wanted, no_cache=True).cached


def test_a_derivative_is_rendered_instead_of_its_asset(grpc_door, asset):
    recipe = {"steps": [{"simplify": {"ratio": 0.05, "error": 1}}, {"meshopt": {}}]}
    derivative = grpc_door("CreateDerivative", asset_id=asset.asset_id, derivative={"recipe": recipe})
    *_, last = grpc_door.watch("WatchDerivative", asset_id=asset.asset_id, derivative_id=derivative.derivative_id)
    job = made(grpc_door, asset_id=asset.asset_id, derivative_id=last.derivative.derivative_id)
    plain = made(grpc_door, asset_id=asset.asset_id)
    one, other = (pixels(outputs(grpc_door, each)["picture.png"]) for each in (job, plain))
    assert 0.1 < np.abs(one - other).mean() < 60


def test_a_watched_film_shows_previews_and_every_status(grpc_door, asset):
    wanted = {"asset_id": asset.asset_id, "turntable": {"frames": 16}, "output_format": "ZIP"}
    job = grpc_door("CreateRenderJob", render_job=wanted | {"resolution": {"width": 256, "height": 256}})
    seen = list(grpc_door.watch("WatchRenderJob", job_id=job.job_id, previews=True))
    statuses = list(dict.fromkeys(response.render_job.status for response in seen))
    assert statuses[-2:] == [RenderJob.PROCESSING, RenderJob.COMPLETED]
    progress = [response.render_job.progress for response in seen]
    assert progress == sorted(progress) and progress[-1] == 1
    assert [response.sequence for response in seen] == sorted({response.sequence for response in seen})
    shown = [response.preview for response in seen if response.HasField("preview")]
    assert shown, "no preview came"
    assert all(max(Image.open(io.BytesIO(preview.image)).size) <= 320 for preview in shown)


def test_what_ends_in_time_tells_progress_by_time(grpc_door, asset):
    # Given a picture of more samples than there is time for
    wanted = {"asset_id": asset.asset_id, "engine": "path_traced", "samples": 4096, "max_seconds": 4}
    job = grpc_door("CreateRenderJob", render_job=wanted | {"resolution": SMALL})
    # When it is watched
    seen = list(grpc_door.watch("WatchRenderJob", job_id=job.job_id))
    assert seen[-1].render_job.status == RenderJob.COMPLETED, seen[-1].render_job.error
    # Then it gets on faster than its samples, and so the time that is left is told from more than those
    drawn = [(each.render_job.progress, each.samples_done / each.samples) for each in seen if each.samples]
    assert any(progress > 0.1 + 0.85 * part + 0.1 for progress, part in drawn), drawn
    assert any(each.eta_s > 0 for each in seen)
