"""Make pictures or a film of an asset or a scene and write them to files. Interrupting the command cancels the job."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from threed.cli import connection, previews, render_options, render_outputs, showing, upload
from threed.cli.terminal import Progress, plain

if TYPE_CHECKING:
    from threed_client import Client, RenderJob

HELP = "make pictures or a film of an asset or a scene"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="default: the id, in this folder; several go beside it"
    )
    parser.add_argument("--plan", action="store_true", help="draw nothing; print what it would take")
    parser.add_argument("--no-cache", action="store_true", help="draw it, even if the same was drawn before")
    parser.add_argument("--preview", action="store_true", help="show how far it is as a picture (iTerm2, WezTerm)")
    parser.add_argument("--preview-file", type=Path, metavar="FILE", help="keep the newest preview there, as WebP")
    parser.add_argument("--json", action="store_true", help="print the finished job as one line of JSON")
    render_options.add_arguments(parser)
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    from threed_client import RenderJobStatus

    if arguments.preview:
        previews.Previews().check()
    wanted = render_options.job(arguments)
    with connection.connect(arguments) as client, Progress() as progress:
        job = _create(client, arguments, wanted, progress)
        if arguments.plan:
            print(job.to_json() if arguments.json else showing.render_plan(job))
            return 0
        with _cancelled_by_interrupt(client, job):
            job = _follow(client, arguments, job, progress)
        done = job.status is RenderJobStatus.COMPLETED
        places = render_outputs.places(job, arguments.output, arguments.id)
        written = render_outputs.download(client, job, places, show=progress.bytes) if done else []
    if arguments.json:
        print(job.to_json())
    elif len(written) == 1:
        print(f"{plain(written[0])}  {showing.job_line(job)}")
    elif done:
        print(showing.job_line(job))
        print("\n".join(plain(path) for path in written))
    if not done:
        print(f"threed render: {showing.job_line(job)}", file=sys.stderr)
        return 1
    return 0


def _create(client: Client, arguments: argparse.Namespace, wanted: RenderJob, progress: Progress) -> RenderJob:
    """Create the job; an asset that is still being checked is waited for first."""
    from threed_client.errors import FailedPrecondition

    options = {"validate_only": arguments.plan, "no_cache": arguments.no_cache}
    try:
        return client.renders.create(wanted, **options)
    except FailedPrecondition as error:
        if error.reason != "ASSET_NOT_READY" or not wanted.asset_id:
            raise
    upload.follow(client, client.assets.get(wanted.asset_id), progress)
    return client.renders.create(wanted, **options)


def _follow(client: Client, arguments: argparse.Namespace, job: RenderJob, progress: Progress) -> RenderJob:
    """Watch the job until it is finished, on the live line and in previews."""
    shown = previews.Previews()
    label = arguments.output.name if arguments.output else arguments.id
    wanted = arguments.preview or arguments.preview_file is not None
    for change in client.renders.watch(job.job_id, previews=wanted):
        job = change.render_job
        if change.preview and arguments.preview:
            shown.draw(change.preview.image)
        if change.preview and arguments.preview_file:
            previews.keep(arguments.preview_file, change.preview.image)
        progress.part(label, job.progress, showing.render_note(change))
    return job


@contextlib.contextmanager
def _cancelled_by_interrupt(client: Client, job: RenderJob) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        client.within(5).renders.cancel(job.job_id)
        raise
