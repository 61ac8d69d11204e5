"""The step that makes the thumbnails of a model, in a confined child."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from threed_workers.document.model import loss
from threed_workers.engines import framing, pictures
from threed_workers.engines.drawing import Backdrop, Drawing, Instance, Settings
from threed_workers.engines.models import Model
from threed_workers.engines.rendering import drawn, plain
from threed_workers.inspection import triangles_of

LONG_EDGES_PX = (1024, 512, 256)

# Where else to stand when nothing is seen, as of a single-sided surface from behind: (yaw added, pitch) in radians.
_SIDES = ((0.0, framing.PITCH), (math.pi, framing.PITCH), (0.0, -framing.PITCH), (math.pi, -framing.PITCH))


def thumbnails(request: dict, folder: Path, report: Callable[[dict], None]) -> dict:
    """Draw a model three quarters from the front, in the studio, at 1024 pixels, and shrink that to 512 and 256.

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
    drawing = Drawing((Instance(model, np.eye(4)),), corners, backdrop=Backdrop("transparent"))
    settings = _settings(model)
    views = [
        framing.framed(corners, framing.YAW + turn, pitch, framing.YFOV, framing.MARGIN, settings.aspect)
        for turn, pitch in _SIDES
    ]
    picture, engine, losses = drawn(drawing, settings, views, folder, report, able=request.get("engines"))
    report({"phase": "storing", "progress": 0.9})
    return {"thumbnails": _stored(picture.image, folder), "engine_used": engine, "losses": losses}


def _settings(model: Model) -> Settings:
    """One sample a pixel where triangles are more than pixels.

    Multisampling takes five times as long then, and a gigabyte more; what it smooths lies within the triangles of a
    pixel, and the smaller sizes are smooth anyway.
    """
    edge = LONG_EDGES_PX[0]
    triangles = sum(triangles_of(model.document, primitive) for _, primitive in model.document.primitives())
    return Settings(width=edge, height=edge, samples=1 if triangles > edge * edge else Settings.samples)


def _stored(image: np.ndarray, folder: Path) -> list[dict]:
    found, sized = [], image
    for edge in LONG_EDGES_PX:
        # Each from the one before: the smallest from the largest takes four times as long and looks the same.
        sized = image if edge == image.shape[0] else pictures.shrunk(sized, edge, edge)
        for suffix in ("webp", "png"):
            file = f"thumbnail-{edge}.{suffix}"
            (folder / file).write_bytes(pictures.encode(sized, suffix))
            found.append({"file": file, "media_type": pictures.MEDIA_TYPES[suffix], "long_edge_px": edge})
    return found
