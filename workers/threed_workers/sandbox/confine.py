"""Confine this process, for good: before it touches bytes that somebody sent.

The layers, each of which the kernel may lack; what was applied is returned, so that the parent can log or refuse:
rlimits everywhere (macOS has only these); on Linux the out-of-memory killer takes it first, it dies with its parent,
it gains and keeps no privileges, Landlock shuts the file system, seccomp shuts the network and other processes.

As a program it confines itself and becomes another: `python -m threed_workers.sandbox.confine JSON PROGRAM ARG...`.
Limits are set here and never in `preexec_fn`, which can deadlock in a parent with threads.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from threed_workers.sandbox import landlock, seccomp
from threed_workers.sandbox.limits import Limits

# Single files of /etc, because a worker that runs as root could read /etc/shadow too.
_SYSTEM = (
    "/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin",
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime",
    "/etc/timezone", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/mime.types", "/etc/fonts",
    "/etc/drirc", "/etc/glvnd", "/etc/vulkan", "/etc/OpenCL", "/etc/ssl/openssl.cnf",
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version", "/proc/filesystems",
    "/proc/sys/kernel", "/proc/sys/vm", "/proc/driver/nvidia", "/sys",
)  # fmt: skip
_PLAIN_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random")
_GPU_DEVICES = ("/dev/dri", "/dev/kfd", "/dev/nvidia*", "/dev/nvidia-caps")

_SET_PDEATHSIG, _SET_NO_NEW_PRIVS, _CAPBSET_DROP = 1, 38, 24
# Landlock decides about files; without these two, root could not enter a folder that belongs to another user.
_KEPT_CAPABILITIES = (1 << 1) | (1 << 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
_LAST_CAPABILITY = 63


def available_layers() -> dict[str, object]:
    """What this kernel offers, without applying it: {"rlimits": True, "landlock": ABI, "seccomp": bool, ...}."""
    linux = sys.platform == "linux"
    return {
        "rlimits": True,
        "privileges": linux,
        "landlock": landlock.abi(),
        "seccomp": seccomp.available(),
        "watch": os.path.exists("/proc/self/status"),  # memory, threads and processes, by the parent
    }


class Confinement:
    """Made as soon as the process exists, applied when it is known what it shall do.

    A process that waits for its work has most of this behind it: of 3 ms, 1 is left for `apply`.
    `parent` is the process to die with; if it is dead already, this one ends here.
    Raises OSError if a layer that the kernel has cannot be applied: then nothing untrusted may run.
    """

    def __init__(self, parent: int):
        self._layers = available_layers()
        self._ruleset: landlock.Ruleset | None = None
        if not self._layers["privileges"]:
            return
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
        _drop_privileges()
        if os.getppid() != parent:  # it died before the kernel was asked to tell us
            os._exit(1)
        if self._layers["landlock"]:
            # Held open for good, so that the kernel does not forget the inode that the rule for /proc/self names.
            os.set_inheritable(os.open("/proc/self", os.O_PATH), True)
            self._ruleset = landlock.Ruleset(standing_rules())
        if self._layers["seccomp"]:
            seccomp.program(may_fork=False, may_signal=False)  # what most steps get

    def apply(
        self, limits: Limits, folder: str, read: Sequence[str] = (), write: Sequence[str] = ()
    ) -> dict[str, object]:
        """Apply every layer that there is, and return what was applied, with the keys of `available_layers`.

        Readable afterwards: the system's libraries, Python, this package, and `read`; writable: `folder` and `write`.
        """
        layers = dict(self._layers)
        _set_rlimits(limits)
        if not layers["privileges"]:
            return layers
        if self._ruleset is not None:
            for path in read:
                self._ruleset.allow(path, landlock.READ)
            for path in (folder, *write):
                self._ruleset.allow(path, landlock.WRITE)
            self._ruleset.restrict()
        # From ABI 6 Landlock says whom it may signal; below that, seccomp says: only itself.
        may_signal = limits.processes > 1 and int(layers["landlock"]) >= 6
        layers["seccomp"] = seccomp.restrict(may_fork=limits.processes > 1, may_signal=may_signal)
        return layers


def _set_rlimits(limits: Limits) -> None:
    wanted = {
        resource.RLIMIT_AS: limits.address_space_bytes(),
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
    }
    for which, value in wanted.items():
        if value is not None and not (sys.platform == "darwin" and which == resource.RLIMIT_AS):  # refused there
            _lower(which, value, value)
    if limits.cpu_s is not None:
        _lower(resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 2)  # SIGXCPU, and SIGKILL if that was caught


def _lower(which: int, soft: int, hard: int) -> None:
    ceiling = resource.getrlimit(which)[1]
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(which, (soft, hard))


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapSet(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _drop_privileges() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((_SET_PDEATHSIG, signal.SIGKILL), (_SET_NO_NEW_PRIVS, 1)):
        if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0):
            raise OSError(ctypes.get_errno(), f"prctl({option})")
    for capability in range(_LAST_CAPABILITY + 1):
        if not (1 << capability) & _KEPT_CAPABILITIES and libc.prctl(
            _CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0
        ):
            break  # past the last one, or not ours to drop
    header = _CapHeader(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3
    sets = (_CapSet * 2)()
    if libc.capget(ctypes.byref(header), sets):
        raise OSError(ctypes.get_errno(), "capget")
    kept = sets[0].permitted & _KEPT_CAPABILITIES
    sets[0], sets[1] = _CapSet(kept, kept, 0), _CapSet(0, 0, 0)
    if libc.capset(ctypes.byref(header), sets):
        raise OSError(ctypes.get_errno(), "capset")


@functools.cache
def standing_rules() -> tuple[tuple[str, int], ...]:
    """The rules that are the same for every child, found once: a fork server asks for them before it forks."""
    # Python and the packages; a virtual environment has its standard library elsewhere.
    python = sorted({sys.prefix, sys.base_prefix, sys.exec_prefix, *filter(os.path.isabs, sys.path)})
    gpu = [str(path) for pattern in _GPU_DEVICES for path in Path("/").glob(pattern.lstrip("/"))]
    readable = ((path, landlock.READ) for path in (*_SYSTEM, *python))
    devices = ((path, landlock.DEVICE) for path in (*_PLAIN_DEVICES, *gpu))
    return (*readable, *devices)


def main(arguments: list[str]) -> None:
    """Confine this process as the JSON of `program.spawn_program` says, then become the program."""
    told = json.loads(arguments[0])
    confinement = Confinement(told["parent"])
    confinement.apply(Limits(**told["limits"]), told["folder"], told["read"], told["write"])
    os.execve(arguments[1], arguments[1:], told["env"])


if __name__ == "__main__":
    main(sys.argv[1:])
