"""Go on with a paused render job."""

from __future__ import annotations

import argparse

from threed.cli import steering

HELP = "go on with a paused render job"

add_arguments = steering.add_arguments


def run(arguments: argparse.Namespace) -> int:
    return steering.steer(arguments, lambda client, job_id: client.renders.resume(job_id))
