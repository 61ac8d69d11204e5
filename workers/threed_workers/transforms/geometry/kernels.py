"""meshoptimizer's functions on arrays, with the argument types that its Python package does not declare."""

from __future__ import annotations

from ctypes import POINTER, c_float, c_size_t, c_ubyte, c_uint

import meshopt
import numpy as np
from meshoptimizer._loader import lib

LOCK_BORDER = 1
_UINTS, _FLOATS, _BYTES = POINTER(c_uint), POINTER(c_float), POINTER(c_ubyte)

# Without these, ctypes hands Python floats over untyped and raises ArgumentError.
lib.meshopt_simplifyWithAttributes.restype = c_size_t
lib.meshopt_simplifyWithAttributes.argtypes = [
    *(_UINTS, _UINTS, c_size_t, _FLOATS, c_size_t, c_size_t, _FLOATS, c_size_t, _FLOATS, c_size_t, _BYTES),
    *(c_size_t, c_float, c_uint, _FLOATS),
]


def simplified(
    indices: np.ndarray,
    positions: np.ndarray,
    attributes: np.ndarray,
    weights: np.ndarray,
    locked: np.ndarray | None,
    corners: int,
    error: float,
    options: int = 0,
) -> np.ndarray:
    """The corners of fewer triangles, of the same vertices (Garland and Heckbert 1997, with attributes: Hoppe 1999).

    indices uint32 (3 t,); positions float32 (n, 3); attributes float32 (n, k), k at most 32, and their weights (k,);
    locked bool (n,): vertices that stay. `corners` is the number aimed at, `error` the limit that wins over it, as a
    part of the extent of `positions`.
    """
    indices = np.ascontiguousarray(indices, np.uint32)
    positions = np.ascontiguousarray(positions, np.float32)
    attributes = np.ascontiguousarray(attributes, np.float32)
    weights = np.ascontiguousarray(weights, np.float32)
    locks = None if locked is None else np.ascontiguousarray(locked, np.uint8)
    out = np.empty(len(indices), np.uint32)
    reached = np.zeros(1, np.float32)
    count = lib.meshopt_simplifyWithAttributes(
        out.ctypes.data_as(_UINTS),
        indices.ctypes.data_as(_UINTS),
        len(indices),
        positions.ctypes.data_as(_FLOATS),
        len(positions),
        12,
        attributes.ctypes.data_as(_FLOATS) if attributes.size else None,
        4 * attributes.shape[1],
        weights.ctypes.data_as(_FLOATS) if weights.size else None,
        len(weights),
        None if locks is None else locks.ctypes.data_as(_BYTES),
        corners,
        error,
        options,
        reached.ctypes.data_as(_FLOATS),
    )
    return out[:count]


def cache_order(indices: np.ndarray, for_size: bool) -> np.ndarray:
    """The same triangles in the order that compression (`for_size`) or vertex caches like. uint32 (3 t,)."""
    ordered, place, used = meshopt.reorder_mesh(np.ascontiguousarray(indices, np.uint32), True, for_size)
    old = np.empty(used, np.uint32)
    seen = np.flatnonzero(place < used)
    old[place[seen]] = seen
    return old[ordered]


def first_use(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(order (m,), place (n,)): vertices in the order that flat indices use them, and where each one went."""
    _, place, used = meshopt.reorder_mesh(np.ascontiguousarray(indices, np.uint32), False, False)
    order = np.empty(used, np.int64)
    seen = np.flatnonzero(place < used)
    order[place[seen]] = seen
    return order, place
