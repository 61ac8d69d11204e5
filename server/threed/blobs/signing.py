"""Download addresses of the disk store: whoever holds one may GET one blob until it expires.

    /blobs/KEY?expires=UNIX&name=FILENAME&type=CONTENT_TYPE&signature=BASE64URL

The signature is HMAC-SHA256 over all four values, as JSON, so that none can be moved into another's place.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import time
from urllib.parse import parse_qsl, quote, unquote, urlencode

from threed.errors import DownloadUrlExpired, DownloadUrlInvalid

PREFIX = "/blobs/"


@dataclasses.dataclass(frozen=True)
class Grant:
    """What a valid address allows. `expires` is in Unix seconds."""

    key: str
    filename: str
    content_type: str
    expires: int


class UrlSigner:
    """`secret` signs; `former` secrets are still accepted, so that a secret can be changed without broken links."""

    def __init__(self, secret: bytes, *former: bytes):
        if len(secret) < 32:
            raise ValueError("The secret that signs download URLs needs at least 32 random bytes.")
        self._secrets = (secret, *former)

    def sign(self, key: str, filename: str, content_type: str, expires: float) -> str:
        """The path and query of a download address."""
        grant = Grant(key, filename, content_type, int(expires))
        query = {
            "expires": grant.expires,
            "name": filename,
            "type": content_type,
            "signature": _signature(self._secrets[0], grant),
        }
        return f"{PREFIX}{quote(key)}?{urlencode(query, quote_via=quote)}"

    def verify(self, path: str, query: str) -> Grant:
        """What the address allows. Raises DownloadUrlInvalid when it is not ours, DownloadUrlExpired when it was."""
        grant, signature = _parse(path, query)
        expected = [_signature(secret, grant) for secret in self._secrets]
        # Every secret is tried and compared in constant time: the time taken tells nothing.
        if not any([hmac.compare_digest(signature, each) for each in expected]):
            raise _invalid()
        if grant.expires <= time.time():
            raise DownloadUrlExpired("This download address has expired. Ask for a new one.", expires=grant.expires)
        return grant


def _parse(path: str, query: str) -> tuple[Grant, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=4)
        fields = dict(pairs)
        if not path.startswith(PREFIX) or len(fields) != len(pairs):
            raise _invalid()
        key = unquote(path.removeprefix(PREFIX), errors="strict")
        expires = fields["expires"]
        if not (expires.isascii() and expires.isdecimal() and len(expires) < 16):
            raise _invalid()
        signature = fields["signature"].encode("ascii").decode()
        return Grant(key, fields["name"], fields["type"], int(expires)), signature
    except (ValueError, KeyError):
        raise _invalid() from None


def _signature(secret: bytes, grant: Grant) -> str:
    text = json.dumps(["threed download 1", *dataclasses.astuple(grant)], separators=(",", ":"))
    return base64.urlsafe_b64encode(hmac.digest(secret, text.encode(), hashlib.sha256)).rstrip(b"=").decode()


def _invalid() -> DownloadUrlInvalid:
    return DownloadUrlInvalid("This download address was altered or is not of this server. Ask for a new one.")
