"""What a URI inside a file may be: embedded data, or the relative name of a file that came with it."""

from __future__ import annotations

import binascii
import re
from urllib.parse import unquote_to_bytes

from threed.errors import FileMalformed, FileUriForbidden

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_WEB = re.compile(r"https?://", re.IGNORECASE)


def relative(uri: str, where: str) -> str:
    """The decoded relative name of `uri`, with forward slashes. Raises FileUriForbidden for anything else.

    Percent signs are decoded once, as a reader of the file would; what is left is only ever looked up in a table.
    """
    try:
        name = unquote_to_bytes(uri).decode("utf-8")
    except UnicodeDecodeError:
        raise FileMalformed(f"The URI {shown(uri)} is not UTF-8.", where=where) from None
    for text in (uri, name):
        if _SCHEME.match(text):
            _forbid(uri, where, "is an address of its own, and nothing outside the upload is ever fetched")
        if text.startswith(("/", "\\")):
            _forbid(uri, where, "is an absolute path")
        if ".." in re.split(r"[/\\]", text):
            _forbid(uri, where, "leaves the upload through a parent folder")
        if any(ord(sign) < 32 for sign in text):
            _forbid(uri, where, "holds control characters")
    if not name.strip():
        raise FileMalformed("A URI is empty.", where=where)
    return name.replace("\\", "/")


def embedded(uri: str, where: str) -> tuple[str, bytes] | None:
    """(media type, bytes) of a data: URI; None when it is not one. Raises FileMalformed for broken base64."""
    if uri[:5].lower() != "data:":
        return None
    head, comma, body = uri[5:].partition(",")
    if not comma:
        raise FileMalformed("A data: URI has no comma before its data.", where=where)
    media_type = head.split(";")[0].lower()
    if not head.lower().endswith(";base64"):
        return media_type, unquote_to_bytes(body)
    try:
        return media_type, binascii.a2b_base64(body, strict_mode=True)
    except (binascii.Error, ValueError):
        pass
    try:  # Some exporters percent-encode the padding, or leave it out.
        text = unquote_to_bytes(body)
        return media_type, binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise FileMalformed(f"A data: URI is not base64: {error}.", where=where) from None


def is_web_address(uri: object) -> bool:
    """Does it name something on the web? That is never fetched: a file must not make a server call others."""
    return isinstance(uri, str) and _WEB.match(uri) is not None


def shown(uri: str) -> str:
    """A URI as it may stand in a sentence: short, and without control characters."""
    return repr(uri if len(uri) <= 80 else uri[:77] + "...")


def _forbid(uri: str, where: str, why: str) -> None:
    raise FileUriForbidden(
        f"The URI {shown(uri)} {why}. Embed the data, or put the file beside the model in a zip.",
        where=where,
        uri=shown(uri),
    )
