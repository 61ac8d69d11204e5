"""Lists of numbers as text, as XML formats and VRML have them."""

from __future__ import annotations

import warnings

import numpy as np

from threed.errors import FileMalformed

_SHORT = 256  # characters, below which numpy costs more than it saves


def numbers(text: str | None, where: str, dtype: type = np.float64) -> np.ndarray:
    """The numbers of a list that white space separates. Raises FileMalformed for anything else in it."""
    text = text or ""
    if not text or text.isspace():
        return np.zeros(0, dtype)
    try:
        if len(text) < _SHORT:
            kind = float if dtype is np.float64 else int
            return np.array([kind(word) for word in text.split()], dtype)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return np.fromstring(text, dtype, sep=" ")
    except (ValueError, OverflowError, DeprecationWarning):
        pass
    try:  # "NaN", "INF", "1.#QNAN", or whole numbers with a point
        words = text.replace("-1.#IND", "nan").replace("1.#IND", "nan").replace("1.#QNAN", "nan").split()
        with np.errstate(all="ignore"):
            return np.array(words, np.float64).astype(dtype)
    except (ValueError, OverflowError, RuntimeWarning):
        raise FileMalformed("A list of numbers holds something else. Export the model again.", where=where) from None
