"""What the chunks of a 3DS file say, before it becomes glTF: right-handed, +Z up, angles in degrees, no unit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from threed.errors import FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.formats.threeds_chunks import Chunk, Chunks
from threed_workers.formats.threeds_materials import Material, read_material
from threed_workers.formats.threeds_tracks import TRACKS, Track, read_track

FRAMES_PER_SECOND = 30.0  # of the keyframer; the format does not say
_NO_PARENT = 0xFFFF
_NODES = {0xB002: "mesh", 0xB003: "camera", 0xB004: "target", 0xB005: "light", 0xB006: "target", 0xB007: "light"}
# What is passed over and counted: the scene's surroundings, which glTF has no word for.
_LOST = {0x2100: "ambient light", 0x2200: "fog", 0x2210: "fog", 0x2300: "layer fog", 0x2302: "layer fog"}
_LOST |= {0x1100: "background", 0x1200: "background", 0x1300: "background"}


@dataclass
class Mesh:
    """points: float32 (n, 3) in the world of the first frame; faces: int (t, 3), counter-clockwise from outside.

    `groups` are (material name, face numbers); `smoothing` is a mask of groups per face, None without any; `matrix`
    goes from the object to the world.
    """

    name: str
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    faces: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    uvs: np.ndarray | None = None
    groups: list[tuple[str, np.ndarray]] = field(default_factory=list)
    smoothing: np.ndarray | None = None
    matrix: np.ndarray | None = None


@dataclass
class Lamp:
    """`spot` is (target (3,), hot spot, falloff): whole angles, in degrees; None shines everywhere."""

    name: str
    position: np.ndarray
    color: list[float] = field(default_factory=lambda: [1.0, 1.0, 1.0])
    multiplier: float = 1.0
    outer_range: float | None = None
    spot: tuple[np.ndarray, float, float] | None = None
    off: bool = False


@dataclass
class Camera:
    """`bank` in degrees, `lens` in millimetres."""

    name: str
    position: np.ndarray
    target: np.ndarray
    bank: float
    lens: float


@dataclass
class Node:
    """A line of the keyframer. `kind` is mesh, camera, light or target; `parent` is another node's `number`."""

    kind: str
    name: str = ""
    instance: str = ""
    number: int | None = None
    parent: int | None = None
    pivot: np.ndarray = field(default_factory=lambda: np.zeros(3, np.float32))
    tracks: dict[str, Track] = field(default_factory=dict)


@dataclass
class Scene:
    """Everything of one file, by name where others refer by name. `lost` counts what was passed over."""

    materials: dict[str, Material] = field(default_factory=dict)
    meshes: dict[str, Mesh] = field(default_factory=dict)
    lamps: dict[str, Lamp] = field(default_factory=dict)
    cameras: dict[str, Camera] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    lost: Counter = field(default_factory=Counter)


def read_scene(data: memoryview, budget: Budget) -> Scene:
    """Raises FileTruncated, FileMalformed, FileValuesInvalid or FileTooComplex."""
    chunks, scene = Chunks(data, budget), Scene()
    for part in chunks.within(chunks.root()):
        if part.number == 0x3D3D:
            _read_objects(chunks, part, scene)
        elif part.number == 0xB000:
            _read_keyframer(chunks, part, scene)
    return scene


def _read_objects(chunks: Chunks, editor: Chunk, scene: Scene) -> None:
    for part in chunks.within(editor):
        if part.number == 0xAFFF:
            material = read_material(chunks, part)
            scene.materials[material.name] = material
        elif part.number == 0x4000:
            _read_object(chunks, part, scene)
        elif part.number in _LOST:
            scene.lost[_LOST[part.number]] += 1


def _read_object(chunks: Chunks, named: Chunk, scene: Scene) -> None:
    name = chunks.text(named)
    for part in chunks.within(named):
        if part.number == 0x4100:
            scene.meshes[name] = _mesh(chunks, part, name)
        elif part.number == 0x4600:
            scene.lamps[name] = _lamp(chunks, part, name)
        elif part.number == 0x4700:
            position, target = chunks.numbers(part, "f4", 3), chunks.numbers(part, "f4", 3)
            bank, lens = chunks.numbers(part, "f4", 2).tolist()
            scene.cameras[name] = Camera(name, position, target, bank, lens)
        elif part.number == 0x4010:
            scene.lost["hidden object"] += 1


def _mesh(chunks: Chunks, trimesh: Chunk, name: str) -> Mesh:
    mesh = Mesh(name)
    for part in chunks.within(trimesh):
        if part.number == 0x4110:
            mesh.points = chunks.counted(part, "f4", 3)
        elif part.number == 0x4120:
            _read_faces(chunks, part, mesh)
        elif part.number == 0x4140:
            mesh.uvs = chunks.counted(part, "f4", 2)
        elif part.number == 0x4160:
            mesh.matrix = np.eye(4)
            mesh.matrix[:3] = chunks.numbers(part, "f4", 12).astype(np.float64).reshape(4, 3).T
    where = f"object {name[:60]!r}"
    if not np.isfinite(mesh.points).all():
        raise FileValuesInvalid("Points are NaN or infinite. Repair the mesh and export it again.", where=where)
    if mesh.faces.size and mesh.faces.max() >= len(mesh.points):
        highest = int(mesh.faces.max())
        raise FileValuesInvalid(f"A face uses vertex {highest}, and there are {len(mesh.points)}.", where=where)
    if mesh.uvs is not None and len(mesh.uvs) != len(mesh.points):
        mesh.uvs = None
    return mesh


def _read_faces(chunks: Chunks, part: Chunk, mesh: Mesh) -> None:
    """Corners and edge flags, and behind them what belongs to each face."""
    mesh.faces = chunks.counted(part, "u2", 4)[:, :3].astype(np.int64)
    for more in chunks.within(part):
        if more.number == 0x4130:
            name = chunks.text(more)
            faces = chunks.counted(more, "u2", 1)[:, 0].astype(np.int64)
            mesh.groups.append((name, faces[faces < len(mesh.faces)]))
        elif more.number == 0x4150 and more.left >= 4 * len(mesh.faces):
            mesh.smoothing = chunks.numbers(more, "u4", len(mesh.faces))


def _lamp(chunks: Chunks, light: Chunk, name: str) -> Lamp:
    lamp = Lamp(name, chunks.numbers(light, "f4", 3))
    attenuated, outer = False, None
    for part in chunks.within(light):
        if part.number == 0x0010:
            lamp.color = chunks.numbers(part, "f4", 3).tolist()
        elif part.number == 0x0011:
            lamp.color = (chunks.numbers(part, "u1", 3) / 255.0).tolist()
        elif part.number == 0x4610:
            target = chunks.numbers(part, "f4", 3)
            lamp.spot = (target, *chunks.numbers(part, "f4", 2).tolist())
        elif part.number == 0x4620:
            lamp.off = True
        elif part.number == 0x4625:
            attenuated = True
        elif part.number == 0x465A:
            outer = chunks.number(part, "f4")
        elif part.number == 0x465B:
            lamp.multiplier = chunks.number(part, "f4")
    lamp.outer_range = outer if attenuated else None
    return lamp


def _read_keyframer(chunks: Chunks, keyframer: Chunk, scene: Scene) -> None:
    for part in chunks.within(keyframer):
        if part.number in _NODES:
            scene.nodes.append(_node(chunks, part, _NODES[part.number]))
        elif part.number == 0xB001:
            scene.lost["ambient light"] += 1


def _node(chunks: Chunks, chunk: Chunk, kind: str) -> Node:
    node = Node(kind)
    for part in chunks.within(chunk):
        if part.number == 0xB010:
            node.name = chunks.text(part)
            _, _, parent = chunks.numbers(part, "u2", 3).tolist()
            node.parent = None if parent == _NO_PARENT else parent
        elif part.number == 0xB011:
            node.instance = chunks.text(part)
        elif part.number == 0xB013:
            node.pivot = chunks.numbers(part, "f4", 3)
        elif part.number == 0xB030:
            node.number = int(chunks.number(part, "u2"))
        elif part.number in TRACKS:
            node.tracks[TRACKS[part.number][0]] = read_track(chunks, part)
    if not np.isfinite(node.pivot).all():
        raise FileValuesInvalid("A pivot is NaN or infinite.", where=f"node {node.name[:60]!r}")
    return node
