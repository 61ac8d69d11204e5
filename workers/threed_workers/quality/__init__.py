"""Is a model any good? Checks of meshes, UVs, textures and budgets that the Khronos validator does not make.

Each check is one file and one function, `Subject -> issues`, with codes of its own: docs/checks.md has their meaning,
threshold and remedy. They refuse nothing. To add one: write it, add it to `checking.CHECKS`, and describe it there.
"""

from __future__ import annotations

from threed_workers.quality.checking import CHECKS, check_all
from threed_workers.quality.limits import Limits
from threed_workers.quality.profiles import PROFILES, Profile
from threed_workers.quality.subject import Subject

__all__ = ["CHECKS", "PROFILES", "Limits", "Profile", "Subject", "check_all"]
