"""Run one worker process until SIGTERM. Everything is set by THREED_ variables; see docs/settings.md."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys

HELP = "run one worker process"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none: a process in a container is set by its environment."""


def run(arguments: argparse.Namespace) -> int:
    if importlib.util.find_spec("threed_workers") is None or importlib.util.find_spec("numpy") is None:
        raise ValueError("The workers' libraries are not installed. Run `pip install 'threed[workers]'`.")
    # The worker replaces this process: the server's package never imports the workers', and signals go straight there.
    os.execv(sys.executable, [sys.executable, "-P", "-c", "from threed_workers.run import main; main()"])
