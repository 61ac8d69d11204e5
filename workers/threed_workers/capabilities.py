"""What this worker can do, as JSON of the message Capabilities: run as a program, so that no probe can hurt a worker.

`python -m threed_workers.capabilities` loads every format and tries every engine.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

log = logging.getLogger(__name__)

_PROBE_S = 120


def discover() -> dict[str, Any]:
    """The capabilities, from a child process. An empty answer when it fails: the log says why."""
    command = [sys.executable, "-m", "threed_workers.capabilities"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PROBE_S, check=True)
        return json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        log.error("the capabilities cannot be told: %s %s", error, getattr(error, "stderr", b"")[-2000:])
        return {}


def describe() -> dict[str, Any]:
    """Look for oneself. Imports everything heavy."""
    from threed_workers import engines, formats, outputs
    from threed_workers.engines import environments

    return {
        "formats": [
            {
                "name": format.name,
                "media_type": format.media_type,
                "extensions": list(format.extensions),
                "asset_type": format.asset_type,
            }
            for format in formats.ALL
        ],
        "engines": engines.probe_all(),
        "environments": list(environments.NAMES),
        "outputs": outputs.probe_all(),
    }


if __name__ == "__main__":
    print(json.dumps(describe()))
