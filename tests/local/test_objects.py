from __future__ import annotations

import io
import os
import signal
import stat
from pathlib import Path

import pytest
from minio.error import S3Error
from tests.servers.folder import short_folder
from tests.servers.s3 import client

from threed.local.objects import Objects, S3Access


def test_an_object_that_is_put_can_be_got(bucket):
    s3 = client(bucket.access)
    s3.put_object(bucket.name, "chair.glb", io.BytesIO(b"glTF"), 4)
    reply = s3.get_object(bucket.name, "chair.glb")
    try:
        assert reply.read() == b"glTF"
    finally:
        reply.close()
        reply.release_conn()


def test_a_caller_without_the_key_is_refused(bucket):
    stranger = client(S3Access(bucket.access.endpoint, bucket.access.access_key, "not the secret key"))
    with pytest.raises(S3Error) as refusal:
        stranger.put_object(bucket.name, "x", io.BytesIO(b"x"), 1)
    assert refusal.value.code == "SignatureDoesNotMatch"


def test_objects_and_keys_survive_a_kill_and_no_socket_stays_behind(s3):
    # Given a stored object (the fixture `s3` only says whether the server is installed)
    with short_folder() as folder:
        with Objects(folder).running() as server:
            client(server.access).make_bucket("kept")
            client(server.access).put_object("kept", "a", io.BytesIO(b"abc"), 3)
            # When the server is killed and started again
            pid = next(int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and _is(p, folder))
            os.kill(pid, signal.SIGKILL)
        with Objects(folder).running() as again:
            # Then the object is there, for the same keys
            assert (again.access.access_key, again.access.secret_key) == (
                server.access.access_key,
                server.access.secret_key,
            )
            assert client(again.access).stat_object("kept", "a").size == 3
            assert stat.S_IMODE((folder / "identity.json").stat().st_mode) == 0o600
        for one in (server, again):
            assert not any(list(Path("/tmp").glob(f"seaweedfs-*-{port}.sock")) for port in one.ports)


def _is(process: Path, folder: Path) -> bool:
    try:
        return bytes(folder) in (process / "cmdline").read_bytes() and b"mini" in (process / "cmdline").read_bytes()
    except OSError:
        return False
