"""The options of `threed render`, and the RenderJob that they describe. What is not given is left to the server."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from threed.cli import render_cameras, render_motion

if TYPE_CHECKING:
    from threed_client import Background, Environment, RenderJob, RenderJobOutputFormat, Resolution

ENDINGS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".exr": "EXR",
    ".mp4": "MP4",
    ".webm": "WEBM",
    ".gif": "GIF",
    ".zip": "ZIP",
}
_FORMATS = tuple(dict.fromkeys(name.lower() for name in ENDINGS.values()))
_TONE_MAPPINGS = {"neutral": "PBR_NEUTRAL", "agx": "AGX", "aces": "ACES", "linear": "LINEAR"}
_AOVS = ("depth", "normal", "albedo", "object_id", "alpha")
_BLUR = 0.5
_SIDE = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Every field of RenderJob."""
    parser.add_argument("id", metavar="ID", help="an asset (ast_...) or a scene (scn_...)")
    parser.add_argument("--preset", default="", help="thumbnail, product, turntable, hero or film: see docs/render.md")
    parser.add_argument("--derivative", default="", metavar="ID", help="draw this derivative (drv_...) of the asset")
    parser.add_argument("--variant", default="", metavar="NAME", help="a material variant of the models")
    parser.add_argument("--engine", default="", help="see `threed capabilities` (default: the best there is)")
    parser.add_argument("--priority", type=int, default=0, help="higher ones start first, -100 to 100 (default: 0)")
    _add_format(parser.add_argument_group("format"))
    render_cameras.add_arguments(parser)
    render_motion.add_arguments(parser)
    _add_look(parser.add_argument_group("look"))


def _add_format(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--format", choices=_FORMATS, help="default: by the output's ending, else png, with motion mp4")
    group.add_argument("--codec", choices=("av1", "h264"), help="of mp4 and webm (default: av1)")
    group.add_argument("--bit-depth", type=int, choices=(8, 16), default=0, help="bits a channel of png (default: 8)")
    group.add_argument("--width", type=int, help=f"pixels (default: {_SIDE}, or the height)")
    group.add_argument("--height", type=int, help=f"pixels (default: {_SIDE}, or the width)")
    group.add_argument(
        "--region", type=int, nargs=4, metavar=("X", "Y", "W", "H"), help="draw only this part of it, in pixels"
    )
    group.add_argument(
        "--aov",
        action="append",
        choices=_AOVS,
        default=[],
        dest="aovs",
        metavar="LAYER",
        help=f"another picture beside it, may be repeated: {', '.join(_AOVS)}",
    )


def _add_look(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--samples", type=int, default=0, help="samples a pixel (default: the engine's)")
    group.add_argument(
        "--max-seconds", type=float, default=0.0, metavar="SECONDS", help="the best picture in this time, a frame"
    )
    group.add_argument("--no-denoise", action="store_true", help="leave the noise of a path traced picture in it")
    behind = group.add_mutually_exclusive_group()
    behind.add_argument(
        "--background", metavar="WHAT", help="#rrggbb, environment, blurred, blurred:0.8 (0 to 1) or transparent"
    )
    behind.add_argument(
        "--transparent", action="store_const", const="transparent", dest="background", help="--background transparent"
    )
    group.add_argument("--ground-shadow", action="store_true", help="a shadow to stand on")
    group.add_argument("--environment", metavar="NAME", help="a built-in one, or an asset (ast_...) to light it with")
    group.add_argument("--rotation", type=float, metavar="DEGREES", help="of the environment, around the model")
    group.add_argument("--intensity", type=float, metavar="FACTOR", help="of the environment (default: 1)")
    group.add_argument("--tone-mapping", choices=_TONE_MAPPINGS, help="(default: neutral)")
    group.add_argument("--exposure", type=float, default=0.0, metavar="STOPS", help="(default: 0)")


def job(arguments: argparse.Namespace) -> RenderJob:
    """The job that the arguments describe. Raises ValueError when they contradict each other."""
    from threed_client import Region, RenderJob, RenderJobAov, RenderJobToneMapping, RenderJobVideoCodec

    tone_mapping = _TONE_MAPPINGS.get(arguments.tone_mapping or "", "TONE_MAPPING_UNSPECIFIED")
    codec = arguments.codec.upper() if arguments.codec else "VIDEO_CODEC_UNSPECIFIED"
    region = dict(zip(("x", "y", "width", "height"), arguments.region, strict=True)) if arguments.region else None
    return RenderJob(
        **{_source_field(arguments.id): arguments.id},
        **render_cameras.fields(arguments),
        **render_motion.fields(arguments),
        preset=arguments.preset,
        derivative_id=arguments.derivative,
        material_variant=arguments.variant,
        engine=arguments.engine,
        priority=arguments.priority,
        output_format=_format(arguments),
        video_codec=RenderJobVideoCodec[codec],
        bit_depth=arguments.bit_depth,
        resolution=_resolution(arguments),
        region=Region(**region) if region else None,
        aovs=[RenderJobAov[name.upper()] for name in dict.fromkeys(arguments.aovs)],
        samples=arguments.samples,
        max_seconds=arguments.max_seconds,
        denoise=False if arguments.no_denoise else None,
        background=_background(arguments.background) if arguments.background else None,
        ground_shadow=arguments.ground_shadow,
        environment=_environment(arguments),
        tone_mapping=RenderJobToneMapping[tone_mapping],
        exposure=arguments.exposure,
    )


def _source_field(id: str) -> str:
    """The field of RenderJob that an id belongs in. Raises ValueError for an id of something else."""
    for prefix, field in (("ast_", "asset_id"), ("scn_", "scene_id")):
        if id.startswith(prefix):
            return field
    raise ValueError(f"Give the id of an asset (ast_...) or of a scene (scn_...); got {id!r}.")


def _format(arguments: argparse.Namespace) -> RenderJobOutputFormat:
    from threed_client import RenderJobOutputFormat

    if arguments.format:
        return RenderJobOutputFormat[arguments.format.upper()]
    output: Path | None = arguments.output
    if output is None:
        return RenderJobOutputFormat.OUTPUT_FORMAT_UNSPECIFIED
    if output.suffix.lower() not in ENDINGS:
        raise ValueError(
            f"{output} ends in no format that can be made. Name it {', '.join(ENDINGS)}, or give --format."
        )
    return RenderJobOutputFormat[ENDINGS[output.suffix.lower()]]


def _resolution(arguments: argparse.Namespace) -> Resolution | None:
    """None when nothing is said: the preset's, else the server's default."""
    from threed_client import Resolution

    width, height = arguments.width, arguments.height
    if width is None and height is None:
        return None
    return Resolution(width=height if width is None else width, height=width if height is None else height)


def _background(text: str) -> Background:
    """`#rrggbb` as people write colours, in sRGB; the contract has them linear."""
    from threed_client import Background, BackgroundColor

    if text == "transparent":
        return Background(transparent=True)
    if text == "environment":
        return Background(environment=True)
    if blurred := re.fullmatch(r"blurred(?::(1|1\.0+|0?\.\d+|0))?", text):
        return Background(blurred_environment=float(blurred[1] or _BLUR))
    if re.fullmatch("#[0-9a-fA-F]{6}", text):
        red, green, blue = (_linear(value / 255) for value in bytes.fromhex(text[1:]))
        return Background(color=BackgroundColor(r=red, g=green, b=blue))
    raise ValueError(f"{text!r} is no background. Give #rrggbb, environment, blurred, blurred:0.8 or transparent.")


def _linear(value: float) -> float:
    """Of sRGB, 0 to 1 (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _environment(arguments: argparse.Namespace) -> Environment | None:
    from threed_client import Environment

    given: dict = {}
    if arguments.environment:
        given["asset_id" if arguments.environment.startswith("ast_") else "builtin"] = arguments.environment
    if arguments.rotation is not None:
        given["rotation"] = math.radians(arguments.rotation)
    if arguments.intensity is not None:
        given["intensity"] = arguments.intensity
    return Environment(**given) if given else None
