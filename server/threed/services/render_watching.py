"""What the watchers of a render job see: every status, and as much of progress and previews as they can take."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from threed.errors import ResumeTokenInvalid
from threed.events import Kind, Tick
from threed.records import Records, render_jobs
from threed.records.tables import render_jobs as table
from threed.v1.render_jobs_pb2 import RenderJob, WatchRenderJobResponse

PREVIEW_S = 0.5  # between two previews of one watcher
_FINAL = (RenderJob.COMPLETED, RenderJob.FAILED, RenderJob.CANCELLED)


@dataclass(frozen=True)
class Watched:
    """A job as its feed has it. `history` is every status so far; `preview` counts its previews."""

    response: WatchRenderJobResponse
    history: Sequence[dict[str, Any]] = ()
    preview: int = 0

    @property
    def sequence(self) -> int:
        return self.response.sequence


def watched(records: Records, to_proto: Callable[[sa.Row], RenderJob]) -> Kind:
    """How `threed.events` reads a render job for its watchers."""

    async def read(id: uuid.UUID) -> Watched:
        async with records.autocommit() as connection:
            row = (await connection.execute(render_jobs.selected.where(table.c.id == id))).first()
        if row is None:
            raise render_jobs.not_found(id)
        response = WatchRenderJobResponse(render_job=to_proto(row), sequence=row.sequence)
        response.eta_s = _eta(response.render_job)
        return Watched(response, row.history)

    def ticked(state: Watched, tick: Tick) -> Watched:
        if state.response.render_job.status != RenderJob.PROCESSING or tick.sequence <= state.sequence:
            return state
        return replace(state, response=_advanced(state.response, tick), preview=max(state.preview, tick.preview))

    def finished(state: Watched) -> bool:
        return state.response.render_job.status in _FINAL

    return Kind(read, ticked, finished)


def _advanced(before: WatchRenderJobResponse, tick: Tick) -> WatchRenderJobResponse:
    response = WatchRenderJobResponse()
    response.CopyFrom(before)
    job = response.render_job
    frames = max(1, job.frame_count)
    # A tick is of one frame, and others are under way: it says how far at least the whole is.
    done = tick.progress if frames == 1 else 0.95 * min(frames, job.frames_completed + tick.progress) / frames
    job.phase, job.progress = tick.phase, max(job.progress, done)
    response.sequence = tick.sequence
    response.samples_done, response.samples = tick.samples_done, tick.samples
    response.eta_s = _eta(job)
    return response


def _eta(job: RenderJob) -> float:
    """Seconds left if it goes on as until now; 0 while nobody can say."""
    if job.status != RenderJob.PROCESSING or job.progress < 0.05:
        return 0.0
    return max(0.0, (time.time() - job.started_at.ToMicroseconds() / 1e6) * (1 / job.progress - 1))


async def told(
    states: AsyncIterator[Watched], records: Records, id: uuid.UUID, previews: bool, seen: int
) -> AsyncIterator[WatchRenderJobResponse]:
    """The messages for one watcher, who has seen those up to the number `seen` (-1: none).

    A status that the job had since, and has no longer, comes first, as a message of its own.
    """
    shown, shown_at = 0, 0.0
    try:
        async for state in states:
            for response in _missed(state, id, seen):
                yield response
            response = WatchRenderJobResponse()
            response.CopyFrom(state.response)
            response.resume_token = token(id, state.sequence)
            now = time.monotonic()
            if previews and (state.preview > shown or not shown) and now - shown_at >= PREVIEW_S:
                number = await _attach(response, records, id, shown)
                shown, shown_at = (number, now) if number else (shown, shown_at)
            seen = state.sequence
            yield response
    finally:
        await states.aclose()


def _missed(state: Watched, id: uuid.UUID, seen: int) -> list[WatchRenderJobResponse]:
    if seen < 0:
        return []
    now = RenderJob.Status.Name(state.response.render_job.status)
    later = [entry for entry in state.history if seen < entry["sequence"] < state.sequence]
    if later and later[-1]["status"] == now:
        later.pop()  # it is what comes next anyway
    messages = []
    for entry in later:
        response = WatchRenderJobResponse(sequence=entry["sequence"], resume_token=token(id, entry["sequence"]))
        response.render_job.CopyFrom(state.response.render_job)
        response.render_job.status = RenderJob.Status.Value(entry["status"])
        if response.render_job.status not in _FINAL:
            for field in ("error", "completed_at", "output", "outputs"):
                response.render_job.ClearField(field)
        messages.append(response)
    return messages


async def _attach(response: WatchRenderJobResponse, records: Records, id: uuid.UUID, shown: int) -> int:
    """Put the newest preview into the message, if it is newer than the one that was shown. Answers with its number."""
    async with records.autocommit() as connection:
        row = (await connection.execute(render_jobs.preview(id))).first()
    if row is None or row.number <= shown:
        return 0
    fields = ("image", "media_type", "width_px", "height_px", "frame", "samples_done", "samples")
    response.preview.CopyFrom(WatchRenderJobResponse.Preview(**{name: getattr(row, name) for name in fields}))
    return row.number


def token(id: uuid.UUID, sequence: int) -> str:
    """What a watcher sends to go on after a message."""
    return base64.urlsafe_b64encode(id.bytes + sequence.to_bytes(8, "big")).decode().rstrip("=")


def sequence_of(resume_token: str, id: uuid.UUID) -> int:
    """The number of the last message that was seen; -1 without a token. Raises ResumeTokenInvalid."""
    if not resume_token:
        return -1
    try:
        data = base64.urlsafe_b64decode(resume_token + "=" * (-len(resume_token) % 4))
    except ValueError:
        data = b""
    if len(data) != 24 or data[:16] != id.bytes:
        sentence = "The resume_token is not of this job. Call without one; the first message is the job as it is now."
        raise ResumeTokenInvalid(sentence, violations=(("resume_token", "It is not of this job."),))
    return int.from_bytes(data[16:], "big")
