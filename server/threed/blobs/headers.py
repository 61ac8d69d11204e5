"""The HTTP header values that a download is made of: RFC 6266 (file names) and RFC 9110 (ranges, validators)."""

from __future__ import annotations

import re
from urllib.parse import quote

from threed.errors import RangeNotSatisfiable

_RANGE = re.compile(r"bytes=[ \t]*(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))[ \t]*", re.IGNORECASE | re.ASCII)
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}"
_CONTENT_TYPE = re.compile(rf'{_TOKEN}/{_TOKEN}(?:; ?{_TOKEN}=(?:{_TOKEN}|"[ !#-\[\]-~]{{0,100}}"))*')
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def content_disposition(filename: str) -> str:
    """`attachment` with a name that cannot leave its folder or its header.

    Control signs, separators and signs that reverse the reading direction become `_`. A name beyond plain ASCII comes
    twice: once reduced, for old clients, and once whole, as UTF-8.

    >>> content_disposition('a "chair".glb')
    'attachment; filename="a _chair_.glb"; filename*=UTF-8\\'\\'a%20%22chair%22.glb'
    """
    name = _UNSAFE.sub("_", filename)[:255].strip(" .") or "download"
    plain = re.sub(r'[^ -~]|["%]', "_", name)
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{extended}'


def content_type(value: str) -> str:
    """The type itself when it is well formed, else the type of unknown bytes."""
    return value if _CONTENT_TYPE.fullmatch(value) else "application/octet-stream"


def matches_any(if_none_match: str, etag: str) -> bool:
    """Whether `If-None-Match` names the entity tag; weak tags compare equal to strong ones (RFC 9110, 13.1.2)."""
    return if_none_match.strip() == "*" or etag in re.findall(r'"[^"]*"', if_none_match)


def range_of(value: str, size: int) -> tuple[int, int] | None:
    """(first byte, number of bytes) of a `Range` header over `size` bytes.

    None means the whole: several ranges, another unit, or a header that makes no sense, all of which a server may
    ignore (RFC 9110, 14.2). Raises RangeNotSatisfiable when no byte of it exists.

    >>> range_of("bytes=2-", 10), range_of("bytes=-3", 10), range_of("bytes=0-1,4-5", 10)
    ((2, 8), (7, 3), None)
    """
    found = _RANGE.fullmatch(value)
    if not found:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        start, end = max(0, size - int(suffix)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= end:
        raise RangeNotSatisfiable(
            f"The file has {size} bytes, and none of them is in the range {value!r}. Ask for a range within it.",
            size=size,
            range=value,
        )
    return start, end - start
