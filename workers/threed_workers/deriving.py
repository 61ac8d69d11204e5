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
from threed_workers.transforms import carried_out, transform

GATE = "derived.glb"
# What a level of detail may have fewer of than the model, unless it is the finest.
_COARSER = dict.fromkeys(("triangles", "vertices"), "lod")
_READ, _WRITE = 0.1, 0.7  # of the progress, when the source is read and when the steps are done
# The libraries that steps and exports use, by their distributions.
_TOOLS = {
    **dict.fromkeys(("simplify", "lod"), "meshoptimizer"),
    **dict.fromkeys(("reorder", "meshopt"), "meshopt"),
    **dict.fromkeys(("texture_resize", "texture_encode", "palette", "atlas"), "pillow"),
    "draco": "DracoPy",
    "usdz": "usd-core",
}


def derive(request: Json, folder: Path, report: Callable[[Json], None]) -> Json:
    """{"source", "recipe"}, a GLB of the folder and a Recipe as JSON -> what became of it.

    The result has "gates", the GLBs that the validator judges, one for each level of detail, or one; "files"
    [{"format", "file", "media_type", "losses", "lod_level", "triangle_count"}], level by level, one for each export
    format; "loss_report", of the finest level, and "tools" as the contract has them. Raises RecipeInvalid when a step
    does not fit the model, and LossRefused when the recipe forbids what was lost, in whichever level.
    """
    recipe = json_format.ParseDict(request["recipe"], recipes_pb2.Recipe())
    report({"phase": "reading", "progress": 0.0})
    document = glb.read(Source(folder / request["source"], request["source"]), Budget())
    document.issues.clear()  # of the asset's own validation; from here on it is what the steps say
    before = inventory(document)
    levels, named = _run(document, recipe, report)
    report({"phase": "writing", "progress": _WRITE})
    counts, differences = [], []
    for number, level in enumerate(levels):
        counts.append(inventory(edit.collect(level)))
        differences.append(_judged(before, counts[-1], (_COARSER if number else {}) | named, recipe))
    gates, files = [], []
    for number, level in enumerate(levels):
        gates.append(_gate(number))
        write_glb(level, folder / gates[-1])
        for place, format in enumerate(recipe.export_formats):
            done = (number + place / len(recipe.export_formats)) / len(levels)
            report({"phase": "writing", "progress": _WRITE + (1 - _WRITE) * done})
            made = _export(level, recipes_pb2.ExportFormat.Name(format), folder, number)
            files.append(made | {"lod_level": number, "triangle_count": counts[number]["triangles"]})
    return {
        "gates": gates,
        "files": files,
        "loss_report": {
            "before": _counts(before),
            "after": _counts(counts[0]),
            "differences": [_difference(one) for one in differences[0]],
            "issues": _issues(levels),
        },
        "tools": _tools(recipe),
    }


def _run(
    document: Document, recipe: recipes_pb2.Recipe, report: Callable[[Json], None]
) -> tuple[list[Document], dict[str, str]]:
    """What there is after every step, and which step says that it changes a feature: {feature: name of the step}.

    One document, or the levels of detail that a step split it into; the steps that follow are carried out on each.
    """
    documents, named = [document], {}
    for number, step in enumerate(recipe.steps):
        name = step.WhichOneof("step")
        report({"phase": name, "progress": _READ + (_WRITE - _READ) * number / len(recipe.steps)})
        module, options = transform(name), getattr(step, name)
        try:
            documents = [made for document in documents for made in carried_out(module, document, options)]
        except RecipeInvalid as error:
            raise RecipeInvalid(
                f"Step {number}, {name}: {error.message}", **(error.metadata | {"step": number})
            ) from error
        named |= {feature: name for feature in module.changes(options) if feature not in named}
    return documents, named


def _judged(before: Json, after: Json, named: dict[str, str], recipe: recipes_pb2.Recipe) -> list[Difference]:
    policy = recipes_pb2.LossPolicy.Name(recipe.loss_policy or recipes_pb2.LOSS_WARN).removeprefix("LOSS_")
    return judge(compare(before, after, named), policy)


def _gate(level: int) -> str:
    return f"derived_lod{level}.glb" if level else GATE


def _export(document: Document, format: str, folder: Path, level: int) -> Json:
    name = _name(format)
    if name == "glb":
        return {"format": format, "file": _gate(level), "media_type": glb.media_type, "losses": []}
    made = EXPORTS[name].write(document, folder, f"derived_{name}_lod{level}" if level else f"derived_{name}")
    losses = [{"feature": one["feature"], "count": one["count"], "reason": one["reason"]} for one in made.losses]
    return {"format": format, "file": made.file, "media_type": made.media_type, "losses": losses}


def _issues(levels: list[Document]) -> list[Json]:
    """What the steps said, of every level, each once."""
    found = []
    for document in levels:
        found += [one for one in document.issues if one not in found]
    return found


def _counts(counts: Json) -> dict[str, int]:
    """What is counted, without lists of names."""
    return {name: value for name, value in counts.items() if isinstance(value, int)}


def _difference(one: Difference) -> Json:
    names = ("feature", "before", "after", "severity", "reason")
    return {name: getattr(one, name) for name in names}


def _tools(recipe: recipes_pb2.Recipe) -> list[Json]:
    parts = [step.WhichOneof("step") for step in recipe.steps]
    parts += [_name(recipes_pb2.ExportFormat.Name(format)) for format in recipe.export_formats]
    used = sorted({_TOOLS[part] for part in parts if part in _TOOLS})
    versions = {"threed": threed.__version__} | {name: importlib.metadata.version(name) for name in used}
    return [{"name": name, "version": version} for name, version in versions.items()]


def _name(format: str) -> str:
    return format.removeprefix("EXPORT_").lower()
