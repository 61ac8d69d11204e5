"""What is in a GLB, as our import finds it out: `python metadata.py FILE`. Read, checked, every accessor scanned."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from threed_workers.budget import Budget
from threed_workers.formats import glb
from threed_workers.formats.source import Source
from threed_workers.inspection import inspect

path = Path(sys.argv[1])
print(orjson.dumps(inspect(glb.read(Source(path, path.name), Budget()))).decode())
