"""Matrices of USD, which multiplies rows, as glTF has them, which multiplies columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from threed.errors import FileValuesInvalid
from threed_workers.formats.usd_conversion import Conversion


def matrix(found: Any, where: str) -> np.ndarray:
    """A Gf.Matrix4d as float64 (4, 4) that multiplies columns. Raises FileValuesInvalid for what no node can be."""
    made = np.array(found, np.float64).T
    if not np.isfinite(made).all() or np.abs(made).max() > 1e30:
        raise FileValuesInvalid("A transform is not finite, or beyond all bounds.", where=where)
    if not np.allclose(made[3], (0, 0, 0, 1), atol=1e-9):
        raise FileValuesInvalid("A transform is a projection, which a node cannot be.", where=where)
    return made


def local_matrix(xformable: Any, conversion: Conversion, time: Any = None) -> np.ndarray:
    """The local transform of a prim as columns."""
    made = xformable.GetLocalTransformation(conversion.time if time is None else time)
    return matrix(made, str(xformable.GetPath()))
