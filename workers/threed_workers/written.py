"""What a step says it wrote. A step is not trusted: only a plain file of its folder will do."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from threed.errors import JobFailed


def plain_file(folder: Path, name: object) -> Path:
    """The file of that name in the step's folder. Raises JobFailed when it is none, or a link."""
    if not isinstance(name, str) or name != os.path.basename(name) or name in ("", ".", ".."):
        raise JobFailed(f"The step named {str(name)[:80]!r}, which is no file of its folder.")
    path = folder / name
    try:
        if stat.S_ISREG(path.lstat().st_mode):
            return path
    except FileNotFoundError:
        pass
    raise JobFailed(f"The step did not write the file {name!r} that it named.")
