"""FBX trees with something wrong in them, which a container alone would not show."""

from __future__ import annotations

import random

import numpy as np

from threed_workers.samples.fbx import Tree

_NUMBERS = (0, -1, 1, 2**31 - 1, -(2**31), 2**62, -(2**63), 10**6)
_FLOATS = (0.0, -1.0, 1e-320, 1e30, 1e308, -1e308, float("inf"), float("-inf"), float("nan"))
_TEXTS = ("", "Mesh", "ByPolygon", "ByEdge", "AllSame", "IndexToDirect", "../../secret", "C:\\wood.png", "\0\1", "é")


def damaged(tree: list[Tree], chance: random.Random, changes: int) -> list[Tree]:
    """A copy of the tree with so many changes: values replaced, nodes gone, doubled, renamed or moved."""
    copy = [_copied(entry) for entry in tree]
    for _ in range(changes):
        _change(copy, chance)
    return copy


def _copied(entry: Tree) -> Tree:
    return entry[0], list(entry[1]), [_copied(child) for child in entry[2]]


def _change(tree: list[Tree], chance: random.Random) -> None:
    places = [(tree, place) for place in range(len(tree))]
    for parent, place in places:
        places += [(parent[place][2], below) for below in range(len(parent[place][2]))]
    parent, place = chance.choice(places)
    _, values, children = parent[place]
    kind = chance.randrange(8)
    if kind == 0:
        del parent[place]
    elif kind == 1:
        parent.append(_copied(parent[place]))
    elif kind == 2:
        other, spot = chance.choice(places)
        parent[place] = (other[spot][0] if spot < len(other) else "P", values, children)
    elif values:
        spot = chance.randrange(len(values))
        values[spot] = _other(values[spot], chance)


def _other(value: object, chance: random.Random) -> object:
    if isinstance(value, np.ndarray):
        return _other_array(value, chance)
    if isinstance(value, str):
        return chance.choice(_TEXTS)
    if isinstance(value, float):
        return chance.choice(_FLOATS)
    if isinstance(value, int):
        return chance.choice((*_NUMBERS, *range(10, 34)))
    return b"\x89PNG nothing"


def _other_array(values: np.ndarray, chance: random.Random) -> np.ndarray:
    kind = chance.randrange(4)
    if kind == 0:
        return values[: chance.randrange(len(values) + 1)]
    if kind == 1:
        return np.concatenate([values, values, values])
    if kind == 2:
        return values.astype(chance.choice((np.int32, np.int64, np.float32, np.float64)))
    changed = values.copy()
    numbers = _FLOATS if values.dtype.kind == "f" else _NUMBERS
    with np.errstate(all="ignore"):
        changed[chance.randrange(len(values)) if len(values) else slice(0)] = np.array(
            chance.choice(numbers), np.float64 if values.dtype.kind == "f" else np.int64
        ).astype(values.dtype)
    return changed
