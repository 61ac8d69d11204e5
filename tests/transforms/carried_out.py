"""Carry a step out as a recipe does, and judge what it made: our own checks, and the Khronos validator."""

from __future__ import annotations

import atexit
import tempfile
from functools import cache
from pathlib import Path

import orjson
from google.protobuf.message import Message

from threed.v1 import recipes_pb2
from threed_workers import transforms, validator
from threed_workers.budget import Budget
from threed_workers.document import Document, edit, read_glb, write_glb
from threed_workers.document.checks import check

BUDGET = Budget()


def options(step: str, **settings) -> Message:
    """The message of a step."""
    message = getattr(recipes_pb2.Step(**{step: {}}), step)
    return type(message)(**settings)


def carried_out(step: str, document: Document, **settings) -> Document:
    """What the step makes of the document, written and read again. It has no errors; issues come along."""
    check(document, BUDGET)
    made = edit.collect(transforms.transform(step).apply(document, options(step, **settings)))
    return reread(made)


def reread(document: Document) -> Document:
    path = _folder() / "made.glb"
    write_glb(document, path)
    again = read_glb(memoryview(path.read_bytes()), BUDGET)
    check(again, BUDGET)
    assert errors(path) == []
    again.issues[:0] = document.issues
    again.losses[:0] = document.losses
    return again


def errors(path: Path) -> list[dict]:
    """The validator's errors; none where it is not installed."""
    report = _validator().validate(path)
    if report is None:
        assert validator.missing()
        return []
    return [message for message in report["issues"]["messages"] if message["severity"] == 0]


def copy(document: Document) -> Document:
    """The same content, with nothing in common."""
    pictures, buffers = dict(document.pictures), list(document.buffers)
    return Document(orjson.loads(orjson.dumps(document.json)), buffers, pictures)


@cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return Path(folder.name)


@cache
def _validator() -> validator.Validator:
    made = validator.Validator(_folder())
    atexit.register(made.close)
    return made
