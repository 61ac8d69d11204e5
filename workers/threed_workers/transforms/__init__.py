"""The steps of recipes, one file each: `document -> document`, in the spirit of glTF-Transform.

To add one: a message in protos/threed/v1/recipes.proto, a field of `Step`, and a module here with the field's name:

    changes(options) -> frozenset of the features (`threed_workers.inventory`) that may become fewer, because these
        settings say so. What becomes fewer and is not among them is judged as a loss.
    apply(document, options) -> Document

A step that may make several documents of one, levels of detail, has `split(document, options) -> list[Document]`, too.

All get the step's message. `apply` may change the document in place, or answer with another; what it does not name it
leaves alone, unknown extensions and extras included. Raises RecipeInvalid for settings that this document cannot take.
"""

from __future__ import annotations

import importlib
from typing import Protocol

from google.protobuf.message import Message

from threed.v1 import recipes_pb2
from threed_workers.document import Document

NAMES = tuple(field.name for field in recipes_pb2.Step.DESCRIPTOR.oneofs_by_name["step"].fields)


class Transform(Protocol):
    """What a module of this package has."""

    def changes(self, options: Message) -> frozenset[str]:
        """The features that may become fewer with these settings."""

    def apply(self, document: Document, options: Message) -> Document:
        """Do it. Raises RecipeInvalid."""


def transform(name: str) -> Transform:
    """The module of a step. Heavy libraries are imported only by those that need them."""
    return importlib.import_module(f"threed_workers.transforms.{name}")


def carried_out(module: Transform, document: Document, options: Message) -> list[Document]:
    """What a step makes of a document: one, or several where it can `split` and is asked to. Raises RecipeInvalid."""
    split = getattr(module, "split", None)
    return [module.apply(document, options)] if split is None else split(document, options)
