"""A worker that dies at one point of its job: the job is done once, and what the dead one stored is collected."""

from __future__ import annotations

import asyncio
import dataclasses
import multiprocessing
import signal
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.jobs.dying import POINTS, store_a_file, work_and_die
from tests.jobs.table import JobTable
from tests.jobs.workplace import Workplace, workplace

from threed.app import make_backend
from threed.local.keys import open_keys
from threed.records.tables import assets
from threed.settings import Settings
from threed.upkeep import Upkeep

# Blobs that a dead attempt leaves and nobody names.
ORPHANS = {"claimed": 0, "put": 1, "before commit": 1, "after commit": 0}


def keys(place: Workplace) -> set[str]:
    return {stat.key for stat in place.store.keys()}


async def collect(settings: Settings, orphan_age_s: float) -> None:
    """Once, as a server does it every ten minutes."""
    backend = make_backend(dataclasses.replace(settings, orphan_age_s=orphan_age_s))
    await Upkeep(backend).collect()
    backend.queue.close()
    backend.blobs.close()
    await backend.records.close()


@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_that_dies_at_a_point_loses_and_doubles_nothing(
    table: JobTable, job_database: str, tmp_path: Path, point: str
):
    # Given an asset with its original, and a worker that dies at this point of its job
    place = workplace(table, job_database, None, tmp_path)
    (tmp_path / "original").write_bytes(b"the original")
    original = place.store.put_file(tmp_path / "original")
    asset, id = table.new_ingest()
    table.run(sa.update(assets).where(assets.c.id == asset).values(blob_key=original.key))
    process = multiprocessing.get_context("spawn").Process(target=work_and_die, args=(job_database, tmp_path, point))
    process.start()
    await asyncio.to_thread(process.join, 60)
    assert process.exitcode == -signal.SIGKILL
    # When its lease has run out, and another worker comes
    if point != "after commit":
        assert table.row(id).state == "PROCESSING"
        table.expire(id)
        table.sweep()
    with place.runner(ingest=store_a_file):
        row = await asyncio.to_thread(table.wait_for, id, "COMPLETED")
    # Then the job was published once, by the one that came to its end
    (output,) = table.outputs(id)
    assert output.fence == row.fence == (1 if point == "after commit" else 2)
    assert [file["key"] for file in table.asset(asset).files] == output.keys
    assert [(event.type, event.asset_id) for event in table.events()] == [("asset_ready", asset)]
    assert len(keys(place)) == 2 + ORPHANS[point]
    # And of the blobs only those go that nobody names, when they are old enough
    open_keys(tmp_path / "keys")
    await collect(place.settings, orphan_age_s=3600)
    assert len(keys(place)) == 2 + ORPHANS[point]
    time.sleep(0.05)  # noqa: ASYNC251  so that all of them are older than the age below
    await collect(place.settings, orphan_age_s=0.01)
    assert keys(place) == {original.key, *output.keys}
