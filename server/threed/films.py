"""What a film is: how fast its frames follow each other, and how large it may be in each format.

Servers and workers both ask here, so that what no worker could write is refused before anything of it is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

from threed.v1.render_jobs_pb2 import RenderJob

# Of a turntable that does not say, and of other motions.
TURNTABLE_FRAMES, TURNTABLE_SECONDS, FPS = 48, 4.0, 24.0
LEAST_FPS, MOST_FPS = 0.1, 120.0


@dataclass(frozen=True)
class Limits:
    """`codecs`: those that a caller may name, the default first. `most_pixels` of a frame, and of all together.

    `even`: 4:2:0 has one colour for two by two pixels, and players disagree on half a pair.
    """

    codecs: tuple[str, ...] = ("",)
    most_pixels: int = 1 << 25
    most_pixels_in_all: int = 1 << 31
    most_edge: int = 16_383
    even: bool = False


# Up to 3840 x 2160 a frame of video, which is what players decode. A GIF's frames are in memory until it is written.
LIMITS: dict[str, Limits] = {
    "MP4": Limits(("AV1", "H264"), 1 << 23, 1 << 31, 8192, even=True),
    "WEBM": Limits(("AV1",), 1 << 23, 1 << 31, 8192, even=True),
    "WEBP": Limits(),
    "GIF": Limits(most_pixels=1 << 23, most_pixels_in_all=1 << 29),
    "ZIP": Limits(most_pixels_in_all=1 << 34),
}


def fps(job: RenderJob) -> float:
    """Frames a second of a film, with the defaults of a motion that does not say; 0 for what does not move."""
    motion = job.WhichOneof("motion")
    if motion == "turntable":
        return (job.turntable.frames or TURNTABLE_FRAMES) / (job.turntable.seconds or TURNTABLE_SECONDS)
    return (getattr(job, motion).fps or FPS) if motion else 0.0


def too_large(format: str, width: int, height: int, count: int) -> str:
    """Why `count` frames of so many pixels are no film of that format, a key of LIMITS; empty when they are."""
    limits, size = LIMITS[format], f"{width} x {height}"
    if limits.even and (width % 2 or height % 2):
        return f"{format} has no frames of {size} pixels: both must be even. Ask for one pixel more or less."
    if max(width, height) > limits.most_edge or width * height > limits.most_pixels:
        limit = f"at most {limits.most_pixels} pixels, and {limits.most_edge} an edge"
        return f"Frames of {size} pixels are too large for {format}: {limit}. Ask for smaller ones."
    if width * height * count > limits.most_pixels_in_all:
        limit = f"at most {limits.most_pixels_in_all} pixels in all frames"
        return f"{count} frames of {size} pixels are too much for {format}: {limit}. Ask for less."
    return ""
