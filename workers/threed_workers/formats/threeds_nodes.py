"""The keyframer of 3DS to glTF: nodes, cameras, lights and animations."""

from __future__ import annotations

import math

import numpy as np

from threed.errors import FileTooComplex, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats.phong import linear
from threed_workers.formats.threeds_meshes import Meshes
from threed_workers.formats.threeds_model import FRAMES_PER_SECOND, Camera, Lamp, Mesh, Node, Scene
from threed_workers.formats.threeds_tracks import quaternions

LIGHTS = "KHR_lights_punctual"
_Y_UP = [-math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5)]  # a quarter turn about X
_ASPECT = 4 / 3  # of the pictures that 3D Studio made


def add_nodes(builder: Builder, scene: Scene, meshes: Meshes, budget: Budget) -> None:
    """A root, the keyframer's nodes in their hierarchy, and every object that it does not name."""
    if len(scene.nodes) + len(scene.meshes) > budget.nodes:
        raise FileTooComplex(f"The file has more than {budget.nodes} nodes.", where="keyframer")
    root = builder.add("nodes", {"name": "3ds", "rotation": _Y_UP})
    made = [_keyframed(builder, scene, meshes, node) for node in scene.nodes]
    children = _place_in_tree(builder, scene, made)
    shown = {node.name for node in scene.nodes}
    for mesh in scene.meshes.values():
        if mesh.name not in shown:
            children.append(_plain_mesh(builder, mesh, meshes))
    for title, camera in scene.cameras.items():
        if title not in shown:
            children.append(_add(builder, title, camera=_camera(builder, camera), matrix=_aim_of_camera(camera)))
    for title, lamp in scene.lamps.items():
        if title not in shown:
            children.append(_add(builder, title, **_light(builder, scene, lamp), matrix=_aim_of_lamp(lamp)))
    if children:
        builder.json["nodes"][root]["children"] = children
    _animate(builder, scene, made)


def _place_in_tree(builder: Builder, scene: Scene, made: list[int | None]) -> list[int]:
    """Hang nodes under their parents, and give those without one. Cycles are found by the document's checks."""
    numbers = {node.number: place for place, node in enumerate(scene.nodes) if node.number is not None}
    roots = []
    for place, node in enumerate(scene.nodes):
        if made[place] is None:
            continue
        parent = numbers.get(node.parent) if node.parent is not None else None
        # Files without numbers count the lines.
        if parent is None and node.parent is not None and not numbers and node.parent < len(scene.nodes):
            parent = node.parent
        if parent == place:
            raise FileValuesInvalid("A node is its own parent.", where=f"node {node.name[:60]!r}")
        if parent is None or made[parent] is None:
            roots.append(made[place])
        else:
            builder.json["nodes"][made[parent]].setdefault("children", []).append(made[place])
    return roots


def _keyframed(builder: Builder, scene: Scene, meshes: Meshes, node: Node) -> int | None:
    """The glTF node of a keyframer's line, in the pose of its first keys; None for targets, which nothing shows."""
    title = node.instance or node.name
    if node.kind == "target":
        return None
    if node.kind == "camera":
        camera = scene.cameras.get(node.name)
        return camera and _add(builder, title, camera=_camera(builder, camera), matrix=_aim_of_camera(camera))
    if node.kind == "light":
        lamp = scene.lamps.get(node.name)
        return lamp and _add(builder, title, **_light(builder, scene, lamp), matrix=_aim_of_lamp(lamp))
    entry: Json = {}
    mesh = scene.meshes.get(node.name)
    if mesh is not None:
        index = meshes.add(mesh, _to_pivot(mesh, node))
        entry = {} if index is None else {"mesh": index}
    for path, values in _poses(node).items():
        entry[path] = values[0].tolist()
    return _add(builder, "" if title == "$$$DUMMY" else title, **entry)


def _plain_mesh(builder: Builder, mesh: Mesh, meshes: Meshes) -> int:
    """A mesh that no keyframe moves: its own frame is the node's, when it is one."""
    turns = mesh.matrix is not None and _is_frame(mesh.matrix) and np.linalg.det(mesh.matrix[:3, :3]) > 0
    matrix = mesh.matrix if turns else np.eye(4)
    index = meshes.add(mesh, np.linalg.inv(matrix))
    return _add(builder, mesh.name, **({} if index is None else {"mesh": index}), matrix=matrix)


def _add(builder: Builder, title: str, matrix: np.ndarray | None = None, **entry: object) -> int:
    if title:
        entry["name"] = title
    if matrix is not None and not np.array_equal(matrix, np.eye(4)):
        entry["matrix"] = matrix.T.reshape(-1).tolist()
    return builder.add("nodes", entry)


def _is_frame(matrix: np.ndarray) -> bool:
    return bool(np.isfinite(matrix).all() and np.linalg.cond(matrix[:3, :3]) < 1e6)


def _to_pivot(mesh: Mesh, node: Node) -> np.ndarray:
    """From the world of the first frame, where points are stored, to the node's own frame around its pivot.

    An object whose matrix mirrors is stored mirrored once more (lib3ds 1.3, `lib3ds_mesh_read`).
    """
    out = np.eye(4)
    if mesh.matrix is not None and _is_frame(mesh.matrix):
        out = np.linalg.inv(mesh.matrix)
        if np.linalg.det(mesh.matrix[:3, :3]) < 0:
            out = np.diag([-1.0, 1.0, 1.0, 1.0]) @ out
    out[:3, 3] -= node.pivot
    return out


def _poses(node: Node) -> dict[str, np.ndarray]:
    """Rows of translation, rotation (xyzw) and scale, a row per key, for the tracks that have keys."""
    found = {}
    for track, path in (("position", "translation"), ("rotation", "rotation"), ("scale", "scale")):
        keys = node.tracks.get(track)
        if keys is not None and len(keys.frames):
            found[path] = quaternions(keys) if path == "rotation" else keys.values
    return found


def _animate(builder: Builder, scene: Scene, made: list[int | None]) -> None:
    """One animation of every track of a mesh with more than one key; others are counted as lost."""
    channels, samplers = [], []
    for node, number in zip(scene.nodes, made, strict=True):
        moves = {track for track, keys in node.tracks.items() if len(keys.frames) > 1}
        lost = moves - {"position", "rotation", "scale"} if node.kind == "mesh" else moves
        for track in lost:
            scene.lost[f"animated {track} of a {node.kind}"] += 1
        if node.kind != "mesh":
            continue
        for path, values in _poses(node).items():
            track = node.tracks["position" if path == "translation" else path]
            if len(track.frames) > 1 and number is not None:
                times = (track.frames / FRAMES_PER_SECOND).astype(np.float32)
                sampler = {
                    "input": builder.accessor(times, bounds=True),
                    "output": builder.accessor(values.astype(np.float32)),
                    "interpolation": "LINEAR",
                }
                channels.append({"sampler": len(samplers), "target": {"node": number, "path": path}})
                samplers.append(sampler)
    if channels:
        builder.add("animations", {"name": "keyframer", "channels": channels, "samplers": samplers})


def _camera(builder: Builder, camera: Camera) -> int:
    """The angle across is 2400 degrees by the focal length in millimetres (lib3ds 1.3)."""
    lens = camera.lens if math.isfinite(camera.lens) and camera.lens > 0 else 48.0
    across = math.radians(min(max(2400.0 / lens, 1.0), 170.0))
    high = 2 * math.atan(math.tan(across / 2) / _ASPECT)
    lens_of = {"yfov": high, "aspectRatio": _ASPECT, "znear": 0.1}
    return builder.add("cameras", {"name": camera.name, "type": "perspective", "perspective": lens_of})


def _light(builder: Builder, scene: Scene, lamp: Lamp) -> Json:
    """What makes a node shine. Lights that are switched off shine with 0."""
    strength = lamp.multiplier if math.isfinite(lamp.multiplier) and lamp.multiplier > 0 and not lamp.off else 0.0
    if math.isfinite(lamp.multiplier) and lamp.multiplier < 0:
        scene.lost["light that darkens"] += 1
    light: Json = {"type": "point", "color": linear(lamp.color), "intensity": strength * math.pi, "name": lamp.name}
    if lamp.outer_range is not None and math.isfinite(lamp.outer_range) and lamp.outer_range > 0:
        light["range"] = lamp.outer_range
    if lamp.spot is not None:
        _, hot, falloff = (part if not isinstance(part, float) else _half(part) for part in lamp.spot)
        outer = min(max(falloff, 1e-3), math.pi / 2)
        light |= {"type": "spot", "spot": {"innerConeAngle": min(hot, outer - 1e-4), "outerConeAngle": outer}}
    lights = builder.json.setdefault("extensions", {}).setdefault(LIGHTS, {}).setdefault("lights", [])
    lights.append(light)
    builder.use(LIGHTS)
    return {"extensions": {LIGHTS: {"light": len(lights) - 1}}}


def _half(angle: float) -> float:
    return math.radians(max(angle, 0.0) / 2) if math.isfinite(angle) else 0.0


def _aim_of_camera(camera: Camera) -> np.ndarray:
    return _aim(camera.position, camera.target, camera.bank, f"camera {camera.name[:60]!r}")


def _aim_of_lamp(lamp: Lamp) -> np.ndarray:
    target = lamp.spot[0] if lamp.spot is not None else lamp.position - np.float32([0, 0, 1])
    return _aim(lamp.position, target, 0.0, f"light {lamp.name[:60]!r}")


def _aim(position: np.ndarray, target: np.ndarray, bank: float, where: str) -> np.ndarray:
    """float64 (4, 4): at `position`, -Z towards `target`, +Y as near to the world's +Z as may be, then rolled."""
    if not (np.isfinite(position).all() and np.isfinite(target).all()):
        raise FileValuesInvalid("A position is NaN or infinite.", where=where)
    back = position.astype(np.float64) - target
    length = np.linalg.norm(back)
    back = back / length if length > 1e-9 else np.array([0.0, 0.0, 1.0])
    up = np.array([0.0, 0.0, 1.0]) if abs(back[2]) < 0.9999 else np.array([0.0, 1.0, 0.0])
    right = np.cross(up, back)
    right /= np.linalg.norm(right)
    turn = math.radians(bank) if math.isfinite(bank) else 0.0
    upward = np.cross(back, right)
    out = np.eye(4)
    out[:3, 0] = math.cos(turn) * right + math.sin(turn) * upward
    out[:3, 1] = math.cos(turn) * upward - math.sin(turn) * right
    out[:3, 2], out[:3, 3] = back, position
    return out
