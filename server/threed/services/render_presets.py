"""Render jobs by name: values for what a caller leaves out. docs/render.md shows the picture of each."""

from __future__ import annotations

from threed.v1.render_jobs_pb2 import CameraConfig, RenderJob, Resolution, Turntable
from threed.v1.scenes_pb2 import Background, Environment

_STUDIO = Environment(builtin="studio")
_SOFT = Environment(builtin="soft")
_CONTRAST = Environment(builtin="contrast")

# Both path traced ones end in time for the default limits of a job, whatever the machine: denoised, few samples do.
PRESETS: dict[str, RenderJob] = {
    # For lists and cards: small, at once, on any page's colour.
    "thumbnail": RenderJob(
        resolution=Resolution(width=512, height=512),
        output_format=RenderJob.WEBP,
        background=Background(transparent=True),
        environment=_STUDIO,
        camera_config=CameraConfig(auto_frame=CameraConfig.AutoFrame(margin=0.02)),
    ),
    # For shops: white, soft light, a shadow to stand on, as it was authored.
    "product": RenderJob(
        engine="path_traced",
        resolution=Resolution(width=2048, height=2048),
        samples=128,
        max_seconds=150,
        background=Background(color=Background.Color(r=1, g=1, b=1)),
        environment=_SOFT,
        ground_shadow=True,
        camera_config=CameraConfig(auto_frame=CameraConfig.AutoFrame(margin=0.1)),
    ),
    # Once around, for pages and messages.
    "turntable": RenderJob(
        resolution=Resolution(width=1024, height=1024),
        turntable=Turntable(frames=96, seconds=4),
        output_format=RenderJob.MP4,
        environment=_STUDIO,
    ),
    # The one large picture: path traced, before the dark that its light comes out of. In `studio` with AgX it was pale.
    "hero": RenderJob(
        engine="path_traced",
        resolution=Resolution(width=3840, height=2160),
        samples=256,
        max_seconds=300,
        background=Background(blurred_environment=0.5),
        environment=_CONTRAST,
        ground_shadow=True,
    ),
    # Full HD, of a motion that the caller gives; else once around in ten seconds.
    "film": RenderJob(
        resolution=Resolution(width=1920, height=1080),
        samples=4,
        turntable=Turntable(frames=240, seconds=10),
        output_format=RenderJob.MP4,
        environment=_STUDIO,
        ground_shadow=True,
    ),
}
