"""A step for a confined child: the sample model in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from threed_workers.budget import Budget
from threed_workers.document import read_glb
from threed_workers.exports import EXPORTS
from threed_workers.samples import animated_model


def write_everything(request: dict, folder: Path, report: Any) -> dict:
    """{} -> {"files": {format: file}}."""
    document = read_glb(memoryview(animated_model()), Budget())
    return {"files": {name: export.write(document, folder, f"m_{name}").file for name, export in EXPORTS.items()}}
