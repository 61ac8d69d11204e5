"""File to GLB, as the ingest does it, in a fresh process: `python file_to_glb.py SOURCE TARGET`.

Prints how long it took to get ready. A program of its own, so that no module is imported that an import does not need.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from threed_workers import formats
from threed_workers.budget import Budget
from threed_workers.document import write_glb
from threed_workers.formats import Source


def _started() -> float:
    """When this process was started, on the clock of the machine's start; to a hundredth of a second."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


ready = time.clock_gettime(time.CLOCK_BOOTTIME)
source = Source(Path(sys.argv[1]), Path(sys.argv[1]).name)
write_glb(formats.recognise(source).read(source, Budget()), Path(sys.argv[2]))
print(json.dumps({"start_s": ready - _started()}))
