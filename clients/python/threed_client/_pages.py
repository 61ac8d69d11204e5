"""Lists as iterators: pages are fetched when the one before is used up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")


def every(call: Callable[[Any], Any], request: Any, items: Callable[[Any], list[Item]]) -> Iterator[Item]:
    """Every item of every page. `request` is a List request; `items` picks the repeated field of its answer."""
    while True:
        page = call(request)
        yield from items(page)
        if not page.next_page_token:
            return
        request = dataclasses.replace(request, page_token=page.next_page_token)
