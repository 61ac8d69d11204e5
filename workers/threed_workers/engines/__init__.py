"""Render engines, best first. A new one is a file here, a line in `ALL`, and a paragraph in the lexicon engines.md."""

from __future__ import annotations

from collections.abc import Sequence

from threed.errors import EngineUnavailable
from threed_workers.engines.compat import Compat
from threed_workers.engines.engine import Engine, Session
from threed_workers.engines.path_traced import PathTraced
from threed_workers.engines.raster import Raster

__all__ = ["ALL", "QUICK", "Engine", "Session", "choose", "probe_all"]

ALL: tuple[Engine, ...] = (Raster(), PathTraced(), Compat())

# Those for pictures that nobody waits a minute for.
QUICK = ("raster", "compat")


def choose(name: str = "", able: Sequence[str] | None = None) -> list[Engine]:
    """The engines to try, in their order: the one called `name`, or all when it is empty.

    `able` are the names that work on this machine, as probed before; None means that nobody has looked.
    Raises EngineUnavailable when nothing is left.
    """
    wanted = [engine for engine in ALL if name in ("", engine.name)]
    found = [engine for engine in wanted if able is None or engine.name in able]
    if not found:
        known = ", ".join(engine.name for engine in ALL)
        if wanted:
            message = f"The engine {name} cannot run here." if name else "No engine can run here."
            message += " `threed doctor` says what is missing."
        else:
            message = f"There is no engine {name}. There are: {known}."
        raise EngineUnavailable(message, engine=name, known=known)
    return found


def probe_all() -> list[dict]:
    """What runs on this machine, each as the message EngineCapability in JSON. Every engine is tried in a child."""
    from threed_workers.engines.probe import probe_each

    return [
        {key: row[key] for key in ("name", "version", "available")} | {"unavailable_reason": row["reason"]}
        for row in probe_each()
    ]
