"""Keep recipes, so that `threed derive --recipe rcp_...` can carry them out. Every change of one is a new revision.

A recipe is a file of JSON as the contract has it: {"steps": [{"weld": {}}, {"simplify": {"ratio": 0.5}}]}.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from threed.cli import connection, showing
from threed.cli.terminal import moment, plain, table

if TYPE_CHECKING:
    from threed_client import Recipe, SavedRecipe

HELP = "keep recipes: list, show, save, delete"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    listing = actions.add_parser("list", help="list those of the project")
    listing.add_argument("--filter", default="", help='AIP-160, as in "tags:shop"')
    listing.add_argument("--order-by", default="", help='as in "display_name" (default: newest first)')
    listing.add_argument("--limit", type=int, default=50, help="how many at most; 0: all (default: %(default)s)")

    show = actions.add_parser("show", help="show one with its steps")
    show.add_argument("recipe_id", metavar="ID")
    show.add_argument("--revision", type=int, default=0, metavar="NUMBER", help="default: the latest")

    save = actions.add_parser("save", help="save a file as a recipe, or as a new revision of one")
    save.add_argument("file", type=Path, metavar="FILE", help="a recipe as JSON")
    save.add_argument("--name", default="", help="for people")
    save.add_argument("--tag", action="append", default=[], metavar="TAG", help="a label; may be repeated")
    save.add_argument("--id", default="", metavar="ID", help="make it the new revision of this one")

    delete = actions.add_parser("delete", help="delete one with its revisions for good")
    delete.add_argument("recipe_id", metavar="ID")

    for action in (listing, show, save):
        action.add_argument("--json", action="store_true", help="print one line of JSON for each recipe")
    for action, act in ((listing, _list), (show, _show), (save, _save), (delete, _delete)):
        action.set_defaults(act=act)
        connection.add_arguments(action)


def run(arguments: argparse.Namespace) -> int:
    arguments.act(arguments)
    return 0


def read(path: Path) -> Recipe:
    """The recipe in a file. Raises ValueError for a file that has none, OSError for one that cannot be read."""
    from threed_client import Recipe

    try:
        return Recipe.from_json(path.read_text())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no recipe: {error}") from error


def _list(arguments: argparse.Namespace) -> None:
    with connection.connect(arguments) as client:
        listing = client.saved_recipes.list(
            filter=arguments.filter, order_by=arguments.order_by, page_size=min(arguments.limit, 1000)
        )
        found = list(itertools.islice(listing, arguments.limit or None))
    if arguments.json:
        for saved in found:
            print(saved.to_json())
        return
    rows = [
        (saved.recipe_id, saved.display_name or "-", saved.revision, showing.steps(saved), moment(saved.update_time))
        for saved in found
    ]
    head = ("ID", "NAME", "REVISION", "STEPS", "CHANGED")
    print(table(head, rows, right=("REVISION",)) if rows else "No recipes.")


def _show(arguments: argparse.Namespace) -> None:
    with connection.connect(arguments) as client:
        saved = client.saved_recipes.get(arguments.recipe_id, revision=arguments.revision)
    print(saved.to_json() if arguments.json else showing.recipe_details(saved))


def _save(arguments: argparse.Namespace) -> None:
    from threed_client import SavedRecipe

    given = {"recipe": read(arguments.file), "display_name": arguments.name, "tags": arguments.tag}
    with connection.connect(arguments) as client:
        if arguments.id:
            # What the file leaves out must go back to its default: the recipe is replaced, not merged.
            fields = [name for name, value in given.items() if name == "recipe" or value]
            saved = client.saved_recipes.update(SavedRecipe(recipe_id=arguments.id, **given), fields=fields)
        else:
            saved = client.saved_recipes.create(SavedRecipe(**given))
    print(saved.to_json() if arguments.json else _line(saved))


def _delete(arguments: argparse.Namespace) -> None:
    with connection.connect(arguments) as client:
        client.saved_recipes.delete(arguments.recipe_id)
    print(f"{plain(arguments.recipe_id)}  deleted")


def _line(saved: SavedRecipe) -> str:
    parts = [saved.recipe_id, *([plain(saved.display_name)] if saved.display_name else [])]
    return "  ".join([*parts, f"revision {saved.revision}", showing.steps(saved)])
