"""Runs jobs: claims, heartbeats, cancellation, retries. A hint only wakes it; the table says what there is to do.

A hint is acknowledged at once: either a free slot begins to drain the table, or every slot is busy and will look at
the table again when it is done. So no message is held while a job runs, and no broker's timeout matters.
"""

from __future__ import annotations

import errno
import logging
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import sqlalchemy as sa

from threed.blobs import Store
from threed.errors import JobCancelled, JobCrashed, JobDiskFull, JobFailed, StoreFull, ThreedError, Unavailable
from threed.records import away_is_unavailable, jobs
from threed.settings import Settings
from threed_workers.claims import Claim, LeaseLost, Outcome, was_killed
from threed_workers.sandbox import Limits, Zygote, remove_folder
from threed_workers.telling import Teller
from threed_workers.warm import WarmEngines

log = logging.getLogger(__name__)

# A crash is tried once more: it may have been the neighbour's memory. Others may be gone by themselves: `_transient`.
_ONCE_MORE = (JobCrashed, JobFailed)
_TIDY_S = 5.0
_AWAY_S, _BROKEN_S = 0.5, 5.0  # between two looks at a database that is away, and at one that refuses us

Work = Callable[[Claim], Outcome]


class Runner:
    """At most `settings.job_threads` jobs at once, each in its own folder and its own confined processes."""

    def __init__(
        self, name: str, settings: Settings, store: Store, zygote: Zygote, scratch: Path, kinds: dict[str, Work]
    ):
        self.name = name
        self._settings = settings
        self._store = store
        self._zygote = zygote
        self._scratch = scratch
        self._kinds = kinds
        self._limits = _limits(settings)
        self._engines = WarmEngines(zygote, scratch, settings, self._limits)
        self.engine = sa.create_engine(
            settings.sqlalchemy_url(),
            pool_size=settings.job_threads + 4,
            max_overflow=0,
            pool_pre_ping=False,
            connect_args={"connect_timeout": 3, "application_name": f"threed {name}"},
        )
        self._teller = Teller(self.engine)
        self._threads = ThreadPoolExecutor(settings.job_threads, thread_name_prefix="job")
        self._lock = threading.Lock()
        self._busy = 0
        self._hinted = False
        # By job and fence: a job that was lost and claimed again may run here twice, until the first is killed.
        self._claims: dict[tuple[uuid.UUID, int], Claim] = {}
        self._stopping = threading.Event()
        self._helpers = [
            threading.Thread(target=self._beat, name="heartbeat", daemon=True),
            threading.Thread(target=self._listen, name="ears", daemon=True),
            threading.Thread(target=self._tidy, name="tidy", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._helpers:
            thread.start()
        self.wake()

    def wake(self) -> None:
        """There may be work. Returns at once."""
        with self._lock:
            self._hinted = True
            if self._busy < self._settings.job_threads and not self._stopping.is_set():
                self._busy += 1
                self._threads.submit(self._drain)

    def stop(self) -> None:
        """Kill what runs and hand it back to the table, for other workers."""
        self._stopping.set()
        with self._lock:
            running = list(self._claims.values())
        for claim in running:
            claim.lose()
        # Before anything is waited for: a thread may still be copying a large file, and others can begin meanwhile.
        self._hand_back()
        self._threads.shutdown(wait=True)
        for thread in self._helpers:
            if thread.is_alive():
                thread.join()
        self._engines.close()
        self._teller.close()
        self._hand_back()  # what was being claimed just then
        self.engine.dispose()

    def _hand_back(self) -> None:
        try:
            with away_is_unavailable(), self.engine.begin() as connection:
                connection.execute(jobs.hand_back(self.name))
        except Unavailable as error:
            log.warning("could not hand jobs back; their leases will run out: %s", error)

    def _drain(self) -> None:
        """Claim and run until the table has nothing for us."""
        while True:
            with self._lock:
                self._hinted = False
            row = self._claim()
            if row is None:
                with self._lock:
                    if not self._hinted or self._stopping.is_set():
                        self._busy -= 1
                        return
                continue
            # Two are never woken by one hint: whoever leaves work behind calls the next, as long as there are slots.
            if row.more:
                self.wake()
            try:
                self._run(row)
            except Exception:
                log.exception("job %s: the worker stumbled; its lease will run out", row.id)

    def _claim(self) -> sa.Row | None:
        """The next job, or None when there is none. Asks again while the database cannot say, so no hint is lost."""
        most = self._settings.project_max_running_jobs
        statement = jobs.claim(list(self._kinds), self.name, self._settings.job_lease_s, most)
        while not self._stopping.is_set():
            try:
                # A single statement needs no BEGIN and no COMMIT of its own.
                with away_is_unavailable(), self.engine.connect() as connection:
                    return connection.execution_options(isolation_level="AUTOCOMMIT").execute(statement).first()
            except Unavailable as error:
                log.warning("cannot claim: %s", error)
                self._stopping.wait(_AWAY_S)
            except sa.exc.SQLAlchemyError:  # for example: no server has made the tables yet
                log.exception("cannot claim")
                self._stopping.wait(_BROKEN_S)
        return None

    def _run(self, row: sa.Row) -> None:
        folder, key = self._scratch / f"{row.id.hex}-{row.fence}", (row.id, row.fence)
        claim, more = self._held(row, folder), []
        claim.take_more = lambda most: self._more(claim, more, most)
        with self._lock:
            if self._stopping.is_set():
                return  # claimed while `stop` was looking: it hands the job back
            self._claims[key] = claim
        try:
            outcome = self._outcome(claim)
            self._finish(claim.at_work or claim, outcome)
        except LeaseLost:
            log.warning("job %s: the lease was lost; nothing was written", row.id)
        finally:
            self._let_go(more)
            with self._lock:
                del self._claims[key]
            _remove(folder)

    def _held(self, row: sa.Row, folder: Path) -> Claim:
        return Claim(row, folder, self.engine, self._store, self._zygote, self._limits, self._engines, self._teller)

    def _more(self, claim: Claim, held: list[Claim], most: int) -> list[Claim]:
        """More parts of the same whole, whose leases are renewed as that of `claim`; they work in its folder."""
        if most < 1 or claim.row.parent is None:
            return []
        rows = claim.ask(jobs.claim_parts(claim.row.parent, self.name, self._settings.job_lease_s, most))
        found = [self._held(row, claim.folder) for row in sorted(rows, key=lambda row: row.ordinal)]
        for other in found:
            other.leader = claim
        held += found
        with self._lock:
            for other in found:
                self._claims[(other.row.id, other.row.fence)] = other
        return found

    def _let_go(self, held: list[Claim]) -> None:
        """Give back what was not begun, unless somebody else has it by now."""
        for other in held:
            try:
                if not other.ended and not other.lost:
                    other.give_back()
            except (LeaseLost, Unavailable) as error:
                log.warning("job %s was not given back; its lease will run out: %s", other.row.id, error)
            with self._lock:
                del self._claims[(other.row.id, other.row.fence)]

    def _outcome(self, claim: Claim) -> Outcome:
        try:
            claim.folder.mkdir(mode=0o700)
            return self._kinds[claim.row.kind](claim)
        except ThreedError as error:
            return Outcome(error=error)
        except LeaseLost:
            raise
        except Exception as error:
            return Outcome(error=_ours(claim, error))

    def _finish(self, claim: Claim, outcome: Outcome) -> None:
        try:
            self._end(claim, outcome)
        except (LeaseLost, Unavailable):
            raise
        except Exception as error:  # the database refused what was made, and would do so again
            self._end(claim, Outcome(error=_ours(claim, error)))

    def _end(self, claim: Claim, outcome: Outcome) -> None:
        error, attempt = outcome.error, claim.row.attempt
        if claim.ended:
            return
        if claim.lost:
            raise LeaseLost
        if error is None:
            claim.complete(outcome)
        elif _transient(error):
            claim.release(error, min(60.0, 2.0**attempt))
        elif isinstance(error, _ONCE_MORE) and attempt < 2:
            claim.release(error, 1.0)
        else:
            claim.fail(error, outcome.statements)
        if error is not None:
            log.info("job %s (%s), attempt %d: %s: %s", claim.row.id, claim.row.kind, attempt, error.reason, error)

    def _beat(self) -> None:
        """Renew every lease three times in its length; a job whose lease is gone is killed."""
        while not self._stopping.wait(self._settings.job_lease_s / 3):
            with self._lock:
                running = list(self._claims.values())
            for claim in running:
                if claim.ended:  # a part that is published, whose step is at the next one
                    continue
                try:
                    self._renew(claim)
                except Unavailable:
                    continue
                except Exception:  # of one job; the others' leases hang on this thread
                    log.exception("job %s: its lease was not renewed", claim.row.id)

    def _tidy(self) -> None:
        """End engines that nobody uses. A thread of its own, because that waits for processes and leases must not."""
        while not self._stopping.wait(_TIDY_S):
            self._engines.sweep()

    def _renew(self, claim: Claim) -> None:
        row, lease_s = claim.row, self._settings.job_lease_s
        statement = jobs.heartbeat(row.id, row.fence, lease_s, claim.phase, claim.progress, claim.sequence)
        with away_is_unavailable(), self.engine.begin() as connection:
            answer = connection.execute(statement).first()
        if answer is None and not claim.ended:
            claim.lose()
        elif answer.cancel_requested:
            claim.stop(JobCancelled("The job was cancelled."))

    def _listen(self) -> None:
        """Hear of new jobs and of cancellations at once; hints and heartbeats find what was missed."""
        while not self._stopping.is_set():
            try:
                with psycopg.connect(
                    self._settings.libpq_url(), autocommit=True, connect_timeout=3, application_name="threed-ears"
                ) as connection:
                    connection.execute(f"LISTEN {jobs.CANCELS}")
                    connection.execute(f"LISTEN {jobs.READY}")
                    while not self._stopping.is_set():
                        for notification in connection.notifies(timeout=1.0):
                            self._hear(notification)
            except psycopg.Error as error:
                log.warning("cannot hear the database; hints and heartbeats still come: %s", error)
                self._stopping.wait(_AWAY_S)

    def _hear(self, notification: psycopg.Notify) -> None:
        if notification.channel == jobs.CANCELS:
            self._cancel(uuid.UUID(notification.payload))
        elif notification.payload in self._kinds:
            self.wake()

    def _cancel(self, id: uuid.UUID) -> None:
        with self._lock:
            found = [claim for (job, _), claim in self._claims.items() if job == id]
        for claim in found:
            claim.stop(JobCancelled("The job was cancelled."))


def _limits(settings: Settings) -> Limits:
    return Limits(
        memory_bytes=settings.job_memory_bytes,
        cpu_s=int(settings.job_cpu_s),
        wall_s=settings.job_timeout_s,
        disk_bytes=settings.job_disk_bytes,
        file_bytes=settings.job_disk_bytes,
    )


def _transient(error: ThreedError) -> bool:
    """Whether the cause may be gone by itself, or is elsewhere on another worker."""
    return isinstance(error, Unavailable | StoreFull) or error.retry_after_s is not None or was_killed(error)


def _ours(claim: Claim, error: Exception) -> ThreedError:
    """What the caller is told of an error that no step foresaw."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        log.error("job %s: no room in %s", claim.row.id, claim.folder.parent)
        return JobDiskFull("The worker has no room left for the job's files. It is tried again.", retry_after_s=10)
    log.error("job %s failed by our own fault", claim.row.id, exc_info=error)
    sentence = "The job failed by an error of ours. Retry it; if it fails again, tell the operator its id."
    return JobFailed(sentence, cause=type(error).__name__)


def _remove(folder: Path) -> None:
    try:
        remove_folder(folder)
    except FileNotFoundError:
        pass  # it could not even be made
    except OSError as error:
        log.warning("the folder %s is left behind until this worker ends: %s", folder, error)
