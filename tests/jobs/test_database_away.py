"""A job that finishes while PostgreSQL is dead is published once, when it is back."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.jobs.table import JobTable
from tests.jobs.workplace import workplace
from tests.servers.absent import absent
from tests.servers.folder import short_folder

from threed.local import cluster
from threed.local.errors import ProgramMissing
from threed.local.postgres import Postgres
from threed.records.schema import migrate
from threed_workers.claims import Claim, Outcome


@pytest.fixture
def own_postgres():
    """A server of this test alone, that is started by the test."""
    try:
        cluster.programs()
    except ProgramMissing as missing:
        absent(str(missing))
    with short_folder() as folder:
        yield Postgres(folder)


def kill(postgres: Postgres) -> None:
    os.kill(int((postgres.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


def test_a_job_that_finishes_while_the_database_is_dead_is_published_once(own_postgres: Postgres, tmp_path: Path):
    working, go_on = threading.Event(), threading.Event()

    def run(claim: Claim) -> Outcome:
        working.set()
        go_on.wait(60)
        claim.report("storing", 0.9)  # told to nobody, and no reason to fail
        return Outcome(keys=["made while the database was away"])

    with contextlib.ExitStack() as server:
        server.enter_context(own_postgres.running())
        migrate(own_postgres.url)
        table = JobTable(sa.create_engine(own_postgres.url, poolclass=sa.NullPool))
        place = workplace(table, own_postgres.url, None, tmp_path)
        id, other = table.new(), table.new()
        with place.runner(probe=run, job_lease_s=120, job_threads=1) as runner:
            # Given a job that is under way when PostgreSQL is killed
            assert working.wait(30)
            kill(own_postgres)
            server.close()
            # When it finishes, and a hint comes, while nobody answers
            go_on.set()
            runner.wake()
            time.sleep(1.5)
            server.enter_context(own_postgres.running())
            # Then it is published at once, and the next job begins without another hint
            began = time.monotonic()
            row = table.wait_for(id, "COMPLETED")
            print(f"published {time.monotonic() - began:.1f} s after the database was back")
            assert row.attempt == 1
            assert len(table.outputs(id)) == 1
            table.wait_for(other, "COMPLETED")
