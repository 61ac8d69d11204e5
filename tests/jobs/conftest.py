"""One migrated database for all tests of the job engine, emptied for each: copying one takes longer than most tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.jobs.table import JobTable
from tests.jobs.workplace import Workplace, make_zygote, workplace
from tests.servers.postgres import fresh_database
from tests.services.conftest import database_url, migrated, settings  # noqa: F401  the same databases

from threed.local.postgres import Postgres
from threed.records.tables import metadata
from threed.settings import Settings
from threed_workers.sandbox import Zygote


@pytest.fixture(scope="session")
def job_database(postgres: Postgres, migrated: str) -> Iterator[str]:  # noqa: F811
    """A database with every table, as an SQLAlchemy URL."""
    with fresh_database(postgres, template=migrated) as url:
        yield url


@pytest.fixture
def table(job_database: str) -> Iterator[JobTable]:
    """The job table, with no row in it or in any other table."""
    engine = sa.create_engine(Settings(database_url=job_database).sqlalchemy_url(), pool_size=20)
    table = JobTable(engine)
    names = ", ".join(found.name for found in metadata.sorted_tables)
    table.run(sa.text(f"TRUNCATE {names} CASCADE"))
    yield table
    engine.dispose()


@pytest.fixture(scope="session")
def job_zygote() -> Iterator[Zygote]:
    """One fork server that knows the misbehaving steps."""
    with make_zygote() as zygote:
        yield zygote


@pytest.fixture
def place(table: JobTable, job_database: str, job_zygote: Zygote, tmp_path: Path) -> Workplace:
    """Everything that a Runner needs, on an empty job table."""
    return workplace(table, job_database, job_zygote, tmp_path)
