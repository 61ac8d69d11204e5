"""F3D 4.0 as a library, without a window. One engine for all scenes.

open: {"model", "size", "panorama": a file, or "" for none}; draw: {"eye", "target", "yfov", "save"}.
"""

from __future__ import annotations

import math

import f3d
from answering import answer

f3d.Log.set_verbose_level(f3d.Log.VerboseLevel.QUIET)
_engine = f3d.Engine.create_egl()


def open_scene(asked: dict) -> None:
    """Replace what is shown."""
    _engine.scene.clear()
    if asked["panorama"]:
        _engine.options["render.hdri.file"] = asked["panorama"]
        _engine.options["render.hdri.ambient"] = True
    _engine.options["render.effect.antialiasing.mode"] = "fxaa"
    _engine.options["render.effect.tone_mapping"] = True
    _engine.scene.add(asked["model"])
    _engine.window.size = (asked["size"], asked["size"])


def draw(asked: dict) -> None:
    """A picture, as bytes in memory."""
    camera = _engine.window.camera
    camera.position, camera.focal_point = tuple(asked["eye"]), tuple(asked["target"])
    camera.view_up, camera.view_angle = (0.0, 1.0, 0.0), math.degrees(asked["yfov"])
    picture = _engine.window.render_to_image()
    if not picture.content:
        raise RuntimeError("F3D drew nothing")
    if asked.get("save"):
        picture.save(asked["save"])


answer(open_scene, draw)
