"""Write a file of an asset, or the outputs of a render job, to this machine. Repeated, a broken one goes on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from threed.cli import connection, render_outputs
from threed.cli.terminal import Progress, plain, size

if TYPE_CHECKING:
    from threed_client import Client

HELP = "fetch an asset's file or a job's pictures"

_KINDS = ("original", "normalized", "thumbnail", "render_copy", "light")
_ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "model/gltf-binary": ".glb"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="an asset (ast_...) or a render job (rnd_...)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: its name, in this folder")
    parser.add_argument(
        "--kind", choices=_KINDS, default="original", help="which file of an asset (default: %(default)s)"
    )
    parser.add_argument(
        "--name", action="append", default=[], metavar="OUTPUT", help="only this output of a job, may be repeated"
    )
    parser.add_argument("--size", type=int, default=0, choices=(0, 256, 512, 1024), help="of a thumbnail, in pixels")
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.id.startswith(("ast_", "rnd_")):
        raise ValueError(f"Give the id of an asset (ast_...) or of a render job (rnd_...); got {arguments.id!r}.")
    with connection.connect(arguments) as client, Progress() as progress:
        fetch = _outputs if arguments.id.startswith("rnd_") else _file
        written = fetch(client, arguments, progress)
    for path in written:
        print(f"{plain(path)}  {size(path.stat().st_size)}")
    return 0


def _outputs(client: Client, arguments: argparse.Namespace, progress: Progress) -> list[Path]:
    """The outputs of a job. Raises what the server says of a job that has none."""
    client.renders.download_url(arguments.id)
    job = client.renders.get(arguments.id)
    places = render_outputs.places(job, arguments.output, job.job_id)
    return render_outputs.download(client, job, places, arguments.name, progress.bytes)


def _file(client: Client, arguments: argparse.Namespace, progress: Progress) -> list[Path]:
    """One file of an asset."""
    from threed_client import AssetFileKind

    kind, output = AssetFileKind[arguments.kind.upper()], arguments.output
    if output is None and kind is AssetFileKind.ORIGINAL:
        # Only the last part of the name: it is the uploader's, and must not lead out of this folder.
        output = Path(Path(client.assets.get(arguments.id).filename.replace("\\", "/")).name or arguments.id)
    elif output is None:
        signed = client.assets.download_url(arguments.id, kind, long_edge_px=arguments.size)
        output = _named(arguments.id, signed.media_type)

    def show(done: int, total: int | None) -> None:
        progress.bytes(output.name, done, total)

    return [client.assets.download(arguments.id, kind, output, long_edge_px=arguments.size, progress=show)]


def _named(id: str, media_type: str) -> Path:
    return Path(id + _ENDINGS.get(media_type, ""))
