"""A Runner in this process with a real fork server, and steps that misbehave."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.jobs.table import JobTable

from threed.blobs import Store
from threed.blobs.disk import DiskStore
from threed.blobs.signing import UrlSigner
from threed.settings import MIB, Settings
from threed_workers.claims import Claim, Outcome
from threed_workers.runner import Runner, Work
from threed_workers.sandbox import Zygote

STEPS = Path(__file__).parents[1] / "sandbox"  # misbehaving.py


def step(name: str, **request: object) -> Work:
    """A job that runs one step of misbehaving.py, tells what it reports, and publishes a key named after the fence."""

    def run(claim: Claim) -> Outcome:
        claim.run(f"misbehaving:{name}", request, lambda event: claim.report("drawing", event.get("progress", 0.5)))
        return Outcome(keys=[f"{claim.row.id}-{claim.row.fence}"])

    return run


@dataclasses.dataclass
class Workplace:
    """Everything that a Runner needs."""

    table: JobTable
    settings: Settings
    store: Store
    zygote: Zygote | None
    scratch: Path

    @contextmanager
    def runner(self, name: str = "runner-1", store: Store | None = None, **changes: object) -> Iterator[Runner]:
        """A Runner, stopped at the end. `probe=work`, or another kind, says what it does; the rest is settings."""
        kinds = {kind: changes.pop(kind) for kind in ("ingest", "render", "frame", "probe") if kind in changes}
        settings = dataclasses.replace(self.settings, **changes)
        scratch = self.scratch / name
        scratch.mkdir(exist_ok=True)
        runner = Runner(name, settings, store or self.store, self.zygote, scratch, kinds)
        runner.start()
        try:
            yield runner
        finally:
            runner.stop()

    def leftovers(self) -> list[str]:
        """What jobs left in their workers' folders."""
        return [str(path.relative_to(self.scratch)) for path in self.scratch.glob("*/*")]

    def children(self) -> list[int]:
        """Processes that run a step now; the one that waits for a step is still in the fork server's folder."""
        server = self.zygote.pid
        found = map(int, Path(f"/proc/{server}/task/{server}/children").read_text().split())
        return [pid for pid in found if _folder(pid) not in ("", "/")]


def _folder(pid: int) -> str:
    """The working directory of a process; empty when it is gone."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def workplace(table: JobTable, database_url: str, zygote: Zygote | None, folder: Path) -> Workplace:
    """With small limits, so that steps meet them soon. Without a fork server no step can run."""
    settings = Settings(
        database_url=database_url,
        data_dir=str(folder),
        job_threads=2,
        job_lease_s=3,
        job_timeout_s=30,
        job_cpu_s=2,
        job_memory_bytes=200 * MIB,
        job_disk_bytes=8 * MIB,
    )
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return Workplace(table, settings, DiskStore(folder / "blobs", UrlSigner(os.urandom(32))), zygote, scratch)


make_zygote = functools.partial(Zygote, preload=["misbehaving"], module_dirs=[STEPS])
