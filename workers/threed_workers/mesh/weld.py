"""Find rows that are the same."""

from __future__ import annotations

from ctypes import POINTER, c_size_t, c_uint, c_void_p

import numpy as np
from meshoptimizer._loader import lib

_ODD = np.uint64(0x9E3779B97F4A7C15)
_WIDEST_ROW = 256  # bytes, of a vertex that meshoptimizer hashes
_UINTS = POINTER(c_uint)

lib.meshopt_generateVertexRemap.restype = c_size_t
lib.meshopt_generateVertexRemap.argtypes = [_UINTS, _UINTS, c_size_t, c_void_p, c_size_t, c_size_t]

# Tried, on 3M rows of 32 bytes: (1) np.unique of hashed rows, 1.0 s. (2) meshoptimizer's hash table, 0.15 s: this one.


def weld(*columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(first (m,), inverse (n,)): `rows[first][inverse]` are the rows again, bit for bit, each different one once.

    Every column is (n,) or (n, k), of 4 or 8 byte items; -0.0 and 0.0 differ. Different rows come in the order of their
    first appearance, which is the order that vertex caches like and people expect. Both are int64.
    """
    words = np.hstack([_words(column) for column in columns])
    found = equal_rows(words)
    if found is None:
        return _sorted(words)
    return found[0], found[1].astype(np.int64)


def equal_rows(words: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """(first int64 (m,), place uint32 (n,)) so that `words[first][place]` is `words`; None for rows that are too wide.

    words: uint32 (n, k). Different rows come in the order of their first appearance.
    """
    words = np.ascontiguousarray(words, np.uint32)
    if not len(words) or words.shape[1] * 4 > _WIDEST_ROW:
        return None
    place = np.empty(len(words), np.uint32)
    count, size = len(words), words.shape[1] * 4
    lib.meshopt_generateVertexRemap(
        place.ctypes.data_as(_UINTS), None, count, words.ctypes.data_as(c_void_p), count, size
    )
    highest = np.maximum.accumulate(place)  # numbers are given away in order, so a row is new where this rises
    return np.concatenate([[0], np.flatnonzero(highest[1:] != highest[:-1]) + 1]), place


def _sorted(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows compared by a 64 bit hash of their words; when two rows share a hash, the words themselves are sorted."""
    mixed = np.zeros(len(words), np.uint64)
    with np.errstate(over="ignore"):
        for word in words.T:
            mixed = (mixed ^ word.astype(np.uint64)) * _ODD
            mixed ^= mixed >> np.uint64(29)
    _, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
    if not np.array_equal(words[first][inverse], words):
        _, first, inverse = np.unique(words, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(first), np.int64)
    rank[order] = np.arange(len(first))
    return first[order], rank[inverse.reshape(-1)]


def _words(column: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(column.reshape(len(column), -1)).view(np.uint32)
