"""Pictures that come while a job is drawn: in the terminal where it shows them, and in a file for any viewer.

Previews are WebP. iTerm2 and WezTerm show a picture in whatever encoding it comes (OSC 1337, iTerm2's "Inline Images
Protocol"). kitty and sixel terminals want pixels or PNG: they would need a decoder in this program, which has none.
Nobody can ask a terminal for iTerm2's protocol without reading its answer from the keyboard, so its name decides; in a
multiplexer (tmux, screen) the name is not that of what shows the picture, and the answer is no.
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

_ROWS = 12
_NO_PICTURES = "This terminal shows no pictures (iTerm2 and WezTerm do). Give --preview-file FILE, and look at that."


def shows_pictures(environment: Mapping[str, str]) -> bool:
    """Whether the terminal that the environment names draws inline pictures."""
    multiplexed = "TMUX" in environment or environment.get("TERM", "").startswith(("screen", "tmux"))
    # LC_TERMINAL comes along over ssh, where TERM_PROGRAM does not.
    names = {environment.get("TERM_PROGRAM"), environment.get("LC_TERMINAL")}
    return not multiplexed and bool(names & {"iTerm.app", "iTerm2", "WezTerm"})


class Previews:
    """Draws each preview over the one before, above the live line."""

    def __init__(self, stream: TextIO | None = None):
        self._stream = stream or sys.stderr
        self._reserved = False

    def check(self) -> None:
        """Raises ValueError where pictures cannot be shown."""
        if not self._stream.isatty() or not shows_pictures(os.environ):
            raise ValueError(_NO_PICTURES)

    def draw(self, image: bytes) -> None:
        """Show the bytes of a picture."""
        if not self._reserved:
            # From now on there is room above the line, and nothing scrolls while a picture is drawn.
            self._stream.write("\r\x1b[K" + "\n" * _ROWS)
            self._reserved = True
        text = base64.b64encode(image).decode("ascii")
        options = f"inline=1;size={len(image)};height={_ROWS};preserveAspectRatio=1"
        self._stream.write(f"\x1b7\r\x1b[{_ROWS}A\x1b]1337;File={options}:{text}\x07\x1b8")
        self._stream.flush()


def keep(path: Path, image: bytes) -> None:
    """Put the newest preview into a file, which is whole at any time."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(image)
    os.replace(part, path)
