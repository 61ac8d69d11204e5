"""A user for PostgreSQL when threed itself runs as root, as in containers.

PostgreSQL refuses to run as root. The server runs under a user number without an entry in /etc/passwd: nothing is
added to the system. initdb alone insists on a name (seen with 18.6: "could not look up effective user ID"), so it runs
as `nobody` and its files are handed over afterwards.

That user must reach the data and the program, which may lie below a closed folder such as /root. Each closed folder on
the way gets one access control entry that lets this one user pass through. It can list and read nothing there.
Linux only: on macOS start threed as a normal user.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import struct
from collections.abc import Iterator
from pathlib import Path

from threed.local.errors import FolderClosed

# systemd's table of user numbers calls 60578 to 61183 unused: no tool gives them out.
SERVER_UID = 60832

_ACCESS = "system.posix_acl_access"
_VERSION = 2
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NOBODY_ID = 0xFFFFFFFF
_SEARCH = 1

Entry = tuple[int, int, int]  # tag, permission bits, user or group number


def server_uid(folder: Path) -> int | None:
    """The user that PostgreSQL's server of this data folder runs as; None for this user, unless this is root."""
    if os.geteuid() != 0:
        return None
    owner = folder.stat().st_uid if folder.exists() else 0
    return owner or SERVER_UID


def named_uid() -> int:
    """A user that initdb can look up, and that owns nothing."""
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        raise FolderClosed("PostgreSQL does not run as root, and this system has no user `nobody`.") from None


def let_pass(uid: int, folder: Path) -> list[Path]:
    """Let a user pass through a folder and all above it. Returns the folders that had to be changed.

    Raises FolderClosed when the file system keeps no access control lists.
    """
    changed = []
    for step in (*reversed(folder.absolute().parents), folder.absolute()):
        status = step.stat()
        if status.st_mode & _SEARCH or status.st_uid == uid:
            continue
        entries = _read(step)
        if (_USER, _SEARCH, uid) in entries:
            continue
        _write(step, [*entries, (_USER, _SEARCH, uid)], uid)
        changed.append(step)
    return changed


@contextlib.contextmanager
def passing(uid: int, *folders: Path) -> Iterator[None]:
    """Let a user pass through these folders for a while."""
    changed: list[Path] = []
    try:
        for folder in folders:
            changed += let_pass(uid, folder)
        yield
    finally:
        for step in changed:
            _write(step, [entry for entry in _read(step) if entry != (_USER, _SEARCH, uid)], uid)


def hand_over(folder: Path, uid: int) -> None:
    """Give a folder and all in it to a user. Links are given, not followed."""
    os.chown(folder, uid, uid, follow_symlinks=False)
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(root, name), uid, uid, follow_symlinks=False)


def _read(folder: Path) -> list[Entry]:
    """The access control list; the one that the mode stands for when there is none."""
    try:
        raw = os.getxattr(folder, _ACCESS)
    except OSError:
        mode = folder.stat().st_mode
        return [(tag, mode >> shift & 7, _NOBODY_ID) for tag, shift in ((_OWNER, 6), (_GROUP, 3), (_OTHER, 0))]
    return list(struct.iter_unpack("<HHI", raw[4:]))


def _write(folder: Path, entries: list[Entry], uid: int) -> None:
    """Set the list, with the mask that a list with named users needs: all that any of them and the group may do."""
    entries = [entry for entry in entries if entry[0] != _MASK]
    if any(tag == _USER for tag, _, _ in entries):
        mask = 0
        for tag, permissions, _ in entries:
            mask |= 0 if tag in (_OWNER, _OTHER) else permissions
        entries.append((_MASK, mask, _NOBODY_ID))
    packed = struct.pack("<I", _VERSION) + b"".join(
        struct.pack("<HHI", *entry) for entry in sorted(entries, key=lambda entry: (entry[0], entry[2]))
    )
    try:
        os.setxattr(folder, _ACCESS, packed)
    except OSError as error:
        raise FolderClosed(
            f"PostgreSQL does not run as root but as user {uid}, which may not pass through {folder} "
            f"({error.strerror}). Run `chmod o+x {folder}`, or start threed as a normal user."
        ) from None
