"""What the server says of a file from its beginning."""

from __future__ import annotations

import struct

import pytest

from threed import sniffing
from threed.errors import FileEmpty, FileFormatUnknown, FileMalformed, FileTruncated


@pytest.mark.parametrize(
    ("head", "size", "error"),
    [
        (b"", 0, FileEmpty),
        (b"%PDF-1.7", 8, FileFormatUnknown),
        (bytes(257) + b"ustar", 10_000, FileFormatUnknown),
        (b"glTF", 4, FileTruncated),
        (struct.pack("<4sII", b"glTF", 2, 100), 99, FileTruncated),
        (struct.pack("<4sII", b"glTF", 1, 12), 12, FileMalformed),
    ],
)
def test_what_surely_fails_is_refused(head: bytes, size: int, error: type):
    with pytest.raises(error):
        sniffing.check(head, size, "x")


@pytest.mark.parametrize(
    ("head", "size"),
    [
        (struct.pack("<4sII", b"glTF", 2, 12), 12),
        (b"v 0 0 0\n", 8),
        (b"BZh" + bytes(77) + struct.pack("<I", 2), 184),
        (bytes(300), 300),
    ],
)
def test_everything_else_is_left_to_a_worker(head: bytes, size: int):
    sniffing.check(head, size, "x")
