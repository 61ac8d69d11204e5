"""RecipeService: recipes that a project keeps, revision by revision. See protos/threed/v1/saved_recipes.proto."""

from __future__ import annotations

import grpc
import sqlalchemy as sa
from google.protobuf import empty_pb2, json_format

from threed import access, ids
from threed.records import recipes, requests
from threed.records.filters import Fields, Integer, Orders, Text, TextList, Timestamp
from threed.records.filters.fields import Id
from threed.records.paging import PageRequest, page
from threed.records.tables import recipes as table
from threed.services import Backend, deriving, masks
from threed.v1 import saved_recipes_pb2, saved_recipes_pb2_grpc
from threed.v1.saved_recipes_pb2 import SavedRecipe

WRITABLE = {"display_name", "recipe", "tags"}
_RECIPE = "saved_recipe.recipe"  # where requests have it

FIELDS = Fields(
    {
        "recipe_id": Id(table.c.id, "recipe"),
        "display_name": Text(table.c.display_name),
        "tags": TextList(table.c.tags),
        "revision": Integer(table.c.recipe_revision),
        "created_by": Text(table.c.created_by),
        "created_at": Timestamp(table.c.created_at),
        "update_time": Timestamp(table.c.update_time),
    },
    search=(table.c.display_name,),
)
ORDERS = Orders(
    {
        "created_at": table.c.created_at,
        "update_time": table.c.update_time,
        "display_name": table.c.display_name,
        "recipe_id": table.c.id,
    },
    default="created_at desc",
    tie="recipe_id",
)


class RecipeService(saved_recipes_pb2_grpc.RecipeServiceServicer):
    """Every handler runs as the caller whose token `threed.interceptors` checked."""

    def __init__(self, backend: Backend):
        self._backend = backend
        self._records = backend.records

    async def CreateSavedRecipe(
        self, request: saved_recipes_pb2.CreateSavedRecipeRequest, context: grpc.aio.ServicerContext
    ) -> SavedRecipe:
        who, id = access.caller(), ids.uuid7()
        content = requests.digest("CreateSavedRecipe", request)
        saved = written(request.saved_recipe)
        if request.validate_only:
            saved.project = who.project
            return saved
        async with self._records.transaction() as connection:
            made = await requests.first(connection, who.project, request.request_id, content, id)
            if made is None:
                values = {"display_name": saved.display_name, "tags": list(saved.tags)}
                values |= {"project": who.project, "created_by": who.subject}
                await recipes.create(connection, id=id, recipe=json_format.MessageToDict(saved.recipe), **values)
            return to_proto(await recipes.get(connection, who.project, made or id))

    async def GetSavedRecipe(
        self, request: saved_recipes_pb2.GetSavedRecipeRequest, context: grpc.aio.ServicerContext
    ) -> SavedRecipe:
        id = ids.parse("recipe", request.recipe_id)
        async with self._records.autocommit() as connection:
            return to_proto(await recipes.get(connection, access.caller().project, id, request.revision))

    async def ListSavedRecipes(
        self, request: saved_recipes_pb2.ListSavedRecipesRequest, context: grpc.aio.ServicerContext
    ) -> saved_recipes_pb2.ListSavedRecipesResponse:
        project = access.caller().project
        statement = recipes.selected.where(table.c.project == project, FIELDS.where(request.filter))
        asked = PageRequest.of("threed.v1.RecipeService.ListSavedRecipes", project, request)
        async with self._records.autocommit() as connection:
            found = await page(connection, statement, ORDERS.parse(request.order_by), asked, self._backend.pages)
        listed = [to_proto(row) for row in found.rows]
        return saved_recipes_pb2.ListSavedRecipesResponse(saved_recipes=listed, next_page_token=found.next_token)

    async def UpdateSavedRecipe(
        self, request: saved_recipes_pb2.UpdateSavedRecipeRequest, context: grpc.aio.ServicerContext
    ) -> SavedRecipe:
        asked, project = request.saved_recipe, access.caller().project
        id = ids.parse("recipe", asked.recipe_id, "saved_recipe.recipe_id")
        async with self._records.transaction() as connection:
            row = await recipes.get(connection, project, id, for_update=True)
            masks.check_etag(asked.etag, etag(row))
            before, after = to_proto(row), to_proto(row)
            masks.apply(after, asked, request.update_mask, WRITABLE)
            deriving.fill_defaults(after.recipe)
            if after == before:
                return before
            values = {"display_name": after.display_name, "tags": list(after.tags)}
            if after.recipe == before.recipe:
                await recipes.change(connection, row, **values)
            else:
                deriving.check(after.recipe, _RECIPE)
                await recipes.revise(connection, row, json_format.MessageToDict(after.recipe), **values)
            return to_proto(await recipes.get(connection, project, id))

    async def DeleteSavedRecipe(
        self, request: saved_recipes_pb2.DeleteSavedRecipeRequest, context: grpc.aio.ServicerContext
    ) -> empty_pb2.Empty:
        id = ids.parse("recipe", request.recipe_id)
        async with self._records.transaction() as connection:
            row = await recipes.get(connection, access.caller().project, id, for_update=True)
            masks.check_etag(request.etag, etag(row))
            await recipes.delete(connection, id)
        return empty_pb2.Empty()


def written(saved: SavedRecipe) -> SavedRecipe:
    """What a caller can write of it, and nothing else, with the recipe's defaults. Raises RecipeInvalid."""
    kept = SavedRecipe(display_name=saved.display_name, recipe=saved.recipe, tags=saved.tags)
    deriving.fill_defaults(kept.recipe)
    deriving.check(kept.recipe, _RECIPE)
    return kept


def etag(row: sa.Row) -> str:
    return masks.etag(row.id, row.revision)


def to_proto(row: sa.Row) -> SavedRecipe:
    """The recipe as a caller sees it, in the revision that the row has."""
    return SavedRecipe(
        recipe_id=ids.write("recipe", row.id),
        display_name=row.display_name,
        recipe=json_format.ParseDict(row.recipe, SavedRecipe().recipe),
        revision=row.recipe_revision,
        tags=row.tags,
        etag=etag(row),
        created_by=row.created_by,
        project=row.project,
        created_at=row.created_at,
        update_time=row.update_time,
    )
