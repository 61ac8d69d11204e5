from __future__ import annotations

import contextlib
import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from tests.servers.folder import short_folder

from threed.local import cluster
from threed.local.errors import FolderBusy, FolderDamaged
from threed.local.postgres import Postgres


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as one:
        yield one


def servers_of(folder: Path) -> list[int]:
    return list(cluster._leftovers(folder / "cluster"))


def rows(server: Postgres) -> list[int]:
    with psycopg.connect(server.conninfo) as connection:
        return [number for (number,) in connection.execute("SELECT n FROM kept ORDER BY n")]


def insert(server: Postgres, number: int) -> None:
    with psycopg.connect(server.conninfo) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (%s)", (number,))


def test_acknowledged_rows_survive_a_clean_restart(folder):
    with Postgres(folder).running() as server:
        insert(server, 1)
    assert servers_of(folder) == []
    with Postgres(folder).running() as server:
        assert rows(server) == [1]


def test_acknowledged_rows_survive_a_kill_of_the_postmaster_in_the_middle_of_a_statement(folder):
    # Given a server with a committed row, and a backend that is busy and does not notice its postmaster's end
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Postgres(folder).running())
        insert(server, 1)
        busy = psycopg.connect(server.conninfo, autocommit=True)
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 10000000000) AS n")
        time.sleep(0.2)
        # When only the postmaster is killed, and the server is started again
        os.kill(int((folder / "cluster/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        time.sleep(0.2)
        left = servers_of(folder)
        stack.close()
        with Postgres(folder).running() as again:
            # Then the row is there and no old backend runs
            assert rows(again) == [1]
            assert not set(left) & set(servers_of(folder))
        busy.close()
    assert left, "the busy backend should have outlived its postmaster, or this test shows nothing"


def test_a_pid_file_that_names_a_living_stranger_does_not_stop_a_start(folder):
    # Given a folder as a reboot leaves it: the number in the pid file now belongs to another process
    with Postgres(folder).running() as server:
        insert(server, 1)
    (folder / "cluster/postmaster.pid").write_text(f"{os.getppid()}\n{folder / 'cluster'}\n0\n5432\n\n\n0 0\n")
    # When the server starts, then it serves
    with Postgres(folder).running() as server:
        assert rows(server) == [1]


def test_a_start_that_was_cut_during_initdb_is_done_again(folder):
    (folder / "cluster.new").mkdir()
    (folder / "cluster.new/PG_VERSION").write_text("1")
    with Postgres(folder, durable=False).running() as server:
        insert(server, 1)
    assert not (folder / "cluster.new").exists()


def test_a_folder_that_is_no_data_folder_is_refused_and_left_alone(folder):
    (folder / "cluster").mkdir()
    (folder / "cluster/precious").write_text("x")
    with pytest.raises(FolderDamaged, match="Restore it"), Postgres(folder).running():
        pass
    assert (folder / "cluster/precious").exists()


def test_a_long_path_gets_a_short_socket_folder(folder):
    deep = folder / ("long" * 20) / ("path" * 20)
    with Postgres(deep, durable=False).running() as server:
        insert(server, 1)
        assert rows(server) == [1]
        assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
    server.socket_folder.rmdir()


def test_a_second_server_of_the_same_folder_is_refused(folder):
    with Postgres(folder, durable=False).running():
        with pytest.raises(FolderBusy, match=f"process {os.getpid()}"), Postgres(folder).running():
            pass


@pytest.mark.parametrize("role", ["threed", "postgres"])
@pytest.mark.parametrize("password", ["wrong", ""])
def test_the_socket_trusts_nobody(postgres, role, password):
    conninfo = psycopg.conninfo.make_conninfo(
        postgres.conninfo, user=role, password=password, passfile="/dev/null", dbname="postgres"
    )
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(conninfo)


def test_the_service_role_is_no_superuser_and_owns_its_database(postgres):
    with psycopg.connect(postgres.conninfo) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,"
            " pg_get_userbyid(datdba) FROM pg_roles, pg_database"
            " WHERE rolname = current_user AND datname = current_database()"
        ).fetchone()
    assert row == (False, False, False, False, False, "threed")


def test_the_service_role_cannot_run_programs_or_read_files(postgres):
    with psycopg.connect(postgres.conninfo) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("COPY (SELECT 1) TO PROGRAM 'cat'")


def test_the_server_hears_no_network(postgres):
    with psycopg.connect(postgres.superuser_conninfo) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_passwords_and_sockets_are_private(postgres):
    for name in ("threed.password", "superuser.password"):
        assert stat.S_IMODE((postgres.folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(postgres.cluster.stat().st_mode) == 0o700
    assert stat.S_IMODE(postgres.socket_folder.stat().st_mode) == 0o700


def test_a_commit_waits_for_the_disk_by_default(folder):
    with Postgres(folder).running() as server, psycopg.connect(server.conninfo) as connection:
        shown = [connection.execute(f"SHOW {name}").fetchone()[0] for name in ("fsync", "synchronous_commit", "jit")]
        assert shown == ["on", "on", "off"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root is refused by PostgreSQL")
def test_under_root_the_server_is_another_user_and_passes_closed_folders(folder):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with Postgres(closed / "data", durable=False).running() as server:
        insert(server, 1)
        owner = Path(f"/proc/{servers_of(closed / 'data')[0]}").stat().st_uid
        assert owner == server.cluster.stat().st_uid != 0
    assert not closed.stat().st_mode & stat.S_IRWXO, "the folder stays closed to everybody else"


def test_every_test_gets_an_empty_database_with_the_extensions(database_url, postgres):
    engine = sqlalchemy.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE mine (box cube)"))
        connection.execute(sqlalchemy.text("CREATE INDEX ON mine USING gist (box)"))
        assert connection.execute(sqlalchemy.text("SELECT similarity('duck', 'duck')")).scalar() == 1
    engine.dispose()
    with psycopg.connect(postgres.conninfo) as connection:
        assert connection.execute("SELECT to_regclass('mine')").fetchone() == (None,)
