"""The models of a drawing in a Filament scene, at any moment of their animations.

Filament skins, morphs and moves nodes by itself. What it cannot (filly 0.2.1, measured: more than 256 joints or four
weights a vertex, properties other than a node's, points and lines in our widths) is baked and loaded anew.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from threed_workers.engines.drawing import Drawing, Settings
from threed_workers.engines.lamps import Lamps
from threed_workers.engines.models import Model
from threed_workers.engines.pantry import Pantry
from threed_workers.engines.strokes import Strokes

_MOST_JOINTS = _MOST_TARGETS = 256


class Staging:
    """What was placed. `frame` (4, 4) takes the world to what is drawn; `gain` multiplies what shines by itself.

    The picture of `settings` is drawn `times` as large along each edge.
    """

    def __init__(
        self,
        pantry: Pantry,
        scene: Any,
        drawing: Drawing,
        settings: Settings,
        times: float,
        frame: np.ndarray,
        gain: float,
        lamps: Lamps,
        folder: Path,
    ):
        def strokes(asset: Any, matrix: np.ndarray, model: Model) -> Strokes:
            return Strokes(scene, asset, matrix, settings, times, model.stroke_vertices())

        places: dict[int, tuple[Model, list[np.ndarray]]] = {}
        for instance in drawing.instances:
            places.setdefault(id(instance.model), (instance.model, []))[1].append(frame @ instance.matrix)
        self._actors = [
            _Actor(pantry, scene, model, matrices, gain, lamps, strokes, folder / f"model-{number}")
            for number, (model, matrices) in enumerate(places.values())
        ]
        self._seconds: float | None = None

    @property
    def strokes(self) -> list[Strokes]:
        """What must be turned to each camera."""
        return [strokes for actor in self._actors for strokes in actor.strokes]

    def show(self, seconds: float | None) -> bool:
        """Bring every model to a moment; whether anything moved. None leaves them as they are."""
        if seconds is None or seconds == self._seconds:
            return False
        self._seconds = seconds
        return any([actor.show(seconds) for actor in self._actors])

    def close(self) -> None:
        """Take everything out of the scene."""
        for actor in self._actors:
            actor.close()


class _Actor:
    """One model, at its places."""

    def __init__(
        self,
        pantry: Pantry,
        scene: Any,
        model: Model,
        matrices: list[np.ndarray],
        gain: float,
        lamps: Lamps,
        strokes: Callable[[Any, np.ndarray, Model], Strokes],
        stem: Path,
    ):
        self.strokes: list[Strokes] = []
        self._pantry, self._scene, self._lamps, self._make_strokes = pantry, scene, lamps, strokes
        self._model, self._matrices, self._gain, self._stem = model, matrices, gain, stem
        self._assets: list[Any] = []
        self._placed: list[Any] = []
        self._plays = _is_playable(model)
        self._load(model, self._lasting)

    def show(self, seconds: float) -> bool:
        if self._model.animation is None:
            return False
        if self._plays:
            for placed in self._placed:
                moment = min(seconds, self._model.animation.seconds)
                placed.apply_animation(self._model.animation.number, moment, loop=False)
            return True
        self.close()
        self._load(self._model.at(seconds), self._passing)
        return True

    def close(self) -> None:
        """Take it out of the scene."""
        for strokes in self.strokes:
            strokes.close()
        for thing in (*self._placed, *self._assets):
            thing.close()
        self.strokes, self._placed, self._assets = [], [], []

    def _load(self, model: Model, asset: Callable[[Model | None, str], Any]) -> None:
        fixed = model if self._plays else model.still() if _is_beyond(model) else model.frozen()
        bright = fixed.exposed(self._gain)
        solids, strokes = asset(bright.solids(), "solids"), asset(bright.strokes(), "strokes")
        for matrix in self._matrices:
            if solids is not None:
                placed = self._scene.add(solids)
                placed.transform = matrix.astype(np.float32)
                self._placed.append(placed)
                self._lamps.mend(placed, model.document, matrix)
            if strokes is not None:
                self.strokes.append(self._make_strokes(strokes, matrix, model))

    def _lasting(self, model: Model | None, kind: str) -> Any:
        """Loaded for this drawing and those that come."""
        return None if model is None else self._pantry.model(model.made, lambda: self._loaded(model, kind))

    def _passing(self, model: Model | None, kind: str) -> Any:
        """Loaded until the next moment: few drawings would show the same one."""
        if model is not None:
            self._assets.append(self._loaded(model, kind))
        return None if model is None else self._assets[-1]

    def _loaded(self, model: Model, kind: str) -> Any:
        return self._pantry.renderer.load_asset(str(model.written(self._stem.parent, f"{self._stem.name}-{kind}")))


def _is_playable(model: Model) -> bool:
    """Whether Filament can move it as our own evaluator does."""
    if model.animation is None or _is_beyond(model) or model.stroke_count():
        return False
    return not model.animation.unusable and all(channel.node is not None for channel in model.animation.channels)


def _is_beyond(model: Model) -> bool:
    """Whether it has more joints, weights or targets than Filament takes."""
    if any(len(skin["joints"]) > _MOST_JOINTS for skin in model.document.all("skins")):
        return True
    return any(
        "JOINTS_1" in primitive["attributes"] or len(primitive.get("targets") or ()) > _MOST_TARGETS
        for _, primitive in model.document.primitives()
    )
