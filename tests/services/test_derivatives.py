"""DerivativeService, from the outside, without a worker: what is known before one looks, and what it left."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf import json_format
from tests.services.door import Door, refused

from threed import ids
from threed.records import derivatives, jobs, retention
from threed.records.tables import derivatives as table
from threed.records.tables import jobs as jobs_table
from threed.services.presets import PRESETS
from threed.v1 import assets_pb2, derivatives_pb2, jobs_pb2, recipes_pb2, saved_recipes_pb2
from threed.v1.derivatives_pb2 import Derivative
from threed.v1.saved_recipes_pb2 import SavedRecipe

FILE = {"format": "EXPORT_GLB", "media_type": "model/gltf-binary", "losses": [], "size_bytes": 3, "sha256": "d" * 64}
KEY = "sha256/dd/dd/dd"


async def create(door: Door, asset_id: str, wanted: dict, **fields: Any) -> Derivative:
    message = json_format.ParseDict(wanted, Derivative())
    request = derivatives_pb2.CreateDerivativeRequest(asset_id=asset_id, derivative=message, **fields)
    return await door.derivatives.CreateDerivative(request, metadata=door.who())


def of(kind: str, made: Derivative, **fields: Any) -> Any:
    """The request of that rpc for one derivative."""
    return getattr(derivatives_pb2, f"{kind}Request")(
        asset_id=made.asset_id, derivative_id=made.derivative_id, **fields
    )


async def save(door: Door, recipe: dict, **who: Any) -> SavedRecipe:
    """A recipe that the project keeps."""
    request = saved_recipes_pb2.CreateSavedRecipeRequest(saved_recipe={})
    request.saved_recipe.recipe.SetInParent()
    json_format.ParseDict(recipe, request.saved_recipe.recipe)
    return await door.recipes.CreateSavedRecipe(request, metadata=door.who(**who))


async def get(door: Door, made: Derivative, **who: Any) -> Derivative:
    return await door.derivatives.GetDerivative(of("GetDerivative", made), metadata=door.who("viewer", **who))


async def execute(door: Door, statement: sa.Executable) -> sa.CursorResult:
    async with door.backend.records.transaction() as connection:
        return await connection.execute(statement)


async def finish(door: Door, made: Derivative, key: str = KEY, files: Sequence[dict] = (FILE,)) -> Derivative:
    """What a worker does in the end."""
    id = ids.parse("derivative", made.derivative_id)
    row = (await execute(door, jobs.claim(["derive"], "w", 10))).one()
    assert row.id == id
    result = {"provenance": {"source_sha256": "c" * 64}, "loss_report": {"before": {"triangles": 2}}}
    await execute(door, jobs.complete(id, row.fence, row.sequence + 1, [key]))
    await execute(door, derivatives.publish(id, [{**file, "key": key} for file in files], result))
    return await get(door, made)


async def test_a_preset_stands_for_its_recipe(door: Door):
    asset = await door.ready_asset()
    made = await create(door, asset.asset_id, {"preset": "web", "priority": 3, "progress": 1})
    assert (made.status, made.progress, made.phase, made.asset_id) == (Derivative.PENDING, 0, "queued", asset.asset_id)
    assert made.recipe.steps == PRESETS["web"].steps and made.preset == "web" and made.priority == 3
    assert await get(door, made) == made
    row = (await execute(door, sa.select(jobs_table).where(jobs_table.c.kind == "derive"))).one()
    spec = json_format.ParseDict(row.spec, jobs_pb2.Job()).derive
    assert (spec.source.key, row.priority) == ("sha256/aa/bb/cc", 3)


async def test_a_recipe_gets_its_defaults(door: Door):
    asset = await door.ready_asset()
    made = await create(door, asset.asset_id, {"recipe": {}}, validate_only=True)
    assert list(made.recipe.export_formats) == [recipes_pb2.EXPORT_GLB]
    assert made.recipe.loss_policy == recipes_pb2.LOSS_WARN
    assert made.derivative_id == "" and (await execute(door, sa.select(table))).all() == []


MESH = {"vertex_count": 500_000, "triangle_count": 1_000_000, "accessor_bytes": 28_000_000, "node_count": 1}
PICTURES = {"image_count": 2, "image_pixel_count": 2 << 22, "largest_image_pixel_count": 1 << 22}


def times(factor: int, counts: dict[str, int]) -> dict[str, int]:
    return {name: factor * count for name, count in counts.items()}


async def test_a_plan_says_what_each_part_takes(door: Door):
    asset = await door.ready_asset(model={**MESH, **PICTURES})
    # When it is only planned, and when it is created
    planned = await create(door, asset.asset_id, {"preset": "mobile"}, validate_only=True)
    made = await create(door, asset.asset_id, {"preset": "mobile"})
    # Then both say the same, with each part in its order
    assert made.plan == planned.plan and await get(door, made) == made
    names = [step.name for step in made.plan.steps]
    steps = [step.WhichOneof("step") for step in PRESETS["mobile"].steps]
    assert names == ["reading", *steps, "writing", "export_glb", "validating", "proving"]
    memory, seconds = (
        {step.name: getattr(step, name) for step in made.plan.steps} for name in ("memory_bytes", "seconds")
    )
    # And it is of the size that was measured: benchmarks/results/estimates.csv
    assert 150 << 20 < memory["simplify"] < 500 << 20 and memory["weld"] < memory["simplify"]
    assert 0.3 < seconds["simplify"] < 3 and made.plan.memory_bytes == max(memory.values())
    assert made.plan.seconds == pytest.approx(sum(seconds.values()), abs=0.01)
    assert made.plan.memory_limit_bytes == door.backend.settings.job_memory_bytes and not made.plan.cached


@pytest.mark.parametrize(
    ("model", "recipe", "step"),
    [
        (times(30, MESH), {"steps": [{"weld": {}}, {"simplify": {"ratio": 0.5}}]}, "simplify"),
        (times(30, MESH), {"exportFormats": ["EXPORT_STL"]}, "export_stl"),
        (times(200, PICTURES), {"steps": [{"textureResize": {"maxPx": 64}}]}, "texture_resize"),
    ],
)
async def test_more_memory_than_a_worker_has_is_refused_before_it_begins(door: Door, model, recipe, step):
    asset = await door.ready_asset(model=model)
    for validate_only in (False, True):
        with refused("MEMORY_BUDGET_EXCEEDED") as refusal:
            await create(door, asset.asset_id, {"recipe": recipe}, validate_only=validate_only)
        assert refusal.code == grpc.StatusCode.FAILED_PRECONDITION
        assert refusal.metadata["step"] == step and step in refusal.message
        limit = door.backend.settings.job_memory_bytes
        assert int(refusal.metadata["estimated_bytes"]) > int(refusal.metadata["limit_bytes"]) == limit
        assert "THREED_JOB_MEMORY_BYTES" in refusal.message
    assert (await execute(door, sa.select(table))).all() == []


async def test_a_smaller_model_in_the_recipe_itself_fits(door: Door):
    """What the sentence of the refusal advises."""
    asset = await door.ready_asset(model={**times(5, MESH), **PICTURES})
    slow = {"steps": [{"tangents": {"overwrite": True}}]}
    with refused("MEMORY_BUDGET_EXCEEDED"):
        await create(door, asset.asset_id, {"recipe": slow})
    slow["steps"].insert(0, {"simplify": {"ratio": 0.1}})
    made = await create(door, asset.asset_id, {"recipe": slow})
    assert made.plan.memory_bytes < made.plan.memory_limit_bytes


async def test_what_was_made_before_needs_no_memory(door: Door):
    # Given a derivative that was made, of an asset that then turned out to be large
    asset = await door.ready_asset(model=MESH)
    recipe = {"recipe": {"steps": [{"weld": {}}]}}
    await finish(door, await create(door, asset.asset_id, recipe))
    large = await door.ready_asset(display_name="large", model=times(100, MESH))
    # When the same is planned and asked for again, then it is handed out
    planned = await create(door, large.asset_id, recipe, validate_only=True)
    again = await create(door, large.asset_id, recipe)
    assert planned.plan.cached and again.plan.cached and again.cached
    # But not when it is to be made anew
    with refused("MEMORY_BUDGET_EXCEEDED"):
        await create(door, large.asset_id, recipe, no_cache=True)


async def test_an_asset_from_before_amounts_were_counted_has_a_plan_by_its_size(door: Door):
    counted = {"vertex_count": 500_000, "triangle_count": 1_000_000, "image_count": 4, "texture_count": 4}
    file = {"kind": "NORMALIZED", "key": "sha256/aa/bb/cc", "sha256": "c" * 64, "size_bytes": 28_000_000 + (4 << 20)}
    asset = await door.ready_asset(model=counted, files=[file])
    made = await create(door, asset.asset_id, {"preset": "web"}, validate_only=True)
    memory = {step.name: step.memory_bytes for step in made.plan.steps}
    assert 50 << 20 < memory["weld"] < 200 << 20
    assert memory["texture_resize"] - memory["reading"] > 100 << 20, "four pictures of four megapixels"


async def test_a_stored_recipe_is_carried_out_in_its_latest_revision_or_the_one_that_is_named(door: Door):
    # Given a recipe in two revisions
    asset, saved = await door.ready_asset(), await save(door, {"steps": [{"weld": {}}]})
    change = SavedRecipe(recipe_id=saved.recipe_id, recipe={"steps": [{"unweld": {}}]})
    request = saved_recipes_pb2.UpdateSavedRecipeRequest(saved_recipe=change)
    await door.recipes.UpdateSavedRecipe(request, metadata=door.who())
    for asked, used, step in (({}, 2, "unweld"), ({"recipeRevision": "1"}, 1, "weld")):
        # When it is asked for by its id
        made = await create(door, asset.asset_id, {"recipeId": saved.recipe_id, **asked}, no_cache=True)
        # Then the answer says which revision that was, and what it does
        assert (made.recipe_id, made.recipe_revision) == (saved.recipe_id, used)
        assert [each.WhichOneof("step") for each in made.recipe.steps] == [step]
        assert await get(door, made) == made
        id = ids.parse("derivative", made.derivative_id)
        row = (await execute(door, sa.select(jobs_table).where(jobs_table.c.id == id))).one()
        spec = json_format.ParseDict(row.spec, jobs_pb2.Job()).derive
        assert spec.derivative.recipe == made.recipe, "a worker gets what is to be done"
        # And derivatives are found by it
        asked = derivatives_pb2.ListDerivativesRequest(
            asset_id="-", filter=f'recipe_id="{saved.recipe_id}" AND recipe_revision={used}'
        )
        found = await door.derivatives.ListDerivatives(asked, metadata=door.who("viewer"))
        assert [each.derivative_id for each in found.derivatives] == [made.derivative_id]


async def test_a_derivative_outlives_the_recipe_that_it_was_made_by(door: Door):
    asset, saved = await door.ready_asset(), await save(door, {"steps": [{"weld": {}}]})
    made = await finish(door, await create(door, asset.asset_id, {"recipeId": saved.recipe_id}))
    request = saved_recipes_pb2.DeleteSavedRecipeRequest(recipe_id=saved.recipe_id)
    await door.recipes.DeleteSavedRecipe(request, metadata=door.who())
    assert await get(door, made) == made and made.recipe_id == saved.recipe_id
    with refused("NOT_FOUND") as refusal:
        await create(door, asset.asset_id, {"recipeId": saved.recipe_id})
    assert refusal.metadata["recipe_id"] == saved.recipe_id


async def test_a_stored_recipe_and_the_same_in_full_are_the_same(door: Door):
    asset, saved = await door.ready_asset(), await save(door, {"steps": [{"weld": {}}]})
    made = await finish(door, await create(door, asset.asset_id, {"recipe": {"steps": [{"weld": {}}]}}))
    again = await create(door, asset.asset_id, {"recipeId": saved.recipe_id})
    assert again.cached and again.files == made.files
    assert (again.recipe_id, again.recipe_revision, made.recipe_id) == (saved.recipe_id, 1, "")


async def test_a_stored_recipe_that_is_not_there_is_refused(door: Door):
    asset = await door.ready_asset()
    mine, theirs = await save(door, {}), await save(door, {}, project="other")
    wanted = (
        {"recipeId": theirs.recipe_id},
        {"recipeId": "rcp_" + "0" * 26},
        {"recipeId": mine.recipe_id, "recipeRevision": "2"},
    )
    for each in wanted:
        with refused("NOT_FOUND") as refusal:
            await create(door, asset.asset_id, each)
        assert refusal.metadata["recipe_id"] == each["recipeId"]


@pytest.mark.parametrize(
    ("wanted", "reason", "field"),
    [
        ({}, "FIELD_INVALID", "derivative"),
        ({"preset": "web", "recipe": {}}, "FIELD_INVALID", "derivative"),
        ({"preset": "web", "recipeId": "rcp_" + "0" * 26}, "FIELD_INVALID", "derivative"),
        ({"recipe": {}, "recipeId": "rcp_" + "0" * 26}, "FIELD_INVALID", "derivative"),
        ({"preset": "web", "recipeRevision": "1"}, "FIELD_INVALID", "derivative"),
        ({"recipeId": "ast_" + "0" * 26}, "ID_INVALID", "derivative.recipe_id"),
        ({"recipeId": "rcp_" + "0" * 26, "recipeRevision": "-1"}, "FIELD_INVALID", "derivative.recipe_revision"),
        ({"preset": "fast"}, "FIELD_INVALID", "derivative.preset"),
        ({"recipe": {"steps": [{}]}}, "FIELD_INVALID", "derivative.recipe.steps[0].step"),
        (
            {"recipe": {"steps": [{"simplify": {"ratio": 2}}]}},
            "FIELD_INVALID",
            "derivative.recipe.steps[0].simplify.ratio",
        ),
        ({"recipe": {"steps": [{"meshopt": {}}, {"weld": {}}]}}, "RECIPE_INVALID", "derivative.recipe.steps[0]"),
        (
            {"recipe": {"steps": [{"weld": {}}, {"draco": {}}], "exportFormats": ["EXPORT_STL"]}},
            "RECIPE_INVALID",
            "derivative.recipe.steps[1]",
        ),
        ({"recipe": {"steps": [{"lod": {"ratios": [0.2, 0.5]}}]}}, "RECIPE_INVALID", "derivative.recipe.steps[0]"),
        (
            {"recipe": {"steps": [{"lod": {"ratios": [0.5], "output": "FILES"}}] * 2}},
            "RECIPE_INVALID",
            "derivative.recipe.steps[1]",
        ),
        ({"recipe": {"steps": [{"trim": {"start": 2, "end": 1}}]}}, "RECIPE_INVALID", "derivative.recipe.steps[0]"),
    ],
)
async def test_a_wrong_recipe_is_refused_and_its_place_named(door: Door, wanted: dict, reason: str, field: str):
    asset = await door.ready_asset()
    with refused(reason) as refusal:
        await create(door, asset.asset_id, wanted)
    assert field in refusal.violations, refusal.violations


async def test_what_is_no_model_that_is_ready_is_refused(door: Door):
    waiting = await door.upload(b"ply\n" + b" " * 100, filename="a.ply")
    picture = await door.ready_asset("TEXTURE")
    for asset in (waiting, picture):
        with refused("ASSET_NOT_READY"):
            await create(door, asset.asset_id, {"preset": "web"})
    gone = await door.ready_asset()
    await door.assets.DeleteAsset(assets_pb2.DeleteAssetRequest(asset_id=gone.asset_id), metadata=door.who())
    with refused("ASSET_DELETED"):
        await create(door, gone.asset_id, {"preset": "web"})
    with refused("NOT_FOUND"):
        await create(door, "ast_" + "0" * 26, {"preset": "web"})


async def test_a_repeat_with_the_same_request_id_answers_with_the_first(door: Door):
    asset, request_id = await door.ready_asset(), str(uuid.uuid4())
    first = await create(door, asset.asset_id, {"preset": "web"}, request_id=request_id)
    assert await create(door, asset.asset_id, {"preset": "web"}, request_id=request_id) == first
    with refused("REQUEST_ID_REUSED"):
        await create(door, asset.asset_id, {"preset": "preview"}, request_id=request_id)


async def test_the_same_recipe_on_the_same_bytes_is_not_carried_out_twice(door: Door):
    # Given a derivative that was made
    asset = await door.ready_asset()
    recipe = {"steps": [{"weld": {}}]}
    made = await finish(door, await create(door, asset.asset_id, {"recipe": recipe}))
    assert made.status == Derivative.COMPLETED and not made.cached
    # When the same is asked for again, of another asset with the same bytes too
    twin = await door.ready_asset(display_name="twin")
    for asset_id in (asset.asset_id, twin.asset_id):
        again = await create(door, asset_id, {"recipe": recipe | {"exportFormats": ["EXPORT_GLB"]}})
        # Then it is there at once, with the same files
        assert (again.status, again.cached, again.progress) == (Derivative.COMPLETED, True, 1)
        assert again.derivative_id != made.derivative_id and again.files == made.files
        assert again.provenance == made.provenance and again.loss_report == made.loss_report
    # And it outlives the first
    await door.derivatives.DeleteDerivative(of("DeleteDerivative", made), metadata=door.who())
    assert (await execute(door, retention.unreferenced([KEY, "nobody's"]))).scalars().all() == ["nobody's"]
    # But another recipe, another project, and whoever asks for it anew, get a new one
    other = await create(door, asset.asset_id, {"recipe": {"steps": [{"unweld": {}}]}})
    anew = await create(door, asset.asset_id, {"recipe": recipe}, no_cache=True)
    assert {other.status, anew.status} == {Derivative.PENDING}


async def test_nobody_else_sees_it(door: Door):
    asset, other = await door.ready_asset(), await door.ready_asset(display_name="other")
    made = await create(door, asset.asset_id, {"preset": "web"})
    with refused("NOT_FOUND"):
        await get(door, made, project="theirs")
    made.asset_id = other.asset_id
    with refused("NOT_FOUND"):
        await get(door, made)


async def test_derivatives_are_listed_by_asset_and_together(door: Door):
    one, two = await door.ready_asset(), await door.ready_asset(display_name="two")
    made = [await create(door, asset.asset_id, {"preset": p}) for asset in (one, two) for p in ("web", "preview")]

    async def listed(asset_id: str, **fields: Any) -> list[str]:
        request = derivatives_pb2.ListDerivativesRequest(asset_id=asset_id, **fields)
        answer = await door.derivatives.ListDerivatives(request, metadata=door.who("viewer"))
        return [derivative.derivative_id for derivative in answer.derivatives]

    newest = [derivative.derivative_id for derivative in reversed(made)]
    assert await listed(one.asset_id) == newest[2:]
    assert await listed("-") == newest
    assert await listed("-", filter="preset=preview", order_by="created_at") == [newest[2], newest[0]]
    request = derivatives_pb2.ListDerivativesRequest(asset_id="-", page_size=3)
    first = await door.derivatives.ListDerivatives(request, metadata=door.who("viewer"))
    assert len(first.derivatives) == 3
    assert await listed("-", page_size=3, page_token=first.next_page_token) == newest[3:]
    with refused("PAGE_TOKEN_INVALID"):
        await listed(one.asset_id, page_size=3, page_token=first.next_page_token)
    with refused("NOT_FOUND"):
        await listed("ast_" + "0" * 26)


async def test_it_is_cancelled_retried_and_deleted(door: Door):
    asset = await door.ready_asset()
    made = await create(door, asset.asset_id, {"preset": "web"})
    with refused("JOB_NOT_FINISHED"):
        await door.derivatives.DeleteDerivative(of("DeleteDerivative", made), metadata=door.who())
    with refused("JOB_NOT_FINISHED"):
        await door.derivatives.GetDerivativeDownloadUrl(of("GetDerivativeDownloadUrl", made), metadata=door.who())
    with refused("JOB_NOT_RETRYABLE"):
        await door.derivatives.RetryDerivative(of("RetryDerivative", made), metadata=door.who())
    cancelled = await door.derivatives.CancelDerivative(of("CancelDerivative", made), metadata=door.who())
    assert cancelled.status == Derivative.CANCELLED and "ada" in cancelled.error.message
    again = await door.derivatives.RetryDerivative(of("RetryDerivative", made), metadata=door.who())
    assert again.status == Derivative.PENDING and not again.HasField("error")
    done = await finish(door, made)
    with refused("OUTPUT_MISSING"):
        request = of("GetDerivativeDownloadUrl", done, format="EXPORT_USDZ")
        await door.derivatives.GetDerivativeDownloadUrl(request, metadata=door.who())
    await door.derivatives.DeleteDerivative(of("DeleteDerivative", made), metadata=door.who())
    with refused("NOT_FOUND"):
        await get(door, made)


async def test_its_files_are_downloaded_by_a_signed_url(door: Door):
    asset = await door.ready_asset()
    made = await create(door, asset.asset_id, {"preset": "web"})
    done = await finish(door, made, key=asset.storage_path)
    for format in ("EXPORT_FORMAT_UNSPECIFIED", "EXPORT_GLB"):
        request = of("GetDerivativeDownloadUrl", done, format=format)
        url = await door.derivatives.GetDerivativeDownloadUrl(request, metadata=door.who("viewer"))
        assert url.sha256 == FILE["sha256"] and f"{made.derivative_id}.glb" in url.url


async def test_a_level_of_detail_is_downloaded_by_its_number(door: Door):
    # Given a derivative of two levels
    asset = await door.ready_asset()
    steps = [{"lod": {"ratios": [0.5], "output": "FILES"}}]
    made = await create(door, asset.asset_id, {"recipe": {"steps": steps}})
    coarse = {**FILE, "sha256": "e" * 64, "lod_level": 1, "triangle_count": "7"}
    done = await finish(door, made, asset.storage_path, [FILE, coarse])
    assert [(file.lod_level, file.triangle_count) for file in done.files] == [(0, 0), (1, 7)]
    # When each is asked for
    for level, digest, name in ((0, "d", f"{made.derivative_id}.glb"), (1, "e", f"{made.derivative_id}.lod1.glb")):
        request = of("GetDerivativeDownloadUrl", done, lod_level=level)
        url = await door.derivatives.GetDerivativeDownloadUrl(request, metadata=door.who("viewer"))
        # Then it is that one
        assert url.sha256 == digest * 64 and name in url.url
    # And one that is not there is refused, with what is
    with refused("OUTPUT_MISSING") as refusal:
        request = of("GetDerivativeDownloadUrl", done, lod_level=2)
        await door.derivatives.GetDerivativeDownloadUrl(request, metadata=door.who("viewer"))
    assert refusal.metadata["have"] == "EXPORT_GLB, EXPORT_GLB of level 1"


async def test_a_watcher_sees_it_finish(door: Door):
    asset = await door.ready_asset()
    made = await create(door, asset.asset_id, {"preset": "web"})
    seen = []
    async for change in door.derivatives.WatchDerivative(of("WatchDerivative", made), metadata=door.who("viewer")):
        seen.append(change.derivative.status)
        if len(seen) == 1:
            await finish(door, made)
    assert seen[0] == Derivative.PENDING and seen[-1] == Derivative.COMPLETED


async def test_it_goes_with_its_asset(door: Door):
    asset = await door.ready_asset()
    made = await finish(door, await create(door, asset.asset_id, {"preset": "web"}))
    request = assets_pb2.DeleteAssetRequest(asset_id=asset.asset_id, purge=True)
    await door.assets.DeleteAsset(request, metadata=door.who("admin"))
    with refused("NOT_FOUND"):
        await get(door, made)
    assert (await execute(door, retention.unreferenced([KEY]))).scalars().all() == [KEY]
