"""What one job step may use. Plain numbers, so that parent and child read the same ones."""

from __future__ import annotations

import dataclasses

MIB = 1024 * 1024
GIB = 1024 * MIB

# A renderer on software GL reserves 1.3 GB of addresses while it holds 0.13 GB of memory, and each of its threads
# 8 MB more. Below 2 GiB it dies by an uncaught C++ exception, so the backstop never goes under this.
SMALLEST_ADDRESS_SPACE = 4 * GIB


@dataclasses.dataclass(frozen=True)
class Limits:
    """The limits of one child. Sizes in bytes, times in seconds; None lifts a limit that allows it.

    Memory, disk, threads, processes and wall time are watched by the parent every 0.1 s; processor time, the size of
    one file and open files are the kernel's (rlimits). RLIMIT_NPROC is not used: it does not bind root, and for other
    users it counts every process that the user has.
    """

    memory_bytes: int = 2 * GIB  # resident memory of the child and everything it started; mapped files do not count
    address_space_factor: float | None = 4.0  # RLIMIT_AS = this x memory_bytes, at least 4 GiB; None for Node and CUDA
    cpu_s: int | None = 600  # processor seconds over all threads of one process
    wall_s: float | None = 900.0
    file_bytes: int = 4 * GIB  # the largest single file
    disk_bytes: int = 8 * GIB  # everything in the private folder, and deleted files that are still open
    disk_files: int = 20_000  # files and folders in the private folder
    open_files: int = 256
    processes: int = 1  # 1 = the child cannot fork at all; more = it and its descendants together
    threads: int = 512  # of all its processes together
    line_bytes: int = 256 * 1024  # the longest progress event
    output_bytes: int = 16 * MIB  # all progress events and the result together

    def address_space_bytes(self) -> int | None:
        """The value of RLIMIT_AS, or None for no limit."""
        if self.address_space_factor is None:
            return None
        return max(SMALLEST_ADDRESS_SPACE, int(self.memory_bytes * self.address_space_factor))

    def to_dict(self) -> dict[str, object]:
        """The limits as JSON values; `Limits(**d)` reads them back."""
        return dataclasses.asdict(self)
