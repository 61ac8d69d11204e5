"""Keyframes of 3DS: tracks of positions, rotations, scales and what else may change with time."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from threed.errors import FileMalformed, FileValuesInvalid
from threed_workers.formats.threeds_chunks import Chunk, Chunks

# Chunk number: name, numbers per key.
TRACKS = {
    0xB020: ("position", 3),
    0xB021: ("rotation", 4),
    0xB022: ("scale", 3),
    0xB023: ("field of view", 1),
    0xB024: ("roll", 1),
    0xB025: ("color", 3),
    0xB026: ("morph", None),
    0xB027: ("hot spot", 1),
    0xB028: ("falloff", 1),
    0xB029: ("hide", 0),
}
_SPLINE_BITS = 0x1F  # tension, continuity, bias, ease to, ease from: a float for each that is set


@dataclass
class Track:
    """frames: int64 (n,), rising; values: float64 (n, width). `eased` counts keys with spline parameters."""

    frames: np.ndarray
    values: np.ndarray
    eased: int = 0


def read_track(chunks: Chunks, chunk: Chunk) -> Track:
    """Every key: frame uint32, flags uint16, the floats that the flags announce, the value."""
    _, width = TRACKS[chunk.number]
    chunks.numbers(chunk, "u2", 5)  # flags and two numbers that nobody uses
    count = int(chunks.number(chunk, "u4"))
    if width is None:
        return Track(np.zeros(0, np.int64), np.zeros((0, 0)))
    if count * (6 + 4 * width) > chunk.left:
        raise FileMalformed(
            f"A track says that it has {count} keys, and {chunk.left} bytes are left for them.",
            where=f"byte {chunk.place}",
        )
    frames, values, eased = [], [], 0
    for _ in range(count):
        frame, flags = struct.unpack("<IH", chunks.numbers(chunk, "u1", 6).tobytes())
        parameters = (flags & _SPLINE_BITS).bit_count()
        eased += bool(parameters)
        numbers = chunks.numbers(chunk, "f4", parameters + width)
        frames.append(frame)
        values.append(numbers[parameters:])
    track = Track(
        np.array(frames, np.int64), np.array(values, np.float64).reshape(count, width) if count else np.zeros((0, 0))
    )
    return _ordered(track, eased, chunk)


def _ordered(track: Track, eased: int, chunk: Chunk) -> Track:
    """Keys by time, the first of each frame."""
    if not np.isfinite(track.values).all():
        raise FileValuesInvalid("A key of a track is NaN or infinite.", where=f"byte {chunk.place}")
    frames, first = np.unique(track.frames, return_index=True)
    if len(frames) == len(track.frames) and (frames == track.frames).all():
        return Track(track.frames, track.values, eased)
    return Track(frames, track.values[first], eased)


def quaternions(track: Track) -> np.ndarray:
    """Rotations as quaternions xyzw, float64 (n, 4), each next to its neighbour.

    A key is an angle in radians, clockwise as seen from the tip of its axis, and the axis; it turns on from the key
    before it (lib3ds 1.3, `lib3ds_quat_track_setup`).
    """
    angles, axes = -0.5 * track.values[:, 0], track.values[:, 1:4]
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    units = np.where(lengths > 1e-9, axes / np.where(lengths > 1e-9, lengths, 1), 0.0)
    steps = np.column_stack([units * np.sin(angles)[:, None], np.cos(angles)])
    steps[lengths[:, 0] <= 1e-9] = (0, 0, 0, 1)
    out = np.empty_like(steps)
    total = np.array([0.0, 0.0, 0.0, 1.0])
    for place, step in enumerate(steps):
        total = _product(step, total)
        total /= np.linalg.norm(total)
        if place and total @ out[place - 1] < 0:
            total = -total
        out[place] = total
    return out


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The rotation that does `b` first, then `a`."""
    vector = a[3] * b[:3] + b[3] * a[:3] + np.cross(a[:3], b[:3])
    return np.append(vector, a[3] * b[3] - a[:3] @ b[:3])
