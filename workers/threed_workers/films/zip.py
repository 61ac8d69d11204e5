"""ZIP: the frames as they are, for a program that makes more of them. The same frames make the same bytes."""

from __future__ import annotations

from pathlib import Path

from threed_workers.exports.archive import Archive
from threed_workers.films.plan import Made, Plan


def write(plan: Plan, target: Path) -> Made:
    """frame-00000.png and so on, stored: a PNG is packed already."""
    with Archive(target) as archive:
        for index in range(len(plan.frames)):
            archive.add(f"frame-{index:05}.png", plan.frames.png(index), packed=False)
    return Made(plan.seconds)
