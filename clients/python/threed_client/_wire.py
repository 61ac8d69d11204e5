"""The channel that the generated stubs call through: token, deadline, retries and typed errors in one place.

It has the four methods of grpc.Channel that the stubs use, so they need no change.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc

from threed_client._address import Address
from threed_client._patience import Patience
from threed_client.errors import ThreedError, Unavailable, from_rpc

Token = str | Callable[[], str] | None

# A page of 1,000 assets is above gRPC's default of 4 MiB.
_LARGEST_ANSWER = 64 << 20

_OPTIONS: list[tuple[str, Any]] = [
    ("grpc.max_receive_message_length", _LARGEST_ANSWER),
    # gRPC's own pause between connections grows to two minutes: too long for an upload that wants to go on.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # A dead peer is noticed on an idle watch, too. gRPC servers hang up on pings that come faster than every 5 minutes.
    ("grpc.keepalive_time_ms", 310_000),
    ("grpc.keepalive_timeout_ms", 20_000),
]


def connect(address: Address, ca: Path | None) -> grpc.Channel:
    """A channel to that server. `ca` is a PEM file of certificate authorities; None: those that gRPC brings along."""
    options = [*_OPTIONS, ("grpc.enable_http_proxy", 0)] if address.loopback else _OPTIONS
    if not address.tls:
        return grpc.insecure_channel(address.authority, options)
    roots = ca.read_bytes() if ca else None
    return grpc.secure_channel(address.authority, grpc.ssl_channel_credentials(roots), options)


class Wire:
    """A channel to `origin` with a token.

    `timeout_s` bounds a unary call with its retries; streams have no bound of their own. `patience_s` is how long
    UNAVAILABLE is retried. A retry sends the same message, with the same request_id.
    """

    def __init__(self, channel: grpc.Channel, origin: str, token: Token, timeout_s: float, patience_s: float):
        self._channel = channel
        self._origin = origin
        self._token = token
        self._timeout_s = timeout_s
        self._stream_timeout_s: float | None = None
        self.patience_s = patience_s

    def within(self, seconds: float | None) -> Wire:
        """The same, where every call, streams included, ends after that time. None: as it is."""
        if seconds is None:
            return self
        other = copy.copy(self)
        other._timeout_s = other._stream_timeout_s = seconds
        return other

    def once(self) -> Wire:
        """The same without retries, for calls whose repetition would not give the same answer."""
        other = copy.copy(self)
        other.patience_s = 0.0
        return other

    @property
    def renews_token(self) -> bool:
        """Whether the token comes from a function, so that the next call may have a newer one."""
        return callable(self._token)

    def unary_unary(self, method: str, serialize: Callable, deserialize: Callable) -> Callable:
        call = self._channel.unary_unary(method, serialize, deserialize)

        def repeat(request: Any) -> Any:
            ends = time.monotonic() + self._timeout_s
            patience = Patience(min(self.patience_s, self._timeout_s))
            while True:
                try:
                    return call(request, timeout=max(ends - time.monotonic(), 0.0), metadata=self._metadata())
                except grpc.RpcError as refused:
                    error = self._error(refused)
                if error.code != grpc.StatusCode.UNAVAILABLE:
                    raise error
                patience.wait(error)

        return repeat

    def stream_unary(self, method: str, serialize: Callable, deserialize: Callable) -> Callable:
        call = self._channel.stream_unary(method, serialize, deserialize)

        def send(requests: Iterator) -> Any:
            try:
                return call(requests, timeout=self._stream_timeout_s, metadata=self._metadata())
            except grpc.RpcError as refused:
                raise self._error(refused) from None

        return send

    def unary_stream(self, method: str, serialize: Callable, deserialize: Callable) -> Callable:
        return self._receiving(self._channel.unary_stream(method, serialize, deserialize))

    def stream_stream(self, method: str, serialize: Callable, deserialize: Callable) -> Callable:
        return self._receiving(self._channel.stream_stream(method, serialize, deserialize))

    def _receiving(self, start: Callable) -> Callable:
        def receive(request: Any) -> Iterator:
            call = start(request, timeout=self._stream_timeout_s, metadata=self._metadata())
            try:
                yield from call
            except grpc.RpcError as refused:
                raise self._error(refused) from None
            finally:
                # A generator that is closed early must not leave a stream behind. After the end this does nothing.
                call.cancel()

        return receive

    def _metadata(self) -> list[tuple[str, str]]:
        token = self._token() if callable(self._token) else self._token
        return [("authorization", f"Bearer {token}")] if token else []

    def _error(self, refused: grpc.RpcError) -> ThreedError:
        error = from_rpc(refused)
        if isinstance(error, Unavailable) and not error.reason:
            # gRPC's own sentence lists every address that it tried; the last part says why.
            return Unavailable(f"{self._origin} does not answer: {error.message.rpartition(': ')[2]}")
        return error
