"""Is the model of a size that things have?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from threed_workers.document.model import Json, issue
from threed_workers.document.world import world_box
from threed_workers.quality.subject import Subject

SMALLEST_M, LARGEST_M = 0.001, 10_000.0


def check_units(subject: Subject) -> Iterator[Json]:
    """UNITS_IMPLAUSIBLE: the diagonal of the default scene's box is below 1 mm or above 10 km."""
    box = world_box(subject.document)
    if box is None:
        return
    diagonal = math.dist(box[0], box[1])
    if 0 < diagonal < SMALLEST_M or diagonal > LARGEST_M:
        text = f"The model is {diagonal:.3g} m across. glTF counts in metres: was the file exported in another unit?"
        yield issue("UNITS_IMPLAUSIBLE", "WARNING", "/scenes", f"{text} Scale it.")
