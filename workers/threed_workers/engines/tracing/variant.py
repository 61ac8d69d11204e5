"""Which of Mitsuba's variants runs here: `llvm_ad_rgb` is about three times as fast, and needs a libLLVM that works.

A confined child may not start processes to try one, so a worker looks once (llvm.py), and its children read the file
that is named in TRACING_LLVM: the library's path, or nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from threed.errors import EngineUnavailable
from threed_workers.engines.tracing import metal, sheen

# Fewer take longer to compile for than to trace: 3.3 s for each of four to six programs, and 0.35 us a path then;
# without LLVM 1.3 us a path, from the first on (two cores, the helmet of rendering benchmarks).
_MANY = 1 << 24
LLVM, SCALAR = "llvm_ad_rgb", "scalar_rgb"
VARIABLE = "TRACING_LLVM"
DRJIT = "DRJIT_LIBLLVM_PATH"


def _told() -> str:
    """What FILE says; nothing when there is none yet, or the library has gone."""
    file = Path(os.environ.get(VARIABLE, ""))
    library = file.read_text().strip() if file.is_file() else ""
    return library if library and Path(library).is_file() else ""


def loaded(paths: int = 0) -> tuple[Any, str]:
    """(Mitsuba, the variant that is set) for so many paths. Quiet: what it says goes nowhere. Raises EngineUnavailable.

    What LLVM made is another variant's nothing: ask once for a drawing, and before anything of it is made.
    """
    library = _told() if paths >= _MANY else ""
    if library:
        os.environ[DRJIT] = library
    try:
        import mitsuba as mi

        name = LLVM if library else SCALAR
        mi.set_variant(name)
        if name == LLVM:
            metal.register(mi)
            sheen.register(mi)
    except Exception as error:  # Without libatomic it is a NameError about _drjit_ext.
        raise EngineUnavailable(
            f"Mitsuba does not load: {error}. Install mitsuba, and its system library: apt-get install -y libatomic1.",
            engine="path_traced",
        ) from error
    mi.set_log_level(mi.LogLevel.Error)
    return mi, name
