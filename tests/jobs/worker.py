"""`threed work` in a process of its own, and the server's side of the job engine in this one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
from tests.jobs.table import eventually
from tests.services.door import Door

from threed.app import make_backend, make_server
from threed.local.keys import open_keys
from threed.settings import Settings
from threed.upkeep import Upkeep


@contextlib.contextmanager
def worker(settings: Settings, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that is ready for hints; killed at the end, with everything that it started.

    Waits for it without the event loop. Start it before `serving`: a connection that the loop is opening then times
    out, stays half open in this process, and PostgreSQL drops the test's database only a minute later.
    """
    names = ("data_dir", "database_url", "broker_url", "job_lease_s", "job_threads")
    environment = {f"THREED_{name.upper()}": str(getattr(settings, name)) for name in names}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "threed", "work"],
            env=os.environ | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        eventually(lambda: b" is ready" in log.read_bytes(), 60, lambda: log.read_text()[-2000:])
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


@contextlib.asynccontextmanager
async def serving(settings: Settings, *, upkeep: bool) -> AsyncIterator[Door]:
    """A server process's parts in this process, with or without sweeping."""
    backend = make_backend(settings)
    (server, _), loops = make_server(settings, backend), Upkeep(backend)
    await backend.events.start()
    await server.start()
    if upkeep:
        await loops.start()
    async with grpc.aio.insecure_channel(settings.listen) as channel:
        yield Door(channel, open_keys(settings.data / "keys"), backend)
    await loops.stop()
    await server.stop(0)
    await backend.events.stop()
    backend.queue.close()
    backend.blobs.close()
    await backend.records.close()
