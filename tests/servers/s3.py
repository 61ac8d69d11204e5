"""A real S3 server for tests and benchmarks: SeaweedFS from its wheel, and an empty bucket for each that asks."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import urllib3
from minio import Minio
from tests.servers.absent import absent
from tests.servers.folder import short_folder

from threed.local import objects
from threed.local.errors import ProgramMissing
from threed.local.objects import Objects, S3Access


@dataclass(frozen=True)
class Bucket:
    """An empty bucket and how to reach it."""

    access: S3Access
    name: str


@contextlib.contextmanager
def s3_server() -> Iterator[S3Access]:
    """A server of its own in a temporary folder."""
    with short_folder() as folder, Objects(folder).running() as server:
        yield server.access


def client(access: S3Access) -> Minio:
    """A client of that server that gives up instead of trying again, as tests want it."""
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=60), retries=False)
    return Minio(
        access.endpoint,
        access.access_key,
        access.secret_key,
        secure=False,
        region=access.region,
        http_client=pool,
    )


@contextlib.contextmanager
def fresh_bucket(access: S3Access) -> Iterator[Bucket]:
    """An empty bucket. Its objects go with the server's folder."""
    bucket = Bucket(access, f"test-{uuid.uuid4().hex}")
    client(access).make_bucket(bucket.name)
    yield bucket


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Access]:
    """One server for the whole test run."""
    try:
        objects.program()
    except ProgramMissing as missing:
        absent(str(missing))
    with s3_server() as access:
        yield access


@pytest.fixture
def bucket(s3: S3Access) -> Iterator[Bucket]:
    """An empty bucket for one test."""
    with fresh_bucket(s3) as one:
        yield one
