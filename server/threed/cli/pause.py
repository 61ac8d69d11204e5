"""Begin no more frames of a render job; those that are being drawn are finished. `threed resume` goes on with it."""

from __future__ import annotations

import argparse

from threed.cli import steering

HELP = "pause a render job"

add_arguments = steering.add_arguments


def run(arguments: argparse.Namespace) -> int:
    return steering.steer(arguments, lambda client, job_id: client.renders.pause(job_id))
