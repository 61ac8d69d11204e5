"""Every id is made, parsed and written here.

An id is a type prefix and a UUIDv7 in lower-case base32 (RFC 4648 without padding, alphabet in ASCII order so that
ids sort by time): `ast_06f3k9...`, 4 + 26 characters. The database holds the bare UUID.
"""

from __future__ import annotations

import secrets
import time
import uuid

from threed.errors import IdInvalid

# "base32hex" (RFC 4648 section 7): its alphabet is in ASCII order, so text order is time order.
_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_LENGTH = 26

PREFIXES = {
    "asset": "ast_",
    "upload": "upl_",
    "scene": "scn_",
    "render_job": "rnd_",
    "derivative": "drv_",
    "recipe": "rcp_",
    "event": "evt_",
}
# The field that names such a resource in requests, for refusals.
FIELDS = {
    "asset": "asset_id",
    "upload": "upload_id",
    "scene": "scene_id",
    "render_job": "job_id",
    "derivative": "derivative_id",
    "recipe": "recipe_id",
    "event": "event_id",
}


def uuid7() -> uuid.UUID:
    """A new UUIDv7 (RFC 9562 section 5.7): 48 bits of milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def write(kind: str, value: uuid.UUID) -> str:
    """The public id of a resource of that kind (a key of PREFIXES)."""
    digits = [_ALPHABET[value.int >> shift & 31] for shift in range(125, -1, -5)]
    return PREFIXES[kind] + "".join(digits)


def parse(kind: str, text: str, field: str = "") -> uuid.UUID:
    """The UUID in a public id. Raises IdInvalid when it is of another type or not an id at all."""
    prefix = PREFIXES[kind]
    field = field or FIELDS[kind]
    body = text.removeprefix(prefix)
    well_formed = text.startswith(prefix) and len(body) == _LENGTH and all(c in _VALUES for c in body)
    value = 0
    if well_formed:
        for character in body:
            value = value << 5 | _VALUES[character]
    if not well_formed or value >> 128:
        sentence = (
            f"{field} must be an id like {prefix}{'0' * 6}..., {len(prefix) + _LENGTH} characters; got {text[:64]!r}."
        )
        raise IdInvalid(sentence, violations=((field, sentence),), field=field, expected_prefix=prefix)
    return uuid.UUID(int=value)
