"""From glTF's axes, +Y up, to those of the printing formats, +Z up."""

from __future__ import annotations

import numpy as np

# (x, y, z) becomes (x, -z, y): a quarter turn about X, exact.
Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
