"""What an engine is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from threed_workers.document.model import Json
from threed_workers.engines.drawing import Drawing, Pass, Settings, View


class Session(Protocol):
    """A drawing made ready. `losses` says what of it this engine does not show, in the form of `document.loss`.

    The frames of a film are drawn by one session: models stay loaded while the camera, or an animation, moves on.
    """

    losses: list[Json]

    def render(self, view: View, seconds: float | None = None) -> Iterator[Pass]:
        """The picture from there, in one or more passes, each better than the one before; the last has done == total.

        `seconds` is the moment of the models' animations; None leaves them at that of the drawing. The next pass is
        only begun when it is asked for. Raises EngineFailed.
        """
        ...

    def close(self) -> None:
        """Give back everything but what helps the next drawing. It comes last: it may take the process down."""
        ...


class Engine(Protocol):
    """One way to make pictures. Only ever used in a confined child: native code may take the whole process with it."""

    name: str

    def version(self) -> str:
        """Of the library that draws, such as "filly 0.2.1"; empty when it is not installed."""
        ...

    def probe(self) -> str | None:
        """None after it has drawn a first picture; else why it cannot, and how to change that.

        To be called in a process of its own (`python -m threed_workers.engines.probe`): a bad driver aborts it.
        """
        ...

    def prepare(self, drawing: Drawing, settings: Settings, folder: Path) -> Session:
        """Load everything. May write into `folder`. Raises EngineUnavailable, EngineFailed."""
        ...
