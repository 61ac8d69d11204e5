"""Landlock: which files a process may read and write, whom it may signal, and no TCP. Linux 5.13 and later.

Rights and structures: https://docs.kernel.org/userspace-api/landlock.html. The kernel refuses right names it does not
know, so what is asked depends on the ABI version that it reports.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from collections.abc import Iterable

# Same numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15}  # ABI -> how many low bits it knows; 16 from ABI 5 on

READ = _EXECUTE | _READ_FILE | _READ_DIR
# No symbolic links, pipes, sockets or device nodes: whoever opens an output later must not be led elsewhere by it.
WRITE = _READ_FILE | _READ_DIR | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER | _TRUNCATE
DEVICE = _READ_FILE | _READ_DIR | _WRITE_FILE | _IOCTL_DEV
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV


class _Attributes(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Rule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


_libc = ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """The Landlock version of this kernel; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG)))


class Ruleset:
    """What this process will be able to reach: only the given paths, each with its rights. For kernels with Landlock.

    A path that does not exist is left out: nothing can be reached there either. From ABI 4 TCP is shut, from ABI 6
    abstract unix sockets and signals to processes that were not started under the same rules.
    Raises OSError if the kernel refuses the rules.
    """

    def __init__(self, rules: Iterable[tuple[str, int]] = ()):
        version = abi()
        self._known = (1 << _RIGHTS_OF_ABI.get(version, 16)) - 1
        wanted = _Attributes(self._known, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
        size = 24 if version >= 6 else 16 if version >= 4 else 8
        arguments = ctypes.byref(wanted), ctypes.c_size_t(size), 0
        self._fd = _checked("landlock_create_ruleset", _CREATE_RULESET, *arguments)
        for path, rights in rules:
            self.allow(path, rights)

    def allow(self, path: str, rights: int) -> None:
        """Add a path: a file, or a folder and all below it."""
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        try:
            rights &= self._known
            if not stat.S_ISDIR(os.fstat(fd).st_mode):
                rights &= _OF_A_FILE
            rule = _Rule(rights, fd)
            _checked(f"landlock_add_rule {path}", _ADD_RULE, self._fd, _PATH_BENEATH, ctypes.byref(rule), 0)
        finally:
            os.close(fd)

    def restrict(self) -> None:
        """Put the rules on this process, for good. NO_NEW_PRIVS must be set."""
        try:
            _checked("landlock_restrict_self", _RESTRICT_SELF, self._fd, 0)
        finally:
            os.close(self._fd)


def _checked(what: str, number: int, *arguments: object) -> int:
    result = _libc.syscall(number, *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result
