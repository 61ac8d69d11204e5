"""A watch ends with its token, whatever the watcher is doing at that moment."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from threed.access import Caller
from threed.errors import TokenInvalid
from threed.services.watching import until_token_expires


def _who(seconds: float) -> Caller:
    return Caller(subject="s", project="p", role=1, expires=time.time() + seconds)


class _States:
    """States that come at once, then none; or without end."""

    def __init__(self, count: int, then_wait: bool = False):
        self.closed = False
        self.count, self.then_wait = count, then_wait

    async def __call__(self) -> AsyncIterator[int]:
        try:
            for number in range(self.count):
                yield number
            if self.then_wait:
                await asyncio.Event().wait()
        finally:
            self.closed = True


async def _read(states: _States, seconds: float) -> list[int]:
    seen = []
    async with contextlib.aclosing(until_token_expires(states(), _who(seconds))) as watched:
        async for state in watched:
            await asyncio.sleep(0)  # as a message that is written at once
            seen.append(state)
    return seen


async def test_states_end_before_the_token():
    states = _States(3)
    assert await _read(states, 60) == [0, 1, 2]
    assert states.closed


async def test_a_wait_ends_with_the_token():
    states = _States(2, then_wait=True)
    with pytest.raises(TokenInvalid, match="Call again"):
        await _read(states, 0.05)
    assert states.closed


async def test_a_message_that_is_being_written_is_written_to_its_end():
    # Given a token that ends while a state is written, as it does on a slow network
    states, written = _States(5), []
    with pytest.raises(TokenInvalid):
        async with contextlib.aclosing(until_token_expires(states(), _who(0.05))) as watched:
            async for state in watched:
                await asyncio.sleep(0.2)  # a cancelled task raises CancelledError here
                written.append(state)
    assert written == [0]
    assert states.closed


async def test_states_without_end_do_not_outlive_the_token():
    with pytest.raises(TokenInvalid):
        await asyncio.wait_for(_read(_States(1 << 60), 0.05), 5)
