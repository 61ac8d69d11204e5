"""SystemService, and the servers' own rpcs."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.services.door import Door, refused

import threed
from threed.records import jobs, workers
from threed.v1 import system_pb2


async def test_capabilities_are_those_of_the_living_workers(door: Door):
    raster = {"name": "raster", "version": "1", "available": False, "unavailable_reason": "no libGL"}
    known = [
        ("w1", {"engines": [raster], "formats": [{"name": "glb"}], "environments": ["studio"]}),
        ("w2", {"engines": [{"name": "raster", "version": "1", "available": True}], "formats": [{"name": "glb"}]}),
    ]
    async with door.backend.records.transaction() as connection:
        for name, capabilities in known:
            await connection.execute(workers.seen(name, capabilities))
    request = system_pb2.GetCapabilitiesRequest()
    answer = await door.system.GetCapabilities(request, metadata=door.who("viewer"))
    assert (answer.version, answer.worker_count) == (threed.__version__, 2)
    assert [format.name for format in answer.formats] == ["glb"]
    assert [(engine.name, engine.available) for engine in answer.engines] == [("raster", True)]
    assert list(answer.environments) == ["studio"]
    assert answer.limits.max_upload_bytes == 64 << 20


async def test_a_probe_waits_for_a_worker_and_leaves_no_row(door: Door):
    async def work():
        while True:
            async with door.backend.records.transaction() as connection:
                row = (await connection.execute(jobs.claim(["probe"], "w", 60))).first()
                if row:
                    await connection.execute(jobs.complete(row.id, row.fence, row.sequence))
                    return
            await asyncio.sleep(0.01)

    worker = asyncio.create_task(work())
    answer = await door.system.ProbeJobs(system_pb2.ProbeJobsRequest(), metadata=door.who())
    await worker
    assert answer.worker == "w" and answer.queue_duration.ToNanoseconds() >= 0
    with pytest.raises(grpc.aio.AioRpcError) as late:
        await door.system.ProbeJobs(system_pb2.ProbeJobsRequest(), metadata=door.who(), timeout=0.5)
    assert late.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_call_without_a_token_is_told_how_to_get_one(door: Door):
    with refused("TOKEN_MISSING") as refusal:
        await door.system.GetCapabilities(system_pb2.GetCapabilitiesRequest())
    assert refusal.code == grpc.StatusCode.UNAUTHENTICATED


async def test_health_needs_no_token(door: Door):
    health = health_pb2_grpc.HealthStub(door.channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(service="threed.v1.AssetService"))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_an_error_of_ours_shows_only_its_incident(door: Door, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr(workers, "alive", broken)
    with refused("INTERNAL") as refusal:
        await door.system.GetCapabilities(system_pb2.GetCapabilitiesRequest(), metadata=door.who())
    assert "secret" not in refusal.message and refusal.metadata["incident"] in refusal.message
