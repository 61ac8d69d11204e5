"""The server's side of a broker that is away: nobody waits for it."""

from __future__ import annotations

import socket

import pytest

from threed.ids import uuid7
from threed.queue import _MOST_UNSENT, KINDS, Queue, make_broker


@pytest.mark.parametrize("listening", [False, True], ids=["refuses", "accepts and says nothing"])
async def test_a_hint_does_not_wait_for_a_broker_that_does_not_answer(listening: bool, caplog):
    # Given an address where nobody is, or where somebody takes the connection and never speaks
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:
            silent.listen()
        queue = Queue(make_broker(f"amqp://guest:guest@127.0.0.1:{silent.getsockname()[1]}/", ""))
        # When more hints are sent than may wait
        for number in range(_MOST_UNSENT + 1):
            queue.hint(KINDS[number % len(KINDS)], uuid7())
        # Then every one has returned, the last was not even tried, and the server can stop
        assert queue._unsent == _MOST_UNSENT
        assert "does not answer" in caplog.text
    queue.close()
