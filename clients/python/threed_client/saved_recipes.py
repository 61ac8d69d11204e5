"""Recipes that the project keeps, revision by revision (RecipeService)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator

from threed_client._gen.google.protobuf import FieldMask
from threed_client._gen.threed.v1 import (
    CreateSavedRecipeRequest,
    DeleteSavedRecipeRequest,
    GetSavedRecipeRequest,
    ListSavedRecipesRequest,
    RecipeServiceSyncStub,
    SavedRecipe,
    UpdateSavedRecipeRequest,
)
from threed_client._pages import every
from threed_client._wire import Wire


class SavedRecipes:
    """`client.saved_recipes`."""

    def __init__(self, wire: Wire):
        self._wire = wire
        self._stub = RecipeServiceSyncStub(wire)

    def create(self, saved_recipe: SavedRecipe, *, validate_only: bool = False) -> SavedRecipe:
        """Save a recipe: `SavedRecipe(display_name="half", recipe=Recipe(...))`."""
        request = CreateSavedRecipeRequest(
            saved_recipe=saved_recipe, request_id=str(uuid.uuid4()), validate_only=validate_only
        )
        return self._stub.create_saved_recipe(request)

    def get(self, recipe_id: str, *, revision: int = 0) -> SavedRecipe:
        """One recipe in its latest revision, or in the one that is named."""
        return self._stub.get_saved_recipe(GetSavedRecipeRequest(recipe_id=recipe_id, revision=revision))

    def list(self, *, filter: str = "", order_by: str = "", page_size: int = 0) -> Iterator[SavedRecipe]:
        """Every recipe that fits the filter (AIP-160), newest first unless `order_by` says else."""
        request = ListSavedRecipesRequest(filter=filter, order_by=order_by, page_size=page_size)
        return every(self._stub.list_saved_recipes, request, lambda page: page.saved_recipes)

    def update(self, saved_recipe: SavedRecipe, *, fields: Iterable[str] | None = None) -> SavedRecipe:
        """Write the named fields (display_name, recipe, tags); a recipe that differs is a new revision.

        None: those that are not empty. With `saved_recipe.etag`, raises Aborted if it has changed since.
        """
        mask = None if fields is None else FieldMask(paths=list(fields))
        request = UpdateSavedRecipeRequest(saved_recipe=saved_recipe, update_mask=mask)
        return self._conditional(saved_recipe.etag).update_saved_recipe(request)

    def delete(self, recipe_id: str, *, etag: str = "") -> None:
        """Remove a recipe with all of its revisions for good. What was made by it stays."""
        request = DeleteSavedRecipeRequest(recipe_id=recipe_id, etag=etag)
        self._conditional(True).delete_saved_recipe(request)

    def _conditional(self, conditional: object) -> RecipeServiceSyncStub:
        """A repeated call that its first answer has made impossible (an etag, a deletion) must not be repeated."""
        return RecipeServiceSyncStub(self._wire.once()) if conditional else self._stub
