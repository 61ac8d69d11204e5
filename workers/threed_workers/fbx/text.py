"""FBX as text, versions 3000 to 7700, to a tree of nodes.

    Name: value, value, "text", word { child: ... }   ; comment

Numbers in a row become one array. One pass with an explicit stack; every expression is linear.
"""

from __future__ import annotations

import re

import numpy as np

from threed.errors import FileMalformed, FileTooComplex, FileTruncated
from threed_workers.fbx.node import MOST_DEPTH, Ledger, Node

_BLANK = re.compile(rb"(?:[\s\0]+|;[^\n]*)*")
_KEY = re.compile(rb"([A-Za-z0-9_][^\s:;,{}\"*]*)[ \t]*:")
_TEXT = re.compile(rb'"([^"]*)"')
_COUNT = re.compile(rb"\*[ \t]*[0-9]+")
_NUMBER = rb"[-+]?[0-9.][-+0-9.eE]*"
# At most so many at once, for the expression's own memory.
_NUMBERS = re.compile(_NUMBER + rb"(?:[ \t\r\n]*,[ \t\r\n]*" + _NUMBER + rb"){0,100000}(?=[\s,;}{]|$)")
_WORD = re.compile(rb"[^\s:;,{}\"*]+")
# Shorter runs stay scalars: identifiers need all of their 64 bits.
_RUN = 16
_ESCAPES = {b"&quot;": b'"', b"&lf;": b"\n", b"&cr;": b"\r"}
_ESCAPE = re.compile(rb"&(?:quot|lf|cr);")


def read_text(data: memoryview, ledger: Ledger) -> tuple[int, Node]:
    """(version, root). Raises FileMalformed, FileTruncated or FileTooComplex; `where` is a byte offset."""
    root = Node("", "byte 0")
    open_nodes, node = [root], None
    place = 3 if bytes(data[:3]) == b"\xef\xbb\xbf" else 0
    while True:
        place = _BLANK.match(data, place).end()
        if place >= len(data):
            break
        sign = data[place]
        key = _KEY.match(data, place)
        if key:
            where = f"byte {place}"
            ledger.take_node(where)
            node = Node(key[1].decode("utf-8", "replace"), where)
            open_nodes[-1].children.append(node)
            place = key.end()
        elif sign == 0x7D:  # }
            if len(open_nodes) == 1:
                raise FileMalformed("A closing brace has no opening one.", where=f"byte {place}")
            open_nodes.pop()
            node = None
            place += 1
        elif node is None:
            raise FileMalformed("A value belongs to no name.", where=f"byte {place}")
        elif sign == 0x7B:  # {
            if len(open_nodes) > MOST_DEPTH:
                raise FileTooComplex(f"Nodes are nested deeper than {MOST_DEPTH}.", where=f"byte {place}")
            open_nodes.append(node)
            node = None
            place += 1
        elif sign == 0x2C:  # ,
            place += 1
        else:
            place = _value(data, place, node, ledger)
    if len(open_nodes) > 1:
        raise FileTruncated(f"The file ends within {open_nodes[-1].name}. Upload it whole.", where=f"byte {len(data)}")
    return _version(root, data), root


def _value(data: memoryview, place: int, node: Node, ledger: Ledger) -> int:
    found = _NUMBERS.match(data, place)
    if found:
        numbers = found[0].split(b",")
        if len(numbers) >= _RUN:
            node.values.append(_array(numbers, place, ledger))
        else:
            node.values += [_number(number, place) for number in numbers]
        return found.end()
    found = _TEXT.match(data, place)
    if found:
        text = _ESCAPE.sub(lambda match: _ESCAPES[match[0]], found[1])
        node.values.append(text.decode("utf-8", "replace"))
        return found.end()
    if data[place] == 0x22:
        raise FileTruncated("A text has no closing quote.", where=f"byte {place}")
    found = _COUNT.match(data, place)
    if found:
        return found.end()
    found = _WORD.match(data, place)
    if not found:
        raise FileMalformed("This is neither a name nor a value.", where=f"byte {place}")
    node.values.append(_word(found[0]))
    return found.end()


def _number(text: bytes, place: int) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise FileMalformed(f"{text[:40].decode('ascii', 'replace')!r} is no number.", where=f"byte {place}") from None


def _array(numbers: list[bytes], place: int, ledger: Ledger) -> np.ndarray:
    ledger.take_bytes(8 * len(numbers), f"byte {place}")
    for read, dtype in ((int, np.int64), (float, np.float64)):
        try:
            return np.array(list(map(read, numbers)), dtype)
        except (ValueError, OverflowError):
            continue
    return np.array([_number(number, place) for number in numbers], np.float64)


def _word(text: bytes) -> object:
    """Y, T and other words as they are; what Windows writes for numbers that are none ("1.#QNAN") as NaN."""
    if b"#" in text or text.lower().lstrip(b"+-") in (b"nan", b"inf", b"nan(ind)"):
        return float("nan")
    return text.decode("utf-8", "replace")


def _version(root: Node, data: memoryview) -> int:
    header = root.child("FBXHeaderExtension")
    if header is not None and header.child("FBXVersion") is not None:
        return int(min(max(header.child_number("FBXVersion"), 0), 1e6))
    banner = re.match(rb"\s*;\s*FBX\s+(\d)\.(\d)\.(\d)", bytes(data[:200]))
    return int(banner[1]) * 1000 + int(banner[2]) * 100 + int(banner[3]) * 10 if banner else 0
