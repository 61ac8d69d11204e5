"""One stand-in server and one gateway before it, for every test that needs nothing special."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.envoy.doors import Door, opened
from tests.envoy.standin import StandIn
from tests.servers.absent import absent

from threed.local.envoy import program
from threed.local.errors import ProgramMissing
from threed.local.ports import free_ports


@pytest.fixture(scope="session")
def server() -> Iterator[StandIn]:
    try:
        program()
    except ProgramMissing as missing:
        absent(str(missing))
    with StandIn(free_ports(1)[0]).running() as server:
        yield server


@pytest.fixture(scope="session")
def door(server: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with opened(tmp_path_factory.mktemp("envoy"), (server.address,)) as door:
        yield door
