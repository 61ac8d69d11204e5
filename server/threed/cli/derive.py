"""Make something of a model by a preset or a recipe, and write its files. Interrupting the command cancels it.

A recipe is a file of JSON as the contract has it: {"steps": [{"weld": {}}, {"simplify": {"ratio": 0.5}}]}, or the id of
one that `threed recipes save` has kept.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from threed.cli import connection, recipes, showing, upload
from threed.cli.terminal import Progress, plain, size
from threed.endings import ENDINGS

if TYPE_CHECKING:
    from threed_client import Client, Derivative

HELP = "optimize a model, reduce it, or write it in another format"

_FORMATS = [name.removeprefix("EXPORT_").lower() for name in ENDINGS]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="an asset (ast_...)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--preset", default="", help="web, mobile, ar, print or preview (default: web)")
    how.add_argument("--recipe", default="", metavar="FILE|ID", help="a recipe as JSON, or a stored one (rcp_...)")
    parser.add_argument(
        "--revision", type=int, default=0, metavar="NUMBER", help="of a stored one (default: the latest)"
    )
    parser.add_argument(
        "--to",
        choices=_FORMATS,
        action="append",
        metavar="FORMAT",
        help=f"with the --recipe of a file, or alone: {', '.join(_FORMATS)}",
    )
    parser.add_argument("-o", "--output", type=Path, default=Path(), metavar="FOLDER", help="default: this folder")
    parser.add_argument("--no-cache", action="store_true", help="make it, even if the same was made before")
    parser.add_argument("--plan", action="store_true", help="make nothing; print the recipe, and what it would take")
    parser.add_argument("--json", action="store_true", help="print the derivative as one line of JSON")
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    from threed_client import DerivativeStatus

    wanted = _wanted(arguments)
    with connection.connect(arguments) as client, Progress() as progress:
        made = _create(client, arguments, wanted, progress)
        if arguments.plan:
            return _print_plan(made, arguments.json)
        with _cancelled_by_interrupt(client, made):
            for change in client.derivatives.watch(made.asset_id, made.derivative_id):
                made = change.derivative
                progress.part(made.derivative_id, made.progress, made.phase)
        done = made.status is DerivativeStatus.COMPLETED
        written = _download(client, made, arguments.output) if done else []
    if arguments.json:
        print(made.to_json())
    elif done:
        print(showing.derivative_line(made))
        for path in written:
            print(f"{plain(path)}  {size(path.stat().st_size)}")
    if not done:
        print(f"threed derive: {showing.derivative_line(made)}", file=sys.stderr)
        return 1
    return 0


def _print_plan(made: Derivative, as_json: bool) -> int:
    """The recipe as a file can have it, and beside it the estimate: what is redirected is a recipe."""
    if as_json:
        print(made.to_json())
        return 0
    print(made.recipe.to_json(indent=2))
    if made.plan:
        print(showing.plan(made.plan), file=sys.stderr)
    return 0


def _wanted(arguments: argparse.Namespace) -> Derivative:
    """The derivative that the arguments describe. Raises ValueError for words that do not go together."""
    from threed_client import Derivative, ExportFormat, Recipe

    stored = arguments.recipe.startswith("rcp_")
    if not arguments.id.startswith("ast_"):
        raise ValueError(f"Give the id of an asset (ast_...); got {arguments.id!r}.")
    if (arguments.preset or stored) and arguments.to:
        kind = "stored recipe" if stored else "preset"
        raise ValueError(f"A {kind} says which formats it writes. Give --to with the --recipe of a file, or alone.")
    if arguments.revision and not stored:
        raise ValueError("Only stored recipes have revisions. Give --revision with --recipe rcp_...")
    if stored:
        return Derivative(recipe_id=arguments.recipe, recipe_revision=arguments.revision)
    if not arguments.recipe and not arguments.to:
        return Derivative(preset=arguments.preset or "web")
    recipe = recipes.read(Path(arguments.recipe)) if arguments.recipe else Recipe()
    if arguments.to:
        recipe.export_formats = [ExportFormat[f"EXPORT_{name.upper()}"] for name in arguments.to]
    return Derivative(recipe=recipe)


def _create(client: Client, arguments: argparse.Namespace, wanted: Derivative, progress: Progress) -> Derivative:
    """Create it; an asset that is still being checked is waited for first."""
    from threed_client.errors import FailedPrecondition

    options = {"validate_only": arguments.plan, "no_cache": arguments.no_cache}
    try:
        return client.derivatives.create(arguments.id, wanted, **options)
    except FailedPrecondition as error:
        if error.reason != "ASSET_NOT_READY":
            raise
    upload.follow(client, client.assets.get(arguments.id), progress)
    return client.derivatives.create(arguments.id, wanted, **options)


def _download(client: Client, made: Derivative, folder: Path) -> list[Path]:
    """Write every file, named after the asset's file and what was made of it."""
    folder.mkdir(parents=True, exist_ok=True)
    # Only the last part of the name: it is the uploader's, and must not lead out of the folder.
    stem = Path(client.assets.get(made.asset_id).filename.replace("\\", "/")).stem or made.asset_id
    written = []
    for file in made.files:
        level = f".lod{file.lod_level}" if file.lod_level else ""
        path = folder / f"{stem}-{made.preset or 'derived'}{level}{ENDINGS[file.format.name]}"
        download = client.derivatives.download
        written.append(download(made.asset_id, made.derivative_id, path, file.format, lod_level=file.lod_level))
    return written


@contextlib.contextmanager
def _cancelled_by_interrupt(client: Client, made: Derivative):
    try:
        yield
    except KeyboardInterrupt:
        client.within(5).derivatives.cancel(made.asset_id, made.derivative_id)
        raise
