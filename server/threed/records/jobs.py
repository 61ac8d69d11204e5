"""The job table's statements: who may run what, and what may be published.

A job is PENDING until a worker claims it under a lease, and PROCESSING while the worker renews the lease. Every claim
raises `fence`; each statement of a worker names the fence that it holds, so a worker that lost its lease changes
nothing. All times are the database's. Each statement that changes a state also brings the asset of an ingest job
along, records the event of a state that is an end, and tells the watchers, so the four cannot differ.

A job may have parts: jobs of their own that any worker may claim, such as the frames of a film. The whole is WAITING
until none of them is open, and then PENDING, or FAILED when one of them has failed. Statements lock parts before their
whole, so that none waits for another in a circle.

The functions make statements; who runs them, sync (workers) or async (server), is the caller's business.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from threed.errors import FramesFailed
from threed.records.event_log import OF_CHANGED_JOBS
from threed.records.tables import jobs, outputs
from threed.status import to_json

EVENTS = "threed_events"  # NOTIFY channel: a resource changed, or its job came further
CANCELS = "threed_cancels"  # NOTIFY channel: a running job shall end
READY = "threed_ready"  # NOTIFY channel: a job of this kind can be claimed
# Ticks that a worker may have sent and not recorded: a state that somebody else writes is beyond them.
_SEQUENCE_LEAP = 1_000_000

# Microseconds of the database's clock: what many workers tell of one job at once gets one order by it.
_CLOCK = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
# The number of a state that ends a worker's hold, whose last message had :sequence. That of a whole lies beyond all
# that its parts ever told.
_AFTER = f"greatest(sequence, :sequence, CASE WHEN parts > 0 THEN {_CLOCK} END) + 1"
# What a state that a worker does not write takes for its number.
_LEAPED = f"CASE WHEN parts > 0 THEN greatest(sequence + 1, {_CLOCK}) ELSE sequence + {_SEQUENCE_LEAP} END"
_READY = "state = 'PENDING' AND NOT paused AND run_after <= now()"

# What becomes of a job that its worker does not finish. A cancelled one ends by the error that `cancel` wrote.
_OVER = "cancel_requested OR attempt >= max_attempts"
_STATE = "CASE WHEN cancel_requested THEN 'CANCELLED' WHEN attempt >= max_attempts THEN 'FAILED' ELSE 'PENDING' END"
_UNHELD = f"""
          state = {_STATE}, phase = CASE WHEN {_OVER} THEN 'done' ELSE 'queued' END,
          finished_at = CASE WHEN {_OVER} THEN now() END, lease_until = NULL, worker = NULL, hinted_at = NULL"""


def _changing(update: str, also: str = "", then: str = "", before: str = "", ends: bool = True) -> sa.TextClause:
    """A statement that runs `update` (UPDATE jobs ... RETURNING jobs.*), brings assets and wholes along, and notifies.

    `also` is one more column, for instance one more notification; `then` one more statement on what `changed`; `before`
    are CTEs that `update` looks at. A change that `ends` no job has no events: looking for them would cost the database
    0.05 ms.
    """
    recorded = f", recorded AS ({OF_CHANGED_JOBS})" if ends else ""
    followed = f", followed AS ({then})" if then else ""
    statement = f"""
        WITH {before}changed AS ({update}),
        ingested AS (
          UPDATE assets a SET update_time = now(), revision = revision + 1,
            status = CASE c.state WHEN 'PENDING' THEN 'UPLOADED' WHEN 'PROCESSING' THEN 'PROCESSING'
                                  WHEN 'COMPLETED' THEN 'VALIDATED' ELSE 'FAILED' END,
            error = CASE WHEN c.state IN ('FAILED', 'CANCELLED') THEN c.error END
          FROM changed c WHERE c.kind = 'ingest' AND a.id = c.subject RETURNING a.id),
        whole AS ({_WHOLE}){recorded}{followed}
        SELECT changed.*, (SELECT w.spec FROM jobs w WHERE w.id = changed.parent) AS whole_spec,
          CASE WHEN parent IS NULL THEN {_told("changed")} END AS told,
          CASE WHEN {_READY} THEN pg_notify('{READY}', kind) END AS told_idle,
          (SELECT count({_told("whole")}) + count(CASE WHEN state = 'PENDING' THEN pg_notify('{READY}', kind) END)
           FROM whole) AS told_whole{also}
        FROM changed"""
    return sa.text(statement).bindparams(sa.bindparam("frames_failed", _FRAMES_FAILED, type_=JSONB))


def _told(row: str) -> str:
    """The notification of watchers that a row of jobs has changed."""
    return f"""pg_notify('{EVENTS}', json_build_object(
            'kind', {row}.kind, 'id', {row}.subject, 'sequence', {row}.sequence, 'changed', true)::text)"""


# What the end of parts, and the begin of the first, makes of their whole.
_WHOLE = f"""
          UPDATE jobs w SET parts_open = w.parts_open - c.ended, parts_failed = w.parts_failed + c.failed,
            parts_done = w.parts_done + c.done, progress = 0.95 * (w.parts_done + c.done) / w.parts,
            phase = CASE WHEN w.state = 'WAITING' AND w.parts_open = c.ended THEN 'queued' ELSE 'rendering' END,
            started_at = coalesce(w.started_at, now()), run_after = now(), hinted_at = NULL,
            sequence = greatest(w.sequence + 1, {_CLOCK}),
            state = CASE WHEN w.state <> 'WAITING' OR w.parts_open > c.ended THEN w.state
                         WHEN w.cancel_requested THEN 'CANCELLED'
                         WHEN w.parts_failed + c.failed > 0 THEN 'FAILED' ELSE 'PENDING' END,
            error = CASE WHEN w.state = 'WAITING' AND w.parts_open = c.ended AND NOT w.cancel_requested
                              AND w.parts_failed + c.failed > 0 THEN :frames_failed ELSE w.error END,
            finished_at = CASE WHEN w.state = 'WAITING' AND w.parts_open = c.ended
                                    AND (w.cancel_requested OR w.parts_failed + c.failed > 0) THEN now() END
          FROM (SELECT parent, count(*) FILTER (WHERE state IN ('COMPLETED', 'FAILED', 'CANCELLED')) AS ended,
                  count(*) FILTER (WHERE state = 'FAILED') AS failed,
                  count(*) FILTER (WHERE state = 'COMPLETED') AS done
                FROM changed WHERE parent IS NOT NULL GROUP BY parent) c
          WHERE w.id = c.parent AND (c.ended > 0 OR w.started_at IS NULL) RETURNING w.*"""
_FRAMES_FAILED = to_json(
    FramesFailed("Some frames have failed: ListRenderFrames has their reasons. RetryRenderJob draws only those again.")
)


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


def create_whole(
    id: uuid.UUID,
    project: str,
    kind: str,
    spec: dict[str, Any],
    parts: Sequence[uuid.UUID],
    part_kind: str,
    part_specs: Sequence[dict[str, Any]],
    priority: int,
    max_attempts: int,
) -> sa.Executable:
    """A WAITING job and its PENDING parts, whose ids and specs are given in their order. Its subject is its own id."""
    return sa.text(f"""
        WITH whole AS (
          INSERT INTO jobs (id, project, kind, subject, spec, priority, max_attempts, state, parts, parts_open)
          VALUES (:id, :project, :kind, :id, :spec, :priority, :max_attempts, 'WAITING', :count, :count) RETURNING id),
        made AS (
          INSERT INTO jobs (id, project, kind, subject, parent, ordinal, spec, priority, max_attempts, hinted_at)
          SELECT part.id, :project, :part_kind, :id, whole.id, part.ordinal - 1, part.spec::jsonb, :priority,
            :max_attempts, now()
          FROM whole, unnest(CAST(:parts AS uuid[]), CAST(:specs AS text[])) WITH ORDINALITY AS part (id, spec, ordinal)
          RETURNING id)
        SELECT pg_notify('{READY}', :part_kind) FROM whole""").bindparams(
        sa.bindparam("spec", spec, type_=JSONB),
        id=id,
        project=project,
        kind=kind,
        priority=priority,
        max_attempts=max_attempts,
        count=len(parts),
        part_kind=part_kind,
        parts=list(parts),
        specs=[json.dumps(part) for part in part_specs],
    )


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


def claim(kinds: Sequence[str], worker: str, lease_s: float, most_of_project: int = 0) -> sa.Executable:
    """Take the most urgent ready job of these kinds. One row, the job and whether there are `more`, or none.

    Of equally urgent jobs, one of the project that has the fewest running; none of a project that has `most_of_project`
    (0: any number). Projects are found one by one in the index, so a long queue of one costs the others nothing.
    """
    update = f"""
        UPDATE jobs SET {_BEGUN} WHERE id = ({_NEXT}) RETURNING jobs.*"""
    # The statement sees the table as it was before: the claimed job is still among those that are ready.
    ready = f"SELECT FROM jobs WHERE {_READY} AND kind = ANY(:kinds) LIMIT 2"
    more = f", (SELECT count(*) FROM ({ready}) AS ready) > 1 AS more"
    statement = _changing(update, more, ends=False)
    return statement.bindparams(kinds=list(kinds), worker=worker, lease=lease_s, most=most_of_project)


# What a claim makes of a job.
_BEGUN = f"""state = 'PROCESSING', attempt = attempt + 1, fence = fence + 1, worker = :worker,
          lease_until = now() + make_interval(secs => :lease), started_at = coalesce(started_at, now()),
          phase = 'fetching', progress = CASE WHEN parts > 0 THEN progress ELSE 0 END, error = NULL,
          sequence = CASE WHEN parts > 0 THEN greatest(sequence + 1, {_CLOCK}) ELSE sequence + 1 END"""

# The id of the job to claim, locked. The nested loop keeps the order of the projects, and ends with the first row.
_NEXT = f"""
          WITH RECURSIVE waiting AS (
            (SELECT project FROM jobs WHERE {_READY} ORDER BY project LIMIT 1)
            UNION ALL
            SELECT (SELECT j.project FROM jobs j WHERE j.project > waiting.project AND j.state = 'PENDING'
                      AND NOT j.paused AND j.run_after <= now() ORDER BY j.project LIMIT 1)
            FROM waiting WHERE waiting.project IS NOT NULL),
          busy AS (SELECT project, count(*) AS running FROM jobs WHERE state = 'PROCESSING' GROUP BY project),
          turns AS (
            SELECT waiting.project, first.priority, coalesce(busy.running, 0) AS running, first.run_after
            FROM waiting LEFT JOIN busy ON busy.project = waiting.project
            CROSS JOIN LATERAL (SELECT priority, run_after FROM jobs
              WHERE jobs.project = waiting.project AND {_READY} AND kind = ANY(:kinds)
              ORDER BY priority DESC, run_after LIMIT 1) AS first
            WHERE :most = 0 OR coalesce(busy.running, 0) < :most
            ORDER BY first.priority DESC, running, first.run_after)
          SELECT next.id FROM turns
          CROSS JOIN LATERAL (SELECT id FROM jobs WHERE jobs.project = turns.project AND {_READY} AND kind = ANY(:kinds)
            ORDER BY priority DESC, run_after, ordinal LIMIT 1 FOR UPDATE SKIP LOCKED) AS next LIMIT 1"""


def claim_parts(parent: uuid.UUID, worker: str, lease_s: float, limit: int) -> sa.Executable:
    """Take up to so many more parts of a whole of which this worker holds one. Rows as of `claim`."""
    update = f"""
        UPDATE jobs SET {_BEGUN}
        WHERE id IN (SELECT id FROM jobs WHERE parent = :parent AND {_READY}
                     ORDER BY ordinal LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING jobs.*"""
    statement = _changing(update, ", false AS more", ends=False)
    return statement.bindparams(parent=parent, worker=worker, lease=lease_s, limit=limit)


def give_back(id: uuid.UUID, fence: int) -> sa.Executable:
    """A claimed part that was not begun goes back to PENDING, and the attempt does not count. One row or none."""
    update = """
        UPDATE jobs SET state = CASE WHEN cancel_requested THEN 'CANCELLED' ELSE 'PENDING' END,
          phase = CASE WHEN cancel_requested THEN 'done' ELSE 'queued' END,
          finished_at = CASE WHEN cancel_requested THEN now() END, lease_until = NULL, worker = NULL, hinted_at = NULL,
          attempt = greatest(attempt - 1, 0), run_after = now(), sequence = sequence + 1
        WHERE id = :id AND fence = :fence AND state = 'PROCESSING' RETURNING jobs.*"""
    return _changing(update).bindparams(id=id, fence=fence)


def heartbeat(id: uuid.UUID, fence: int, lease_s: float, phase: str, progress: float, sequence: int) -> sa.Executable:
    """Renew the lease and record how far the job is. One row (cancel_requested), or none: the lease is lost."""
    return sa.text("""
        UPDATE jobs SET lease_until = now() + make_interval(secs => :lease), phase = :phase, progress = :progress,
          sequence = greatest(sequence, :sequence)
        WHERE id = :id AND fence = :fence AND state = 'PROCESSING' AND lease_until > now()
        RETURNING cancel_requested""").bindparams(
        id=id, fence=fence, lease=lease_s, phase=phase, progress=progress, sequence=sequence
    )


def tick(kind: str, subject: uuid.UUID, sequence: int, phase: str, progress: float, **more: float) -> sa.Executable:
    """Tell the watchers how far a job is, without writing a row. `more` is for the watchers of this kind."""
    event = {"kind": kind, "id": str(subject), "sequence": sequence, "phase": phase, "progress": progress, **more}
    return sa.select(sa.func.pg_notify(EVENTS, json.dumps(event)))


def tick_of_part(kind: str, subject: uuid.UUID, phase: str, progress: float, **more: float) -> sa.Executable:
    """The same of one part of a whole of that kind: many tell of it at once, so its number is the database's time."""
    event = {"kind": kind, "id": str(subject), "phase": phase, "progress": progress, **more}
    statement = (
        f"SELECT pg_notify('{EVENTS}', (CAST(:event AS jsonb) || jsonb_build_object('sequence', {_CLOCK}))::text)"
    )
    return sa.text(statement).bindparams(event=json.dumps(event))


def complete(id: uuid.UUID, fence: int, sequence: int, keys: Sequence[str] = ()) -> sa.Executable:
    """COMPLETED, with the blobs that it published, if the fence still holds. One row or none.

    A second publication breaks the primary key of `outputs`.
    """
    update = f"""
        UPDATE jobs SET state = 'COMPLETED', progress = 1, phase = 'done', finished_at = now(), lease_until = NULL,
          sequence = {_AFTER}, error = NULL
        WHERE id = :id AND fence = :fence AND state = 'PROCESSING' RETURNING jobs.*"""
    publish = "INSERT INTO outputs (job_id, fence, keys) SELECT id, fence, CAST(:keys AS text[]) FROM changed"
    statement = _changing(update, then=publish)
    return statement.bindparams(id=id, fence=fence, sequence=sequence, keys=list(keys))


def fail(id: uuid.UUID, fence: int, error: dict[str, Any], sequence: int) -> sa.Executable:
    """FAILED for good; CANCELLED if that was asked for. One row, or none when the fence is lost."""
    update = f"""
        UPDATE jobs SET state = CASE WHEN cancel_requested THEN 'CANCELLED' ELSE 'FAILED' END,
          error = CASE WHEN cancel_requested THEN error ELSE :error END,
          phase = 'done', finished_at = now(), lease_until = NULL, sequence = {_AFTER}
        WHERE id = :id AND fence = :fence AND state = 'PROCESSING' RETURNING jobs.*"""
    return _with_error(update).bindparams(id=id, fence=fence, error=error, sequence=sequence)


def release(id: uuid.UUID, fence: int, error: dict[str, Any], delay_s: float, sequence: int) -> sa.Executable:
    """Back to PENDING after `delay_s`, or FAILED with `error` when no attempt is left. One row or none."""
    update = f"""
        UPDATE jobs SET {_UNHELD}, error = CASE WHEN cancel_requested THEN error ELSE :error END,
          sequence = {_AFTER}, run_after = now() + make_interval(secs => :delay)
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
    return _changing(update).bindparams(worker=worker, leap=_SEQUENCE_LEAP)


def cancel(id: uuid.UUID, project: str, error: dict[str, Any]) -> sa.Executable:
    """CANCELLED at once when nothing of it runs; otherwise its workers are told. One row, or none when it is final.

    The first to cancel is the one that `error` names, however the job ends.
    """
    stop = """cancel_requested = true, error = CASE WHEN cancel_requested THEN error ELSE :error END"""
    parts = f"""stopped AS (
          UPDATE jobs SET {stop}, state = CASE WHEN state = 'PENDING' THEN 'CANCELLED' ELSE state END,
            phase = CASE WHEN state = 'PENDING' THEN 'done' ELSE phase END,
            finished_at = CASE WHEN state = 'PENDING' THEN now() END
          WHERE parent = :id AND project = :project AND state IN ('PENDING', 'PROCESSING') RETURNING id, state),
        """
    running = "(SELECT count(*) FROM stopped WHERE state = 'PROCESSING')"
    idle = f"(state = 'PENDING' OR state = 'WAITING' AND {running} = 0)"
    update = f"""
        UPDATE jobs SET {stop}, sequence = {_LEAPED}, parts_open = {running},
          state = CASE WHEN {idle} THEN 'CANCELLED' ELSE state END,
          phase = CASE WHEN {idle} THEN 'done' ELSE phase END, finished_at = CASE WHEN {idle} THEN now() END
        WHERE id = :id AND project = :project AND state IN ('PENDING', 'PROCESSING', 'WAITING') RETURNING jobs.*"""
    told_workers = f""", pg_notify('{CANCELS}', id::text) AS told_worker,
          (SELECT count(pg_notify('{CANCELS}', id::text)) FROM stopped WHERE state = 'PROCESSING') AS told_workers"""
    return _with_error(update, told_workers, parts).bindparams(id=id, project=project, error=error)


def retry(id: uuid.UUID, project: str) -> sa.Executable:
    """FAILED or CANCELLED becomes PENDING with all its attempts, and so do those of its parts. One row or none."""
    anew = """attempt = 0, cancel_requested = false, paused = false, error = NULL, finished_at = NULL,
          started_at = NULL, progress = 0, phase = 'queued', run_after = now(), hinted_at = now()"""
    parts = f"""reopened AS (
          UPDATE jobs SET {anew}, state = 'PENDING'
          WHERE parent = :id AND project = :project AND state IN ('FAILED', 'CANCELLED')
            AND EXISTS (SELECT FROM jobs w WHERE w.id = :id AND w.state IN ('FAILED', 'CANCELLED'))
          RETURNING kind),
        """
    update = f"""
        UPDATE jobs SET {anew}, sequence = {_LEAPED}, parts_failed = 0,
          parts_open = (SELECT count(*) FROM reopened),
          state = CASE WHEN EXISTS (SELECT FROM reopened) THEN 'WAITING' ELSE 'PENDING' END
        WHERE id = :id AND project = :project AND state IN ('FAILED', 'CANCELLED') RETURNING jobs.*"""
    return _changing(update, _TOLD_PARTS.format("reopened"), before=parts, ends=False).bindparams(
        id=id, project=project
    )


def pause(id: uuid.UUID, project: str, paused: bool) -> sa.Executable:
    """Let no worker begin with it, or with another of its parts, any more; or let them again. One row or none."""
    parts = """held AS (
          UPDATE jobs SET paused = :paused
          WHERE parent = :id AND project = :project AND state IN ('PENDING', 'PROCESSING') RETURNING kind),
        """
    # The count makes the parts be locked first.
    update = f"""
        UPDATE jobs SET paused = :paused, sequence = {_LEAPED}
        WHERE id = :id AND project = :project AND state IN ('PENDING', 'PROCESSING', 'WAITING') AND paused <> :paused
          AND (SELECT count(*) FROM held) >= 0 RETURNING jobs.*"""
    also = _TOLD_PARTS.format("held")
    return _changing(update, also, before=parts, ends=False).bindparams(id=id, project=project, paused=paused)


# Idle workers are told of parts that can be claimed again; they look, and find none if these are paused.
_TOLD_PARTS = f""",
          (SELECT count(pg_notify('{READY}', kind)) FROM (SELECT DISTINCT kind FROM {{}}) AS kinds) AS told_parts"""


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
    return sa.text(f"""
        UPDATE jobs SET hinted_at = now()
        WHERE id IN (SELECT id FROM jobs WHERE {_READY}
                       AND (hinted_at IS NULL OR hinted_at < now() - make_interval(secs => :every))
                     ORDER BY priority DESC, run_after LIMIT :limit FOR UPDATE SKIP LOCKED)
        RETURNING id, kind""").bindparams(every=every_s, limit=limit)


def _with_error(update: str, also: str = "", before: str = "") -> sa.TextClause:
    return _changing(update, also, before=before).bindparams(sa.bindparam("error", type_=JSONB))
