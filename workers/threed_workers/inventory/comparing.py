"""Compare two inventories, and say what to do about it."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from threed.errors import LossRefused
from threed_workers.inventory.consequences import consequences
from threed_workers.inventory.features import ERROR, INFO, PREFIX, feature

_ORDER = (ERROR, "WARNING", INFO)
_SHOWN = 5


@dataclass(frozen=True)
class Difference:
    """One feature whose count changed. INFO: a step says so, or it became more, or only its storage changed.

    WARNING: no step says so. ERROR: no step says so, and it can be seen. "units" and "up" count 1 when they are said.
    """

    feature: str
    before: int
    after: int
    severity: str
    reason: str


class Policy(enum.StrEnum):
    """What happens when something is lost that no step names: LossPolicy of the contract, without its prefix."""

    ALLOW = "ALLOW"
    WARN = "WARN"
    FAIL = "FAIL"


def compare(
    before: Mapping[str, Any], after: Mapping[str, Any], named: Mapping[str, str] | Collection[str] = frozenset()
) -> list[Difference]:
    """Every feature whose count differs between two inventories, worst first.

    `named` are the features that a step of the recipe says it changes: `{"triangles": "simplify"}`, so that the reason
    can name the step, or only the features. "extensions" names every extension, "extensions.KHR_x" one. What follows
    from it (consequences.py) need not be named.
    """
    steps = named if isinstance(named, Mapping) else dict.fromkeys(named, "")
    steps = consequences(before, after, steps)
    found = []
    for name in sorted(_counted(before) | _counted(after)):
        old, new = _count(before, name), _count(after, name)
        changed = name in ("units", "up") and name in before and before[name] != after.get(name)
        if old != new or changed:
            found.append(_difference(name, old, new, steps))
    return sorted(found, key=lambda one: _ORDER.index(one.severity))


def _counted(inventory: Mapping[str, Any]) -> set[str]:
    """Every row but the list of extensions, each of which has its own."""
    return set(inventory) - {PREFIX.removesuffix(".")}


def _count(inventory: Mapping[str, Any], name: str) -> int:
    return int(name in inventory) if name in ("units", "up") else inventory.get(name, 0)


def _difference(name: str, before: int, after: int, steps: Mapping[str, str]) -> Difference:
    entry = feature(name)
    if after > before:
        return Difference(name, before, after, INFO, f"{after - before} more: {entry.meaning}.")
    lost = f"{before - after} of {before} gone: {entry.meaning}." if after < before else f"Changed: {entry.meaning}."
    by = name if name in steps else name.partition(".")[0]
    if by in steps:
        step = f"The step {steps[by]}" if steps[by] else "A step of the recipe"
        return Difference(name, before, after, INFO, f"{step} does that. {lost}")
    return Difference(name, before, after, entry.all if after == 0 else entry.some, f"{lost} No step says so.")


def judge(differences: Iterable[Difference], policy: Policy | str) -> list[Difference]:
    """The differences as the report has them: under ALLOW all INFO, otherwise as they are.

    Raises LossRefused under FAIL when one of them is more than INFO.
    """
    listed = list(differences)
    policy = Policy(policy)
    if policy is Policy.ALLOW:
        return [replace(one, severity=INFO) for one in listed]
    lost = [one for one in listed if one.severity != INFO]
    if policy is Policy.FAIL and lost:
        shown = ", ".join(f"{one.feature} {one.before} -> {one.after}" for one in lost[:_SHOWN])
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        raise LossRefused(
            f"The recipe loses what none of its steps names: {shown}{more}. Leave out the step that does it, or allow "
            "losses with loss_policy LOSS_WARN.",
            features=",".join(one.feature for one in lost),
        )
    return listed
