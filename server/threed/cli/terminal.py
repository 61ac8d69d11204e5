"""What is written to a terminal: tables, sizes, and one live line. Without a terminal there are no control characters.

Names come from callers, so everything printed goes through `plain`: a name must not move the cursor.
"""

from __future__ import annotations

import datetime
import shutil
import sys
import threading
import time
import unicodedata
from collections.abc import Sequence
from typing import TextIO

_REDRAW_S = 0.05
_BAR_CELLS = 24


def plain(text: object) -> str:
    """The text with every control and formatting character replaced, so that it stays on its line."""
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in str(text))


def size(count: int) -> str:
    """Bytes for people: `999 B`, `1.5 kB`, `12 MB`, in powers of 1000."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    return f"{value:.1f} {unit}" if unit != "B" and value < 9.95 else f"{value:.0f} {unit}"


def moment(when: datetime.datetime | None) -> str:
    """A time in this machine's zone, to the second; `-` for none."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S") if when else "-"


def table(head: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> str:
    """Aligned columns, two spaces apart. Columns named in `right` are aligned to the right."""
    cells = [[plain(cell) for cell in row] for row in (head, *rows)]
    widths = [max(_width(row[i]) for row in cells) for i in range(len(head))]
    lines = []
    for row in cells:
        padded = (
            " " * (widths[i] - _width(cell)) + cell if head[i] in right else cell + " " * (widths[i] - _width(cell))
            for i, cell in enumerate(row)
        )
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def fields(pairs: Sequence[tuple[str, object]]) -> str:
    """Names and values, one a line; empty values are left out."""
    shown = [(name, value) for name, value in pairs if value not in ("", None, [])]
    longest = max((len(name) for name, _ in shown), default=0)
    return "\n".join(f"{name:<{longest}}  {plain(value)}" for name, value in shown)


def _width(text: str) -> int:
    """Cells that the text takes: East Asian wide characters two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in text
    )


class Progress:
    """One line that is drawn over and over on a terminal, and not at all elsewhere. Several threads may draw."""

    def __init__(self, stream: TextIO | None = None):
        self._stream = stream or sys.stderr
        self.live = self._stream.isatty()
        self._lock = threading.Lock()
        self._drawn = 0.0
        self._began = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def bytes(self, label: str, done: int, total: int | None) -> None:
        """How many bytes are through, and how fast."""
        rate = size(round(done / max(time.monotonic() - self._began, 0.001)))
        if total:
            self.part(label, done / total, f"{size(done)} of {size(total)}, {rate}/s")
        else:
            self._draw(f"{label}  {size(done)}, {rate}/s", final=False)

    def part(self, label: str, fraction: float, note: str) -> None:
        """How much is done, 0 to 1."""
        full, empty = ("━", "╌") if "utf" in (self._stream.encoding or "").lower() else ("#", ".")
        cells = round(min(max(fraction, 0.0), 1.0) * _BAR_CELLS)
        bar = full * cells + empty * (_BAR_CELLS - cells)
        self._draw(f"{label}  {bar} {fraction:4.0%}  {note}", final=fraction >= 1)

    def clear(self) -> None:
        """Take the line away."""
        with self._lock:
            if self.live and self._drawn:
                self._stream.write("\r\x1b[K")
                self._stream.flush()
                self._drawn = 0.0

    def _draw(self, text: str, *, final: bool) -> None:
        with self._lock:
            now = time.monotonic()
            if not self.live or (now - self._drawn < _REDRAW_S and not final):
                return
            self._drawn = now
            self._stream.write("\r" + _cut(plain(text), shutil.get_terminal_size().columns - 1) + "\x1b[K")
            self._stream.flush()


def _cut(text: str, cells: int) -> str:
    while _width(text) > cells:
        text = text[:-1]
    return text
