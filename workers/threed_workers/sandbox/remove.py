"""Remove the folder of a step, whatever the step made of it."""

from __future__ import annotations

import os
import secrets


def remove_folder(folder: os.PathLike[str] | str) -> None:
    """Remove a folder and all below it, after everything that writes there has ended. Follows no links.

    `shutil.rmtree` recurses and holds a file open for each level, so it fails on folders a few hundred levels deep,
    and paths end at 4096 bytes. Here each folder is moved up next to the first before it is emptied.
    """
    top = os.fspath(folder)
    rest = [top]
    while rest:
        place = rest[-1]
        os.chmod(place, 0o700)
        with os.scandir(place) as found:
            entries = list(found)
        if not entries:
            os.rmdir(place)
            rest.pop()
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                moved = os.path.join(top, secrets.token_hex(8))
                os.rename(entry.path, moved)
                rest.append(moved)
            else:
                os.unlink(entry.path)
