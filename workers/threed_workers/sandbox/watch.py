"""What processes and folders use, read from outside. Linux; elsewhere there is no /proc and nothing is counted."""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path


@dataclasses.dataclass
class Use:
    """Resident memory in bytes, without mapped files; threads; processes; bytes of deleted files still open."""

    memory_bytes: int = 0
    threads: int = 0
    processes: int = 0
    unlinked_bytes: int = 0


def use_of(pids: list[int]) -> Use:
    """The sum over processes. Pages shared since a fork count once for each process. One that ended counts nothing."""
    use = Use()
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/status").read_bytes()
        except OSError:
            continue
        use.processes += 1
        for line in status.split(b"\n"):
            name, _, value = line.partition(b":")
            if name in (b"RssAnon", b"RssShmem"):
                use.memory_bytes += int(value.split()[0]) * 1024
            elif name == b"Threads":
                use.threads += int(value)
        use.unlinked_bytes += _unlinked_bytes(pid)
    return use


def cpu_s(pid: int) -> float:
    """Processor seconds of a process so far, over all its threads; 0 when it has ended, or nobody counts."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0.0
    user, system = text.rpartition(b")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _unlinked_bytes(pid: int) -> int:
    """Files without a name, memfd among them: they fill disk or memory, and no folder shows them."""
    total = 0
    try:
        with os.scandir(f"/proc/{pid}/fd") as found:
            for entry in found:
                about = entry.stat()
                if stat.S_ISREG(about.st_mode) and about.st_nlink == 0:
                    total += about.st_blocks * 512
    except OSError:
        pass  # it ended, or closed that file
    return total


def groups() -> dict[int, list[int]]:
    """Process group -> its processes, for the whole machine."""
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            try:
                text = Path(f"/proc/{name}/stat").read_bytes()
            except OSError:
                continue
            # pid (comm) state ppid pgrp ...; comm may hold blanks and brackets
            found.setdefault(int(text.rpartition(b")")[2].split()[2]), []).append(int(name))
    return found


def folder_use(folder: str, most_bytes: int, most_files: int) -> tuple[int, int]:
    """(bytes on disk, entries) below a folder; stops counting once either is passed. Follows no links.

    It may change underneath: what vanishes is not counted, and a folder that cannot be entered counts as all files.
    """
    total = entries = 0
    rest = [folder]
    while rest and total <= most_bytes and entries <= most_files:
        try:
            with os.scandir(rest.pop()) as found:
                for entry in found:
                    entries += 1
                    if entries > most_files:
                        break
                    about = _about(entry)
                    total += about.st_blocks * 512 if about else 0
                    if about and stat.S_ISDIR(about.st_mode):
                        rest.append(entry.path)
        except FileNotFoundError:
            continue
        except OSError:  # a path longer than the system allows
            return total, most_files + 1
    return total, entries


def _about(entry: os.DirEntry[str]) -> os.stat_result | None:
    """None for what just vanished: deleting one file must not hide those that come after it."""
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def kernel_oom_kills() -> int:
    """How often the kernel killed for lack of memory since boot; 0 where it does not say."""
    try:
        for line in Path("/proc/vmstat").read_bytes().split(b"\n"):
            if line.startswith(b"oom_kill "):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
