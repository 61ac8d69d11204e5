"""Callers of the running stack, over each of its doors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.end_to_end.doors import Grpc, Refused, Rest
from tests.end_to_end.job import Project
from tests.stack import RunningStack

DOORS = {"grpc": Grpc, "rest": Rest}


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest, stack: RunningStack) -> Iterator[Grpc | Rest]:
    """An editor, once by gRPC and once by REST."""
    with contextlib.closing(DOORS[request.param](stack.address, stack.token())) as opened:
        yield opened


@pytest.fixture
def rest(stack: RunningStack) -> Rest:
    """An editor by REST."""
    return Rest(stack.address, stack.token())


@pytest.fixture
def grpc_door(stack: RunningStack) -> Iterator[Grpc]:
    """An editor by gRPC."""
    with contextlib.closing(Grpc(stack.address, stack.token())) as opened:
        yield opened


@pytest.fixture
def as_(stack: RunningStack) -> Callable[..., Rest]:
    """Another caller: `as_("viewer", "other")`."""
    return lambda role="editor", project="default", **claims: Rest(stack.address, stack.token(role, project, **claims))


@pytest.fixture(scope="session")
def project(stack: RunningStack) -> Project:
    """A project with one of each: made once, for tests that only look."""
    return Project.filled(Rest(stack.address, stack.token()))


@pytest.fixture
def refused() -> Callable[[str], Any]:
    """`with refused("NOT_FOUND") as refusal:` the block's call is refused with this reason."""
    return _refused


@contextlib.contextmanager
def _refused(reason: str) -> Iterator[pytest.ExceptionInfo[Refused]]:
    with pytest.raises(Refused) as caught:
        yield caught
    assert caught.value.reason == reason, caught.value
