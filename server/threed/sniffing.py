"""What can be said of a file from its first bytes and its size, before a worker looks: refuse early what surely fails.

Nothing is accepted here; a worker decides what a file is, in a sandbox.
"""

from __future__ import annotations

import struct

from threed.errors import FileEmpty, FileFormatUnknown, FileMalformed, FileTruncated

HEAD_BYTES = 4096

# (offset, bytes there, what it is): nothing that a model or picture of any format begins with.
NEVER = (
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x1f\x8b", "a gzip file"),
    (0, b"BZh", "a bzip2 file"),
    (0, b"\xfd7zXZ", "an xz file"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
    (4, b"ftyp", "a film, or an AVIF or HEIF picture"),
)


def check(head: bytes, size: int, filename: str) -> None:
    """Raises FileEmpty, FileFormatUnknown, FileTruncated or FileMalformed for what is seen at once."""
    if size == 0:
        raise FileEmpty("The upload has no bytes. Send the file's content.", filename=filename)
    if _has_the_size_of_an_stl(head, size):
        return
    for offset, signature, what in NEVER:
        if head[offset : offset + len(signature)] == signature:
            sentence = f"The content looks like {what}. Send a model or a picture; GetCapabilities lists the formats."
            raise FileFormatUnknown(sentence, filename=filename, looks_like=what, where="byte 0")
    if head[:4] == b"glTF":
        _check_glb(head, size)


def _has_the_size_of_an_stl(head: bytes, size: int) -> bool:
    """A binary STL begins with 80 bytes of anything; its count of triangles (50 bytes each) comes after."""
    return len(head) >= 84 and size == 84 + 50 * struct.unpack_from("<I", head, 80)[0]


def _check_glb(head: bytes, size: int) -> None:
    """glTF 2.0, section 4.4.2: the header tells the length of the file."""
    if len(head) < 12:
        raise FileTruncated(f"The GLB ends after {len(head)} bytes, within its header. Send it whole.", where="byte 4")
    version, length = struct.unpack_from("<II", head, 4)
    if version != 2:
        sentence = f"The GLB is of version {version}; glTF 2.0 is read. Convert it, for example with gltf-transform."
        raise FileMalformed(sentence, where="byte 4", version=version)
    if length > size:
        sentence = f"The GLB says that it has {length} bytes, but {size} came. Send it whole."
        raise FileTruncated(sentence, where="byte 8", declared_length=length, size=size)
