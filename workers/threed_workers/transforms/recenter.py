"""Move the model so that its pivot is the origin."""

from __future__ import annotations

from threed.errors import RecipeInvalid
from threed.v1 import recipes_pb2
from threed_workers.document import Document
from threed_workers.document.world import world_box
from threed_workers.transforms._placing import move_model

# Where on the height of the box the pivot lies, 0 at its lower side.
_HEIGHTS = {recipes_pb2.Recenter.BELOW: 0.0, recipes_pb2.Recenter.ABOVE: 1.0}


def changes(options: recipes_pb2.Recenter) -> frozenset[str]:
    return frozenset()


def apply(document: Document, options: recipes_pb2.Recenter) -> Document:
    """Move every scene by the same vector, which brings the pivot of the default scene's box to the origin.

    The box is that of the pose that the file shows. Raises RecipeInvalid when the scene shows nothing.
    """
    box = world_box(document)
    if box is None:
        raise RecipeInvalid(
            "The model shows nothing, so it has no bounds to recenter. Remove the step.", step="recenter"
        )
    low, high = box
    pivot = (low + high) / 2
    pivot[1] = low[1] + (high[1] - low[1]) * _HEIGHTS.get(options.pivot, 0.5)
    if pivot.any():
        move_model(document, 1.0, -pivot)
    return document
