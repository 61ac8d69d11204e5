"""Every format of `formats.ALL` against the suite."""

from __future__ import annotations

from .suite import *  # noqa: F403
