"""From a Derivative as asked for to the spec of a worker: which recipe, its defaults, its digest, its source."""

from __future__ import annotations

import hashlib
import uuid

import sqlalchemy as sa
from google.protobuf import json_format
from sqlalchemy.ext.asyncio import AsyncConnection

import threed
from threed import ids
from threed.errors import FieldInvalid, RecipeInvalid
from threed.records import assets, derivatives, recipes
from threed.services import estimating
from threed.services.presets import PRESETS
from threed.services.readiness import check_ready, not_ready
from threed.v1.assets_pb2 import Model
from threed.v1.derivatives_pb2 import Derivative
from threed.v1.jobs_pb2 import BlobRef, DeriveSpec
from threed.v1.recipes_pb2 import EXPORT_GLB, EXPORT_GLTF, LOSS_WARN, Lod, Recipe

_COMPRESSION = ("meshopt", "draco")
_GLTF = (EXPORT_GLB, EXPORT_GLTF)


async def prepare(
    connection: AsyncConnection, project: str, asset_id: uuid.UUID, asked: Derivative, memory_limit_bytes: int
) -> DeriveSpec:
    """Everything that can be known before a worker looks, the plan included. Raises what CreateDerivative documents."""
    wanted = Derivative(preset=asked.preset, recipe_id=asked.recipe_id, priority=asked.priority)
    if asked.recipe_id:
        id = ids.parse("recipe", asked.recipe_id, "derivative.recipe_id")
        saved = await recipes.get(connection, project, id, asked.recipe_revision)
        json_format.ParseDict(saved.recipe, wanted.recipe)
        wanted.recipe_revision = saved.recipe_revision
    else:
        wanted.recipe.CopyFrom(_preset(asked.preset) if asked.preset else asked.recipe)
    fill_defaults(wanted.recipe)
    check(wanted.recipe, "derivative.recipe")
    row = (await assets.get_many(connection, project, [asset_id]))[asset_id]
    source = _normalized(row)
    model = json_format.ParseDict(row.model or {}, Model(), ignore_unknown_fields=True)
    wanted.plan.CopyFrom(estimating.plan(model, source.size_bytes, wanted.recipe, memory_limit_bytes))
    return DeriveSpec(derivative=wanted, source=source)


def cache_key(spec: DeriveSpec) -> str:
    """The same source by the same recipe, made by the same version of threed, is the same."""
    parts = (spec.source.sha256, derivatives.recipe_sha256(spec.derivative.recipe), threed.__version__)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def fill_defaults(recipe: Recipe) -> None:
    """Say what a recipe means where it says nothing, so that equal ones are equal."""
    if not recipe.export_formats:
        recipe.export_formats.append(EXPORT_GLB)
    recipe.loss_policy = recipe.loss_policy or LOSS_WARN


def check(recipe: Recipe, field: str) -> None:
    """Raises RecipeInvalid when the steps do not go together. `field` is where the request has the recipe."""
    names = [step.WhichOneof("step") for step in recipe.steps]
    for number, name in enumerate(names):
        if name in _COMPRESSION and number + 1 < len(names):
            _refuse(field, number, f"{name} must be the last step: what follows would undo it.")
        if name in _COMPRESSION and not any(format in _GLTF for format in recipe.export_formats):
            _refuse(field, number, f"{name} is for GLB and glTF only. Export one of them, or leave the step out.")
    split = [number for number, step in enumerate(recipe.steps) if step.lod.output == Lod.FILES]
    if len(split) > 1:
        _refuse(field, split[1], "Only one lod of a recipe may write files: put all ratios into it.")
    for number, step in enumerate(recipe.steps):
        ratios = list(step.lod.ratios)
        if ratios != sorted(set(ratios), reverse=True):
            _refuse(field, number, "The ratios of lod must fall: the finest level comes first.")
        if step.trim.end and step.trim.end <= step.trim.start:
            _refuse(field, number, "The end of trim must lie after its start.")


def _preset(name: str) -> Recipe:
    if name not in PRESETS:
        sentence = f"There is no preset {name!r}. There are: {', '.join(PRESETS)}."
        raise FieldInvalid(sentence, violations=(("derivative.preset", sentence),))
    return PRESETS[name]


def _refuse(recipe: str, number: int, sentence: str) -> None:
    raise RecipeInvalid(sentence, violations=((f"{recipe}.steps[{number}]", sentence),), step=number)


def _normalized(row: sa.Row) -> BlobRef:
    check_ready(row, "MODEL")
    for file in row.files:
        if file["kind"] == "NORMALIZED":
            return BlobRef(key=file["key"], sha256=file["sha256"], size_bytes=file["size_bytes"])
    raise not_ready(row.id, "has no normalized GLB")
