"""What becomes of connections when a server stops."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from threed.records import Records


@pytest.mark.parametrize("at_s", [0.002, 0.05])  # while it connects, and while its transaction is open
@pytest.mark.parametrize("cancelled", [False, True])
async def test_no_connection_outlives_the_records(records_url, connection: AsyncConnection, at_s, cancelled):
    # Given a call that is still under way when the server stops
    records = Records(records_url, 2)

    async def call() -> None:
        async with records.transaction() as mine:
            await mine.execute(sa.text("SET application_name = 'the last call'"))
            await asyncio.sleep(0.1)

    task = asyncio.create_task(call())
    await asyncio.sleep(at_s)
    if cancelled:
        task.cancel()
    await records.close()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    # Then its connection is closed
    left = sa.text("SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('threed', 'the last call')")
    for _ in range(50):
        if not (count := await connection.scalar(left)):
            break
        await asyncio.sleep(0.02)
    assert count == 0
