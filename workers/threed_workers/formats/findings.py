"""What a reader finds wrong with a file that it reads all the same, and what it leaves out: bounded, and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from threed_workers.document import Document, issue, loss
from threed_workers.document.model import Json

_LONGEST_TEXT = 1 << 16
# Of different losses; the rest are counted together.
_MOST_LOSSES = 100
# Of one code. A broken exporter makes the same mistake a million times.
_MOST_ALIKE = 10


@dataclass
class Findings:
    """Issues as they are found, and losses by feature and reason."""

    issues: list[Json] = field(default_factory=list)
    alike: Counter[str] = field(default_factory=Counter)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)

    def error(self, code: str, where: str, message: str) -> None:
        """The file breaks a rule of its format, and can be read nevertheless."""
        self.add(code, "ERROR", where, message)

    def warning(self, code: str, where: str, message: str) -> None:
        """The file is odd, or something in it cannot be used."""
        self.add(code, "WARNING", where, message)

    def add(self, code: str, severity: str, where: str, message: str) -> None:
        self.alike[code] += 1
        if self.alike[code] <= _MOST_ALIKE:
            self.issues.append(issue(code, severity, where, message))

    def lose(self, feature: str, reason: str, count: int = 1) -> None:
        """`count` things are left out."""
        place = feature, reason
        if len(self.lost) >= _MOST_LOSSES and place not in self.lost:
            place = "others", "There are too many kinds to list."
        if count:
            self.lost[place] += count

    def shortened(self, text: str) -> str:
        """What is kept of a text that a file says about itself: some put pictures there."""
        if len(text) > _LONGEST_TEXT:
            self.lose("long metadata", f"The first {_LONGEST_TEXT} signs are kept.")
        return text[:_LONGEST_TEXT]

    def report(self, document: Document) -> None:
        """Write everything into the document."""
        for code, count in self.alike.items():
            if count > _MOST_ALIKE:
                last = next(entry for entry in reversed(self.issues) if entry["code"] == code)
                last["message"] += f" And {count - _MOST_ALIKE} more like this."
        document.issues += self.issues
        document.losses += [loss(feature, count, reason) for (feature, reason), count in self.lost.items()]
