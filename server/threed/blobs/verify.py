"""What every store checks, and how it says that a check failed."""

from __future__ import annotations

import re

from threed.errors import BlobCorrupt, UploadDigestMismatch, UploadOffsetMismatch, UploadSizeMismatch

# How much is read at a time, in bytes: large enough that hashlib and the system call dominate, small in memory.
READ_BYTES = 1 << 20
_UPLOAD_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")


def check_upload_key(key: str) -> str:
    """An upload key becomes part of file and object names; ours never break this, so a ValueError is a bug."""
    if not _UPLOAD_KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no upload key: use 1 to 128 letters, digits, '_' or '-'.")
    return key


def check_size(have: int, declared: int | None) -> None:
    if declared is not None and have != declared:
        raise UploadSizeMismatch(
            f"The upload has {have} bytes, but {declared} were declared. Send exactly the declared bytes.",
            size=have,
            declared_size=declared,
        )


def check_digest(have: str, declared: str | None) -> None:
    if declared is not None and have != declared.lower():
        raise UploadDigestMismatch(
            f"The bytes have the SHA-256 {have}, but {declared} was declared. Upload the file again.",
            sha256=have,
            declared_sha256=declared,
        )


def missing(key: str) -> BlobCorrupt:
    return BlobCorrupt(f"The stored file {key} is missing. Restore it from a backup, or upload it again.", key=key)


def check_stored(key: str, have: str, sha256: str) -> None:
    if have != sha256.lower():
        raise BlobCorrupt(
            f"The stored file {key} has the SHA-256 {have} instead of {sha256}. Restore it from a backup.",
            key=key,
            sha256=have,
            expected_sha256=sha256,
        )


def check_offset(size: int, offset: int) -> None:
    if offset != size:
        raise UploadOffsetMismatch(
            f"The upload has {size} bytes, but the chunk starts at {offset}. Continue at {size}.",
            committed_size=size,
            offset=offset,
        )
