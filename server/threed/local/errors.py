"""What can go wrong when the stack starts on this machine. Told to the operator, never to a caller of the API."""

from __future__ import annotations


class StartRefused(Exception):
    """The root of the table. Each sentence says what is wrong, where, and what to do."""


class FolderBusy(StartRefused):
    """Raised when another stack already uses a data folder."""


class FolderClosed(StartRefused):
    """Raised when a server's user cannot enter or read a folder that it needs."""


class PortTaken(StartRefused):
    """Raised when another program listens on a port."""


class ProgramMissing(StartRefused):
    """Raised when a server's program is not installed."""


class ChildFailed(StartRefused):
    """Raised when a child ends, or stays unready for too long, while the stack starts. Carries the end of its log."""


class FolderDamaged(StartRefused):
    """Raised when a data folder holds files that contradict each other."""
