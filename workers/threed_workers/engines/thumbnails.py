"""The step that makes the thumbnails of a model, in a confined child."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from threed_workers.document.model import Json, loss
from threed_workers.engines import QUICK, framing, pictures
from threed_workers.engines.drawing import Backdrop, Drawing, Instance, Pass, Settings
from threed_workers.engines.models import Model
from threed_workers.engines.rendering import drawn, plain
from threed_workers.inspection import triangles_of

LONG_EDGES_PX = (1024, 512, 256)

SETTINGS = Settings(width=LONG_EDGES_PX[0], height=LONG_EDGES_PX[0])
# Where triangles are more than pixels, memory is dear, and nothing but the outline of the largest picture shows steps.
_VERY_MANY = Settings(width=LONG_EDGES_PX[0], height=LONG_EDGES_PX[0], samples=1)

# Where else to stand when nothing is seen, as of a single-sided surface from behind: (yaw added, pitch) in radians.
_SIDES = ((0.0, framing.PITCH), (math.pi, framing.PITCH), (0.0, -framing.PITCH), (math.pi, -framing.PITCH))


def thumbnails(request: dict, folder: Path, report: Callable[[dict], None]) -> dict:
    """Draw a model three quarters from the front, in the studio, and shrink that to 1024, 512 and 256 pixels.

    request: {"model": file name of a render copy, "engines": names that work here (optional)}. The background is
    transparent, so that a grid of assets may have any colour. Answers {"thumbnails": [{"file", "media_type",
    "long_edge_px"}], "engine_used", "losses"}; a model without geometry is not wrong, and has no thumbnails.
    Raises EngineUnavailable, EngineFailed.
    """
    report({"phase": "loading", "progress": 0.0})
    model = Model.open(folder / request["model"])
    corners = model.corners()
    if not len(corners):
        nothing = loss("thumbnails", 1, "the model draws no points, lines or triangles", "picture")
        return {"thumbnails": [], "engine_used": "", "losses": [plain(nothing)]}
    picture, engine, losses = draw(model, corners, settings_for(model), folder, report, request.get("engines"))
    report({"phase": "storing", "progress": 0.9})
    return {"thumbnails": _stored(picture.image, folder), "engine_used": engine, "losses": losses}


def draw(
    model: Model,
    corners: np.ndarray,
    settings: Settings,
    folder: Path,
    report: Callable[[dict], None],
    able: Sequence[str] | None = None,
) -> tuple[Pass, str, list[Json]]:
    """(picture, name of the engine, losses) of a model whose box has these corners, (8, 3) in metres."""
    drawing = Drawing((Instance(model, np.eye(4)),), corners, backdrop=Backdrop("transparent"))
    views = [
        framing.framed(corners, framing.YAW + turn, pitch, framing.YFOV, framing.MARGIN, settings.aspect)
        for turn, pitch in _SIDES
    ]
    quick = [name for name in QUICK if able is None or name in able]
    return drawn(drawing, settings, views, folder, report, able=quick)


def settings_for(model: Model) -> Settings:
    """By its triangles, each mesh counted once."""
    triangles = sum(triangles_of(model.document, primitive) for _, primitive in model.document.primitives())
    return SETTINGS if triangles <= LONG_EDGES_PX[0] ** 2 else _VERY_MANY


def _stored(image: np.ndarray, folder: Path) -> list[dict]:
    found, sized = [], image
    with ThreadPoolExecutor(2) as pool:  # neither encoding nor shrinking holds Python's lock
        writing = []
        for edge in LONG_EDGES_PX:
            # Each from the one before: the smallest from the largest takes four times as long and looks the same.
            sized = sized if edge == sized.shape[0] else pictures.shrunk(sized, edge, edge)
            for suffix in ("webp", "png"):
                file = f"thumbnail-{edge}.{suffix}"
                writing.append(pool.submit(_write, folder / file, sized, suffix))
                found.append({"file": file, "media_type": pictures.MEDIA_TYPES[suffix], "long_edge_px": edge})
        for each in writing:
            each.result()
    return found


def _write(path: Path, image: np.ndarray, suffix: str) -> None:
    path.write_bytes(pictures.encode(image, suffix))
