"""Models that move, from numbers: what the tests of animations, skins and morph targets look at."""

from __future__ import annotations

import math

import numpy as np

from threed_workers.budget import Budget
from threed_workers.document import Builder, Document, read_glb
from threed_workers.samples import glb_bytes
from threed_workers.samples.shapes import box

HALF = math.sqrt(0.5)
QUARTER_TURN = [0.0, 0.0, HALF, HALF]  # around +Z
NO_TURN = [0.0, 0.0, 0.0, 1.0]


class Stage:
    """A document in the making: meshes, and animations whose channels are (node, path, times, values[, how])."""

    def __init__(self) -> None:
        self.builder = Builder("tests")

    def mesh(self, points: np.ndarray, triangles: np.ndarray | list, extra: dict | None = None, **more) -> int:
        attributes = {"POSITION": self.builder.positions(points), **(extra or {})}
        primitive = {
            "attributes": attributes,
            "indices": self.builder.indices(np.asarray(triangles), len(points)),
            **more,
        }
        return self.builder.add("meshes", {"primitives": [primitive]})

    def animation(self, *channels: tuple, name: str | None = None) -> None:
        samplers, listed = [], []
        for node, path, times, values, *how in channels:
            keys = self.builder.accessor(np.asarray(times, np.float32), bounds=True)
            output = self.builder.accessor(np.asarray(values, np.float32))
            samplers.append({"input": keys, "output": output, **({"interpolation": how[0]} if how else {})})
            target = {"node": node, "path": path} if isinstance(node, int) else pointed(node)
            listed.append({"sampler": len(samplers) - 1, "target": target})
        entry = {"samplers": samplers, "channels": listed, **({"name": name} if name else {})}
        self.builder.add("animations", entry)

    def done(self) -> Document:
        return reread(self.builder.finish())


def pointed(pointer: str) -> dict:
    return {"path": "pointer", "extensions": {"KHR_animation_pointer": {"pointer": pointer}}}


def reread(document: Document) -> Document:
    """The document as a job would open it."""
    return read_glb(memoryview(glb_bytes(document)), Budget())


def turning_cube(**node) -> Document:
    """A cube of 1 m at x = 2 below a node that turns a quarter around +Z in a second: `turn`, and `#1`, which lifts."""
    stage = Stage()
    points, normals, _, _, triangles = box(0.5)
    normal = {"NORMAL": stage.builder.attribute(normals.astype(np.float32))}
    mesh = stage.mesh(points, triangles, normal)
    stage.builder.add("nodes", {"children": [1]})
    stage.builder.add("nodes", {"mesh": mesh, "translation": [2, 0, 0], **node})
    stage.animation((0, "rotation", [0, 1], [NO_TURN, QUARTER_TURN]), name="turn")
    stage.animation((0, "translation", [0, 2], [[0, 0, 0], [0, 4, 0]]))
    return stage.done()


def bending_arm(joint_sets: int = 1, joints: int = 2, depth: float = 0.25) -> Document:
    """An arm of 2 m along +X. The joint at x = 1 bends it a quarter around +Z in a second: its far end is at (1, 1).

    With more `joints` than two, those beyond stay where they are and move nothing. Of two `joint_sets` the second
    holds what moves.
    """
    stage = Stage()
    along = np.linspace(0, 2, 9)
    ring = np.array([[0, -depth, -depth], [0, depth, -depth], [0, depth, depth], [0, -depth, depth]])
    points = (ring[None] + np.array([1.0, 0, 0]) * along[:, None, None]).reshape(-1, 3)
    triangles = []
    for start in range(0, 4 * (len(along) - 1), 4):
        for side in range(4):
            a, b = start + side, start + (side + 1) % 4
            triangles += [[a, b, b + 4], [a, b + 4, a + 4]]
    triangles += [[0, 2, 1], [0, 3, 2], [32, 33, 34], [32, 34, 35]]
    normals = points * [0, 1, 1] / np.linalg.norm(points * [0, 1, 1], axis=1, keepdims=True)
    far = points[:, 0] > 1
    lanes = np.zeros((len(points), 4), np.uint16)
    lanes[:, 0] = far * (joints - 1)
    full, none = np.tile(np.float32([1, 0, 0, 0]), (len(points), 1)), np.zeros((len(points), 4), np.float32)
    attribute = stage.builder.attribute
    extra = {"NORMAL": attribute(normals.astype(np.float32))}
    for n in range(joint_sets):
        last = n == joint_sets - 1
        extra[f"JOINTS_{n}"] = attribute(lanes if last else np.zeros_like(lanes))
        extra[f"WEIGHTS_{n}"] = attribute(full if last else none)
    mesh = stage.mesh(points, np.array(triangles)[:, ::-1], extra)
    bones = [stage.builder.add("nodes", {"name": f"bone {n}"}) for n in range(joints)]
    stage.builder.json["nodes"][bones[0]]["children"] = bones[1:]
    stage.builder.json["nodes"][bones[-1]]["translation"] = [1, 0, 0]
    inverse = np.tile(np.eye(4, dtype=np.float32), (joints, 1, 1))
    inverse[-1, 3, 0] = -1  # rows here are columns there
    skin = {"joints": bones, "inverseBindMatrices": stage.builder.accessor(inverse.reshape(-1, 16))}
    # Its own place counts for nothing: only the joints move it.
    held = {"mesh": mesh, "skin": stage.builder.add("skins", skin), "translation": [9, 9, 9]}
    stage.builder.add("nodes", held)
    stage.animation((bones[-1], "rotation", [0, 1], [NO_TURN, QUARTER_TURN]), name="bend")
    return stage.done()


def growing_box() -> Document:
    """A box whose target `tall` lifts its upper side by 2 m, and `wide` its right side by 1 m; tall in a second."""
    stage = Stage()
    points, normals, _, _, triangles = box(0.5)
    tall, wide = np.zeros_like(points), np.zeros_like(points)
    tall[points[:, 1] > 0, 1], wide[points[:, 0] > 0, 0] = 2, 1
    targets = [{"POSITION": stage.builder.positions(each)} for each in (tall, wide)]
    normal = {"NORMAL": stage.builder.attribute(normals.astype(np.float32))}
    mesh = stage.mesh(points, triangles, normal, targets=targets)
    stage.builder.add("nodes", {"mesh": mesh})
    stage.animation((0, "weights", [0, 1], [0.0, 0.5, 1.0, 0.5]), name="grow")
    return stage.done()
