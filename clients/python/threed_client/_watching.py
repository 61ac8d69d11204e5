"""Watch streams that outlive their connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from threed_client._patience import Patience, broken
from threed_client._wire import Wire
from threed_client.errors import DeadlineExceeded, ThreedError, Unauthenticated, Unavailable

# How long a server may be away before a watch gives up, in seconds.
RECONNECT_S = 120.0


class Change(Protocol):
    """What a watch streams: a message that carries a sequence number."""

    sequence: int


C = TypeVar("C", bound=Change)


def follow(
    wire: Wire,
    start: Callable[[Wire], Iterator[C]],
    final: Callable[[C], bool],
    timeout: float | None,
) -> Iterator[C]:
    """Every change once, up to the final one. `start` opens the stream anew after each break.

    `timeout` bounds the whole watch, in seconds. Raises DeadlineExceeded after it, and Unavailable when the server
    stays away for RECONNECT_S.
    """
    ends = None if timeout is None else time.monotonic() + timeout
    patience = Patience(RECONNECT_S)
    seen = -1
    while True:
        left = None if ends is None else ends - time.monotonic()
        if left is not None and left <= 0:
            raise DeadlineExceeded(f"It is not finished after {timeout:g} s. The work goes on; call again.")
        error: ThreedError = Unavailable("The server ended the watch before the last change.")
        try:
            for change in start(wire.within(left)):
                patience.reset()
                last = final(change)
                if change.sequence > seen or last:
                    seen = change.sequence
                    yield change
                if last:
                    return
        except ThreedError as raised:
            renewable = isinstance(raised, Unauthenticated) and wire.renews_token and seen >= 0
            if not (broken(raised) or renewable or raised.reason == "TOO_MANY_WATCHERS"):
                raise
            error = raised
        patience.wait(error)
