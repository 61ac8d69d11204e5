"""Stored recipes and their revisions: statements."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import ids
from threed.errors import NotFound
from threed.records.tables import recipe_revisions, recipes

_OWN = [column for column in recipes.c if column.name != "recipe_revision"]
_OF_THIS = recipe_revisions.c.recipe_id == recipes.c.id
_LATEST = sa.and_(_OF_THIS, recipe_revisions.c.recipe_revision == recipes.c.recipe_revision)
_JOINED = sa.select(*_OWN, recipe_revisions.c.recipe_revision, recipe_revisions.c.recipe)
# Each with its latest revision.
selected = _JOINED.join(recipe_revisions, _LATEST)


async def get(
    connection: AsyncConnection, project: str, id: uuid.UUID, revision: int = 0, *, for_update: bool = False
) -> sa.Row:
    """One recipe in that revision, or in its latest (0). Raises NotFound."""
    mine = (recipes.c.id == id, recipes.c.project == project)
    if for_update:
        # Locked before it is joined: who waited here must see the revision that the other one made.
        await connection.execute(sa.select(recipes.c.id).where(*mine).with_for_update())
    statement = selected.where(*mine)
    if revision:
        statement = _JOINED.join(recipe_revisions, _OF_THIS)
        statement = statement.where(*mine, recipe_revisions.c.recipe_revision == revision)
    row = (await connection.execute(statement)).first()
    if row is None:
        raise _not_found(id, revision)
    return row


async def create(connection: AsyncConnection, *, id: uuid.UUID, recipe: dict[str, Any], **values: Any) -> None:
    """A recipe and its first revision."""
    await connection.execute(sa.insert(recipes).values(id=id, **values))
    await _add_revision(connection, id, 1, recipe)


async def revise(connection: AsyncConnection, row: sa.Row, recipe: dict[str, Any], **values: Any) -> None:
    """Add a revision to a locked row in its latest one, and write these columns."""
    revision = row.recipe_revision + 1
    await _add_revision(connection, row.id, revision, recipe)
    await change(connection, row, recipe_revision=revision, **values)


async def change(connection: AsyncConnection, row: sa.Row, **values: Any) -> None:
    """Write these columns, and count the change."""
    values |= {"update_time": sa.func.now(), "revision": recipes.c.revision + 1}
    await connection.execute(sa.update(recipes).where(recipes.c.id == row.id).values(**values))


async def delete(connection: AsyncConnection, id: uuid.UUID) -> None:
    """Remove it; its revisions go with it."""
    await connection.execute(sa.delete(recipes).where(recipes.c.id == id))


async def _add_revision(connection: AsyncConnection, id: uuid.UUID, revision: int, recipe: dict[str, Any]) -> None:
    statement = sa.insert(recipe_revisions).values(recipe_id=id, recipe_revision=revision, recipe=recipe)
    await connection.execute(statement)


def _not_found(id: uuid.UUID, revision: int) -> NotFound:
    """The one sentence for those that never were and those of another project."""
    recipe_id = ids.write("recipe", id)
    if not revision:
        sentence = f"There is no recipe {recipe_id} in this project. List the recipes to find it."
        return NotFound(sentence, recipe_id=recipe_id)
    sentence = f"There is no revision {revision} of a recipe {recipe_id} in this project. Get it without a revision."
    return NotFound(sentence, recipe_id=recipe_id, revision=revision)
