"""How deep a text nests: parsers that recurse along brackets die of some 100,000, so they are counted first."""

from __future__ import annotations

import re

import numpy as np

from threed.errors import FileTooComplex

_BLOCK = 1 << 24


def check_nesting(text: bytes, quoted: re.Pattern[bytes], most: int, where: str) -> None:
    """Raises FileTooComplex when brackets of any kind nest deeper than `most`. What `quoted` matches does not count."""
    step = np.zeros(256, np.int8)
    step[list(b"{[(")], step[list(b"}])")] = 1, -1
    bare = np.frombuffer(quoted.sub(b"", text), np.uint8)
    depth = 0
    for start in range(0, len(bare), _BLOCK):
        depths = depth + np.cumsum(step[bare[start : start + _BLOCK]], dtype=np.int64)
        if depths.max() > most:
            raise FileTooComplex(f"Brackets nest deeper than {most}. Export the file again, flatter.", where=where)
        depth = int(depths[-1])
