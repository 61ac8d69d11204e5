"""Fills the template envoy/envoy.yaml.

Two marks, each on a line of its own, and one anywhere:

    # [name        the lines until `# name]` stay when that truth holds, else they go
    ${name}        becomes the value, as JSON (which YAML reads). A list alone on a line becomes one item a line.

Both names must be known, and everything that is given must be used: a mark that was forgotten is an error, not a hole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_OPEN, _CLOSE = re.compile(r"\s*# \[(\w+)$"), re.compile(r"\s*# (\w+)\]$")
_ITEMS = re.compile(r"^(\s*)\$\{(\w+)\}$")
_VALUE = re.compile(r"\$\{(\w+)\}")


def fill(template: str, truths: Mapping[str, bool], values: Mapping[str, object]) -> str:
    """The template with its marks replaced. Raises ValueError for one that is unknown, unbalanced or unused."""
    used: set[str] = set()
    lines = [_line(line, values, used) for line in _kept(template.splitlines(), truths, used)]
    unused = (set(truths) | set(values)) - used - _named(template)
    if unused:
        raise ValueError(f"The template does not use {', '.join(sorted(unused))}.")
    return "\n".join(lines) + "\n"


def _kept(lines: list[str], truths: Mapping[str, bool], used: set[str]) -> list[str]:
    kept, open_marks = [], []
    for number, line in enumerate(lines, 1):
        if opening := _OPEN.match(line):
            name = opening[1]
            if name not in truths:
                raise ValueError(f"Line {number} of the template asks for {name}, which is not known.")
            open_marks.append(name)
            used.add(name)
        elif (closing := _CLOSE.match(line)) and open_marks[-1:] == [closing[1]]:
            open_marks.pop()
        elif closing:
            raise ValueError(f"Line {number} of the template closes {closing[1]}, which is not the last one opened.")
        elif all(truths[name] for name in open_marks):
            kept.append(line)
    if open_marks:
        raise ValueError(f"The template never closes {open_marks[-1]}.")
    return kept


def _line(line: str, values: Mapping[str, object], used: set[str]) -> str:
    if line.lstrip().startswith("#"):
        return line

    def value(found: re.Match[str]) -> str:
        name = found[found.lastindex]
        if name not in values:
            raise ValueError(f"The template asks for {name}, which is not known.")
        used.add(name)
        return values[name]

    if (alone := _ITEMS.match(line)) and isinstance(value(alone), list):
        return "\n".join(f"{alone[1]}- {json.dumps(item)}" for item in values[alone[2]])
    return _VALUE.sub(lambda found: json.dumps(value(found)), line)


def _named(template: str) -> set[str]:
    """Every name that the template has, in parts too that do not stay."""
    return {found[1] for found in _VALUE.finditer(template)}
