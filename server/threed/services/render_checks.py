"""What of a render job does not go together: each refusal names the field. Nothing here asks the database."""

from __future__ import annotations

import math
from collections.abc import Mapping

from threed import extents
from threed.errors import FieldInvalid, SceneInvalid
from threed.settings import Settings
from threed.v1.render_jobs_pb2 import CameraConfig, RenderJob
from threed.v1.scenes_pb2 import Scene

_FILMS = (RenderJob.MP4, RenderJob.WEBM, RenderJob.GIF, RenderJob.ZIP)
_VIDEOS = (RenderJob.MP4, RenderJob.WEBM)
_STILLS = (RenderJob.PNG, RenderJob.JPEG, RenderJob.EXR)
_WITHOUT_ALPHA = (RenderJob.JPEG, RenderJob.MP4, RenderJob.WEBM)
# Below these, numbers of the projection overflow.
_LEAST_YFOV, _LEAST_YMAG = 1e-4, 1e-9  # radians, metres
# Only a path tracer knows radiance, and what is nearest in a pixel.
_TRACED = "path_traced"


def check(job: RenderJob, settings: Settings) -> None:
    """Raises FieldInvalid for a job, with its defaults, that cannot be made as it says."""
    _check_size(job, settings)
    _check_format(job)
    _check_engine(job)
    for field, config in cameras(job):
        _check_camera(field, config)
    for number, keyframe in enumerate(job.camera_path.keyframes):
        _check_look(f"render_job.camera_path.keyframes[{number}].look_at", keyframe.look_at)


def cameras(job: RenderJob) -> list[tuple[str, CameraConfig]]:
    """The cameras of a job, each with the path of its field."""
    if job.cameras:
        return [(f"render_job.cameras[{number}]", config) for number, config in enumerate(job.cameras)]
    return [("render_job.camera_config", job.camera_config)]


def check_scene_cameras(job: RenderJob, scene: Scene) -> None:
    """Raises SceneInvalid for a camera node that the scene does not have."""
    have = [node.id for node in scene.nodes if node.HasField("camera")]
    for field, config in cameras(job):
        if config.WhichOneof("view") == "scene_camera" and config.scene_camera not in have:
            listed = ", ".join(have[:10]) or "none"
            sentence = f"The scene has no camera node {config.scene_camera!r}. It has: {listed}."
            raise SceneInvalid(sentence, violations=((f"{field}.scene_camera", sentence),))


def check_extent(model: Mapping) -> None:
    """Raises SceneInvalid for a Model (JSON) that no camera can have in view. What moves may grow: a worker looks."""
    if "bounding_box" not in model:
        return
    box = model["bounding_box"]
    why = extents.wrong(box["min"], box["max"]) if box else "shows nothing: its default scene has no geometry."
    if why and not (model.get("animation_count") and box):
        sentence = f"The model {why}"
        raise SceneInvalid(sentence, violations=(("render_job.asset_id", sentence),))


def _check_size(job: RenderJob, settings: Settings) -> None:
    width, height, region = job.resolution.width, job.resolution.height, job.region
    pixels = region.width * region.height if job.HasField("region") else width * height
    if pixels > settings.max_render_pixels:
        sentence = f"The picture has {pixels} pixels; this server makes at most {settings.max_render_pixels}."
        _refuse("resolution", sentence)
    if job.HasField("region") and (region.x + region.width > width or region.y + region.height > height):
        _refuse("region", f"It is not in the picture of {width} x {height} pixels.")


def _check_format(job: RenderJob) -> None:
    name, motion = RenderJob.OutputFormat.Name(job.output_format), job.WhichOneof("motion")
    if motion and job.output_format in _STILLS:
        _refuse("output_format", f"{name} holds no film. Ask for MP4, WEBM, GIF, WEBP, or a ZIP of frames.")
    if not motion and job.output_format in _FILMS:
        _refuse("output_format", f"{name} needs something that moves: a turntable, animation_film or camera_path.")
    if job.background.transparent and job.output_format in _WITHOUT_ALPHA:
        _refuse(
            "output_format",
            f"{name} has no alpha channel. Ask for PNG or WEBP, or for a background that is not transparent.",
        )
    if job.video_codec and job.output_format not in _VIDEOS:
        _refuse("video_codec", f"{name} has none. Ask for MP4 or WEBM.")
    if job.video_codec == RenderJob.H264 and job.output_format == RenderJob.WEBM:
        _refuse("video_codec", "WEBM holds no H264. Ask for MP4, or for AV1.")
    if job.bit_depth == 16 and job.output_format != RenderJob.PNG:
        _refuse("bit_depth", f"{name} has no 16 bits a channel. Ask for PNG, or for EXR.")
    if motion and job.aovs:
        _refuse("aovs", "A film has no AOVs. Ask for a still picture.")
    if motion and job.cameras:
        _refuse("cameras", "A film has one camera. Give camera_config.")
    if job.HasField("camera_path") and job.HasField("camera_config"):
        _refuse("camera_config", "The camera_path says where the camera is. Leave one of them out.")


def _check_engine(job: RenderJob) -> None:
    """An engine for what only one can make, if the caller leaves it to us."""
    wants = "EXR" if job.output_format == RenderJob.EXR else "AOVs" if job.aovs else ""
    wants = wants or ("16 bits a channel" if job.bit_depth == 16 else "")
    if wants and job.engine not in ("", _TRACED):
        _refuse("engine", f"{job.engine} makes no {wants}. Leave it empty, or ask for {_TRACED}.")
    if wants:
        job.engine = _TRACED


def _check_camera(field: str, config: CameraConfig) -> None:
    kind = config.WhichOneof("view")
    if kind in ("look_at", "orthographic"):
        _check_look(f"{field}.{kind}", getattr(config, kind))
    if kind in ("look_at", "auto_frame"):
        _check_angle(f"{field}.{kind}.yfov", getattr(config, kind).yfov)
    magnified = config.orthographic.ymag
    if magnified and not _LEAST_YMAG <= magnified <= extents.MOST_M:
        _refuse_at(f"{field}.{kind}.ymag", f"It is {_LEAST_YMAG:g} to {extents.MOST_M:g} metres, or 0 for all.")


def _check_look(field: str, view: CameraConfig.LookAt | CameraConfig.Orthographic) -> None:
    """As engines do, who can tell of nothing but a scene: a direction, and an up that is another one."""
    reach = max(map(abs, (*view.eye, *view.target)))
    if reach > extents.MOST_M:
        _refuse_at(f"{field}.eye", f"eye and target are at most {extents.MOST_M:g} m from the origin. Move them.")
    back = [eye - target for eye, target in zip(view.eye, view.target, strict=True)]
    distance = math.hypot(*back)
    if distance == 0 or distance < 1e-12 * reach:
        _refuse_at(f"{field}.target", "eye and target are the same point. Move one of them.")
    up = list(view.up) or [0.0, 1.0, 0.0]
    largest = max(map(abs, up))
    if largest:
        up = [value / largest for value in up]
    across = (up[1] * back[2] - up[2] * back[1], up[2] * back[0] - up[0] * back[2], up[0] * back[1] - up[1] * back[0])
    if math.hypot(*across) < 1e-6 * distance * math.hypot(*up) or not largest:
        _refuse_at(f"{field}.up", "It is zero, or parallel to where the camera looks. Give another, such as 0, 0, 1.")


def _check_angle(field: str, yfov: float) -> None:
    if 0 < yfov < _LEAST_YFOV:
        _refuse_at(field, f"It is at least {_LEAST_YFOV:g} radians, or 0 for the default.")


def _refuse_at(field: str, sentence: str) -> None:
    raise FieldInvalid(sentence, violations=((field, sentence),))


def _refuse(field: str, sentence: str) -> None:
    _refuse_at(f"render_job.{field}", sentence)
