"""The real server in this process: a fresh database, a disk store, real tokens, gRPC over loopback. No workers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
import sqlalchemy as sa
from grpc_health.v1 import health_pb2
from tests.servers.postgres import fresh_database
from tests.services.door import Door

from threed.app import make_backend, make_server
from threed.local.keys import open_keys
from threed.local.ports import free_ports
from threed.local.postgres import Postgres
from threed.queue import prepare
from threed.records.schema import migrate
from threed.settings import Settings


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> Iterator[str]:
    """The name of a database with every table, to copy: migrating for each test would take most of its time."""
    with fresh_database(postgres) as url:
        settings = Settings(database_url=url)
        migrate(settings.sqlalchemy_url())
        prepare(settings.libpq_url())
        yield sa.make_url(url).database


@pytest.fixture
def database_url(postgres: Postgres, migrated: str) -> Iterator[str]:
    """A database with every table and no row."""
    with fresh_database(postgres, template=migrated) as url:
        yield url


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a server with small limits, so that tests can reach them."""
    open_keys(tmp_path / "keys")
    return Settings(
        data_dir=str(tmp_path),
        database_url=database_url,
        listen=f"127.0.0.1:{free_ports(1)[0]}",
        max_upload_bytes=64 << 20,
        max_watchers=50,
        database_pool_size=4,
        job_max_attempts=3,
    )


@pytest_asyncio.fixture
async def door(settings: Settings) -> AsyncIterator[Door]:
    """A running server, and everything that a test calls it with."""
    backend = make_backend(settings)
    server, healthy = make_server(settings, backend)
    await backend.events.start()
    await server.start()
    await healthy.set("threed.v1.AssetService", health_pb2.HealthCheckResponse.SERVING)
    async with grpc.aio.insecure_channel(settings.listen) as channel:
        yield Door(channel, open_keys(settings.data / "keys"), backend)
    await server.stop(0)
    await backend.events.stop()
    backend.queue.close()
    backend.blobs.close()
    await backend.records.close()
