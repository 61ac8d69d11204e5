"""A real PostgreSQL for tests and benchmarks: one server, and an empty database for each that asks."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from tests.servers.absent import absent
from tests.servers.folder import short_folder

from threed.local import cluster
from threed.local.errors import ProgramMissing
from threed.local.postgres import DATABASE, ROLE, Postgres


@contextlib.contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[Postgres]:
    """A server of its own in a temporary folder. `durable=True` keeps fsync on, as a benchmark must."""
    with short_folder() as folder, Postgres(folder, durable=durable).running() as server:
        yield server


@contextlib.contextmanager
def fresh_database(server: Postgres, template: str = DATABASE) -> Iterator[str]:
    """An empty database with the extensions, as an SQLAlchemy URL. Dropped at the end, whoever is still connected.

    `template` is the database to copy; nobody may be connected to it meanwhile.
    """
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.superuser_conninfo, autocommit=True) as superuser:
        superuser.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(ROLE), sql.Identifier(template)
            )
        )
    try:
        yield server.url_of(name)
    finally:
        with psycopg.connect(server.superuser_conninfo, autocommit=True) as superuser:
            superuser.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for the whole test run."""
    try:
        cluster.programs()
    except ProgramMissing as missing:
        absent(str(missing))
    with postgres_server() as server:
        yield server


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    """An empty database for one test, as an SQLAlchemy URL."""
    with fresh_database(postgres) as url:
        yield url
