"""Write a file of an asset, or the picture of a render job, to this machine. Repeated, a broken one goes on."""

from __future__ import annotations

import argparse
from pathlib import Path

from threed.cli import connection
from threed.cli.terminal import Progress, plain, size

HELP = "fetch an asset's file or a job's picture"

_KINDS = ("original", "normalized", "thumbnail", "render_copy")
_ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "model/gltf-binary": ".glb"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="an asset (ast_...) or a render job (rnd_...)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: its name, in this folder")
    parser.add_argument(
        "--kind", choices=_KINDS, default="original", help="which file of an asset (default: %(default)s)"
    )
    parser.add_argument("--size", type=int, default=0, choices=(0, 256, 512, 1024), help="of a thumbnail, in pixels")
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    from threed_client import AssetFileKind

    if not arguments.id.startswith(("ast_", "rnd_")):
        raise ValueError(f"Give the id of an asset (ast_...) or of a render job (rnd_...); got {arguments.id!r}.")
    with connection.connect(arguments) as client, Progress() as progress:
        kind = AssetFileKind[arguments.kind.upper()]
        output = arguments.output

        def show(done: int, total: int | None) -> None:
            progress.bytes(output.name, done, total)

        if arguments.id.startswith("rnd_"):
            output = output or _named(arguments.id, client.renders.download_url(arguments.id).media_type)
            path = client.renders.download(arguments.id, output, progress=show)
        else:
            if output is None and kind is AssetFileKind.ORIGINAL:
                # Only the last part of the name: it is the uploader's, and must not lead out of this folder.
                output = Path(Path(client.assets.get(arguments.id).filename.replace("\\", "/")).name or arguments.id)
            elif output is None:
                signed = client.assets.download_url(arguments.id, kind, long_edge_px=arguments.size)
                output = _named(arguments.id, signed.media_type)
            path = client.assets.download(arguments.id, kind, output, long_edge_px=arguments.size, progress=show)
    print(f"{plain(path)}  {size(path.stat().st_size)}")
    return 0


def _named(id: str, media_type: str) -> Path:
    return Path(id + _ENDINGS.get(media_type, ""))
