"""What became of assets, derivatives and render jobs (EventService)."""

from __future__ import annotations

from collections.abc import Iterator

from threed_client._gen.threed.v1 import Event, EventServiceSyncStub, GetEventRequest, ListEventsRequest
from threed_client._pages import every
from threed_client._wire import Wire


class Events:
    """`client.events`."""

    def __init__(self, wire: Wire):
        self._stub = EventServiceSyncStub(wire)

    def get(self, event_id: str) -> Event:
        """One event, as long as it is kept."""
        return self._stub.get_event(GetEventRequest(event_id=event_id))

    def list(self, *, filter: str = "", order_by: str = "", page_size: int = 0) -> Iterator[Event]:
        """Every event that fits the filter (AIP-160), newest first unless `order_by` says else."""
        request = ListEventsRequest(filter=filter, order_by=order_by, page_size=page_size)
        return every(self._stub.list_events, request, lambda page: page.events)
