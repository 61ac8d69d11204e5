"""Ours: an engine of the workers, one session for each scene. `python threed_pictures.py ENGINE`.

open: {"model": GLB, "size", "samples", "bounces"}, lit by the built-in studio; draw: {"eye", "target", "yfov", "save"}.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from answering import answer

from threed.v1 import jobs_pb2
from threed.v1.render_jobs_pb2 import CameraConfig
from threed_workers.engines import choose
from threed_workers.engines.cameras import view_of
from threed_workers.engines.composition import composed, settings_of

(_ENGINE,) = choose(sys.argv[1])
_open: dict[str, Any] = {}


def open_scene(asked: dict) -> None:
    """The spec of a job, as a worker has it, to a session."""
    spec = jobs_pb2.RenderSpec()
    spec.scene.nodes.add(id="model", asset_id="model")
    job = spec.render_job
    job.engine, job.samples, job.denoise = sys.argv[1], asked.get("samples", 0), False
    job.resolution.width = job.resolution.height = asked["size"]
    if "bounces" in asked:
        from threed_workers.engines.tracing import shot

        shot._DEPTH = asked["bounces"]
    folder = Path(tempfile.mkdtemp())
    drawing = composed(spec, {"model": Path(asked["model"])})
    settings = settings_of(job)
    session = _ENGINE.prepare(drawing, settings, folder)
    _open.update(spec=spec, drawing=drawing, settings=settings, session=session)


def draw(asked: dict) -> None:
    """The last pass of a picture."""
    spec = _open["spec"]
    look = CameraConfig.LookAt(eye=asked["eye"], target=asked["target"], yfov=asked["yfov"])
    spec.render_job.camera_config.look_at.CopyFrom(look)
    view = view_of(spec, _open["drawing"].points, _open["settings"].aspect)
    *_, last = _open["session"].render(view)
    if asked.get("save"):
        from threed_workers.engines import pictures

        Path(asked["save"]).write_bytes(pictures.encode(last.image, "png"))


if __name__ == "__main__":
    answer(open_scene, draw)
