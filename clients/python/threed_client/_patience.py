"""When to try again, and how long to wait first."""

from __future__ import annotations

import random
import time

from threed_client.errors import Cancelled, Internal, ThreedError, Unavailable, Unknown

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0


def broken(error: ThreedError) -> bool:
    """Whether the connection broke, or the server is away, rather than the server having refused.

    A reset stream reads as INTERNAL, UNKNOWN or CANCELLED depending on what is in between; a refusal has a reason.
    """
    return isinstance(error, Unavailable) or (not error.reason and isinstance(error, Internal | Unknown | Cancelled))


class Patience:
    """Waits that grow from 0.1 s to 5 s, with jitter, until `limit_s` seconds have passed without `reset()`."""

    def __init__(self, limit_s: float):
        self._limit_s = limit_s
        self.reset()

    def reset(self) -> None:
        """Something came through: be as patient as at first."""
        self._ends = time.monotonic() + self._limit_s
        self._next = FIRST_WAIT_S

    def wait(self, error: ThreedError) -> None:
        """Sleep before the next attempt, at least as long as the server asked for. Raises `error` when time is up."""
        seconds = max(random.uniform(self._next / 2, self._next), error.retry_after_s or 0.0)
        if time.monotonic() + seconds > self._ends:
            raise error
        time.sleep(seconds)
        self._next = min(2 * self._next, LONGEST_WAIT_S)
