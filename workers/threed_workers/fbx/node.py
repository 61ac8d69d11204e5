"""The tree that an FBX file is, whether it came as bytes or as text: names, values, children."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from threed.errors import FileMalformed, FileTooComplex, FileTruncated, FileValuesInvalid

# Real files nest less than 12 deep, and a property takes a node.
MOST_DEPTH = 64
MOST_NODES = 4_000_000
# Deflate cannot do better (zlib's own figure), so a larger promise is a lie.
_MOST_RATIO = 1032


@dataclass
class Ledger:
    """What is left of the bytes that arrays may decode to, and of the nodes."""

    bytes_left: int
    nodes_left: int = MOST_NODES

    def take_bytes(self, count: int, where: str) -> None:
        """Raises FileTooComplex, before the memory is taken."""
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise FileTooComplex(
                f"The arrays decode to more than this server takes; {where} is one too many.", where=where
            )

    def take_node(self, where: str) -> None:
        self.nodes_left -= 1
        if self.nodes_left < 0:
            raise FileTooComplex(f"The file has more than {MOST_NODES} nodes. Export fewer objects.", where=where)


@dataclass(frozen=True)
class Packed:
    """An array of a binary file, not yet decoded: `count` items of `dtype` (with its byte order), deflated or not."""

    dtype: np.dtype
    count: int
    deflated: bool
    data: memoryview
    where: str
    ledger: Ledger

    def decode(self) -> np.ndarray:
        """The items (count,). Raises FileMalformed, FileTruncated or FileTooComplex."""
        size = self.count * self.dtype.itemsize
        if not self.deflated:
            if size > len(self.data):
                raise FileTruncated(f"An array of {self.count} items does not fit into its bytes.", where=self.where)
            return np.frombuffer(self.data, self.dtype, self.count)
        if size > len(self.data) * _MOST_RATIO + 64:
            text = f"An array promises {size} bytes out of {len(self.data)} deflated ones, which no deflate can do."
            raise FileMalformed(text, where=self.where)
        self.ledger.take_bytes(size, self.where)
        try:
            raw = zlib.decompressobj().decompress(self.data, size) if size else b""
        except zlib.error as error:
            raise FileMalformed(f"An array is not deflated as it says: {error}.", where=self.where) from None
        if len(raw) < size:
            raise FileTruncated(f"An array decodes to {len(raw)} bytes and not {size}.", where=self.where)
        return np.frombuffer(raw, self.dtype)


@dataclass(slots=True)
class Node:
    """`values` holds int, float, bool, str, bytes, numpy arrays (runs of numbers) and Packed."""

    name: str
    where: str
    values: list = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    def child(self, name: str) -> Node | None:
        """The first child of that name."""
        return next((child for child in self.children if child.name == name), None)

    def all(self, *names: str) -> Iterator[Node]:
        """Every child of these names."""
        return (child for child in self.children if child.name in names)

    def text(self, index: int = 0, default: str = "") -> str:
        """Value `index` when it is text."""
        value = self.values[index] if index < len(self.values) else default
        return value if isinstance(value, str) else default

    def child_text(self, name: str, default: str = "") -> str:
        """The text of the first child of that name."""
        found = self.child(name)
        return found.text(0, default) if found is not None else default

    def number(self, index: int = 0, default: float = 0.0) -> float:
        """Value `index` when it is a finite number."""
        value = self.flat(index + 1)[index : index + 1]
        return value[0] if value and isinstance(value[0], (int, float)) and math.isfinite(value[0]) else default

    def child_number(self, name: str, default: float = 0.0) -> float:
        """The number of the first child of that name."""
        found = self.child(name)
        return found.number(0, default) if found is not None else default

    def flat(self, most: int | None = None) -> list:
        """The values as Python scalars and texts, runs of numbers opened; at most `most`, when given."""
        out: list = []
        for value in self.values:
            if isinstance(value, Packed):
                value = value.decode()
            if isinstance(value, np.ndarray):
                out += value[:most].tolist()
            else:
                out.append(value)
            if most is not None and len(out) >= most:
                break
        return out

    def array(self, dtype: type) -> np.ndarray:
        """Every number of this node as `dtype` (n,). Text files keep those of long arrays in a child called "a"."""
        source = self
        if not self.values and (inner := self.child("a")) is not None:
            source = inner
        parts, scalars = [], []
        for value in source.values:
            if isinstance(value, Packed):
                value = value.decode()
            if isinstance(value, np.ndarray):
                parts += [_scalars(scalars, self), value]
                scalars = []
            else:
                scalars.append(value)
        parts.append(_scalars(scalars, self))
        parts = [part for part in parts if len(part)]
        if not parts:
            return np.zeros(0, dtype)
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        with np.errstate(all="ignore"):
            if np.dtype(dtype).kind == "i" and whole.dtype.kind == "f":
                whole = np.nan_to_num(np.clip(whole, -(2.0**62), 2.0**62))
            return whole.astype(dtype)

    def numbers(self, name: str, dtype: type = np.float64) -> np.ndarray:
        """The array of the first child of that name; empty when there is none."""
        found = self.child(name)
        return found.array(dtype) if found is not None else np.zeros(0, dtype)

    def rows(self, name: str, width: int) -> np.ndarray:
        """The array of that child as float64 (n, width); an incomplete last row is cut off."""
        flat = self.numbers(name)
        return flat[: len(flat) - len(flat) % width].reshape(-1, width)


def _scalars(values: list, node: Node) -> np.ndarray:
    if not values:
        return np.zeros(0)
    if not all(isinstance(value, (int, float)) for value in values):
        raise FileMalformed(f"{node.name} holds something that is no number.", where=node.where)
    whole = all(isinstance(value, int) for value in values)
    try:
        return np.array(values, np.int64 if whole else np.float64)
    except OverflowError:
        raise FileValuesInvalid(f"{node.name} holds a number beyond 64 bits.", where=node.where) from None
