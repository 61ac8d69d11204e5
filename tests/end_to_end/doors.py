"""The two doors of the stack, with the same handle: `door("GetAsset", asset_id=...)` answers with the message.

Whatever a test says by this handle is said once over gRPC and once over REST through Envoy.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from tests.end_to_end.contract import BY_NAME, grpc_path, http_call, request_class, response_class

_TIMEOUT_S = 120
CHUNK = 256 << 10


class Refused(Exception):
    """A call that was refused, as the caller reads it. Every one has exactly one ErrorInfo."""

    def __init__(self, status: status_pb2.Status, http_status: int = 0):
        infos, self.violations = [], {}
        for detail in status.details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                infos.append(info)
            elif detail.Unpack(bad):
                self.violations = {each.field: each.description for each in bad.field_violations}
        assert [info.domain for info in infos] == ["threed.dev"], f"want exactly one ErrorInfo: {status}"
        self.code, self.reason, self.message = status.code, infos[0].reason, status.message
        self.metadata, self.http_status = dict(infos[0].metadata), http_status
        super().__init__(f"{self.reason}: {self.message}")


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def refusal(self) -> Refused:
        """What an error says; its HTTP status belongs to it."""
        return Refused(json_format.Parse(self.body, status_pb2.Status()), self.status)


def get(url: str, headers: Mapping[str, str] | None = None, verb: str = "GET") -> Answer:
    """Read an absolute URL, as a signed one is."""
    parts = urlsplit(url)
    return send(parts.netloc, verb, f"{parts.path}?{parts.query}" if parts.query else parts.path, headers or {})


def send(address: str, verb: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
    """One HTTP/1.1 exchange."""
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT_S)
    try:
        connection.request(verb, path, body, dict(headers))
        reply = connection.getresponse()
        return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    finally:
        connection.close()


@dataclass
class Grpc:
    """Calls by gRPC, through the gateway or straight to the server, as `address` says."""

    address: str
    token: str | None
    name: str = "grpc"
    _channel: grpc.Channel | None = field(default=None, repr=False)

    @property
    def channel(self) -> grpc.Channel:
        if self._channel is None:
            self._channel = grpc.insecure_channel(self.address)
        return self._channel

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()

    def __call__(self, method: str, request: Message | None = None, **fields: Any) -> Message:
        rpc = BY_NAME[method]
        request = request or request_class(rpc)(**fields)
        try:
            if rpc.client_streaming:
                return self._many(rpc, "stream_unary")(in_pieces(request), **self._options())
            return self._many(rpc, "unary_unary")(request, **self._options())
        except grpc.RpcError as error:
            raise refusal_of(error) from None

    def watch(self, method: str, **fields: Any) -> Iterator[Message]:
        """Every message of a server stream."""
        rpc = BY_NAME[method]
        try:
            yield from self._many(rpc, "unary_stream")(request_class(rpc)(**fields), **self._options())
        except grpc.RpcError as error:
            raise refusal_of(error) from None

    def talk(self, method: str, requests: Iterable[Message]) -> Iterator[Message]:
        """Both directions."""
        try:
            yield from self._many(BY_NAME[method], "stream_stream")(iter(requests), **self._options())
        except grpc.RpcError as error:
            raise refusal_of(error) from None

    def _many(self, rpc: MethodDescriptor, kind: str) -> Any:
        make, read = request_class(rpc).SerializeToString, response_class(rpc).FromString
        return getattr(self.channel, kind)(grpc_path(rpc), request_serializer=make, response_deserializer=read)

    def _options(self) -> dict[str, Any]:
        metadata = [("authorization", f"Bearer {self.token}")] if self.token else []
        return {"metadata": metadata, "timeout": _TIMEOUT_S}


@dataclass
class Rest:
    """The same calls as HTTP and JSON through Envoy."""

    address: str
    token: str | None
    name: str = "rest"

    def close(self) -> None:
        """Nothing stays open between calls."""

    def __call__(self, method: str, request: Message | None = None, **fields: Any) -> Message:
        rpc = BY_NAME[method]
        call = http_call(rpc, request or request_class(rpc)(**fields))
        answer = self.send(call.verb, call.path, call.body, content_type=call.content_type)
        if answer.status != 200:
            raise answer.refusal()
        return json_format.Parse(answer.body, response_class(rpc)())

    def watch(self, method: str, **fields: Any) -> Iterator[Message]:
        """Every line of an NDJSON stream."""
        rpc = BY_NAME[method]
        answer = self.send("GET", http_call(rpc, request_class(rpc)(**fields)).path)
        if answer.status != 200:
            raise answer.refusal()
        for line in answer.body.splitlines():
            yield json_format.Parse(line, response_class(rpc)())

    def send(self, verb: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Any request at all, with the token."""
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
        if self.token:
            sent["authorization"] = f"Bearer {self.token}"
        return send(self.address, verb, path, sent, body)


def in_pieces(request: Message) -> Iterator[Message]:
    """An upload as a stream: the fields with the first bytes, then the rest."""
    data = request.media.data
    request.media.data = data[:CHUNK]
    yield request
    for start in range(CHUNK, len(data), CHUNK):
        yield type(request)(media={"data": data[start : start + CHUNK]})


def refusal_of(error: grpc.RpcError) -> Refused:
    """What a failed call says of itself. An error without details has no ErrorInfo, and fails the test that met it."""
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if packed is None:
        status = status_pb2.Status(code=error.code().value[0], message=error.details() or "")
    else:
        status = status_pb2.Status.FromString(packed)
    return Refused(status)
