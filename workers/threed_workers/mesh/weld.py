"""Find rows that are the same."""

from __future__ import annotations

import numpy as np

_ODD = np.uint64(0x9E3779B97F4A7C15)


def weld(*columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(first (m,), inverse (n,)): `rows[first][inverse]` are the rows again, bit for bit, each different one once.

    Every column is (n,) or (n, k), of 4 or 8 byte items; -0.0 and 0.0 differ. Rows are compared by a 64 bit hash of
    their words, and the result is verified; when two rows share a hash, the words themselves are sorted.
    """
    words = np.hstack([_words(column) for column in columns])
    mixed = np.zeros(len(words), np.uint64)
    with np.errstate(over="ignore"):
        for word in words.T:
            mixed = (mixed ^ word.astype(np.uint64)) * _ODD
            mixed ^= mixed >> np.uint64(29)
    _, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
    if not np.array_equal(words[first][inverse], words):
        _, first, inverse = np.unique(words, axis=0, return_index=True, return_inverse=True)
    # In the order of first appearance, which is the order that vertex caches like and people expect.
    order = np.argsort(first)
    rank = np.empty(len(first), np.int64)
    rank[order] = np.arange(len(first))
    return first[order], rank[inverse.reshape(-1)]


def _words(column: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(column.reshape(len(column), -1)).view(np.uint32)
