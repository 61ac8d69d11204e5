"""Turns errors into google.rpc.Status, for rpcs and for rows alike: one ErrorInfo, and what else applies."""

from __future__ import annotations

from typing import Any

from google.protobuf import any_pb2, json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from threed.error import DOMAIN, ThreedError


def to_status(error: ThreedError) -> status_pb2.Status:
    """The status that a caller reads."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    details = [_any(info)]
    if error.violations:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
            for field, description in error.violations
        ]
        details.append(_any(error_details_pb2.BadRequest(field_violations=violations)))
    if error.retry_after_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(error.retry_after_s * 1e9))
        details.append(_any(retry))
    return status_pb2.Status(code=int(error.code), message=error.message, details=details)


def to_json(error: ThreedError) -> dict[str, Any]:
    """The same as JSON, for a row."""
    return json_format.MessageToDict(to_status(error))


def from_json(value: dict[str, Any]) -> status_pb2.Status:
    """What `to_json` wrote."""
    return json_format.ParseDict(value, status_pb2.Status())


def _any(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
