"""gRPC and gRPC-Web through the same port: the rpcs, their errors, and the services for operators."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from tests.envoy.doors import Answer, Door

from threed.v1 import assets_pb2, assets_pb2_grpc


@pytest.fixture(scope="module")
def channel(door: Door) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(door.address) as channel:
        yield channel


@pytest.fixture(scope="module")
def assets(channel: grpc.Channel) -> assets_pb2_grpc.AssetServiceStub:
    return assets_pb2_grpc.AssetServiceStub(channel)


def metadata(door: Door) -> tuple[tuple[str, str], ...]:
    return tuple(door.bearer.items())


def get(asset_id: str) -> assets_pb2.GetAssetRequest:
    return assets_pb2.GetAssetRequest(asset_id=asset_id)


def failure(call: object) -> tuple[grpc.StatusCode, status_pb2.Status]:
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return raised.value.code(), rpc_status.from_call(raised.value)


def reason(status: status_pb2.Status) -> str:
    return unpacked(status.details[0], error_details_pb2.ErrorInfo()).reason


def unpacked(packed: any_pb2.Any, message: object) -> object:
    assert packed.Unpack(message), packed
    return message


def test_a_call_passes(door: Door, assets: assets_pb2_grpc.AssetServiceStub):
    asset = assets.GetAsset(get("ast_1"), metadata=metadata(door))
    assert asset.asset_id == "ast_1"
    assert asset.metadata["authorization"].startswith("Bearer ")


def test_streams_pass_both_ways(door: Door, assets: assets_pb2_grpc.AssetServiceStub):
    requests = (assets_pb2.UploadAssetRequest(filename="a", media={"data": b"x" * 1000}) for _ in range(20))
    assert assets.UploadAsset(requests, metadata=metadata(door)).size_bytes == 20_000
    watch = assets.WatchAsset(assets_pb2.WatchAssetRequest(asset_id="x"), metadata=metadata(door))
    assert [each.asset.size_bytes for each in watch] == [0, 1, 2]


def test_an_error_of_the_server_comes_whole(door: Door, assets: assets_pb2_grpc.AssetServiceStub):
    code, status = failure(lambda: assets.GetAsset(get("missing"), metadata=metadata(door)))
    assert (code, reason(status)) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


def test_an_error_after_messages_comes_whole(door: Door, assets: assets_pb2_grpc.AssetServiceStub):
    watch = assets.WatchAsset(assets_pb2.WatchAssetRequest(asset_id="broken-0"), metadata=metadata(door))
    code, status = failure(lambda: list(watch))
    assert (code, status.message) == (grpc.StatusCode.NOT_FOUND, "It went away.")


def test_a_bad_token_is_refused_with_details(assets: assets_pb2_grpc.AssetServiceStub):
    code, status = failure(lambda: assets.GetAsset(get("x"), metadata=(("authorization", "Bearer bad"),)))
    assert (code, reason(status)) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
    assert status.message == "The token is expired, forged, or for another audience. Get a new one."


def test_a_service_that_the_contract_does_not_have_is_refused(channel: grpc.Channel):
    code, status = failure(lambda: channel.unary_unary("/other.v1.Service/Call")(b""))
    assert (code, reason(status)) == (grpc.StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN")


def test_a_deadline_of_the_caller_ends_the_call(door: Door, assets: assets_pb2_grpc.AssetServiceStub):
    with pytest.raises(grpc.RpcError) as raised:
        assets.GetAsset(get("slow"), metadata=metadata(door), timeout=0.3)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_health_reflection_and_channelz_pass(channel: grpc.Channel):
    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]))
    assert "threed.v1.AssetService" in {each.name for each in answer.list_services_response.service}
    servers = channelz_pb2_grpc.ChannelzStub(channel).GetServers(channelz_pb2.GetServersRequest())
    assert len(servers.server) >= 1


def frames(body: bytes) -> list[tuple[int, bytes]]:
    """gRPC-Web frames: (flags, payload); flag 128 marks trailers."""
    found = []
    while body:
        flags, length = struct.unpack(">BI", body[:5])
        found.append((flags, body[5 : 5 + length]))
        body = body[5 + length :]
    return found


def web(door: Door, method: str, message: object, text: bool = False, **headers: str) -> Answer:
    payload = message.SerializeToString()
    body = struct.pack(">BI", 0, len(payload)) + payload
    kind = "application/grpc-web-text" if text else "application/grpc-web+proto"
    sent = {"content_type": kind, "accept": kind, "x_grpc_web": "1", "origin": "http://localhost:3000"} | headers
    return door.call("POST", f"/threed.v1.AssetService/{method}", base64.b64encode(body) if text else body, **sent)


def test_grpc_web_calls_pass(door: Door):
    answer = web(door, "GetAsset", get("ast_1"))
    (_, payload), (flags, trailers) = frames(answer.body)
    assert assets_pb2.Asset.FromString(payload).asset_id == "ast_1"
    assert flags == 128 and b"grpc-status:0" in trailers
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"


def test_grpc_web_as_text_passes(door: Door):
    answer = web(door, "GetAsset", get("ast_1"), text=True)
    # Each frame is padded on its own: decode in groups of four.
    decoded = b"".join(base64.b64decode(answer.body[i : i + 4]) for i in range(0, len(answer.body), 4))
    assert assets_pb2.Asset.FromString(frames(decoded)[0][1]).asset_id == "ast_1"


def test_grpc_web_streams_pass(door: Door):
    answer = web(door, "WatchAsset", assets_pb2.WatchAssetRequest(asset_id="x"))
    messages = [assets_pb2.WatchAssetResponse.FromString(p) for flags, p in frames(answer.body) if flags == 0]
    assert [each.asset.size_bytes for each in messages] == [0, 1, 2]


@pytest.mark.parametrize(("headers", "code"), [({}, "5"), ({"authorization": "Bearer bad"}, "16")])
def test_grpc_web_errors_have_details(door: Door, headers: dict[str, str], code: str):
    answer = web(door, "GetAsset", get("missing"), **headers)
    assert answer.headers["grpc-status"] == code
    details = base64.b64decode(answer.headers["grpc-status-details-bin"] + "==")
    assert reason(status_pb2.Status.FromString(details)) == {"5": "NOT_FOUND", "16": "TOKEN_INVALID"}[code]


def test_a_token_for_another_audience_is_as_bad_as_any(door: Door, assets: assets_pb2_grpc.AssetServiceStub):
    token = door.signer.token(aud="other")
    code, status = failure(lambda: assets.GetAsset(get("x"), metadata=(("authorization", f"Bearer {token}"),)))
    assert (code, reason(status)) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
