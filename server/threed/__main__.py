"""The `threed` command."""

from __future__ import annotations

import sys

from threed.cli import main

if __name__ == "__main__":
    sys.exit(main())
