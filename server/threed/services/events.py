"""EventService: what became of the resources of a project. See protos/threed/v1/events.proto.

How watchers are told is `threed.events`; this reads what was recorded.
"""

from __future__ import annotations

import uuid

import grpc
import sqlalchemy as sa
from google.protobuf import json_format

from threed import access, ids
from threed.records import event_log
from threed.records.filters import Enum, Fields, Integer, Orders, Text, Timestamp
from threed.records.filters.fields import Id
from threed.records.paging import PageRequest, page
from threed.records.tables import event_log as table
from threed.services import Backend
from threed.v1 import events_pb2, events_pb2_grpc
from threed.v1.events_pb2 import Event

FIELDS = Fields(
    {
        "event_id": Id(table.c.id, "event"),
        "type": Enum(table.c.type, {name: name for name in event_log.TYPES}),
        "created_at": Timestamp(table.c.created_at),
        "sequence": Integer(table.c.sequence),
        "asset_id": Id(table.c.asset_id, "asset"),
        "derivative_id": Id(table.c.derivative_id, "derivative"),
        "job_id": Id(table.c.render_job_id, "render_job"),
        "scene_id": Id(table.c.scene_id, "scene"),
        "status": Text(table.c.status),
    }
)
ORDERS = Orders({"created_at": table.c.created_at, "event_id": table.c.id}, default="created_at desc", tie="event_id")


class EventService(events_pb2_grpc.EventServiceServicer):
    """Every handler runs as the caller whose token `threed.interceptors` checked."""

    def __init__(self, backend: Backend):
        self._backend = backend
        self._records = backend.records

    async def GetEvent(self, request: events_pb2.GetEventRequest, context: grpc.aio.ServicerContext) -> Event:
        id = ids.parse("event", request.event_id)
        async with self._records.autocommit() as connection:
            return to_proto(await event_log.get(connection, access.caller().project, id))

    async def ListEvents(
        self, request: events_pb2.ListEventsRequest, context: grpc.aio.ServicerContext
    ) -> events_pb2.ListEventsResponse:
        project = access.caller().project
        statement = sa.select(table).where(table.c.project == project, FIELDS.where(request.filter))
        asked = PageRequest.of("threed.v1.EventService.ListEvents", project, request)
        async with self._records.autocommit() as connection:
            found = await page(connection, statement, ORDERS.parse(request.order_by), asked, self._backend.pages)
        listed = [to_proto(row) for row in found.rows]
        return events_pb2.ListEventsResponse(events=listed, next_page_token=found.next_token)


def to_proto(row: sa.Row) -> Event:
    """The event as a caller sees it."""
    return Event(
        event_id=ids.write("event", row.id),
        type=row.type,
        created_at=row.created_at,
        sequence=row.sequence,
        asset_id=_written("asset", row.asset_id),
        derivative_id=_written("derivative", row.derivative_id),
        job_id=_written("render_job", row.render_job_id),
        scene_id=_written("scene", row.scene_id),
        status=row.status,
        error=json_format.ParseDict(row.error, Event().error) if row.error else None,
        project=row.project,
    )


def _written(kind: str, id: uuid.UUID | None) -> str:
    return ids.write(kind, id) if id else ""
