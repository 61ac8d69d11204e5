"""What a document has, feature by feature, and what it lost on a way: the loss report.

Taken before and after every step of a recipe. What got fewer is a loss, unless a step said that it does that.
"""

from __future__ import annotations

from threed_workers.inventory.comparing import Difference, Policy, compare, judge
from threed_workers.inventory.counting import inventory
from threed_workers.inventory.features import FEATURES, Feature

__all__ = ["FEATURES", "Difference", "Feature", "Policy", "compare", "inventory", "judge"]
