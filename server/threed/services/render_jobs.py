"""RenderService: pictures of scenes and assets. See protos/threed/v1/render_jobs.proto."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import sqlalchemy as sa
from google.protobuf import empty_pb2, json_format
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import access, ids
from threed.errors import JobCancelled, JobNotFinished, JobNotRetryable, OutputMissing
from threed.events import Kind
from threed.films import fps
from threed.records import jobs, render_jobs, requests
from threed.records.filters import Boolean, Enum, Fields, Integer, Orders, Text, Timestamp
from threed.records.filters.fields import Id
from threed.records.paging import PageRequest, page
from threed.records.tables import jobs as jobs_table
from threed.records.tables import render_jobs as table
from threed.services import Backend, masks, render_watching
from threed.services.assets import download_url
from threed.services.render_abilities import engines_for
from threed.services.render_plan import check, plan
from threed.services.rendering import cache_key, prepare
from threed.services.watching import until_token_expires
from threed.status import to_json
from threed.v1 import assets_pb2, jobs_pb2, render_jobs_pb2, render_jobs_pb2_grpc
from threed.v1.render_jobs_pb2 import RenderFrame, RenderJob

FINAL = ("COMPLETED", "FAILED", "CANCELLED")

FIELDS = Fields(
    {
        "job_id": Id(table.c.id, "render_job"),
        "scene_id": Id(table.c.scene_id, "scene"),
        "asset_id": Id(table.c.asset_id, "asset"),
        "status": Enum(jobs_table.c.status, {name: name for name in RenderJob.Status.keys()}),
        "preset": Text(table.c.preset),
        "cached": Boolean(table.c.cached),
        "engine_used": Text(table.c.engine_used),
        "output_format": Enum(table.c.output_format, {name: name for name in RenderJob.OutputFormat.keys()}),
        "priority": Integer(jobs_table.c.priority),
        "attempts": Integer(jobs_table.c.attempt),
        "created_by": Text(table.c.created_by),
        "created_at": Timestamp(table.c.created_at),
        "started_at": Timestamp(jobs_table.c.started_at),
        "completed_at": Timestamp(jobs_table.c.finished_at),
    }
)
ORDERS = Orders(
    {
        "created_at": table.c.created_at,
        "completed_at": jobs_table.c.finished_at,
        "priority": jobs_table.c.priority,
        "job_id": table.c.id,
    },
    default="created_at desc",
    tie="job_id",
)


def _frame_fields(frames: sa.Subquery) -> tuple[Fields, Orders]:
    """What frames are filtered by, and their order."""
    fields = {
        "frame": Integer(frames.c.ordinal),
        "status": Enum(frames.c.status, {name: name for name in RenderJob.Status.keys()}),
        "attempts": Integer(frames.c.attempt),
        "engine_used": Text(frames.c.result["engine_used"].astext),
    }
    return Fields(fields), Orders({"frame": frames.c.ordinal}, default="frame", tie="frame")


class RenderService(render_jobs_pb2_grpc.RenderServiceServicer):
    """Every handler runs as the caller whose token `threed.interceptors` checked."""

    def __init__(self, backend: Backend):
        self._backend = backend
        self._records = backend.records

    async def CreateRenderJob(
        self, request: render_jobs_pb2.CreateRenderJobRequest, context: grpc.aio.ServicerContext
    ) -> RenderJob:
        who, id, kind = access.caller(), ids.uuid7(), None
        content = requests.digest("CreateRenderJob", request)
        async with self._records.transaction() as connection:
            made = await requests.earlier(connection, who.project, request.request_id, content)
            if made is None:
                spec = await prepare(connection, who.project, request.render_job, self._backend.settings)
                engines = await engines_for(connection, spec.render_job, spec.scene)
                key = None if request.no_cache else cache_key(spec, engines)
                same = await render_jobs.made_before(connection, who.project, key) if key else None
                planned = plan(spec, engines, same is not None)
                if request.validate_only:
                    spec.render_job.project = who.project
                    spec.render_job.plan.CopyFrom(planned)
                    return spec.render_job
                check(planned, self._backend.settings.job_memory_bytes)
                made = await requests.first(connection, who.project, request.request_id, content, id)
                if made is None:
                    kind = await self._insert(connection, id, spec, key, same)
            row = await render_jobs.get(connection, who.project, made or id)
        if kind:
            self._backend.queue.hint(kind, id)
        return to_proto(row)

    async def GetRenderJob(
        self, request: render_jobs_pb2.GetRenderJobRequest, context: grpc.aio.ServicerContext
    ) -> RenderJob:
        id = ids.parse("render_job", request.job_id)
        async with self._records.autocommit() as connection:
            return to_proto(await render_jobs.get(connection, access.caller().project, id))

    async def ListRenderJobs(
        self, request: render_jobs_pb2.ListRenderJobsRequest, context: grpc.aio.ServicerContext
    ) -> render_jobs_pb2.ListRenderJobsResponse:
        project = access.caller().project
        statement = render_jobs.selected.where(table.c.project == project, FIELDS.where(request.filter))
        asked = PageRequest.of("threed.v1.RenderService.ListRenderJobs", project, request)
        async with self._records.autocommit() as connection:
            found = await page(connection, statement, ORDERS.parse(request.order_by), asked, self._backend.pages)
        listed = [to_proto(row) for row in found.rows]
        return render_jobs_pb2.ListRenderJobsResponse(render_jobs=listed, next_page_token=found.next_token)

    async def CancelRenderJob(
        self, request: render_jobs_pb2.CancelRenderJobRequest, context: grpc.aio.ServicerContext
    ) -> RenderJob:
        who, id = access.caller(), ids.parse("render_job", request.job_id)
        error = to_json(JobCancelled(f"{who.subject} cancelled the job.", subject=who.subject))
        async with self._records.transaction() as connection:
            await render_jobs.get(connection, who.project, id)
            await connection.execute(jobs.cancel(id, who.project, error))
            return to_proto(await render_jobs.get(connection, who.project, id))

    async def RetryRenderJob(
        self, request: render_jobs_pb2.RetryRenderJobRequest, context: grpc.aio.ServicerContext
    ) -> RenderJob:
        who, id = access.caller(), ids.parse("render_job", request.job_id)
        async with self._records.transaction() as connection:
            row = await render_jobs.get(connection, who.project, id)
            if (await connection.execute(jobs.retry(id, who.project))).first() is None:
                sentence = f"The job {request.job_id} is {row.state}. Only FAILED and CANCELLED jobs can be retried."
                raise JobNotRetryable(sentence, job_id=request.job_id, status=row.state)
            row = await render_jobs.get(connection, who.project, id)
        self._backend.queue.hint("render", id)
        return to_proto(row)

    async def PauseRenderJob(
        self, request: render_jobs_pb2.PauseRenderJobRequest, context: grpc.aio.ServicerContext
    ) -> RenderJob:
        return await self._pause(request.job_id, True)

    async def ResumeRenderJob(
        self, request: render_jobs_pb2.ResumeRenderJobRequest, context: grpc.aio.ServicerContext
    ) -> RenderJob:
        return await self._pause(request.job_id, False)

    async def _pause(self, job_id: str, paused: bool) -> RenderJob:
        project, id = access.caller().project, ids.parse("render_job", job_id)
        async with self._records.transaction() as connection:
            await render_jobs.get(connection, project, id)
            await connection.execute(jobs.pause(id, project, paused))
            return to_proto(await render_jobs.get(connection, project, id))

    async def ListRenderFrames(
        self, request: render_jobs_pb2.ListRenderFramesRequest, context: grpc.aio.ServicerContext
    ) -> render_jobs_pb2.ListRenderFramesResponse:
        project, id = access.caller().project, ids.parse("render_job", request.job_id)
        asked = PageRequest.of("threed.v1.RenderService.ListRenderFrames", project, request)
        async with self._records.autocommit() as connection:
            row = await render_jobs.get(connection, project, id)
            frames = render_jobs.frames(row)
            fields, orders = _frame_fields(frames)
            statement = sa.select(frames).where(fields.where(request.filter))
            found = await page(connection, statement, orders.parse(""), asked, self._backend.pages)
        listed = [frame_to_proto(frame, row) for frame in found.rows]
        return render_jobs_pb2.ListRenderFramesResponse(frames=listed, next_page_token=found.next_token)

    async def WatchRenderJob(
        self, request: render_jobs_pb2.WatchRenderJobRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[render_jobs_pb2.WatchRenderJobResponse]:
        who, id = access.caller(), ids.parse("render_job", request.job_id)
        async with self._records.autocommit() as connection:
            await render_jobs.get(connection, who.project, id)
        seen = render_watching.sequence_of(request.resume_token, id)
        states = self._backend.events.watch("render", id)
        messages = render_watching.told(states, self._records, id, request.previews, seen)
        async for response in until_token_expires(messages, who):
            yield response

    async def GetRenderJobDownloadUrl(
        self, request: render_jobs_pb2.GetRenderJobDownloadUrlRequest, context: grpc.aio.ServicerContext
    ) -> assets_pb2.DownloadUrl:
        id = ids.parse("render_job", request.job_id)
        async with self._records.autocommit() as connection:
            row = await render_jobs.get(connection, access.caller().project, id)
        if not row.outputs:
            raise _not_finished(row, "has no output yet. Watch it first")
        found = [output for output in row.outputs if request.output in ("", output["name"])]
        if not found:
            names = ", ".join(output["name"] for output in row.outputs)
            sentence = f"The job {request.job_id} has no output {request.output!r}. It has: {names}."
            raise OutputMissing(sentence, job_id=request.job_id, output=request.output)
        name = found[0]["name"]
        ending = name.partition(".")[2] if len(row.outputs) == 1 else name
        return download_url(self._backend, found[0], f"{request.job_id}.{ending}")

    async def DeleteRenderJob(
        self, request: render_jobs_pb2.DeleteRenderJobRequest, context: grpc.aio.ServicerContext
    ) -> empty_pb2.Empty:
        id = ids.parse("render_job", request.job_id)
        async with self._records.transaction() as connection:
            row = await render_jobs.get(connection, access.caller().project, id)
            if row.state not in FINAL:
                raise _not_finished(row, "is still under way. Cancel it first")
            await render_jobs.delete(connection, id)
        return empty_pb2.Empty()

    async def _insert(
        self,
        connection: AsyncConnection,
        id: uuid.UUID,
        spec: jobs_pb2.RenderSpec,
        key: str | None,
        made: sa.Row | None,
    ) -> str | None:
        """A new job; the kind of it that waits for a worker, if any does."""
        who, job = access.caller(), spec.render_job
        frame_count = job.frame_count
        spec_json = json_format.MessageToDict(jobs_pb2.Job(render=spec))
        job.ClearField("frame_count")
        values = {
            "scene_id": ids.parse("scene", job.scene_id) if job.scene_id else None,
            "asset_id": ids.parse("asset", job.asset_id) if job.asset_id else None,
            "scene_revision": job.scene_revision,
            "request": json_format.MessageToDict(job),
            "output_format": RenderJob.OutputFormat.Name(job.output_format),
            "preset": job.preset,
            "frame_count": frame_count,
            "cache_key": key,
            "created_by": who.subject,
        }
        if made is not None:
            await render_jobs.hand_out_again(connection, id, who.project, spec_json, made, **values)
            return None
        attempts = self._backend.settings.job_max_attempts
        return await render_jobs.create(connection, id, who.project, spec_json, attempts, **values)


def watched(backend: Backend) -> Kind:
    """How `threed.events` reads a render job for its watchers."""
    return render_watching.watched(backend.records, to_proto)


def to_proto(row: sa.Row) -> RenderJob:
    """The job as a caller sees it."""
    job = json_format.ParseDict(row.request, RenderJob())
    job.MergeFrom(
        RenderJob(
            job_id=ids.write("render_job", row.id),
            status=row.status,
            progress=row.progress,
            phase=row.phase,
            created_at=row.created_at,
            started_at=row.started_at,
            completed_at=row.finished_at,
            output_path=row.outputs[0]["key"] if row.outputs else "",
            output=_output(row.outputs[0]) if row.outputs else None,
            outputs=[_output(output) for output in row.outputs],
            frame_count=row.frame_count,
            frames_completed=row.parts_done if row.parts else row.frame_count * (row.state == "COMPLETED"),
            frames_failed=row.parts_failed if row.parts else int(row.state == "FAILED"),
            cached=row.cached,
            # A job that waits for its next attempt still has the error of its last one in the row.
            error=json_format.ParseDict(row.error, RenderJob().error) if row.error and row.state in FINAL else None,
            attempts=row.attempt,
            engine_used=row.engine_used,
            losses=row.losses,
            etag=masks.etag(row.id, row.sequence),
            created_by=row.created_by,
            project=row.project,
        )
    )
    return job


def frame_to_proto(frame: sa.Row, row: sa.Row) -> RenderFrame:
    """One frame of the job in `row` as a caller sees it."""
    job = json_format.ParseDict(row.request, RenderJob())
    result = frame.result or {}
    return RenderFrame(
        frame=frame.ordinal,
        status=frame.status,
        seconds=frame.ordinal / fps(job) if job.WhichOneof("motion") else 0.0,
        camera=0 if job.WhichOneof("motion") else frame.ordinal,
        attempts=frame.attempt,
        engine_used=result.get("engine_used", row.engine_used),
        render_s=result.get("render_s", 0.0),
        samples=result.get("samples", 0),
        error=json_format.ParseDict(frame.error, RenderFrame().error)
        if frame.error and frame.status in FINAL
        else None,
    )


def _output(output: dict[str, Any]) -> render_jobs_pb2.RenderOutput:
    """A row's output as a caller sees it: without its key."""
    shown = {name: value for name, value in output.items() if name != "key"}
    return json_format.ParseDict(shown, render_jobs_pb2.RenderOutput())


def _not_finished(row: sa.Row, why: str) -> JobNotFinished:
    job_id = ids.write("render_job", row.id)
    return JobNotFinished(f"The job {job_id} is {row.state} and {why}.", job_id=job_id, status=row.state)
