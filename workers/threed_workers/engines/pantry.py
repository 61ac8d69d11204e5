"""Filament's renderer, and what it keeps from one drawing to the next in a process that makes several."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from threed_workers.engines.kept import Kept

# In bytes, of models; and how many environments (10 MB each).
_MODELS, _SKIES = 512 << 20, 4


class Pantry:
    """`renderer` and its models, environments and render targets. Things of the same key are the same."""

    def __init__(self, renderer: Any):
        self.renderer = renderer
        self._models = Kept(_MODELS, _bytes_of)
        self._skies = Kept(_SKIES)
        self._targets: dict[tuple[int, int, bool], Any] = {}

    def model(self, key: Hashable, load: Callable[[], Any]) -> Any:
        """What `load` has loaded of it, now or before."""
        return self._models.get(key, load)

    def sky(self, key: Hashable, load: Callable[[], Any]) -> Any:
        """The same for an environment."""
        return self._skies.get(key, load)

    def target(self, width: int, height: int, depth: bool = False) -> Any:
        """A render target of that size in pixels; with `depth` for what is drawn straight into it.

        None is ever closed: filly 0.2.1 still uses its texture some pictures later, and aborts the process.
        """
        key = width, height, depth
        if key not in self._targets:
            self._targets[key] = self.renderer.create_render_target(width=width, height=height, depth=depth)
        return self._targets[key]

    def tidy(self) -> None:
        """Let go of what was used longest ago. Between drawings: nothing of it is in use."""
        for kept in (self._models, self._skies):
            for thing in kept.trim():
                thing.close()


def _bytes_of(asset: Any) -> int:
    memory = asset.memory
    return memory.gpu_texture_bytes + memory.gpu_geometry_bytes + memory.cpu_bytes
