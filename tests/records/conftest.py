"""A connection to a real PostgreSQL that leaves nothing behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from tests.servers.postgres import fresh_database

from threed.local.postgres import Postgres


@pytest.fixture(scope="session")
def records_url(postgres: Postgres) -> Iterator[str]:
    """One empty database for all tests that roll their work back, as an SQLAlchemy URL."""
    with fresh_database(postgres) as url:
        yield url


@pytest.fixture
async def connection(records_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection whose transaction is rolled back at the end of the test."""
    engine = create_async_engine(records_url)
    async with engine.connect() as opened:
        yield opened
        await opened.rollback()
    await engine.dispose()
