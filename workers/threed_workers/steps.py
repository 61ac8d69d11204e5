"""The steps that can run in a confined child: name -> "module:function".

A step is `function(request: dict, folder: Path, report: Callable[[dict], None]) -> dict`: it reads its input from its
private folder, writes its output there, and returns what to keep. An explicit list; nothing is discovered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

STEPS: dict[str, str] = {
    "check": "threed_workers.quality.step:check",
    "nothing": "threed_workers.steps:nothing",
    "import": "threed_workers.steps:import_file",
    "picture_thumbnails": "threed_workers.steps:picture_thumbnails",
    "light": "threed_workers.steps:light",
    "thumbnails": "threed_workers.engines.thumbnails:thumbnails",
    "derive": "threed_workers.deriving:derive",
    "prove": "threed_workers.proof:prove",
    "render": "threed_workers.engines.rendering:render",
    "render_copy": "threed_workers.steps:make_render_copy",
    "film": "threed_workers.films:film",
}


def target(step: str) -> str:
    """The "module:function" of a step. A name with a colon is one already. Raises KeyError for a name nobody listed."""
    if ":" in step:
        return step
    return STEPS[step]


def nothing(request: dict, folder: Path, report: Any) -> dict:
    """The step of a probe."""
    return {}


def import_file(request: dict, folder: Path, report: Any) -> dict:
    """{"source", "filename", "unit_m", "up_axis"} -> what `importing.import_file` answers.

    `source` is a file of the folder, `filename` its name for people; the others are ImportOptions, and may be missing.
    """
    from threed_workers.budget import Budget
    from threed_workers.importing import import_file as import_
    from threed_workers.orientation import Said

    def progress(phase: str, part: float) -> None:
        report({"phase": phase, "progress": part})

    said = Said(request.get("unit_m", 0.0), request.get("up_axis", ""))
    return import_(folder / request["source"], request["filename"], folder, Budget(), progress, said)


def make_render_copy(request: dict, folder: Path, report: Any) -> dict:
    """{"source", "target"}, names of GLBs in the folder: the second is written, as engines read it -> {}.

    {"transcode": True}: without KTX2, for engines that read none; for a child that may run the program for it.
    """
    from threed_workers.budget import Budget
    from threed_workers.document import write_glb
    from threed_workers.document.render_copy import render_copy
    from threed_workers.formats import glb
    from threed_workers.formats.source import Source
    from threed_workers.textures.transcoding import transcode

    document = glb.read(Source(folder / request["source"], request["source"]), Budget())
    if request.get("transcode"):
        transcode(document, Budget())
    packed, _ = render_copy(document)
    write_glb(packed, folder / request["target"])
    return {}


def light(request: dict, folder: Path, report: Any) -> dict:
    """{"source"}, a panorama in the folder -> {"file"}, the KTX that the raster engine lights by."""
    from threed_workers.engines.environments.bake import of_panorama
    from threed_workers.engines.environments.panorama import read_panorama

    (folder / "light.ktx").write_bytes(of_panorama(read_panorama(folder / request["source"])))
    return {"file": "light.ktx"}


def picture_thumbnails(request: dict, folder: Path, report: Any) -> dict:
    """{"source"}, a picture in the folder -> {"thumbnails": [{"file", "media_type", "long_edge_px"}]}."""
    from threed_workers.importing import thumbnails_of_picture

    made = thumbnails_of_picture(folder / request["source"], folder)
    names = ("file", "media_type")
    return {"thumbnails": [{name: one[name] for name in names} | {"long_edge_px": one["size_px"]} for one in made]}
