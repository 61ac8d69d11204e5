"""Which of Mitsuba's variants runs here: `llvm_ad_rgb` is about three times as fast, and needs a libLLVM that works.

LLVM 15 aborts the process ("Cannot select: fminimum"), 14 and older are refused; 17 and 19 were seen to work. So only
a library that drew a picture in a process of its own is used: `probed` finds it, and a confined child, which may not
start processes, is told its name in THREED_LLVM (empty: none).
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from threed.errors import EngineUnavailable

VARIABLE = "THREED_LLVM"
_DRJIT = "DRJIT_LIBLLVM_PATH"
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


@functools.cache
def probed() -> str:
    """The path of a libLLVM that works; empty when there is none. Starts processes: not for confined children."""
    return next((str(path) for path in _candidates() if _draws(path)), "")


def _candidates() -> list[Path]:
    """What looks new enough, the newest first; what DRJIT_LIBLLVM_PATH names before all."""
    named = [Path(os.environ[_DRJIT])] if os.environ.get(_DRJIT) else []
    found: dict[Path, tuple[int, Path]] = {}
    for folder in map(Path, _FOLDERS):
        for path in folder.glob("libLLVM*.so*") if folder.is_dir() else ():
            version = re.search(r"libLLVM(?:-|\.so\.)(\d+)", path.name)
            if version and int(version[1]) >= _OLDEST:
                found.setdefault(path.resolve(), (int(version[1]), path))
    return [*named, *(path for _, path in sorted(found.values(), reverse=True))]


def _draws(library: Path) -> bool:
    environment = {"PATH": "/usr/bin:/bin", _DRJIT: str(library)}
    try:
        command = [sys.executable, "-c", _PICTURE]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, env=environment)
    except (subprocess.TimeoutExpired, OSError):
        return False
    return ended.returncode == 0 and ended.stdout.strip() == "drawn"


def loaded() -> tuple[Any, str]:
    """(Mitsuba, the variant that is set). Quiet: what it says goes nowhere. Raises EngineUnavailable."""
    library = os.environ.get(VARIABLE, "")
    if library:
        os.environ[_DRJIT] = library
    try:
        import mitsuba as mi

        name = "llvm_ad_rgb" if library else "scalar_rgb"
        mi.set_variant(name)
    except Exception as error:  # Without libatomic it is a NameError about _drjit_ext.
        raise EngineUnavailable(
            f"Mitsuba does not load: {error}. Install mitsuba, and its system library: apt-get install -y libatomic1.",
            engine="path_traced",
        ) from error
    mi.set_log_level(mi.LogLevel.Error)
    return mi, name
