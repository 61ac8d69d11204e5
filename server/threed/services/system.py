"""SystemService: what this deployment can do, and whether it works. See protos/threed/v1/system.proto."""

from __future__ import annotations

import asyncio
import datetime
import uuid

import grpc
import sqlalchemy as sa
from google.protobuf import json_format

import threed
from threed import access, ids
from threed.events import Kind, Tick
from threed.records import jobs, workers
from threed.records.tables import jobs as table
from threed.services import Backend
from threed.settings import Settings
from threed.v1 import jobs_pb2, system_pb2, system_pb2_grpc
from threed.v1.system_pb2 import Capabilities, EngineCapability


class SystemService(system_pb2_grpc.SystemServiceServicer):
    """Every handler runs as the caller whose token `threed.interceptors` checked."""

    def __init__(self, backend: Backend):
        self._backend = backend
        self._records = backend.records
        self._forgetting: set[asyncio.Task] = set()

    async def GetCapabilities(
        self, request: system_pb2.GetCapabilitiesRequest, context: grpc.aio.ServicerContext
    ) -> Capabilities:
        async with self._records.autocommit() as connection:
            alive = (await connection.execute(workers.alive())).all()
        answer = Capabilities(
            version=threed.__version__, worker_count=len(alive), limits=limits(self._backend.settings)
        )
        for worker in alive:
            _merge(answer, json_format.ParseDict(worker.capabilities, Capabilities(), ignore_unknown_fields=True))
        return answer

    async def ProbeJobs(
        self, request: system_pb2.ProbeJobsRequest, context: grpc.aio.ServicerContext
    ) -> system_pb2.ProbeJobsResponse:
        who, id = access.caller(), ids.uuid7()
        spec = json_format.MessageToDict(jobs_pb2.Job(probe=jobs_pb2.ProbeSpec()))
        watch = self._backend.events.watch("probe", id)
        async with self._records.autocommit() as connection:
            await connection.execute(jobs.create(id, who.project, "probe", id, spec, priority=100, max_attempts=1))
        self._backend.queue.hint("probe", id)
        try:
            async for row in watch:
                if row.finished_at is not None:
                    break
        finally:
            # The caller need not wait for it.
            forgetting = asyncio.create_task(self._forget(id))
            self._forgetting.add(forgetting)
            forgetting.add_done_callback(self._forgetting.discard)
        return system_pb2.ProbeJobsResponse(
            queue_duration=row.started_at - row.created_at,
            run_duration=row.finished_at - row.started_at,
            worker=row.worker or "",
        )

    async def _forget(self, id: uuid.UUID) -> None:
        async with self._records.autocommit() as connection:
            await connection.execute(sa.delete(table).where(table.c.id == id))


def watched(backend: Backend) -> Kind:
    """How `threed.events` reads a probe: the bare row of its job."""

    async def read(id: uuid.UUID) -> sa.Row:
        async with backend.records.autocommit() as connection:
            return (await connection.execute(sa.select(table).where(table.c.id == id))).one()

    def ticked(state: sa.Row, tick: Tick) -> sa.Row:
        return state

    return Kind(read, ticked, finished=lambda row: row.finished_at is not None)


def limits(settings: Settings) -> system_pb2.Limits:
    """Every limit that a caller can meet."""
    return system_pb2.Limits(
        max_upload_bytes=settings.max_upload_bytes,
        max_chunk_bytes=settings.max_chunk_bytes,
        upload_idle_timeout=datetime.timedelta(seconds=settings.upload_idle_timeout_s),
        max_watchers=settings.max_watchers,
        job_memory_bytes=settings.job_memory_bytes,
        job_timeout=datetime.timedelta(seconds=settings.job_timeout_s),
        job_max_attempts=settings.job_max_attempts,
        download_url_lifetime=datetime.timedelta(seconds=settings.download_url_lifetime_s),
        delete_retention=datetime.timedelta(seconds=settings.delete_retention_s),
        max_render_pixels=settings.max_render_pixels,
        max_image_pixels=settings.max_image_pixels,
    )


def _merge(answer: Capabilities, one: Capabilities) -> None:
    """Add what one worker can do: an engine or an output is available when any worker has it."""
    known = {found.name for found in answer.formats}
    answer.formats.extend(found for found in one.formats if found.name not in known)
    engines: dict[str, EngineCapability] = {engine.name: engine for engine in answer.engines}
    for engine in one.engines:
        if engine.name not in engines:
            answer.engines.append(engine)
        elif engine.available and not engines[engine.name].available:
            engines[engine.name].CopyFrom(engine)
    outputs = {(output.format, output.codec): output for output in answer.outputs}
    for output in one.outputs:
        if (output.format, output.codec) not in outputs:
            answer.outputs.append(output)
        elif output.available and not outputs[output.format, output.codec].available:
            outputs[output.format, output.codec].CopyFrom(output)
    answer.environments.extend(name for name in one.environments if name not in answer.environments)
