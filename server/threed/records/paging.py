"""Keyset pages (AIP-158): a page begins exactly after a row, so a deep page costs what the first one does.

A page token is base64url of JSON and an HMAC-SHA256 over it:

    {"k": [sort keys of the last row, its id last], "f": fingerprint of who asked for what}

It holds no secret: only values that the caller was just shown. The fingerprint covers the method, the project, the
order and every argument but page_size and page_token, so a token continues the very list that it came from, or is
refused.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import decimal
import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import ColumnElement, Row, Select, and_, false, literal, or_, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from threed.errors import FieldInvalid, PageTokenInvalid
from threed.records.filters.order import Key, Ordering

DEFAULT_SIZE = 50  # rows, where page_size is 0
MAX_SIZE = 1000  # rows; a larger page_size counts as this
MAX_TOKEN_LENGTH = 16_384  # characters; far above any token that this module writes
_MAC_BYTES = 16
_FINGERPRINT_BYTES = 12
_PURPOSE = b"threed page token 1\0"  # keeps these signatures apart from others made with the same secret


@dataclass(frozen=True)
class PageRequest:
    """One List call: how many rows, after which token, and the fingerprint of everything else."""

    size: int
    token: str
    fingerprint: bytes

    @classmethod
    def of(cls, method: str, project: str, request: Message) -> PageRequest:
        """Read a List request with page_size and page_token. Raises FieldInvalid for a negative page_size.

        `method` is the rpc's full name, `project` the caller's: a token of either other is refused.
        """
        rest = type(request)()
        rest.CopyFrom(request)
        rest.ClearField("page_size")
        rest.ClearField("page_token")
        said = (method, project, rest.SerializeToString(deterministic=True).hex())
        return cls(page_size(request.page_size), request.page_token, _digest("\0".join(said).encode()))


@dataclass(frozen=True)
class Page:
    """The rows of one page, and the token of the next; "" at the end. Rows end in the order's sort keys."""

    rows: Sequence[Row]
    next_token: str


class PageTokens:
    """Writes and reads page tokens. Every server process of a deployment needs the same secret."""

    def __init__(self, secret: bytes):
        if len(secret) < 16:
            raise ValueError(
                "The secret of page tokens has fewer than 16 bytes. Make one with secrets.token_bytes(32)."
            )
        self._secret = secret

    def write(self, fingerprint: bytes, values: Sequence[object]) -> str:
        payload = json.dumps(
            {"k": [_encoded(value) for value in values], "f": base64.b64encode(fingerprint).decode()},
            separators=(",", ":"),
            ensure_ascii=False,
        ).encode()
        return base64.urlsafe_b64encode(payload + self._mac(payload)).rstrip(b"=").decode()

    def read(self, token: str, fingerprint: bytes) -> tuple[object, ...]:
        """The sort keys of the row to begin after. Raises PageTokenInvalid."""
        signed = _decoded_base64(token)
        payload, mac = signed[:-_MAC_BYTES], signed[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload)):
            raise _altered()
        content = json.loads(payload)
        if content["f"] != base64.b64encode(fingerprint).decode():
            raise PageTokenInvalid(
                "The page token is of another list. Send the same project, filter, order_by and other arguments as in "
                "the call that returned it (page_size may change), or start again without a token.",
                violations=(("page_token", "It belongs to a call with other arguments."),),
            )
        return tuple(_decoded(value) for value in content["k"])

    def _mac(self, payload: bytes) -> bytes:
        return hmac.new(self._secret, _PURPOSE + payload, hashlib.sha256).digest()[:_MAC_BYTES]


async def page(
    connection: AsyncConnection | AsyncSession,
    statement: Select[Any],
    ordering: Ordering,
    request: PageRequest,
    tokens: PageTokens,
) -> Page:
    """Run the statement for one page. Raises PageTokenInvalid.

    The statement has its WHERE, which must hold the project, and neither order nor limit; it must not group.
    """
    fingerprint = _digest(request.fingerprint + str(ordering).encode())
    if request.token:
        statement = statement.where(after(ordering, tokens.read(request.token, fingerprint)))
    keys = [key.column.label(f"_sort_key_{i}") for i, key in enumerate(ordering.keys)]
    statement = statement.add_columns(*keys).order_by(*ordering.clauses()).limit(request.size + 1)
    rows = (await connection.execute(statement)).all()
    if len(rows) <= request.size:
        return Page(rows, "")
    rows = rows[: request.size]
    return Page(rows, tokens.write(fingerprint, rows[-1][-len(keys) :]))


def after(ordering: Ordering, values: Sequence[object]) -> ColumnElement[bool]:
    """The condition of the rows that come after the one with these sort keys.

    One comparison of rows where all keys go one way and are never null, which a single index serves; else
    a > x OR (a = x AND b > y) OR ..., with a >= x in front as the range that an index on `a` can start from.
    """
    keys = ordering.keys
    if len({key.descending for key in keys}) == 1 and not any(key.nullable for key in keys):
        left = tuple_(*(key.column for key in keys))
        right = tuple_(*(_bound(key, value) for key, value in zip(keys, values, strict=True)))
        return left < right if keys[0].descending else left > right
    alternatives = []
    same: list[ColumnElement[bool]] = []
    for key, value in zip(keys, values, strict=True):
        alternatives.append(and_(*same, _later(key, value)))
        same.append(key.column.is_(None) if value is None else key.column == _bound(key, value))
    return and_(*_range(keys[0], values[0]), or_(*alternatives))


def page_size(asked: int) -> int:
    """Rows of a page: 0 is the default, too many is the maximum. Raises FieldInvalid when negative."""
    if asked < 0:
        problem = f"page_size is {asked}. Send 0 for the default of {DEFAULT_SIZE}, or 1 to {MAX_SIZE}."
        raise FieldInvalid(problem, violations=(("page_size", problem),), page_size=asked)
    return min(asked or DEFAULT_SIZE, MAX_SIZE)


def _range(key: Key, value: object) -> tuple[ColumnElement[bool], ...]:
    if key.nullable:
        return ()
    return (key.column <= _bound(key, value) if key.descending else key.column >= _bound(key, value),)


def _later(key: Key, value: object) -> ColumnElement[bool]:
    """Rows whose key sorts after the value; unset sorts last, so nothing comes after it."""
    if value is None:
        return false()
    further = key.column < _bound(key, value) if key.descending else key.column > _bound(key, value)
    return or_(further, key.column.is_(None)) if key.nullable else further


def _bound(key: Key, value: object) -> ColumnElement:
    return literal(value, key.column.type)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:_FINGERPRINT_BYTES]


def _decoded_base64(token: str) -> bytes:
    """The bytes, if this is the one way to write them: spare bits, padding and foreign signs are refused."""
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise _altered()
    try:
        signed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except binascii.Error:
        raise _altered() from None
    if base64.urlsafe_b64encode(signed).rstrip(b"=").decode() != token:
        raise _altered()
    return signed


def _altered() -> PageTokenInvalid:
    return PageTokenInvalid(
        "The page token is not one that this server wrote. Send next_page_token exactly as it came, or start again "
        "without a token.",
        violations=(("page_token", "It was altered, cut, or written by another server."),),
    )


def _encoded(value: object) -> object:
    """A sort key as JSON: what JSON lacks is an object with the name of its type."""
    match value:
        case datetime.datetime():
            return {"time": value.isoformat()}
        case datetime.timedelta():
            return {"us": value // datetime.timedelta(microseconds=1)}
        case decimal.Decimal():
            return {"decimal": str(value)}
        case uuid.UUID():
            return {"uuid": value.hex}
        case _:
            return value


def _decoded(value: object) -> object:
    match value:
        case {"time": text}:
            return datetime.datetime.fromisoformat(text)
        case {"us": number}:
            return datetime.timedelta(microseconds=number)
        case {"decimal": text}:
            return decimal.Decimal(text)
        case {"uuid": text}:
            return uuid.UUID(hex=text)
        case _:
            return value
