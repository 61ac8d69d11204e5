"""pyrender on EGL, with a lamp at the camera; it has no light from an environment.

open: {"model", "size"}; draw: {"eye", "target", "yfov", "save"}.
"""

from __future__ import annotations

import os

os.environ["PYOPENGL_PLATFORM"] = "egl"  # before the import

import sys
import types
from typing import Any

import numpy as np

viewer = types.ModuleType("pyrender.viewer")  # it wants a window system
viewer.Viewer = object
sys.modules["pyrender.viewer"] = viewer

import pyrender  # noqa: E402
import trimesh  # noqa: E402
from answering import answer  # noqa: E402

_open: dict[str, Any] = {}


def open_scene(asked: dict) -> None:
    """The model and a light from all sides."""
    model = trimesh.load(asked["model"], force="scene")
    _open["scene"] = pyrender.Scene.from_trimesh_scene(model, ambient_light=[0.25] * 3, bg_color=[255] * 4)
    _open["renderer"] = pyrender.OffscreenRenderer(asked["size"], asked["size"])


def draw(asked: dict) -> None:
    """A picture, as an array."""
    scene, pose = _open["scene"], _looking(np.array(asked["eye"]), np.array(asked["target"]))
    camera = scene.add(pyrender.PerspectiveCamera(yfov=asked["yfov"], znear=0.05, zfar=100), pose=pose)
    lamp = scene.add(pyrender.DirectionalLight(intensity=6), pose=pose)
    image, _ = _open["renderer"].render(scene)
    scene.remove_node(camera)
    scene.remove_node(lamp)
    if asked.get("save"):
        from PIL import Image

        Image.fromarray(image).save(asked["save"])


def _looking(eye: np.ndarray, target: np.ndarray) -> np.ndarray:
    back = (eye - target) / np.linalg.norm(eye - target)
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :4] = np.stack([right, np.cross(back, right), back, eye], axis=1)
    return pose


answer(open_scene, draw)
