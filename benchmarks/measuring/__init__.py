"""What every benchmark needs: a stack to measure, a rival beside it, and a report.

The stack and the servers behind it are those of the tests, so a benchmark runs in a checkout and not from a wheel.
"""

from __future__ import annotations

import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
if str(CHECKOUT) not in sys.path:
    sys.path.insert(0, str(CHECKOUT))
