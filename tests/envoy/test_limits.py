"""Rate limits, the cap of connections, and health."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_status import rpc_status
from tests.envoy.doors import Door, eventually, opened
from tests.envoy.standin import StandIn

from threed.local.gateway import RateLimit
from threed.local.ports import free_ports
from threed.v1 import assets_pb2, assets_pb2_grpc

SLOW = RateLimit(per_second=1, burst=5)


@pytest.fixture
def server_apart() -> Iterator[StandIn]:
    with StandIn(free_ports(1)[0]).running() as server:
        yield server


@pytest.mark.parametrize("setting", ["rate_limit", "rate_limit_per_address"])
def test_too_many_calls_are_refused(server: StandIn, tmp_path: Path, setting: str):
    with opened(tmp_path, (server.address,), **{setting: SLOW}) as door:
        answers = [door.call("GET", "/v1/assets/ast_1") for _ in range(20)]
        # Then some passed, and the others say when to come again
        refused = [each for each in answers if each.status == 429]
        assert [each.status for each in answers[:3]] == [200] * 3
        assert len(refused) >= 8
        assert (refused[0].reason, refused[0].json["code"]) == ("RATE_LIMITED", 8)
        assert refused[0].json["details"][1]["retryDelay"] == "1s"
        # And gRPC callers get the same in their own words
        with grpc.insecure_channel(door.address) as channel, pytest.raises(grpc.RpcError) as raised:
            for _ in range(10):
                assets_pb2_grpc.AssetServiceStub(channel).GetAsset(assets_pb2.GetAssetRequest(asset_id="x"))
        assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "RATE_LIMITED" in str(rpc_status.from_call(raised.value))
        # And health is never refused
        assert door.call("GET", "/healthz").status == 200


def test_each_address_has_its_own_limit(server: StandIn, tmp_path: Path):
    with opened(tmp_path, (server.address,), rate_limit_per_address=SLOW, trusted_proxies=1) as door:
        # Given a proxy that says who calls, and one caller who has used up all
        def status(address: str) -> int:
            return door.call("GET", "/v1/assets/ast_1", x_forwarded_for=address).status

        assert 429 in [status("203.0.113.1") for _ in range(20)]
        # Then another one is not touched
        assert status("203.0.113.2") == 200


def test_connections_past_the_cap_are_closed(server: StandIn, tmp_path: Path):
    def refused() -> bool:
        try:
            return door.call("GET", "/v1/assets/ast_1").status != 200
        except OSError:
            return True

    with opened(tmp_path, (server.address,), max_connections=5) as door:
        with contextlib.ExitStack() as held:

            def refused_with_one_more() -> bool:
                held.enter_context(socket.create_connection(("127.0.0.1", door.gateway.port)))
                return refused()

            assert eventually(refused_with_one_more)
        assert eventually(lambda: not refused())


def test_a_server_may_be_named(server: StandIn, tmp_path: Path):
    with opened(tmp_path, (server.address.replace("127.0.0.1", "localhost"),)) as door:
        assert door.call("GET", "/v1/assets/ast_1").status == 200


def test_a_gateway_without_memory_says_so(server: StandIn, tmp_path: Path):
    with opened(tmp_path, (server.address,), health=503, max_heap_bytes=4 << 20) as door:
        answer = door.call("GET", "/v1/assets/ast_1")
        assert (answer.status, answer.reason) == (503, "UNAVAILABLE")


def becomes(door: Door, status: int) -> bool:
    return eventually(lambda: door.call("GET", "/healthz", token=False).status == status)


def test_health_follows_the_server(server_apart: StandIn, tmp_path: Path):
    with opened(tmp_path, (server_apart.address,)) as door:
        # When the server says that it does not serve
        server_apart.serving(False)
        # Then the gateway says so too, and calls are refused in words
        assert becomes(door, 503)
        answer = door.call("GET", "/v1/assets/ast_1")
        assert (answer.status, answer.reason, answer.json["code"]) == (503, "UNAVAILABLE", 14)
        assert answer.json["details"][1]["retryDelay"] == "1s"
        # And when it serves again, so does the gateway
        server_apart.serving(True)
        assert becomes(door, 200)


def test_one_of_several_servers_may_be_away(server: StandIn, server_apart: StandIn, tmp_path: Path):
    with opened(tmp_path, (server.address, server_apart.address, f"127.0.0.1:{free_ports(1)[0]}")) as door:
        server_apart.serving(False)
        time.sleep(3)
        assert becomes(door, 200)
        assert {door.call("GET", "/v1/assets/ast_1").status for _ in range(20)} == {200}
