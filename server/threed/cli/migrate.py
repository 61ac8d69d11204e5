"""Bring the database of THREED_DATABASE_URL to the schema of this version. Doing it twice changes nothing."""

from __future__ import annotations

import argparse

HELP = "bring the database to this version"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none: the database is named by THREED_DATABASE_URL."""


def run(arguments: argparse.Namespace) -> int:
    from threed import queue
    from threed.records.schema import migrate
    from threed.settings import Settings

    settings = Settings.from_environment()
    migrate(settings.sqlalchemy_url())
    if not settings.broker_url:
        queue.prepare(settings.libpq_url())
    return 0
