"""Put a failed or cancelled render job back in the queue. Frames that are there are not drawn again."""

from __future__ import annotations

import argparse

from threed.cli import steering

HELP = "try a failed render job again"

add_arguments = steering.add_arguments


def run(arguments: argparse.Namespace) -> int:
    return steering.steer(arguments, lambda client, job_id: client.renders.retry(job_id))
