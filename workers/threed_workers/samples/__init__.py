"""Small valid files of every format, and one model worth looking at: for tests, the demo and `threed doctor`.

Everything is made here from numbers, so nothing has to be downloaded or licensed. The same call gives the same bytes.
"""

from __future__ import annotations

from threed_workers.samples.files import SAMPLES, glb_bytes, sample, triangle, zipped
from threed_workers.samples.showpiece import animated_model

__all__ = ["SAMPLES", "animated_model", "glb_bytes", "sample", "triangle", "zipped"]
