"""The server's side of a broker that is away: nobody waits for it."""

from __future__ import annotations

import asyncio
import socket

import pytest

from threed.ids import uuid7
from threed.queue import KINDS, Queue, make_broker


@pytest.mark.parametrize("listening", [False, True], ids=["refuses", "accepts and says nothing"])
async def test_a_hint_does_not_wait_for_a_broker_that_does_not_answer(listening: bool):
    # Given an address where nobody is, or where somebody takes the connection and never speaks
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:
            silent.listen()
        queue = Queue(make_broker(f"amqp://guest:guest@127.0.0.1:{silent.getsockname()[1]}/", ""))
        # When hints are sent, as a sweeper does it after an outage
        async with asyncio.timeout(8):
            for number in range(100):
                await queue.hint(KINDS[number % len(KINDS)], uuid7())
    # Then every one has returned, and the server can stop
    queue.close()
