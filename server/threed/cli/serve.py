"""Run one server process until SIGTERM. Everything is set by THREED_ variables; see docs/settings.md."""

from __future__ import annotations

import argparse

HELP = "run one server process"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none: a process in a container is set by its environment."""


def run(arguments: argparse.Namespace) -> int:
    import asyncio

    from threed import app
    from threed.settings import Settings

    asyncio.run(app.serve(Settings.from_environment()))
    return 0
