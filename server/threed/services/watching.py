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
    """The same states. Raises TokenInvalid at the token's `exp`."""
    try:
        async with asyncio.timeout(max(0.0, who.expires - time.time())):
            async for state in states:
                yield state
    except TimeoutError:
        sentence = "The token expired while watching. Call again with a new one; nothing was lost."
        raise TokenInvalid(sentence) from None
    finally:
        await states.aclose()
