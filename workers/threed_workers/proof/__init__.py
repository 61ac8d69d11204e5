"""How much a derivative is like its original: by pictures from fixed places, and by the distance of the surfaces.

Runs in a sandboxed child process.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from threed.errors import EngineFailed, EngineUnavailable
from threed_workers.budget import Budget
from threed_workers.document import Document, write_glb
from threed_workers.document.model import Json
from threed_workers.document.render_copy import render_copy
from threed_workers.engines import QUICK, choose, framing, pictures
from threed_workers.engines.drawing import Backdrop, Drawing, Instance, Settings, View
from threed_workers.engines.models import Model
from threed_workers.formats import glb
from threed_workers.formats.source import Source
from threed_workers.proof.distance import distances
from threed_workers.proof.similarity import over_grey, psnr, ssim

PICTURE = "proof.png"
_EDGE_PX = 384
_VIEWS = tuple((framing.YAW + turn * math.pi / 2, framing.PITCH) for turn in range(4))


def prove(request: Json, folder: Path, report: Callable[[Json], None]) -> Json:
    """{"before", "after"}, two GLBs of the folder -> a VisualProof with proto field names, its picture as "file".

    Both are drawn from four places around the original, where all of the original is in view, in the same light. A
    model without anything to draw is like any other such. Raises EngineUnavailable, EngineFailed.
    """
    documents = {name: _read(folder / request[name]) for name in ("before", "after")}
    report({"phase": "proving", "progress": 0.1})
    found = distances(documents["before"], documents["after"])
    report({"phase": "proving", "progress": 0.4})
    models = {name: _plain(document, folder / f"{name}-plain.glb") for name, document in documents.items()}
    corners = models["before"].corners()
    views, engine = ([], "") if not len(corners) else _compared(models, corners, folder)
    report({"phase": "proving", "progress": 0.9})
    return found | {"views": views, "engine": engine, "min_ssim": min((one["ssim"] for one in views), default=1.0)}


def _read(path: Path) -> Document:
    return glb.read(Source(path, path.name), Budget())


def _plain(document: Document, path: Path) -> Model:
    packed, _ = render_copy(document)
    write_glb(packed, path)
    return Model.open(path)


def _compared(models: dict[str, Model], corners: np.ndarray, folder: Path) -> tuple[list[Json], str]:
    settings = Settings(width=_EDGE_PX, height=_EDGE_PX)
    views = [framing.framed(corners, *place, framing.YFOV, framing.MARGIN, settings.aspect) for place in _VIEWS]
    rows, engine = _drawn(models, corners, settings, views, folder)
    found = []
    for (yaw, pitch), before, after in zip(_VIEWS, rows["before"], rows["after"], strict=True):
        seen = (before[..., 3] > 0) | (after[..., 3] > 0)
        pair = over_grey(before), over_grey(after)
        found.append({"yaw": yaw, "pitch": pitch, "ssim": ssim(*pair, seen), "psnr_db": psnr(*pair, seen)})
    sheet = np.vstack([np.hstack(rows[name]) for name in ("before", "after")])
    (folder / PICTURE).write_bytes(pictures.encode(sheet, "png"))
    return found, engine


def _drawn(
    models: dict[str, Model], corners: np.ndarray, settings: Settings, views: Sequence[View], folder: Path
) -> tuple[dict[str, list[np.ndarray]], str]:
    """uint8 (h, w, 4) of every view of each model, all by the first engine that manages both."""
    failures: list[EngineFailed | EngineUnavailable] = []
    for engine in choose(able=QUICK):
        try:
            rows = {}
            for name, model in models.items():
                drawing = Drawing((Instance(model, np.eye(4)),), corners, backdrop=Backdrop("transparent"))
                session = engine.prepare(drawing, settings, folder)
                rows[name] = [[*session.render(view)][-1].image.copy() for view in views]
            return rows, engine.name
        except (EngineFailed, EngineUnavailable) as error:
            failures.append(error)
    raise failures[0]
