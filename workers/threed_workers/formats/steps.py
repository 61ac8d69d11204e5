"""Transforms that a file gives as a row of steps, as they stand and as they move (COLLADA 1.4.1, chapter 5; X3D)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from threed.errors import FileValuesInvalid
from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.document.rotations import continuous, quaternions
from threed_workers.formats.placement import parts, properties

_SHEARED = 1e-4


@dataclass
class Step:
    """One step: its sid, its kind as COLLADA calls it, and its numbers as float64 (w,), or (k, w) while they move."""

    sid: str
    kind: str
    values: np.ndarray


def pose(steps: list[Step]) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """(translations (k, 3), rotations xyzw (k, 4), scales (k, 3), sheared) of the steps, the first outermost."""
    kinds = [step.kind for step in steps]
    turns = [place for place, kind in enumerate(kinds) if kind == "rotate"]
    plain = kinds == ["translate"] * ("translate" in kinds) + ["rotate"] * len(turns) + ["scale"] * ("scale" in kinds)
    if plain and all(step.values.ndim == 1 for step in steps):
        return _still(steps)
    matrices = _product([_matrices(step) for step in steps])
    if not plain:
        return decompose(matrices)
    count = len(matrices)
    scales = [_rows(step) for step in steps if step.kind == "scale"]
    rotations = _product([_matrices(steps[place]) for place in turns])
    return (
        matrices[:, :3, 3],
        np.broadcast_to(continuous(quaternions(rotations[:, :3, :3])), (count, 4)),
        np.broadcast_to(scales[0] if scales else np.ones((1, 3)), (count, 3)),
        False,
    )


def _still(steps: list[Step]) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """The same for one translation, some rotations and one scale that do not move: most nodes, without a matrix."""
    move, turn, scale = np.zeros((1, 3)), (0.0, 0.0, 0.0, 1.0), np.ones((1, 3))
    for step in steps:
        if step.kind == "translate":
            move = step.values[None]
        elif step.kind == "scale":
            scale = step.values[None]
        else:
            turn = _multiplied(turn, _quaternion(*step.values.tolist()))
    return move, np.array([turn]), scale, False


def _quaternion(x: float, y: float, z: float, degrees: float) -> tuple[float, float, float, float]:
    """xyzw of a turn about an axis; no axis, no turn."""
    length = math.sqrt(x * x + y * y + z * z) if max(abs(x), abs(y), abs(z)) < 1e150 else 0.0
    if not length:
        return 0.0, 0.0, 0.0, 1.0
    half = math.radians(degrees) / 2
    part = math.sin(half) / length
    return x * part, y * part, z * part, math.cos(half)


def _multiplied(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, float, float, float]:
    """The turn that does `b` first, then `a`."""
    return (
        a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1],
        a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0],
        a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3],
        a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2],
    )


def decompose(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """The same of float64 (k, 4, 4). What shears becomes the nearest that does not, by polar decomposition."""
    inner = matrices[:, :3, :3]
    u, _, vt = np.linalg.svd(inner)
    lengths = np.linalg.norm(inner, axis=1)
    signs = np.where(np.linalg.det(inner) < 0, -1.0, 1.0)
    solid = (lengths > 1e-12 * np.maximum(lengths.max(axis=1, keepdims=True), 1e-300)).all(axis=1)
    scales = lengths * np.column_stack([signs, np.ones((len(signs), 2))])
    turns = inner / np.where(scales == 0, 1.0, scales)[:, None, :]
    off = np.abs(np.einsum("kji,kjl->kil", turns, turns) - np.eye(3)).max(axis=(1, 2))
    wrong = ~solid | (off > _SHEARED)
    if wrong.any():
        polar = u @ vt
        flip = np.where(np.linalg.det(polar) < 0, -1.0, 1.0)[:, None] * np.array([1.0, 0.0, 0.0]) + np.array(
            [0, 1.0, 1.0]
        )
        flip = np.where(np.linalg.det(polar)[:, None] < 0, flip, 1.0)
        polar = polar * flip[:, None, :]
        turns = np.where(wrong[:, None, None], polar, turns)
        scales = np.where(wrong[:, None], np.einsum("kji,kji->ki", turns, inner), scales)
    return matrices[:, :3, 3], continuous(quaternions(turns)), scales, bool((solid & (off > _SHEARED)).any())


def standing(steps: list[Step]) -> list[Json]:
    """The glTF properties of the node that the steps place, or of two, one below the other, where they shear."""
    translations, rotations, scales, sheared = pose(steps)
    if sheared:
        return parts(_product([_matrices(step) for step in steps])[0])
    return [properties(translations[0], rotations[0], scales[0])]


def nearest(builder: Builder, steps: list[Step], number: int, above: int) -> None:
    """Make one of the two nodes that steps with shear took: the nearest pose, on the lower one."""
    nodes = builder.json["nodes"]
    nodes[above] = {"children": nodes[above]["children"]}
    translations, rotations, scales, _ = pose(steps)
    kept = {key: value for key, value in nodes[number].items() if key not in ("translation", "rotation", "scale")}
    nodes[number] = kept | properties(translations[0], rotations[0], scales[0])


def _rows(step: Step) -> np.ndarray:
    return step.values.reshape(-1, step.values.shape[-1])


def _product(matrices: list[np.ndarray]) -> np.ndarray:
    out = np.eye(4)[None]
    with np.errstate(all="ignore"):
        for more in matrices:
            out = out @ more
    if not np.isfinite(out).all():
        raise FileValuesInvalid("The transforms of a node multiply beyond all bounds.", where="<node>")
    return out


def _matrices(step: Step) -> np.ndarray:
    """float64 (k, 4, 4) of one step."""
    rows = _rows(step)
    if step.kind == "matrix":
        return rows.reshape(-1, 4, 4)
    if step.kind == "lookat":
        return np.stack([_look_at(row) for row in rows])
    if step.kind == "skew":
        return np.stack([_skew(row) for row in rows])
    out = np.tile(np.eye(4), (len(rows), 1, 1))
    if step.kind == "translate":
        out[:, :3, 3] = rows
    elif step.kind == "scale":
        out[:, [0, 1, 2], [0, 1, 2]] = rows
    else:
        out[:, :3, :3] = _turns(rows)
    return out


def _turns(rows: np.ndarray) -> np.ndarray:
    """Rodrigues' formula, for an axis and an angle in degrees; no axis, no turn."""
    lengths = np.linalg.norm(rows[:, :3], axis=1, keepdims=True)
    axes = np.where(lengths > 0, rows[:, :3] / np.where(lengths > 0, lengths, 1), 0.0)
    angles = np.radians(rows[:, 3])[:, None, None]
    cross = np.zeros((len(rows), 3, 3))
    x, y, z = axes.T
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -z, y, -x
    cross[:, 1, 0], cross[:, 2, 0], cross[:, 2, 1] = z, -y, x
    return np.eye(3) + np.sin(angles) * cross + (1 - np.cos(angles)) * (cross @ cross)


def _look_at(row: np.ndarray) -> np.ndarray:
    """At the eye, -Z towards the point of interest (COLLADA 1.4.1, "lookat")."""
    eye, interest, up = row.reshape(3, 3)
    back = eye - interest
    length = np.linalg.norm(back)
    back = back / length if length > 0 else np.array([0.0, 0.0, 1.0])
    right = np.cross(up, back)
    length = np.linalg.norm(right)
    if length < 1e-9:
        right = np.cross([1.0, 0.0, 0.0] if abs(back[0]) < 0.9 else [0.0, 1.0, 0.0], back)
        length = np.linalg.norm(right)
    right = right / length
    out = np.eye(4)
    out[:3, 0], out[:3, 1], out[:3, 2], out[:3, 3] = right, np.cross(back, right), back, eye
    return out


def _skew(row: np.ndarray) -> np.ndarray:
    """By an angle from one axis towards another (Upstill 1989, "The RenderMan Companion")."""
    angle, turning, moving = np.radians(row[0]), row[1:4], row[4:7]
    out = np.eye(4)
    if not (np.any(turning) and np.any(moving)):
        return out
    along = moving / np.linalg.norm(moving)
    rest = turning - (turning @ along) * along
    length = np.linalg.norm(rest)
    if length < 1e-9:
        return out
    across = rest / length
    a, b = turning @ across, turning @ along
    x, y = a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)
    if x > 1e-9:
        out[:3, :3] += (y / x - b / a) * np.outer(along, across)
    return out
