"""RenderService: pictures of scenes and assets. See protos/threed/v1/render_jobs.proto."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import grpc
import sqlalchemy as sa
from google.protobuf import empty_pb2, json_format
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import access, ids
from threed.errors import EngineUnavailable, JobCancelled, JobNotFinished, JobNotRetryable
from threed.events import Kind, Tick
from threed.records import jobs, render_jobs, requests, workers
from threed.records.filters import Enum, Fields, Integer, Orders, Text, Timestamp
from threed.records.filters.fields import Id
from threed.records.paging import PageRequest, page
from threed.records.tables import jobs as jobs_table
from threed.records.tables import render_jobs as table
from threed.services import Backend, masks
from threed.services.assets import download_url
from threed.services.rendering import prepare
from threed.services.watching import until_token_expires
from threed.status import to_json
from threed.v1 import assets_pb2, jobs_pb2, render_jobs_pb2, render_jobs_pb2_grpc
from threed.v1.render_jobs_pb2 import RenderJob

FINAL = ("COMPLETED", "FAILED", "CANCELLED")
ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}

FIELDS = Fields(
    {
        "job_id": Id(table.c.id, "render_job"),
        "scene_id": Id(table.c.scene_id, "scene"),
        "asset_id": Id(table.c.asset_id, "asset"),
        "status": Enum(jobs_table.c.state, {name: name for name in RenderJob.Status.keys()}),
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


class RenderService(render_jobs_pb2_grpc.RenderServiceServicer):
    """Every handler runs as the caller whose token `threed.interceptors` checked."""

    def __init__(self, backend: Backend):
        self._backend = backend
        self._records = backend.records

    async def CreateRenderJob(
        self, request: render_jobs_pb2.CreateRenderJobRequest, context: grpc.aio.ServicerContext
    ) -> RenderJob:
        who, id = access.caller(), ids.uuid7()
        content = requests.digest("CreateRenderJob", request)
        async with self._records.transaction() as connection:
            made = await requests.earlier(connection, who.project, request.request_id, content)
            if made is None:
                spec = await prepare(connection, who.project, request.render_job, self._backend.settings)
                await _check_engine(connection, spec.render_job.engine)
                if request.validate_only:
                    spec.render_job.project = who.project
                    return spec.render_job
                made = await requests.first(connection, who.project, request.request_id, content, id)
            if made is None:
                await self._insert(connection, id, spec)
            row = await render_jobs.get(connection, who.project, made or id)
        if row.id == id:
            self._backend.queue.hint("render", id)
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

    async def WatchRenderJob(
        self, request: render_jobs_pb2.WatchRenderJobRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[render_jobs_pb2.WatchRenderJobResponse]:
        who, id = access.caller(), ids.parse("render_job", request.job_id)
        async with self._records.autocommit() as connection:
            await render_jobs.get(connection, who.project, id)
        async for response in until_token_expires(self._backend.events.watch("render", id), who):
            yield response

    async def GetRenderJobDownloadUrl(
        self, request: render_jobs_pb2.GetRenderJobDownloadUrlRequest, context: grpc.aio.ServicerContext
    ) -> assets_pb2.DownloadUrl:
        id = ids.parse("render_job", request.job_id)
        async with self._records.autocommit() as connection:
            row = await render_jobs.get(connection, access.caller().project, id)
        if row.output_key is None:
            raise _not_finished(row, "has no picture yet. Watch it first")
        file = {"key": row.output_key, **row.output}
        return download_url(self._backend, file, request.job_id + ENDINGS[row.output["media_type"]])

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

    async def _insert(self, connection: AsyncConnection, id: uuid.UUID, spec: jobs_pb2.RenderSpec) -> None:
        who, job = access.caller(), spec.render_job
        spec_json = json_format.MessageToDict(jobs_pb2.Job(render=spec))
        attempts = self._backend.settings.job_max_attempts
        await connection.execute(jobs.create(id, who.project, "render", id, spec_json, job.priority, attempts))
        await render_jobs.create(
            connection,
            id=id,
            project=who.project,
            scene_id=ids.parse("scene", job.scene_id) if job.scene_id else None,
            asset_id=ids.parse("asset", job.asset_id) if job.asset_id else None,
            scene_revision=job.scene_revision,
            request=json_format.MessageToDict(job),
            output_format=RenderJob.OutputFormat.Name(job.output_format),
            created_by=who.subject,
        )


def watched(backend: Backend) -> Kind:
    """How `threed.events` reads a render job for its watchers."""

    async def read(id: uuid.UUID) -> render_jobs_pb2.WatchRenderJobResponse:
        async with backend.records.autocommit() as connection:
            row = (await connection.execute(render_jobs.selected.where(table.c.id == id))).first()
        if row is None:
            raise render_jobs.not_found(id)
        return render_jobs_pb2.WatchRenderJobResponse(render_job=to_proto(row), sequence=row.sequence)

    def ticked(state: render_jobs_pb2.WatchRenderJobResponse, tick: Tick) -> render_jobs_pb2.WatchRenderJobResponse:
        if state.render_job.status != RenderJob.PROCESSING or tick.sequence <= state.sequence:
            return state
        response = render_jobs_pb2.WatchRenderJobResponse()
        response.CopyFrom(state)
        response.sequence = tick.sequence
        response.render_job.phase, response.render_job.progress = tick.phase, tick.progress
        return response

    def finished(state: render_jobs_pb2.WatchRenderJobResponse) -> bool:
        return RenderJob.Status.Name(state.render_job.status) in FINAL

    return Kind(read, ticked, finished)


def to_proto(row: sa.Row) -> RenderJob:
    """The job as a caller sees it."""
    job = json_format.ParseDict(row.request, RenderJob())
    job.MergeFrom(
        RenderJob(
            job_id=ids.write("render_job", row.id),
            status=row.state,
            progress=row.progress,
            phase=row.phase,
            created_at=row.created_at,
            started_at=row.started_at,
            completed_at=row.finished_at,
            output_path=row.output_key or "",
            output=row.output,
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


def _not_finished(row: sa.Row, why: str) -> JobNotFinished:
    job_id = ids.write("render_job", row.id)
    return JobNotFinished(f"The job {job_id} is {row.state} and {why}.", job_id=job_id, status=row.state)


async def _check_engine(connection: AsyncConnection, engine: str) -> None:
    """Refuse an engine that no living worker has. Without any worker, nobody can say: the job waits."""
    alive = (await connection.execute(workers.alive())).all()
    known = {found["name"]: found for worker in alive for found in worker.capabilities.get("engines", [])}
    able = {
        found["name"] for worker in alive for found in worker.capabilities.get("engines", []) if found.get("available")
    }
    if engine and alive and engine not in able:
        why = known.get(engine, {}).get("unavailable_reason", "no worker knows it")
        have = ", ".join(sorted(able)) or "none"
        sentence = f"The engine {engine} cannot run here: {why}. Available: {have}. Leave engine empty for the best."
        raise EngineUnavailable(sentence, engine=engine, available=have)
