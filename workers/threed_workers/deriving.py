"""Carry out a recipe: read the normalized GLB, run the steps, count what changed, write every export.

Runs in a sandboxed child process. Reads `source`, writes into `folder`, and nowhere else.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

from google.protobuf import json_format

import threed
from threed.errors import RecipeInvalid
from threed.v1 import recipes_pb2
from threed_workers.budget import Budget
from threed_workers.document import Document, edit, write_glb
from threed_workers.document.model import Json
from threed_workers.exports import EXPORTS
from threed_workers.formats import glb
from threed_workers.formats.source import Source
from threed_workers.inventory import Difference, compare, inventory, judge
from threed_workers.transforms import transform

GATE = "derived.glb"
_READ, _WRITE = 0.1, 0.7  # of the progress, when the source is read and when the steps are done
# The libraries that steps and exports use, by their distributions.
_TOOLS = {
    **dict.fromkeys(("simplify", "lod"), "meshoptimizer"),
    **dict.fromkeys(("reorder", "meshopt"), "meshopt"),
    **dict.fromkeys(("texture_resize", "texture_encode", "palette"), "pillow"),
    "draco": "DracoPy",
    "usdz": "usd-core",
}


def derive(request: Json, folder: Path, report: Callable[[Json], None]) -> Json:
    """{"source", "recipe"}, a GLB of the folder and a Recipe as JSON -> what became of it.

    The result has "gate", the GLB that the validator judges; "files" [{"format", "file", "media_type", "losses"}], one
    for each export format; "loss_report" and "tools" as the contract has them. Raises RecipeInvalid when a step does
    not fit the model, and LossRefused when the recipe forbids what was lost.
    """
    recipe = json_format.ParseDict(request["recipe"], recipes_pb2.Recipe())
    report({"phase": "reading", "progress": 0.0})
    document = glb.read(Source(folder / request["source"], request["source"]), Budget())
    document.issues.clear()  # of the asset's own validation; from here on it is what the steps say
    before = inventory(document)
    document, named = _run(document, recipe, report)
    report({"phase": "writing", "progress": _WRITE})
    edit.collect(document)
    after = inventory(document)
    policy = recipes_pb2.LossPolicy.Name(recipe.loss_policy or recipes_pb2.LOSS_WARN).removeprefix("LOSS_")
    differences = judge(compare(before, after, named), policy)
    write_glb(document, folder / GATE)
    files = [_export(document, format, folder, report, _part(place, recipe)) for place, format in _formats(recipe)]
    return {
        "gate": GATE,
        "files": files,
        "loss_report": {
            "before": _counts(before),
            "after": _counts(after),
            "differences": [_difference(one) for one in differences],
            "issues": document.issues,
        },
        "tools": _tools(recipe),
    }


def _run(document: Document, recipe: recipes_pb2.Recipe, report: Callable[[Json], None]) -> tuple[Document, dict]:
    """The document after every step, and which step says that it changes a feature: {feature: name of the step}."""
    named: dict[str, str] = {}
    for number, step in enumerate(recipe.steps):
        name = step.WhichOneof("step")
        report({"phase": name, "progress": _READ + (_WRITE - _READ) * number / len(recipe.steps)})
        module, options = transform(name), getattr(step, name)
        try:
            document = module.apply(document, options)
        except RecipeInvalid as error:
            raise RecipeInvalid(
                f"Step {number}, {name}: {error.message}", **(error.metadata | {"step": number})
            ) from error
        named |= {feature: name for feature in module.changes(options) if feature not in named}
    return document, named


def _formats(recipe: recipes_pb2.Recipe) -> list[tuple[int, str]]:
    return list(enumerate(recipes_pb2.ExportFormat.Name(format) for format in recipe.export_formats))


def _part(place: int, recipe: recipes_pb2.Recipe) -> float:
    return _WRITE + (1 - _WRITE) * place / len(recipe.export_formats)


def _export(document: Document, format: str, folder: Path, report: Callable[[Json], None], part: float) -> Json:
    name = _name(format)
    report({"phase": "writing", "progress": part})
    if name == "glb":
        return {"format": format, "file": GATE, "media_type": glb.media_type, "losses": []}
    made = EXPORTS[name].write(document, folder, f"derived_{name}")
    losses = [{"feature": one["feature"], "count": one["count"], "reason": one["reason"]} for one in made.losses]
    return {"format": format, "file": made.file, "media_type": made.media_type, "losses": losses}


def _counts(counts: Json) -> dict[str, int]:
    """What is counted, without lists of names."""
    return {name: value for name, value in counts.items() if isinstance(value, int)}


def _difference(one: Difference) -> Json:
    names = ("feature", "before", "after", "severity", "reason")
    return {name: getattr(one, name) for name in names}


def _tools(recipe: recipes_pb2.Recipe) -> list[Json]:
    parts = [step.WhichOneof("step") for step in recipe.steps] + [_name(format) for _, format in _formats(recipe)]
    used = sorted({_TOOLS[part] for part in parts if part in _TOOLS})
    versions = {"threed": threed.__version__} | {name: importlib.metadata.version(name) for name in used}
    return [{"name": name, "version": version} for name, version in versions.items()]


def _name(format: str) -> str:
    return format.removeprefix("EXPORT_").lower()
