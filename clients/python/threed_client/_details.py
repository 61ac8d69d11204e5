"""The messages of google/rpc/error_details.proto that a threed server sends. They travel inside an Any of a Status.

Written by hand: the contract names google.rpc.Status only, so the generator leaves its details out. Registered in the
pool, so that the JSON of a failed asset or job shows them too.
"""

# ruff: noqa: RUF009 -- fields of betterproto2 messages are made by calls
from __future__ import annotations

import datetime
from dataclasses import dataclass

import betterproto2

from threed_client._gen.google.protobuf import Duration
from threed_client._gen.message_pool import default_message_pool


@dataclass(eq=False, repr=False)
class ErrorInfo(betterproto2.Message):
    """Why, in a word that never changes: `reason` within `domain`, and every variable of the sentence."""

    reason: str = betterproto2.field(1, betterproto2.TYPE_STRING)
    domain: str = betterproto2.field(2, betterproto2.TYPE_STRING)
    metadata: dict[str, str] = betterproto2.field(
        3, betterproto2.TYPE_MAP, map_meta=betterproto2.map_meta(betterproto2.TYPE_STRING, betterproto2.TYPE_STRING)
    )


@dataclass(eq=False, repr=False)
class FieldViolation(betterproto2.Message):
    """One field of the request that breaks a rule."""

    field: str = betterproto2.field(1, betterproto2.TYPE_STRING)
    description: str = betterproto2.field(2, betterproto2.TYPE_STRING)
    reason: str = betterproto2.field(3, betterproto2.TYPE_STRING)


@dataclass(eq=False, repr=False)
class BadRequest(betterproto2.Message):
    """Every field of the request that breaks a rule."""

    field_violations: list[FieldViolation] = betterproto2.field(1, betterproto2.TYPE_MESSAGE, repeated=True)


@dataclass(eq=False, repr=False)
class RetryInfo(betterproto2.Message):
    """How long to wait before the call is made again."""

    retry_delay: datetime.timedelta | None = betterproto2.field(
        1, betterproto2.TYPE_MESSAGE, unwrap=lambda: Duration, optional=True
    )


for _message in (ErrorInfo, BadRequest, RetryInfo):
    default_message_pool.register_message("google.rpc", _message.__name__, _message)
default_message_pool.register_message("google.rpc", "BadRequest.FieldViolation", FieldViolation)
