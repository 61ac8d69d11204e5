"""Folders of a stack: locked against a second one, private, and short enough for a socket's path."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from types import TracebackType

from threed.local.errors import FolderBusy, FolderClosed

# sun_path holds 108 bytes on Linux and 104 on macOS, with the final zero.
SOCKET_PATH_LIMIT = 103


class FolderLock:
    """An exclusive lock on a folder. The kernel gives it up when this process ends, however it ends."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._descriptor: int | None = None

    def __enter__(self) -> FolderLock:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "another process"
            os.close(descriptor)
            raise FolderBusy(
                f"{self.folder} is already in use by process {holder}. Stop that one first, or choose another folder."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def private(folder: Path, uid: int | None = None) -> Path:
    """Make a folder that only its owner enters: this user, or `uid` when this is root. Returns it.

    Raises FolderClosed when it exists and belongs to somebody else, who could swap files under us.
    """
    owner = os.geteuid() if uid is None else uid
    try:
        folder.mkdir(mode=0o700, parents=True)
        os.chown(folder, owner, -1)
    except FileExistsError:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (owner, os.geteuid()):
            raise FolderClosed(
                f"{folder} belongs to user {status.st_uid}, not to {owner}. Remove it, or start as its owner."
            ) from None
        os.chown(folder, owner, -1)
        folder.chmod(0o700)
    return folder


def socket_folder(preferred: Path, longest_name: str, uid: int | None = None) -> Path:
    """A private folder for unix sockets: `preferred`, or one in the system's temporary folder when that is too long.

    The stand-in's name follows from `preferred`, so that every process of one stack finds the same one.
    """
    if len(os.fsencode(preferred / longest_name)) <= SOCKET_PATH_LIMIT:
        return private(preferred, uid)
    name = hashlib.sha256(os.fsencode(preferred.absolute())).hexdigest()[:12]
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):
        folder = parent / f"threed-{name}"
        if len(os.fsencode(folder / longest_name)) <= SOCKET_PATH_LIMIT:
            return private(folder, uid)
    raise FolderClosed(f"No folder is short enough for the socket {longest_name}. Set TMPDIR to a short path.")
