"""The folder of one worker, in which its jobs have theirs. A lock says that its worker lives.

Workers that start take turns, by a lock on the root: none takes a folder that is not yet locked for a dead worker's.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from threed_workers.sandbox import remove_folder


class Scratch:
    """A context manager: the folder below `root`, locked while it is held. Folders of dead workers are removed."""

    def __init__(self, root: Path, name: str):
        self._root = root
        self._path = root / name
        self._held = -1

    def __enter__(self) -> Path:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        turn = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
            for other in self._root.iterdir():
                self._remove_if_dead(other)
            self._path.mkdir(mode=0o700)
            self._held = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._held, fcntl.LOCK_EX)
        finally:
            os.close(turn)
        return self._path

    def __exit__(self, *_: object) -> None:
        remove_folder(self._path)
        os.close(self._held)

    @staticmethod
    def _remove_if_dead(folder: Path) -> None:
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_folder(folder)
        except BlockingIOError:
            pass
        finally:
            os.close(descriptor)
