"""The options of `threed render` that say where it is seen from. Several of them are several pictures."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threed_client import CameraConfig

_ABOUT = "By default all of it is in view, seen from the front left, above. Several cameras make a picture each."
_XYZ = ("X", "Y", "Z")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("camera", _ABOUT)
    group.add_argument(
        "--camera", action="append", default=[], metavar="NODE", help="a camera node of the scene, may be repeated"
    )
    group.add_argument(
        "--view",
        type=float,
        nargs=2,
        action="append",
        default=[],
        metavar=("YAW", "PITCH"),
        help="all of it in view from there, in degrees as below, may be repeated",
    )
    group.add_argument("--yaw", type=float, metavar="DEGREES", help="around the model; 0 is on +Z, 90 on +X")
    group.add_argument("--pitch", type=float, metavar="DEGREES", help="above the horizon")
    group.add_argument("--margin", type=float, metavar="PART", help="empty space around it, 0 to 0.45 (default: 0.05)")
    group.add_argument("--eye", type=float, nargs=3, metavar=_XYZ, help="where the camera is, in metres")
    group.add_argument("--target", type=float, nargs=3, metavar=_XYZ, help="what it looks at (default: 0 0 0)")
    group.add_argument("--up", type=float, nargs=3, metavar=_XYZ, help="what is up in the picture (default: 0 1 0)")
    group.add_argument(
        "--ortho", type=float, metavar="YMAG", help="no vanishing point: half the height seen, in metres; 0: all of it"
    )
    group.add_argument("--fov", type=float, default=0.0, metavar="DEGREES", help="vertical field of view (default: 35)")


def fields(arguments: argparse.Namespace) -> dict:
    """`camera_config` for one, `cameras` for several, nothing for none. Raises ValueError for contradictions."""
    found = _cameras(arguments)
    if len(found) > 1:
        return {"cameras": found}
    return {"camera_config": found[0]} if found else {}


def _cameras(arguments: argparse.Namespace) -> list[CameraConfig]:
    from threed_client import CameraConfig

    _check(arguments)
    found = [CameraConfig(scene_camera=node) for node in arguments.camera]
    found += [_framed(arguments, yaw, pitch) for yaw, pitch in arguments.view]
    if arguments.eye is not None:
        found.append(_placed(arguments))
    about = (arguments.yaw, arguments.pitch, arguments.margin)
    if not found and (arguments.fov or any(value is not None for value in about)):
        found.append(_framed(arguments, arguments.yaw, arguments.pitch))
    return found


def _check(arguments: argparse.Namespace) -> None:
    turned = arguments.yaw is not None or arguments.pitch is not None
    if turned and (arguments.camera or arguments.view or arguments.eye is not None):
        raise ValueError("--yaw and --pitch are one view. Give --view YAW PITCH for one of several cameras.")
    for name in ("target", "up", "ortho"):
        if getattr(arguments, name) is not None and arguments.eye is None:
            raise ValueError(f"--{name} needs --eye.")
    if arguments.ortho is not None and arguments.fov and not arguments.view:
        raise ValueError("--ortho has no field of view. Leave --fov out.")


def _framed(arguments: argparse.Namespace, yaw: float | None, pitch: float | None) -> CameraConfig:
    from threed_client import CameraConfig, CameraConfigAutoFrame

    return CameraConfig(
        auto_frame=CameraConfigAutoFrame(
            yaw=None if yaw is None else math.radians(yaw),
            pitch=None if pitch is None else math.radians(pitch),
            yfov=math.radians(arguments.fov),
            margin=arguments.margin,
        )
    )


def _placed(arguments: argparse.Namespace) -> CameraConfig:
    from threed_client import CameraConfig, CameraConfigLookAt, CameraConfigOrthographic

    place = {"eye": arguments.eye, "target": arguments.target or [0.0, 0.0, 0.0], "up": arguments.up or []}
    if arguments.ortho is not None:
        return CameraConfig(orthographic=CameraConfigOrthographic(**place, ymag=arguments.ortho))
    return CameraConfig(look_at=CameraConfigLookAt(**place, yfov=math.radians(arguments.fov)))
