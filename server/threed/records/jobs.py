"""The job table's statements: who may run what, and what may be published.

A job is PENDING until a worker claims it under a lease, and PROCESSING while the worker renews the lease. Every claim
raises `fence`; each statement of a worker names the fence that it holds, so a worker that lost its lease changes
nothing. All times are the database's. Each statement that changes a state also brings the asset of an ingest job
along, records the event of a state that is an end, and tells the watchers, so the four cannot differ.

The functions make statements; who runs them, sync (workers) or async (server), is the caller's business.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from threed.records.event_log import OF_CHANGED_JOBS
from threed.records.tables import jobs, outputs

EVENTS = "threed_events"  # NOTIFY channel: a resource changed, or its job came further
CANCELS = "threed_cancels"  # NOTIFY channel: a running job shall end
READY = "threed_ready"  # NOTIFY channel: a job of this kind can be claimed
# Ticks that a worker may have sent and not recorded: a state that somebody else writes is beyond them.
_SEQUENCE_LEAP = 1_000_000

# What becomes of a job that its worker does not finish. A cancelled one ends by the error that `cancel` wrote.
_OVER = "cancel_requested OR attempt >= max_attempts"
_STATE = "CASE WHEN cancel_requested THEN 'CANCELLED' WHEN attempt >= max_attempts THEN 'FAILED' ELSE 'PENDING' END"
_UNHELD = f"""
          state = {_STATE}, phase = CASE WHEN {_OVER} THEN 'done' ELSE 'queued' END,
          finished_at = CASE WHEN {_OVER} THEN now() END, lease_until = NULL, worker = NULL, hinted_at = NULL"""


def _changing(update: str, also: str = "", then: str = "", ends: bool = True) -> str:
    """A statement that runs `update` (UPDATE jobs ... RETURNING jobs.*), updates assets, records events, and notifies.

    `also` is one more column, for instance one more notification; `then` one more statement on what `changed`. A change
    that `ends` no job has no events: looking for them would cost the database 0.05 ms.
    """
    recorded = f", recorded AS ({OF_CHANGED_JOBS})" if ends else ""
    followed = f", followed AS ({then})" if then else ""
    return f"""
        WITH changed AS ({update}),
        ingested AS (
          UPDATE assets a SET update_time = now(), revision = revision + 1,
            status = CASE c.state WHEN 'PENDING' THEN 'UPLOADED' WHEN 'PROCESSING' THEN 'PROCESSING'
                                  WHEN 'COMPLETED' THEN 'VALIDATED' ELSE 'FAILED' END,
            error = CASE WHEN c.state IN ('FAILED', 'CANCELLED') THEN c.error END
          FROM changed c WHERE c.kind = 'ingest' AND a.id = c.subject RETURNING a.id){recorded}{followed}
        SELECT changed.*, pg_notify('{EVENTS}',
          json_build_object('kind', kind, 'id', subject, 'sequence', sequence, 'changed', true)::text) AS told,
          CASE WHEN state = 'PENDING' AND run_after <= now() THEN pg_notify('{READY}', kind) END AS told_idle{also}
        FROM changed"""


def create(
    id: uuid.UUID, project: str, kind: str, subject: uuid.UUID, spec: dict[str, Any], priority: int, max_attempts: int
) -> sa.Executable:
    """A new PENDING job, marked as hinted: the caller sends the hint after the commit.

    Idle workers that hear the database are told by the commit itself, 5 ms before a hint comes through the queue.
    """
    made = sa.insert(jobs).values(
        id=id,
        project=project,
        kind=kind,
        subject=subject,
        spec=spec,
        priority=priority,
        max_attempts=max_attempts,
        hinted_at=sa.func.now(),
    )
    made = made.returning(jobs.c.kind).cte("made")
    return sa.select(sa.func.pg_notify(READY, made.c.kind))


def create_completed(
    id: uuid.UUID, project: str, kind: str, subject: uuid.UUID, spec: dict[str, Any], keys: Sequence[str]
) -> sa.Executable:
    """A job that is COMPLETED from the start, because what it would publish is there already."""
    made = sa.insert(jobs).values(
        id=id,
        project=project,
        kind=kind,
        subject=subject,
        spec=spec,
        max_attempts=1,
        state="COMPLETED",
        phase="done",
        progress=1,
        started_at=sa.func.now(),
        finished_at=sa.func.now(),
    )
    made = made.returning(jobs.c.id).cte("made")
    row = sa.select(made.c.id, sa.literal(0), sa.cast(list(keys), outputs.c["keys"].type))
    return sa.insert(outputs).from_select(["job_id", "fence", "keys"], row)


def claim(kinds: Sequence[str], worker: str, lease_s: float) -> sa.Executable:
    """Take the most urgent ready job of these kinds. One row, the job and whether there are `more`, or none."""
    ready = "state = 'PENDING' AND kind = ANY(:kinds) AND run_after <= now()"
    update = f"""
        UPDATE jobs SET state = 'PROCESSING', attempt = attempt + 1, fence = fence + 1, worker = :worker,
          lease_until = now() + make_interval(secs => :lease), started_at = coalesce(started_at, now()),
          phase = 'fetching', progress = 0, sequence = sequence + 1, error = NULL
        WHERE id = (SELECT id FROM jobs WHERE {ready}
                    ORDER BY priority DESC, run_after LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING jobs.*"""
    # The statement sees the table as it was before: the claimed job is still among those that are ready.
    more = f", (SELECT count(*) FROM (SELECT FROM jobs WHERE {ready} LIMIT 2) AS ready) > 1 AS more"
    return sa.text(_changing(update, more, ends=False)).bindparams(kinds=list(kinds), worker=worker, lease=lease_s)


def heartbeat(id: uuid.UUID, fence: int, lease_s: float, phase: str, progress: float, sequence: int) -> sa.Executable:
    """Renew the lease and record how far the job is. One row (cancel_requested), or none: the lease is lost."""
    return sa.text("""
        UPDATE jobs SET lease_until = now() + make_interval(secs => :lease), phase = :phase, progress = :progress,
          sequence = greatest(sequence, :sequence)
        WHERE id = :id AND fence = :fence AND state = 'PROCESSING' AND lease_until > now()
        RETURNING cancel_requested""").bindparams(
        id=id, fence=fence, lease=lease_s, phase=phase, progress=progress, sequence=sequence
    )


def tick(kind: str, subject: uuid.UUID, sequence: int, phase: str, progress: float) -> sa.Executable:
    """Tell the watchers how far a job is, without writing a row."""
    event = {"kind": kind, "id": str(subject), "sequence": sequence, "phase": phase, "progress": progress}
    return sa.select(sa.func.pg_notify(EVENTS, json.dumps(event)))


def complete(id: uuid.UUID, fence: int, sequence: int, keys: Sequence[str] = ()) -> sa.Executable:
    """COMPLETED, with the blobs that it published, if the fence still holds. One row or none.

    A second publication breaks the primary key of `outputs`.
    """
    update = """
        UPDATE jobs SET state = 'COMPLETED', progress = 1, phase = 'done', finished_at = now(), lease_until = NULL,
          sequence = greatest(sequence, :sequence) + 1, error = NULL
        WHERE id = :id AND fence = :fence AND state = 'PROCESSING' RETURNING jobs.*"""
    publish = "INSERT INTO outputs (job_id, fence, keys) SELECT id, fence, CAST(:keys AS text[]) FROM changed"
    statement = sa.text(_changing(update, then=publish))
    return statement.bindparams(id=id, fence=fence, sequence=sequence, keys=list(keys))


def fail(id: uuid.UUID, fence: int, error: dict[str, Any], sequence: int) -> sa.Executable:
    """FAILED for good; CANCELLED if that was asked for. One row, or none when the fence is lost."""
    update = """
        UPDATE jobs SET state = CASE WHEN cancel_requested THEN 'CANCELLED' ELSE 'FAILED' END,
          error = CASE WHEN cancel_requested THEN error ELSE :error END,
          phase = 'done', finished_at = now(), lease_until = NULL, sequence = greatest(sequence, :sequence) + 1
        WHERE id = :id AND fence = :fence AND state = 'PROCESSING' RETURNING jobs.*"""
    return _with_error(update).bindparams(id=id, fence=fence, error=error, sequence=sequence)


def release(id: uuid.UUID, fence: int, error: dict[str, Any], delay_s: float, sequence: int) -> sa.Executable:
    """Back to PENDING after `delay_s`, or FAILED with `error` when no attempt is left. One row or none."""
    update = f"""
        UPDATE jobs SET {_UNHELD}, error = CASE WHEN cancel_requested THEN error ELSE :error END,
          sequence = greatest(sequence, :sequence) + 1, run_after = now() + make_interval(secs => :delay)
        WHERE id = :id AND fence = :fence AND state = 'PROCESSING' RETURNING jobs.*"""
    return _with_error(update).bindparams(id=id, fence=fence, error=error, delay=delay_s, sequence=sequence)


def hand_back(worker: str) -> sa.Executable:
    """Everything that a stopping worker still holds goes back to PENDING, and the attempt does not count."""
    update = """
        UPDATE jobs SET state = CASE WHEN cancel_requested THEN 'CANCELLED' ELSE 'PENDING' END,
          phase = CASE WHEN cancel_requested THEN 'done' ELSE 'queued' END,
          finished_at = CASE WHEN cancel_requested THEN now() END, lease_until = NULL, worker = NULL, hinted_at = NULL,
          attempt = greatest(attempt - 1, 0), run_after = now(), sequence = sequence + :leap
        WHERE worker = :worker AND state = 'PROCESSING' RETURNING jobs.*"""
    return sa.text(_changing(update)).bindparams(worker=worker, leap=_SEQUENCE_LEAP)


def cancel(id: uuid.UUID, project: str, error: dict[str, Any]) -> sa.Executable:
    """CANCELLED at once when PENDING; otherwise its worker is told. One row, or none when it is final already.

    The first to cancel is the one that `error` names, however the job ends.
    """
    update = """
        UPDATE jobs SET cancel_requested = true, sequence = sequence + :leap,
          error = CASE WHEN cancel_requested THEN error ELSE :error END,
          state = CASE WHEN state = 'PENDING' THEN 'CANCELLED' ELSE state END,
          phase = CASE WHEN state = 'PENDING' THEN 'done' ELSE phase END,
          finished_at = CASE WHEN state = 'PENDING' THEN now() END
        WHERE id = :id AND project = :project AND state IN ('PENDING', 'PROCESSING') RETURNING jobs.*"""
    told_worker = f", pg_notify('{CANCELS}', id::text) AS told_worker"
    return _with_error(update, told_worker).bindparams(id=id, project=project, error=error, leap=_SEQUENCE_LEAP)


def retry(id: uuid.UUID, project: str) -> sa.Executable:
    """FAILED or CANCELLED becomes PENDING with all its attempts. One row or none."""
    update = """
        UPDATE jobs SET state = 'PENDING', attempt = 0, cancel_requested = false, error = NULL, finished_at = NULL,
          started_at = NULL, progress = 0, phase = 'queued', run_after = now(), hinted_at = now(),
          sequence = sequence + 1
        WHERE id = :id AND project = :project AND state IN ('FAILED', 'CANCELLED') RETURNING jobs.*"""
    return sa.text(_changing(update, ends=False)).bindparams(id=id, project=project)


def sweep(error: dict[str, Any], limit: int = 100) -> sa.Executable:
    """Jobs whose lease ran out go back to PENDING, the first time at once, then later and later; or FAILED."""
    update = f"""
        UPDATE jobs SET {_UNHELD},
          error = CASE WHEN cancel_requested THEN error WHEN attempt >= max_attempts THEN :error END,
          sequence = sequence + :leap,
          run_after = now() + CASE WHEN attempt <= 1 THEN interval '0'
                                   ELSE least(60, 2 ^ attempt) * interval '1 second' END
        WHERE id IN (SELECT id FROM jobs WHERE state = 'PROCESSING' AND lease_until < now()
                     ORDER BY lease_until LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING jobs.*"""
    return _with_error(update).bindparams(error=error, leap=_SEQUENCE_LEAP, limit=limit)


def unhinted(every_s: float = 10.0, limit: int = 100) -> sa.Executable:
    """Ready jobs whose hint was never sent, or is older than `every_s`; they count as hinted now. Rows: id, kind."""
    return sa.text("""
        UPDATE jobs SET hinted_at = now()
        WHERE id IN (SELECT id FROM jobs WHERE state = 'PENDING' AND run_after <= now()
                       AND (hinted_at IS NULL OR hinted_at < now() - make_interval(secs => :every))
                     ORDER BY priority DESC, run_after LIMIT :limit FOR UPDATE SKIP LOCKED)
        RETURNING id, kind""").bindparams(every=every_s, limit=limit)


def _with_error(update: str, also: str = "") -> sa.TextClause:
    return sa.text(_changing(update, also)).bindparams(sa.bindparam("error", type_=JSONB))
