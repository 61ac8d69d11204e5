"""PostgreSQL: one module per table. Modules make statements and say what a state change is; here they get connections.

Errors of the database come out as `threed.errors.Unavailable` when it is away, and as they are when we are wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from threed.errors import Unavailable

# How long the last calls of a server may take to give their connections back.
_LAST_S = 5.0


class Records:
    """Transactions on the database. One per server process."""

    def __init__(self, url: str, pool_size: int):
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=False,
            pool_timeout=30,
            connect_args={"connect_timeout": 3, "application_name": "threed"},
        )
        self._users = 0
        self._unused = asyncio.Event()
        self._unused.set()

    @contextlib.asynccontextmanager
    async def autocommit(self) -> AsyncIterator[AsyncConnection]:
        """A connection for single statements, each its own transaction."""
        with self._user(), away_is_unavailable():
            async with self.engine.connect() as connection:
                yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed at the end of the block, rolled back by any exception."""
        with self._user(), away_is_unavailable():
            async with self.engine.begin() as connection:
                yield connection

    async def close(self) -> None:
        """Once calls that were cancelled just before have ended: what they gave back later, nobody would close."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._unused.wait(), _LAST_S)
        await self.engine.dispose()

    @contextlib.contextmanager
    def _user(self) -> Iterator[None]:
        self._users += 1
        self._unused.clear()
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                self._unused.set()


@contextlib.contextmanager
def away_is_unavailable():
    """Turn every sign of a database that is away, starting, stopping or overloaded into Unavailable."""
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError, psycopg.OperationalError) as error:
        sentence = "The database is away for a moment. Call again in a second; nothing was lost."
        raise Unavailable(sentence, retry_after_s=1) from error
    except sa.exc.DBAPIError as error:
        if not error.connection_invalidated:
            raise
        sentence = "The connection to the database broke. Call again with the same request_id."
        raise Unavailable(sentence, retry_after_s=1) from error
