"""What a deployment is and can do (SystemService)."""

from __future__ import annotations

from threed_client._gen.threed.v1 import (
    Capabilities,
    GetCapabilitiesRequest,
    ProbeJobsRequest,
    ProbeJobsResponse,
    SystemServiceSyncStub,
)
from threed_client._wire import Wire


class System:
    """`client.system`."""

    def __init__(self, wire: Wire):
        self._stub = SystemServiceSyncStub(wire)

    def capabilities(self) -> Capabilities:
        """Version, formats, engines, environments and every limit."""
        return self._stub.get_capabilities(GetCapabilitiesRequest())

    def probe(self) -> ProbeJobsResponse:
        """Run a job that does nothing through the whole engine. Raises DeadlineExceeded when no worker takes it."""
        return self._stub.probe_jobs(ProbeJobsRequest())
