"""The step that checks a normalized GLB, in a confined child."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from threed_workers.budget import Budget
from threed_workers.document.model import Json
from threed_workers.formats import glb
from threed_workers.formats.source import Source
from threed_workers.quality.checking import check_all
from threed_workers.quality.profiles import PROFILES


def check(request: Json, folder: Path, report: Callable[[Json], None]) -> Json:
    """{"model", "target_profile"}, a GLB of the folder and a key of PROFILES or "" -> {"issues": [...]}."""
    report({"phase": "checking", "progress": 0.0})
    path = folder / request["model"]
    document = glb.read(Source(path, path.name), Budget())
    profile = PROFILES.get(request.get("target_profile") or "")
    return {"issues": check_all(document, profile, file_bytes=path.stat().st_size)}
