"""Make a picture of an asset or a scene and write it to a file. Interrupting the command cancels the job."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from threed.cli import connection, showing, upload
from threed.cli.terminal import Progress, plain

if TYPE_CHECKING:
    from threed_client import CameraConfig, Client, RenderJob

HELP = "make a picture of an asset or a scene"

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_TONE_MAPPINGS = {"neutral": "PBR_NEUTRAL", "agx": "AGX", "aces": "ACES", "linear": "LINEAR"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="an asset (ast_...) or a scene (scn_...)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: the id, in this folder")
    parser.add_argument("--format", choices=("png", "jpeg", "webp"), help="default: by the output's ending, else png")
    parser.add_argument("--width", type=int, default=1024, help="pixels (default: %(default)s)")
    parser.add_argument("--height", type=int, default=1024, help="pixels (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=0, help="samples a pixel (default: the engine's)")
    parser.add_argument("--engine", default="", help="see `threed capabilities` (default: the best there is)")
    parser.add_argument("--transparent", action="store_true", help="nothing behind the model, with an alpha channel")
    parser.add_argument("--environment", metavar="NAME", help="a built-in one, or an asset (ast_...) to light it with")
    parser.add_argument("--tone-mapping", choices=_TONE_MAPPINGS, help="(default: neutral)")
    parser.add_argument("--exposure", type=float, default=0.0, metavar="STOPS", help="(default: 0)")
    parser.add_argument("--json", action="store_true", help="print the finished job as one line of JSON")
    camera = parser.add_argument_group("camera", "By default all of it is in view, seen from the front left, above.")
    camera.add_argument("--camera", metavar="NODE", help="a camera node of the scene")
    camera.add_argument("--yaw", type=float, metavar="DEGREES", help="around the model; 0 is on +Z, 90 on +X")
    camera.add_argument("--pitch", type=float, metavar="DEGREES", help="above the horizon")
    camera.add_argument("--eye", type=float, nargs=3, metavar=("X", "Y", "Z"), help="where the camera is, in metres")
    camera.add_argument(
        "--target", type=float, nargs=3, metavar=("X", "Y", "Z"), help="what it looks at (default: 0 0 0)"
    )
    camera.add_argument(
        "--fov", type=float, default=0.0, metavar="DEGREES", help="vertical field of view (default: 35)"
    )
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    from threed_client import RenderJobStatus

    wanted = _job(arguments)
    output = arguments.output or Path(f"{arguments.id}.{wanted.output_format.name.lower()}")
    with connection.connect(arguments) as client, Progress() as progress:
        job = _create(client, wanted, progress)
        with _cancelled_by_interrupt(client, job):
            for change in client.renders.watch(job.job_id):
                job = change.render_job
                progress.part(output.name, job.progress, job.phase)
        if job.status is RenderJobStatus.COMPLETED:
            client.renders.download(job.job_id, output)
    if arguments.json:
        print(job.to_json())
    elif job.status is RenderJobStatus.COMPLETED:
        print(f"{plain(output)}  {showing.job_line(job)}")
    if job.status is not RenderJobStatus.COMPLETED:
        print(f"threed render: {showing.job_line(job)}", file=sys.stderr)
        return 1
    return 0


def _job(arguments: argparse.Namespace) -> RenderJob:
    """The job that the arguments describe. Raises ValueError when they contradict each other."""
    from threed_client import (
        Background,
        Environment,
        RenderJob,
        RenderJobOutputFormat,
        RenderJobToneMapping,
        Resolution,
    )

    ending = arguments.output.suffix.lower() if arguments.output else ".png"
    if not arguments.format and ending not in _FORMATS:
        raise ValueError(
            f"{arguments.output} ends in no picture format. Name it .png, .jpg or .webp, or give --format."
        )
    name = arguments.format.upper() if arguments.format else _FORMATS[ending]
    environment = None
    if arguments.environment:
        source = "asset_id" if arguments.environment.startswith("ast_") else "builtin"
        environment = Environment(**{source: arguments.environment})
    tone_mapping = _TONE_MAPPINGS.get(arguments.tone_mapping or "", "TONE_MAPPING_UNSPECIFIED")
    return RenderJob(
        **{source_field(arguments.id): arguments.id},
        camera_config=_camera(arguments),
        engine=arguments.engine,
        output_format=RenderJobOutputFormat[name],
        resolution=Resolution(width=arguments.width, height=arguments.height),
        samples=arguments.samples,
        background=Background(transparent=True) if arguments.transparent else None,
        environment=environment,
        tone_mapping=RenderJobToneMapping[tone_mapping],
        exposure=arguments.exposure,
    )


def source_field(id: str) -> str:
    """The field of RenderJob that an id belongs in. Raises ValueError for an id of something else."""
    for prefix, field in (("ast_", "asset_id"), ("scn_", "scene_id")):
        if id.startswith(prefix):
            return field
    raise ValueError(f"Give the id of an asset (ast_...) or of a scene (scn_...); got {id!r}.")


def _camera(arguments: argparse.Namespace) -> CameraConfig | None:
    from threed_client import CameraConfig, CameraConfigAutoFrame, CameraConfigLookAt

    framed = arguments.yaw is not None or arguments.pitch is not None
    if sum((bool(arguments.camera), framed, arguments.eye is not None)) > 1:
        raise ValueError("Give one of --camera, --eye, and --yaw with --pitch.")
    if arguments.target is not None and arguments.eye is None:
        raise ValueError("--target needs --eye.")
    if arguments.camera:
        return CameraConfig(scene_camera=arguments.camera)
    yfov = math.radians(arguments.fov)
    if arguments.eye is not None:
        target = arguments.target or [0.0, 0.0, 0.0]
        return CameraConfig(look_at=CameraConfigLookAt(eye=arguments.eye, target=target, yfov=yfov))
    if framed or yfov:
        yaw = None if arguments.yaw is None else math.radians(arguments.yaw)
        pitch = None if arguments.pitch is None else math.radians(arguments.pitch)
        return CameraConfig(auto_frame=CameraConfigAutoFrame(yaw=yaw, pitch=pitch, yfov=yfov))
    return None


def _create(client: Client, wanted: RenderJob, progress: Progress) -> RenderJob:
    """Create the job; an asset that is still being checked is waited for first."""
    from threed_client.errors import FailedPrecondition

    try:
        return client.renders.create(wanted)
    except FailedPrecondition as error:
        if error.reason != "ASSET_NOT_READY" or not wanted.asset_id:
            raise
    upload.follow(client, client.assets.get(wanted.asset_id), progress)
    return client.renders.create(wanted)


@contextlib.contextmanager
def _cancelled_by_interrupt(client: Client, job: RenderJob):
    try:
        yield
    except KeyboardInterrupt:
        client.within(5).renders.cancel(job.job_id)
        raise
