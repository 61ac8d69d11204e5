"""DerivativeService: what recipes make of models. See protos/threed/v1/derivatives.proto."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import sqlalchemy as sa
from google.protobuf import empty_pb2, json_format
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import access, endings, ids
from threed.errors import JobCancelled, JobNotFinished, JobNotRetryable, OutputMissing
from threed.events import Kind, Tick
from threed.records import assets, derivatives, jobs, requests
from threed.records.filters import Enum, Fields, Integer, Orders, Text, Timestamp
from threed.records.filters.fields import Boolean, Id
from threed.records.paging import PageRequest, page
from threed.records.tables import derivatives as table
from threed.records.tables import jobs as jobs_table
from threed.services import Backend, deriving, estimating, masks
from threed.services.assets import download_url
from threed.services.watching import until_token_expires
from threed.status import to_json
from threed.v1 import assets_pb2, derivatives_pb2, derivatives_pb2_grpc, jobs_pb2, recipes_pb2
from threed.v1.derivatives_pb2 import Derivative

FINAL = ("COMPLETED", "FAILED", "CANCELLED")
ENDINGS = endings.ENDINGS | {derivatives.PROOF: ".png"}
_EVERY_ASSET = "-"

FIELDS = Fields(
    {
        "derivative_id": Id(table.c.id, "derivative"),
        "asset_id": Id(table.c.asset_id, "asset"),
        "preset": Text(table.c.preset),
        "recipe_id": Id(table.c.recipe_id, "recipe"),
        "recipe_revision": Integer(table.c.recipe_revision),
        "status": Enum(jobs_table.c.state, {name: name for name in Derivative.Status.keys()}),
        "cached": Boolean(table.c.cached),
        "priority": Integer(jobs_table.c.priority),
        "attempts": Integer(jobs_table.c.attempt),
        "source_sha256": Text(table.c.source_sha256),
        "recipe_sha256": Text(table.c.recipe_sha256),
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
        "derivative_id": table.c.id,
    },
    default="created_at desc",
    tie="derivative_id",
)


class DerivativeService(derivatives_pb2_grpc.DerivativeServiceServicer):
    """Every handler runs as the caller whose token `threed.interceptors` checked."""

    def __init__(self, backend: Backend):
        self._backend = backend
        self._records = backend.records

    async def CreateDerivative(
        self, request: derivatives_pb2.CreateDerivativeRequest, context: grpc.aio.ServicerContext
    ) -> Derivative:
        who, id, asset_id = access.caller(), ids.uuid7(), ids.parse("asset", request.asset_id)
        content = requests.digest("CreateDerivative", request)
        async with self._records.transaction() as connection:
            made = await requests.earlier(connection, who.project, request.request_id, content)
            if made is None:
                limit_bytes = self._backend.settings.job_memory_bytes
                spec = await deriving.prepare(connection, who.project, asset_id, request.derivative, limit_bytes)
                before = await self._made_before(connection, spec) if not request.no_cache else None
                spec.derivative.plan.cached = before is not None
                estimating.check(spec.derivative.plan)
                if request.validate_only:
                    spec.derivative.asset_id, spec.derivative.project = request.asset_id, who.project
                    return spec.derivative
                made = await requests.first(connection, who.project, request.request_id, content, id)
            if made is None:
                await self._insert(connection, id, asset_id, spec, before)
            row = await derivatives.get(connection, who.project, asset_id, made or id)
        if row.state == "PENDING":
            self._backend.queue.hint("derive", id)
        return to_proto(row)

    async def GetDerivative(
        self, request: derivatives_pb2.GetDerivativeRequest, context: grpc.aio.ServicerContext
    ) -> Derivative:
        async with self._records.autocommit() as connection:
            return to_proto(await _get(connection, request))

    async def ListDerivatives(
        self, request: derivatives_pb2.ListDerivativesRequest, context: grpc.aio.ServicerContext
    ) -> derivatives_pb2.ListDerivativesResponse:
        project = access.caller().project
        statement = derivatives.selected.where(table.c.project == project, FIELDS.where(request.filter))
        named = [] if request.asset_id == _EVERY_ASSET else [ids.parse("asset", request.asset_id)]
        if named:
            statement = statement.where(table.c.asset_id.in_(named))
        asked = PageRequest.of("threed.v1.DerivativeService.ListDerivatives", project, request)
        async with self._records.autocommit() as connection:
            await assets.get_many(connection, project, named)
            found = await page(connection, statement, ORDERS.parse(request.order_by), asked, self._backend.pages)
        listed = [to_proto(row) for row in found.rows]
        return derivatives_pb2.ListDerivativesResponse(derivatives=listed, next_page_token=found.next_token)

    async def CancelDerivative(
        self, request: derivatives_pb2.CancelDerivativeRequest, context: grpc.aio.ServicerContext
    ) -> Derivative:
        who = access.caller()
        error = to_json(JobCancelled(f"{who.subject} cancelled the job.", subject=who.subject))
        async with self._records.transaction() as connection:
            row = await _get(connection, request)
            await connection.execute(jobs.cancel(row.id, who.project, error))
            return to_proto(await _get(connection, request))

    async def RetryDerivative(
        self, request: derivatives_pb2.RetryDerivativeRequest, context: grpc.aio.ServicerContext
    ) -> Derivative:
        async with self._records.transaction() as connection:
            row = await _get(connection, request)
            if (await connection.execute(jobs.retry(row.id, row.project))).first() is None:
                id = request.derivative_id
                sentence = f"The derivative {id} is {row.state}. Only FAILED and CANCELLED ones can be retried."
                raise JobNotRetryable(sentence, derivative_id=id, status=row.state)
            row = await _get(connection, request)
        self._backend.queue.hint("derive", row.id)
        return to_proto(row)

    async def WatchDerivative(
        self, request: derivatives_pb2.WatchDerivativeRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[derivatives_pb2.WatchDerivativeResponse]:
        async with self._records.autocommit() as connection:
            row = await _get(connection, request)
        async for response in until_token_expires(self._backend.events.watch("derive", row.id), access.caller()):
            yield response

    async def GetDerivativeDownloadUrl(
        self, request: derivatives_pb2.GetDerivativeDownloadUrlRequest, context: grpc.aio.ServicerContext
    ) -> assets_pb2.DownloadUrl:
        async with self._records.autocommit() as connection:
            row = await _get(connection, request)
        if row.state != "COMPLETED":
            raise _not_finished(row, "has no files yet. Watch it first")
        wanted = recipes_pb2.ExportFormat.Name(request.format) if request.format else row.files[0]["format"]
        wanted = derivatives.PROOF if request.proof else wanted
        level = 0 if request.proof else request.lod_level
        file = next((file for file in row.files if _place(file) == (wanted, level)), None)
        if file is None:
            have = ", ".join(_shown(*_place(file)) for file in row.files)
            sentence = f"The derivative {request.derivative_id} has no {_shown(wanted, level)}. It has: {have}."
            raise OutputMissing(sentence, derivative_id=request.derivative_id, have=have)
        ending = (f".lod{level}" if level else "") + ENDINGS[wanted]
        return download_url(self._backend, file, request.derivative_id + ending)

    async def DeleteDerivative(
        self, request: derivatives_pb2.DeleteDerivativeRequest, context: grpc.aio.ServicerContext
    ) -> empty_pb2.Empty:
        async with self._records.transaction() as connection:
            row = await _get(connection, request)
            if row.state not in FINAL:
                raise _not_finished(row, "is still under way. Cancel it first")
            await derivatives.delete(connection, row.id)
        return empty_pb2.Empty()

    async def _made_before(self, connection: AsyncConnection, spec: jobs_pb2.DeriveSpec) -> sa.Row | None:
        return await derivatives.made_before(connection, access.caller().project, deriving.cache_key(spec))

    async def _insert(
        self,
        connection: AsyncConnection,
        id: uuid.UUID,
        asset_id: uuid.UUID,
        spec: jobs_pb2.DeriveSpec,
        made: sa.Row | None,
    ) -> None:
        who = access.caller()
        spec_json = json_format.MessageToDict(jobs_pb2.Job(derive=spec))
        values = {
            "asset_id": asset_id,
            "request": spec_json["derive"]["derivative"],
            "preset": spec.derivative.preset,
            "recipe_id": ids.parse("recipe", spec.derivative.recipe_id) if spec.derivative.recipe_id else None,
            "recipe_revision": spec.derivative.recipe_revision,
            "source_sha256": spec.source.sha256,
            "recipe_sha256": derivatives.recipe_sha256(spec.derivative.recipe),
            "cache_key": deriving.cache_key(spec),
            "created_by": who.subject,
        }
        if made is not None:
            await derivatives.hand_out_again(connection, id, who.project, spec_json, made, **values)
        else:
            attempts = self._backend.settings.job_max_attempts
            await derivatives.create(connection, id, who.project, spec_json, attempts, **values)


def watched(backend: Backend) -> Kind:
    """How `threed.events` reads a derivative for its watchers."""

    async def read(id: uuid.UUID) -> derivatives_pb2.WatchDerivativeResponse:
        async with backend.records.autocommit() as connection:
            row = (await connection.execute(derivatives.selected.where(table.c.id == id))).first()
        if row is None:
            raise derivatives.not_found(id)
        return derivatives_pb2.WatchDerivativeResponse(derivative=to_proto(row), sequence=row.sequence)

    def ticked(state: derivatives_pb2.WatchDerivativeResponse, tick: Tick) -> derivatives_pb2.WatchDerivativeResponse:
        if state.derivative.status != Derivative.PROCESSING or tick.sequence <= state.sequence:
            return state
        response = derivatives_pb2.WatchDerivativeResponse()
        response.CopyFrom(state)
        response.sequence = tick.sequence
        response.derivative.phase, response.derivative.progress = tick.phase, tick.progress
        return response

    def finished(state: derivatives_pb2.WatchDerivativeResponse) -> bool:
        return Derivative.Status.Name(state.derivative.status) in FINAL

    return Kind(read, ticked, finished)


def to_proto(row: sa.Row) -> Derivative:
    """The derivative as a caller sees it."""
    derivative = json_format.ParseDict(row.request, Derivative())
    if row.result:
        json_format.ParseDict(row.result, derivative)
    files = [file for file in row.files if file["format"] != derivatives.PROOF]
    for picture in row.files[len(files) :]:
        derivative.visual_proof.picture.CopyFrom(_file(picture | {"format": 0}))
    derivative.MergeFrom(
        Derivative(
            derivative_id=ids.write("derivative", row.id),
            asset_id=ids.write("asset", row.asset_id),
            status=row.state,
            progress=row.progress,
            phase=row.phase,
            created_at=row.created_at,
            started_at=row.started_at,
            completed_at=row.finished_at,
            # One that waits for its next attempt still has the error of its last one in the row.
            error=json_format.ParseDict(row.error, Derivative().error) if row.error and row.state in FINAL else None,
            attempts=row.attempt,
            files=[_file(file) for file in files],
            cached=row.cached,
            etag=masks.etag(row.id, row.sequence),
            created_by=row.created_by,
            project=row.project,
        )
    )
    return derivative


def _file(file: dict[str, Any]) -> derivatives_pb2.DerivativeFile:
    known = {name: value for name, value in file.items() if name != "key"}
    return json_format.ParseDict(known, derivatives_pb2.DerivativeFile())


def _place(file: dict[str, Any]) -> tuple[str, int]:
    """What a file is found by: its format and its level of detail."""
    return file["format"], file.get("lod_level", 0)


def _shown(format: str, level: int) -> str:
    return f"{format} of level {level}" if level else format


async def _get(connection: AsyncConnection, request: derivatives_pb2.GetDerivativeRequest) -> sa.Row:
    """The row that any request of one derivative names. Raises IdInvalid and NotFound."""
    asset_id, id = ids.parse("asset", request.asset_id), ids.parse("derivative", request.derivative_id)
    return await derivatives.get(connection, access.caller().project, asset_id, id)


def _not_finished(row: sa.Row, why: str) -> JobNotFinished:
    derivative_id = ids.write("derivative", row.id)
    sentence = f"The derivative {derivative_id} is {row.state} and {why}."
    return JobNotFinished(sentence, derivative_id=derivative_id, status=row.state)
