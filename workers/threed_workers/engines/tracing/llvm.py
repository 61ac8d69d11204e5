"""Look for a libLLVM that works with Mitsuba: `python -m threed_workers.engines.tracing.llvm FILE` writes its path.

LLVM 15 aborts the process ("Cannot select: fminimum"), 14 and older are refused; 17 and 19 were seen to work. So only
a library that drew a picture in a process of its own is used.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from threed_workers.engines.tracing.variant import DRJIT

_OLDEST = 17
_SECONDS = 60
_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib")
_PICTURE = """
import mitsuba as mi
mi.set_variant("llvm_ad_rgb")
picture = mi.render(mi.load_dict(mi.cornell_box()), spp=1).numpy()
print("drawn" if picture.mean() > 0 else "black", flush=True)
import os
os._exit(0)
"""


def found() -> str:
    """The path of a libLLVM that works; empty when there is none. Starts processes: not for confined children."""
    return next((str(path) for path in _candidates() if _draws(path)), "")


def _candidates() -> list[Path]:
    """What looks new enough, the newest first; what DRJIT_LIBLLVM_PATH names before all."""
    named = [Path(os.environ[DRJIT])] if os.environ.get(DRJIT) else []
    found: dict[Path, tuple[int, Path]] = {}
    for folder in map(Path, _FOLDERS):
        for path in folder.glob("libLLVM*.so*") if folder.is_dir() else ():
            version = re.search(r"libLLVM(?:-|\.so\.)(\d+)", path.name)
            if version and int(version[1]) >= _OLDEST:
                found.setdefault(path.resolve(), (int(version[1]), path))
    return [*named, *(path for _, path in sorted(found.values(), reverse=True))]


def _draws(library: Path) -> bool:
    environment = {"PATH": "/usr/bin:/bin", DRJIT: str(library)}
    try:
        command = [sys.executable, "-c", _PICTURE]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, env=environment)
    except (subprocess.TimeoutExpired, OSError):
        return False
    return ended.returncode == 0 and ended.stdout.strip() == "drawn"


def main(file: Path) -> None:
    """Look for a library, and write its path into `file`, all at once."""
    fresh = file.with_suffix(".new")
    fresh.write_text(found())
    fresh.rename(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
