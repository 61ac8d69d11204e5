"""Numbers between -1 and 1 as normalized integers: normals, tangents, colours, weights of skins."""

from __future__ import annotations

import re

import numpy as np

from threed_workers.document import Document, edit, read, read_floats
from threed_workers.document.model import Json
from threed_workers.transforms.geometry.vertices import add_sparse

_FLOAT, _USHORT = 5126, 5123


def quantize_units(document: Document, normal_bits: int, color_bits: int) -> None:
    """Store normals and tangents with `normal_bits`, colours and weights with `color_bits` (8 or 16).

    Joints get 8 bits where that is enough. Values beyond what the type can hold stay floats: colours above 1, and
    morph targets that turn normals by more than a right angle.
    """
    made: dict[tuple, int] = {}
    for _, primitive in document.primitives():
        for place, attributes in enumerate([primitive["attributes"], *(primitive.get("targets") or [])]):
            _quantize_weights(document, attributes, color_bits, made)
            for name, index in attributes.items():
                bits = normal_bits if name in ("NORMAL", "TANGENT") else color_bits
                key = (index, name.partition("_")[0], place > 0)
                if key not in made and _is_wider(document, index, name, bits):
                    made[key] = _written(document, index, signed=name in ("NORMAL", "TANGENT") or place > 0, bits=bits)
                attributes[name] = made.get(key, index)


def _is_wider(document: Document, index: int, name: str, bits: int) -> bool:
    accessor = document.all("accessors")[index]
    code = accessor["componentType"]
    if "bufferView" not in accessor and "sparse" not in accessor:
        return False  # Zeros that take no bytes.
    if name in ("NORMAL", "TANGENT"):
        return code == _FLOAT
    return name.startswith("COLOR_") and (code == _FLOAT or (code == _USHORT and bits == 8))


def _written(document: Document, index: int, signed: bool, bits: int) -> int:
    """A normalized integer accessor of the values, or the old one where they do not fit."""
    source = document.all("accessors")[index]
    values = read_floats(document, index).astype(np.float64)
    if len(values) and (values.max() > 1.0001 or values.min() < (-1.0001 if signed else -0.0001)):
        return index
    dtype = np.dtype((np.int8 if bits == 8 else np.int16) if signed else (np.uint8 if bits == 8 else np.uint16))
    top = np.iinfo(dtype).max
    rows = np.rint(np.clip(values, -1, 1) * top).astype(dtype)
    kept: Json = {key: source[key] for key in ("name", "extras") if key in source}
    limits = edit.extremes(rows) if "min" in source else {}
    if "sparse" in source and "bufferView" not in source:
        code = {"b": 5120, "h": 5122, "B": 5121, "H": 5123}[dtype.char]
        entry = {"componentType": code, "type": source["type"], "normalized": True} | kept
        return add_sparse(document, rows, entry, limits)
    made = edit.add_accessor(document, rows, target=edit.ARRAY, normalized=True)
    document.all("accessors")[made] |= kept | limits
    return made


def _quantize_weights(document: Document, attributes: Json, bits: int, made: dict[tuple, int]) -> None:
    """Weights of all sets together, so that each vertex still has a sum of exactly 1; joints of weight 0 become 0."""
    numbers = [name[len("WEIGHTS_") :] for name in attributes if re.fullmatch("WEIGHTS_[0-9]{1,4}", name)]
    numbers = [number for number in sorted(numbers, key=int) if f"JOINTS_{number}" in attributes]
    sources = [attributes[f"WEIGHTS_{number}"] for number in numbers]
    codes = [document.all("accessors")[index]["componentType"] for index in sources]
    if not numbers or any(code != _FLOAT and not (code == _USHORT and bits == 8) for code in codes):
        return
    joints = [attributes[f"JOINTS_{number}"] for number in numbers]
    key = (tuple(sources), tuple(joints), "WEIGHTS")
    if key not in made:
        dtype = np.uint8 if bits == 8 else np.uint16
        weights = np.hstack([read_floats(document, index) for index in sources]).astype(np.float64)
        rows = _summing(weights, int(np.iinfo(dtype).max)).astype(dtype)
        bones = np.hstack([read(document, index) for index in joints]) * (rows > 0)
        bones = bones.astype(np.uint8 if bones.max(initial=0) <= 0xFF else np.uint16)
        new = []
        for place in range(len(numbers)):
            part = slice(4 * place, 4 * place + 4)
            new.append(edit.add_accessor(document, rows[:, part], target=edit.ARRAY, normalized=True))
            new.append(edit.add_accessor(document, bones[:, part], target=edit.ARRAY))
        made[key] = new
    for place, number in enumerate(numbers):
        attributes[f"WEIGHTS_{number}"], attributes[f"JOINTS_{number}"] = made[key][2 * place : 2 * place + 2]


def _summing(weights: np.ndarray, top: int) -> np.ndarray:
    """Integers (n, k) in proportion to weights (n, k), with a sum of `top` each: the largest remainders round up."""
    sums = weights.sum(axis=1, keepdims=True)
    exact = np.where(sums > 0, weights, np.eye(1, weights.shape[1])) / np.where(sums > 0, sums, 1) * top
    rows = np.floor(exact).astype(np.int64)
    missing = top - rows.sum(axis=1)
    order = np.argsort(rows - exact, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(order.shape[1])[None, :].repeat(len(order), 0), axis=1)
    return rows + (rank < missing[:, None])
