"""Cycles of Blender, through the bpy wheel, on the processor. GPL: run as a program of its own, never imported by us.

open: {"model", "size", "panorama", "samples", "bounces"}; draw: {"eye", "target", "yfov", "save"}. No adaptive
sampling, no denoising; data stays between pictures (`use_persistent_data`).
"""

from __future__ import annotations

import os
import tempfile

import bpy
from answering import answer
from mathutils import Vector


def open_scene(asked: dict) -> None:
    """The model, lit by the panorama, which the camera does not see."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=asked["model"])
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x = scene.render.resolution_y = asked["size"]
    scene.render.film_transparent = True
    scene.render.use_persistent_data = True
    scene.render.threads_mode, scene.render.threads = "FIXED", os.cpu_count()
    cycles = scene.cycles
    cycles.device, cycles.samples = "CPU", asked["samples"]
    cycles.use_adaptive_sampling = cycles.use_denoising = False
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = asked["bounces"]
    cycles.transmission_bounces = cycles.transparent_max_bounces = asked["bounces"]
    world = bpy.data.worlds.new("studio")
    world.use_nodes = True
    scene.world = world
    panorama = world.node_tree.nodes.new("ShaderNodeTexEnvironment")
    panorama.image = bpy.data.images.load(asked["panorama"])
    background = world.node_tree.nodes["Background"]
    world.node_tree.links.new(panorama.outputs["Color"], background.inputs["Color"])
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.data.sensor_fit = "VERTICAL"
    scene.collection.objects.link(camera)
    scene.camera = camera


def draw(asked: dict) -> None:
    """A picture, written as PNG: bpy has no other way out of a render result."""
    scene = bpy.context.scene
    eye, target = _in_blender(asked["eye"]), _in_blender(asked["target"])
    scene.camera.location = eye
    scene.camera.rotation_euler = (target - eye).to_track_quat("-Z", "Y").to_euler()
    scene.camera.data.angle_y = asked["yfov"]
    scene.render.filepath = asked.get("save") or os.path.join(tempfile.gettempdir(), "cycles.png")
    bpy.ops.render.render(write_still=True)


def _in_blender(point: list[float]) -> Vector:
    """+Y up to +Z up."""
    return Vector((point[0], -point[2], point[1]))


answer(open_scene, draw)
