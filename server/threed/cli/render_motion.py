"""The options of `threed render` that say when: a moment of an animation, or what moves in a film."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threed_client import CameraPath

# Which options say something about which motion.
_BELONG = {
    "seconds": ("turntable",),
    "turns": ("turntable",),
    "axis": ("turntable",),
    "fps": ("animation", "path"),
    "start": ("animation",),
    "end": ("animation",),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("motion", "Nothing of it: a still picture of the first moment.")
    group.add_argument("--clip", metavar="NAME", help="a picture of this animation: its name, or #0, #1 ...")
    group.add_argument("--time", type=float, metavar="SECONDS", help="and of this moment (default: 0)")
    what = group.add_mutually_exclusive_group()
    what.add_argument("--turntable", type=int, nargs="?", const=0, metavar="FRAMES", help="once around (default: 48)")
    what.add_argument(
        "--animation", type=_clip, nargs="?", const="", metavar="CLIP", help="play it: its name, or #0 (default: #0)"
    )
    what.add_argument("--path", type=Path, metavar="FILE", help="a camera path as JSON: see docs/render.md")
    group.add_argument("--seconds", type=float, help="how long a turntable takes (default: 4)")
    group.add_argument("--turns", type=float, help="how often around; negative: clockwise (default: 1)")
    group.add_argument("--axis", type=float, nargs=3, metavar=("X", "Y", "Z"), help="around what (default: 0 1 0)")
    group.add_argument("--fps", type=float, help="frames a second of an animation or a path (default: 24)")
    group.add_argument("--start", type=float, metavar="SECONDS", help="of the animation, from there")
    group.add_argument("--end", type=float, metavar="SECONDS", help="to there (default: its end)")


def fields(arguments: argparse.Namespace) -> dict:
    """The fields of RenderJob about time. Raises ValueError for options that need another, OSError for the file."""
    from threed_client import AnimationFilm, AnimationMoment, Turntable

    _check(arguments)
    found: dict = {}
    if arguments.clip is not None or arguments.time is not None:
        found["animation"] = AnimationMoment(clip=arguments.clip or "", seconds=arguments.time or 0.0)
    if arguments.turntable is not None:
        found["turntable"] = Turntable(
            frames=arguments.turntable,
            seconds=arguments.seconds or 0.0,
            turns=arguments.turns,
            axis=arguments.axis or [],
        )
    if arguments.animation is not None:
        found["animation_film"] = AnimationFilm(
            clip=arguments.animation,
            fps=arguments.fps or 0.0,
            start_s=arguments.start or 0.0,
            end_s=arguments.end or 0.0,
        )
    if arguments.path is not None:
        found["camera_path"] = _read(arguments.path, arguments.fps)
    return found


def _check(arguments: argparse.Namespace) -> None:
    for name, motions in _BELONG.items():
        if getattr(arguments, name) is not None and all(getattr(arguments, motion) is None for motion in motions):
            raise ValueError(f"--{name} needs {' or '.join(f'--{motion}' for motion in motions)}.")


def _read(path: Path, fps: float | None) -> CameraPath:
    """A camera path of the contract. Raises ValueError when the file has none."""
    from threed_client import CameraPath

    try:
        found = CameraPath.from_json(path.read_text())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no camera path: {error}") from error
    if len(found.keyframes) < 2:
        raise ValueError(f"{path} is no camera path: it needs at least 2 keyframes.")
    if fps is not None:
        found.fps = fps
    return found


def _clip(text: str) -> str:
    """A clip's name. An id that was meant for the command is not taken for one."""
    if text.startswith(("ast_", "scn_")):
        raise argparse.ArgumentTypeError(f"{text} is taken for the clip. Write the id before --animation.")
    return text
