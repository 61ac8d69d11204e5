"""RecipeService, from the outside."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import grpc
import pytest
from google.protobuf import field_mask_pb2, json_format
from tests.services.door import Door, refused

from threed.v1 import recipes_pb2, saved_recipes_pb2
from threed.v1.saved_recipes_pb2 import SavedRecipe

WELD = {"steps": [{"weld": {}}]}
HALF = {"steps": [{"weld": {}}, {"simplify": {"ratio": 0.5}}], "proof": {"minSsim": 0.9}}


async def create(door: Door, saved: dict, **fields: Any) -> SavedRecipe:
    message = json_format.ParseDict(saved, SavedRecipe())
    request = saved_recipes_pb2.CreateSavedRecipeRequest(saved_recipe=message, **fields)
    return await door.recipes.CreateSavedRecipe(request, metadata=door.who())


async def get(door: Door, saved: SavedRecipe, revision: int = 0, **who: Any) -> SavedRecipe:
    request = saved_recipes_pb2.GetSavedRecipeRequest(recipe_id=saved.recipe_id, revision=revision)
    return await door.recipes.GetSavedRecipe(request, metadata=door.who("viewer", **who))


async def update(door: Door, saved: SavedRecipe, changes: dict, *paths: str, **who: Any) -> SavedRecipe:
    """Change it; without paths, by what the changes set."""
    message = json_format.ParseDict({"recipeId": saved.recipe_id, **changes}, SavedRecipe())
    mask = field_mask_pb2.FieldMask(paths=paths)
    request = saved_recipes_pb2.UpdateSavedRecipeRequest(saved_recipe=message, update_mask=mask)
    return await door.recipes.UpdateSavedRecipe(request, metadata=door.who(**who))


async def delete(door: Door, saved: SavedRecipe, **fields: Any) -> None:
    request = saved_recipes_pb2.DeleteSavedRecipeRequest(recipe_id=saved.recipe_id, **fields)
    await door.recipes.DeleteSavedRecipe(request, metadata=door.who())


async def listed(door: Door, **fields: Any) -> list[SavedRecipe]:
    request = saved_recipes_pb2.ListSavedRecipesRequest(**fields)
    return list((await door.recipes.ListSavedRecipes(request, metadata=door.who("viewer"))).saved_recipes)


def steps(saved: SavedRecipe) -> list[str]:
    return [step.WhichOneof("step") for step in saved.recipe.steps]


async def test_a_recipe_comes_back_as_it_was_given_with_its_defaults(door: Door):
    saved = await create(door, {"displayName": "Half", "recipe": HALF, "tags": ["shop"]})
    assert (saved.revision, saved.project, saved.created_by) == (1, "default", "ada")
    assert (saved.display_name, list(saved.tags), steps(saved)) == ("Half", ["shop"], ["weld", "simplify"])
    assert list(saved.recipe.export_formats) == [recipes_pb2.EXPORT_GLB]
    assert saved.recipe.loss_policy == recipes_pb2.LOSS_WARN
    assert await get(door, saved) == saved == await get(door, saved, revision=1)


@pytest.mark.parametrize(
    ("saved", "reason", "field"),
    [
        ({"displayName": "x"}, "FIELD_INVALID", "saved_recipe"),
        ({"recipe": {"steps": [{}]}}, "FIELD_INVALID", "saved_recipe.recipe.steps[0].step"),
        (
            {"recipe": {"steps": [{"meshopt": {}}, {"weld": {}}]}},
            "RECIPE_INVALID",
            "saved_recipe.recipe.steps[0]",
        ),
        (
            {"recipe": {"steps": [{"draco": {}}], "exportFormats": ["EXPORT_STL"]}},
            "RECIPE_INVALID",
            "saved_recipe.recipe.steps[0]",
        ),
        ({"recipe": {}, "tags": ["a", "a"]}, "FIELD_INVALID", "saved_recipe.tags"),
        ({"recipe": {}, "displayName": "x" * 257}, "FIELD_INVALID", "saved_recipe.display_name"),
    ],
)
async def test_a_wrong_recipe_is_not_saved_and_its_place_named(door: Door, saved: dict, reason: str, field: str):
    for fields in ({}, {"validate_only": True}):
        with refused(reason) as refusal:
            await create(door, saved, **fields)
        assert field in refusal.violations, refusal.violations
    assert await listed(door) == []


async def test_a_change_of_the_recipe_is_a_revision_and_older_ones_stay(door: Door):
    # Given a recipe
    first = await create(door, {"displayName": "A", "recipe": WELD})
    # When what it does is changed
    second = await update(door, first, {"recipe": HALF, "etag": first.etag}, "recipe")
    # Then it is revision 2, and revision 1 is what it was
    assert (second.revision, steps(second), second.display_name) == (2, ["weld", "simplify"], "A")
    assert second.etag != first.etag and await get(door, first) == second
    old = await get(door, first, revision=1)
    assert (old.revision, old.recipe, old.etag) == (1, first.recipe, second.etag)
    # And there is no other
    with refused("NOT_FOUND") as refusal:
        await get(door, first, revision=3)
    assert refusal.metadata["revision"] == "3"
    with refused("FIELD_INVALID"):
        await get(door, first, revision=-1)


async def test_changes_at_the_same_time_are_revisions_one_after_the_other(door: Door):
    saved = await create(door, {"recipe": WELD})
    ratios = (0.1, 0.2, 0.3, 0.4)
    changes = [{"recipe": {"steps": [{"simplify": {"ratio": ratio}}]}} for ratio in ratios]
    made = await asyncio.gather(*[update(door, saved, change) for change in changes])
    assert sorted(each.revision for each in made) == [2, 3, 4, 5]
    for each in made:
        assert (await get(door, saved, each.revision)).recipe == each.recipe


async def test_an_older_revision_can_be_made_the_latest(door: Door):
    first = await create(door, {"recipe": WELD})
    await update(door, first, {"recipe": HALF}, "recipe")
    old = await get(door, first, revision=1)
    request = saved_recipes_pb2.UpdateSavedRecipeRequest(
        saved_recipe=old, update_mask=field_mask_pb2.FieldMask(paths=["recipe"])
    )
    third = await door.recipes.UpdateSavedRecipe(request, metadata=door.who())
    assert (third.revision, third.recipe) == (3, first.recipe)


async def test_a_change_of_the_name_is_no_revision(door: Door):
    saved = await create(door, {"displayName": "A", "recipe": WELD, "tags": ["t"]})
    renamed = await update(door, saved, {"displayName": "B"})
    assert (renamed.revision, renamed.display_name, list(renamed.tags)) == (1, "B", ["t"])
    assert renamed.etag != saved.etag and renamed.update_time.ToNanoseconds() > saved.update_time.ToNanoseconds()
    untagged = await update(door, saved, {}, "tags")
    assert (untagged.revision, list(untagged.tags)) == (1, [])


@pytest.mark.parametrize(
    ("changes", "paths"),
    [({"recipe": WELD}, ["recipe"]), ({"recipe": WELD | {"lossPolicy": "LOSS_WARN"}}, []), ({"displayName": "A"}, [])],
)
async def test_a_patch_that_changes_nothing_is_no_change(door: Door, changes: dict, paths: list[str]):
    saved = await create(door, {"displayName": "A", "recipe": WELD})
    assert await update(door, saved, changes, *paths) == saved


async def test_a_part_of_the_recipe_is_changed_alone(door: Door):
    saved = await create(door, {"recipe": HALF})
    stricter = await update(door, saved, {"recipe": {"proof": {"minSsim": 0.99}}})
    assert (stricter.revision, stricter.recipe.proof.min_ssim, steps(stricter)) == (2, 0.99, ["weld", "simplify"])
    trusting = await update(door, saved, {}, "recipe.proof")
    assert (trusting.revision, trusting.recipe.HasField("proof"), steps(trusting)) == (3, False, ["weld", "simplify"])


async def test_a_change_that_is_wrong_changes_nothing(door: Door):
    saved = await create(door, {"recipe": WELD})
    with refused("RECIPE_INVALID") as refusal:
        await update(door, saved, {"displayName": "B", "recipe": {"steps": [{"draco": {}}, {"weld": {}}]}})
    assert "saved_recipe.recipe.steps[0]" in refusal.violations
    with refused("RECIPE_INVALID"):
        await update(door, saved, {"recipe": {"steps": [{"meshopt": {}}], "exportFormats": ["EXPORT_STL"]}}, "recipe")
    with refused("UPDATE_MASK_INVALID"):
        await update(door, saved, {}, "recipe")
    for path in ("nosuch", "recipe_id.x", "recipe.steps.weld"):
        with refused("UPDATE_MASK_INVALID"):
            await update(door, saved, {"recipe": HALF}, path)
    assert await update(door, saved, {"revision": "7"}, "revision") == saved
    assert await get(door, saved) == saved


async def test_a_stale_etag_is_noticed(door: Door):
    saved = await create(door, {"displayName": "A", "recipe": WELD})
    renamed = await update(door, saved, {"displayName": "B", "etag": saved.etag})
    with refused("ETAG_MISMATCH") as refusal:
        await update(door, saved, {"recipe": HALF, "etag": saved.etag})
    assert refusal.code == grpc.StatusCode.ABORTED
    with refused("ETAG_MISMATCH"):
        await delete(door, saved, etag=saved.etag)
    await delete(door, saved, etag=renamed.etag)


async def test_creation_is_idempotent_and_can_be_tried_out(door: Door):
    tried = await create(door, {"recipe": WELD, "recipeId": "rcp_mine", "revision": "9"}, validate_only=True)
    assert (tried.recipe_id, tried.revision, tried.project) == ("", 0, "default")
    assert list(tried.recipe.export_formats) == [recipes_pb2.EXPORT_GLB]
    request_id = str(uuid.uuid4())
    first = await create(door, {"recipe": WELD}, request_id=request_id)
    assert await create(door, {"recipe": WELD}, request_id=request_id) == first
    with refused("REQUEST_ID_REUSED"):
        await create(door, {"recipe": HALF}, request_id=request_id)
    assert await listed(door) == [first]


async def test_a_deleted_recipe_is_gone_with_its_revisions(door: Door):
    saved = await create(door, {"recipe": WELD})
    await update(door, saved, {"recipe": HALF})
    await delete(door, saved)
    for revision in (0, 1, 2):
        with refused("NOT_FOUND"):
            await get(door, saved, revision)
    with refused("NOT_FOUND"):
        await delete(door, saved)
    with refused("NOT_FOUND"):
        await update(door, saved, {"displayName": "B"})
    assert await listed(door) == []


async def test_recipes_are_listed_in_their_latest_revision(door: Door):
    # Given three recipes, the first changed since
    made = [await create(door, {"displayName": name, "recipe": WELD, "tags": [name]}) for name in "bca"]
    made[0] = await update(door, made[0], {"recipe": HALF})
    # Then lists are newest first, page by page, and take filters and an order
    assert await listed(door) == made[::-1]
    first = await door.recipes.ListSavedRecipes(
        saved_recipes_pb2.ListSavedRecipesRequest(page_size=2), metadata=door.who("viewer")
    )
    rest = await listed(door, page_size=2, page_token=first.next_page_token)
    assert [*first.saved_recipes, *rest] == made[::-1]
    assert await listed(door, order_by="display_name") == [made[2], made[0], made[1]]
    assert await listed(door, filter="revision>1") == [made[0]]
    assert await listed(door, filter="tags:c") == [made[1]]
    assert await listed(door, filter=f'recipe_id="{made[2].recipe_id}"') == [made[2]]
    with refused("FILTER_INVALID"):
        await listed(door, filter="colour=red")


async def test_nobody_else_sees_it_or_changes_it(door: Door):
    saved = await create(door, {"recipe": WELD})
    with refused("NOT_FOUND") as hidden:
        await get(door, saved, project="other")
    nowhere = SavedRecipe(recipe_id="rcp_" + "0" * 26)
    with refused("NOT_FOUND") as missing:
        await get(door, nowhere)
    assert hidden.message.replace(saved.recipe_id, "*") == missing.message.replace(nowhere.recipe_id, "*")
    with refused("NOT_FOUND"):
        await update(door, saved, {"displayName": "B"}, project="other")
    with refused("ROLE_TOO_LOW"):
        await update(door, saved, {"displayName": "B"}, role="viewer")
    with refused("ID_INVALID") as refusal:
        await get(door, SavedRecipe(recipe_id="scn_" + "0" * 26))
    assert "recipe_id" in refusal.violations
