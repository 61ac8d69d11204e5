"""Ends a watch when its token does: the edge checks a token only when a call begins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TypeVar

from threed.access import Caller
from threed.errors import TokenInvalid

T = TypeVar("T")


async def until_token_expires(states: AsyncIterator[T], who: Caller) -> AsyncIterator[T]:
    """The same states. Raises TokenInvalid at the token's `exp`.

    Only the wait for the next state is cut short. A timeout held over a `yield` would cancel whatever the caller does
    with a state at that moment: the writing of a message, after which gRPC tells the client nothing more.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + who.expires - time.time()
    try:
        while loop.time() < end:
            async with asyncio.timeout_at(end):
                try:
                    state = await anext(states)
                except StopAsyncIteration:
                    return
            yield state
    except TimeoutError:
        pass
    finally:
        await states.aclose()
    raise TokenInvalid("The token expired while watching. Call again with a new one; nothing was lost.")
