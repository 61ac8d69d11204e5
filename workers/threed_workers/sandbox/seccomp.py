"""seccomp: system calls that no job step needs fail with EPERM. Linux on x86-64 and arm64.

Landlock (ABI 7) leaves UDP and path-based unix sockets open, and the embedded database listens on one: no socket can
be made here at all. socketpair() stays for byte streams, whose ends can reach nobody else. What else is refused lets
one process touch another (ptrace, prlimit, signals, scheduling), leave its process group, hold memory that nobody
counts (System V shared memory), or ask the kernel for what only an administrator needs.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import sys

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}  # AUDIT_ARCH, column below; arm64 not run

# name: (x86-64, arm64)
_REFUSED = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "accept": (43, 202),
    "accept4": (288, 242), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "tkill": (200, 130),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "migrate_pages": (256, 238),
    "move_pages": (279, 239), "setpriority": (141, 140), "ioprio_set": (251, 30),
    "setsid": (112, 157), "setpgid": (109, 154), "unshare": (272, 97), "setns": (308, 268),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "memfd_secret": (447, 447), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "move_mount": (429, 429), "open_tree": (428, 428), "mount_setattr": (442, 442), "open_by_handle_at": (304, 265),
    "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142), "quotactl": (179, 60), "acct": (163, 89),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
}  # fmt: skip
# Allowed when the first argument, a process id, is the caller's own or 0.
_ON_ITSELF = {
    "prlimit64": (302, 261), "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118), "sched_setattr": (314, 274),
}  # fmt: skip
_SIGNALS = {"kill": (62, 129), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240)}
_FORK, _VFORK, _CLONE, _CLONE3, _SOCKETPAIR = (57, None), (58, None), (56, 220), (435, 435), (53, 199)

_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_ALLOW, _EPERM, _ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_CLONE_THREAD, _NEW_NAMESPACES = 0x00010000, 0x7E020000
_SOCK_STREAM, _SOCK_FLAGS = 1, 0x80800  # SOCK_NONBLOCK | SOCK_CLOEXEC
_SET_SECCOMP, _MODE_FILTER = 22, 2

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant


class _Insn(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_uint16), ("insns", ctypes.POINTER(_Insn)))


def available() -> bool:
    """Whether this kernel and architecture can have the filter."""
    return (
        sys.platform == "linux" and platform.machine() in _ARCHITECTURES and os.path.exists("/proc/sys/kernel/seccomp")
    )


def restrict(*, may_fork: bool, may_signal: bool) -> bool:
    """Put the filter on this process and all that it will start; False where it cannot be had.

    `may_fork`: it may start processes. `may_signal`: it may signal others; then something else must say whom.
    NO_NEW_PRIVS must be set. Raises OSError if the kernel refuses the filter.
    """
    if not available():
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program(may_fork=may_fork, may_signal=may_signal)), 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")
    return True


def program(*, may_fork: bool, may_signal: bool) -> _Program:
    """The filter for this process, as `restrict` hands it to the kernel; built once."""
    return _program(os.getpid(), may_fork, may_signal)


@functools.cache
def _program(pid: int, may_fork: bool, may_signal: bool) -> _Program:
    insns = _filter(pid, may_fork, may_signal)
    return _Program(len(insns), (_Insn * len(insns))(*insns))


def _filter(pid: int, may_fork: bool, may_signal: bool) -> list[Instruction]:
    arch, column = _ARCHITECTURES[platform.machine()]
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, arch), (_RETURN, 0, 0, _EPERM),  # 32-bit calls have other numbers
        (_LOAD, 0, 0, _NUMBER),
    ]  # fmt: skip
    if column == 0:
        code += [(_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _EPERM)]  # x32
    for numbers in _REFUSED.values():
        code += _when(numbers[column], [(_RETURN, 0, 0, _EPERM)])
    own = dict(_ON_ITSELF) if may_signal else _ON_ITSELF | _SIGNALS
    for numbers in own.values():
        code += _when(numbers[column], [
            (_LOAD, 0, 0, _ARGUMENTS), (_EQUAL, 2, 0, pid), (_EQUAL, 1, 0, 0),
            (_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _ALLOW),
        ])  # fmt: skip
    code += _when(_SOCKETPAIR[column], [
        (_LOAD, 0, 0, _ARGUMENTS + 8), (_AND, 0, 0, ~_SOCK_FLAGS & 0xFFFFFFFF), (_EQUAL, 1, 0, _SOCK_STREAM),
        (_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _ALLOW),
    ])  # fmt: skip
    code += _starting_processes(column, may_fork)
    code.append((_RETURN, 0, 0, _ALLOW))
    return code


def _starting_processes(column: int, may_fork: bool) -> list[Instruction]:
    """clone() is judged by its flags; those of clone3() lie in memory, and glibc takes clone() where it is missing."""
    code = _when(_CLONE3[column], [(_RETURN, 0, 0, _ENOSYS)])
    if may_fork:
        judged = [(_ANY_BIT, 0, 1, _NEW_NAMESPACES), (_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _ALLOW)]
    else:
        judged = [(_ANY_BIT, 1, 0, _CLONE_THREAD), (_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _ALLOW)]
        for number in (_FORK[column], _VFORK[column]):
            if number is not None:
                code += _when(number, [(_RETURN, 0, 0, _EPERM)])
    return code + _when(_CLONE[column], [(_LOAD, 0, 0, _ARGUMENTS), *judged])


def _when(number: int, then: list[Instruction]) -> list[Instruction]:
    """`then` if the system call in the accumulator is `number`. It must end by returning: it may load another value."""
    return [(_EQUAL, 0, len(then), number), *then]
