"""What a call can raise: one class per canonical code, one `reason` per cause.

Catch the class to know what kind of thing went wrong, compare `reason` to know which. The reasons are part of the API
and listed with each rpc in protos/threed/v1; the sentence of an error is for people and may change.

    try:
        client.assets.get(asset_id)
    except NotFound as error:
        print(error.reason, error.message, error.metadata)
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import betterproto2
import grpc

from threed_client._details import BadRequest, ErrorInfo, RetryInfo
from threed_client._gen.google.rpc import Status

DETAILS_KEY = "grpc-status-details-bin"


class Violation(NamedTuple):
    """A field of the request that breaks a rule, as the server names it, and what the rule is."""

    field: str
    description: str


class ThreedError(Exception):
    """The root of the table.

    `reason` is one word of the API, or empty when no threed server said it (a proxy, a broken connection). `metadata`
    holds every variable of the sentence. `retry_after_s` is in seconds, or None when the server did not say.
    """

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNKNOWN

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        metadata: dict[str, str] | None = None,
        violations: tuple[Violation, ...] = (),
        retry_after_s: float | None = None,
    ):
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = metadata or {}
        self.violations = violations
        self.retry_after_s = retry_after_s


class Cancelled(ThreedError):
    """Raised when the call was cancelled, or when a job is shown as an error after it was."""

    code = grpc.StatusCode.CANCELLED


class Unknown(ThreedError):
    """Raised when what answered gave no code that this client knows."""

    code = grpc.StatusCode.UNKNOWN


class InvalidArgument(ThreedError):
    """Raised when a request or a file breaks a rule. `violations` names the fields. Do not repeat it unchanged."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class DeadlineExceeded(ThreedError):
    """Raised when the answer did not come in time. The server may have done the work."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class NotFound(ThreedError):
    """Raised when no such resource is in the token's project."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExists(ThreedError):
    """Raised when a resource of that id is there already."""

    code = grpc.StatusCode.ALREADY_EXISTS


class PermissionDenied(ThreedError):
    """Raised when the token's role does not allow the call."""

    code = grpc.StatusCode.PERMISSION_DENIED


class ResourceExhausted(ThreedError):
    """Raised when a limit is reached: too large, too many, no room."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class FailedPrecondition(ThreedError):
    """Raised when the resource is not in a state that allows the call."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class Aborted(ThreedError):
    """Raised when somebody else was faster: another writer, another change. Read again, then decide."""

    code = grpc.StatusCode.ABORTED


class OutOfRange(ThreedError):
    """Raised when an offset is not where the server goes on."""

    code = grpc.StatusCode.OUT_OF_RANGE


class Unimplemented(ThreedError):
    """Raised when what answered does not know the call: an older server, or no threed server at all."""

    code = grpc.StatusCode.UNIMPLEMENTED


class Internal(ThreedError):
    """Raised when the server or a job failed by its own fault."""

    code = grpc.StatusCode.INTERNAL


class Unavailable(ThreedError):
    """Raised when no server answers, after the retries."""

    code = grpc.StatusCode.UNAVAILABLE


class DataLoss(ThreedError):
    """Raised when bytes are not those that were declared."""

    code = grpc.StatusCode.DATA_LOSS


class Unauthenticated(ThreedError):
    """Raised when the token is missing, expired or not accepted."""

    code = grpc.StatusCode.UNAUTHENTICATED


_BY_CODE = {cls.code.value[0]: cls for cls in ThreedError.__subclasses__()}


def from_status(status: Status) -> ThreedError:
    """The error that a google.rpc.Status says: that of a call, or the `error` of a failed asset or job."""
    reason, metadata, violations, retry_after_s = "", {}, (), None
    for packed in status.details:
        detail = _unpack(packed.type_url, packed.value)
        if isinstance(detail, ErrorInfo):
            reason, metadata = detail.reason, dict(detail.metadata)
        elif isinstance(detail, BadRequest):
            violations = tuple(Violation(found.field, found.description) for found in detail.field_violations)
        elif isinstance(detail, RetryInfo) and detail.retry_delay is not None:
            retry_after_s = detail.retry_delay.total_seconds()
    cls = _BY_CODE.get(status.code, Unknown)
    return cls(status.message, reason=reason, metadata=metadata, violations=violations, retry_after_s=retry_after_s)


def from_rpc(error: grpc.RpcError) -> ThreedError:
    """The error that a failed call says. Without details (a proxy, a broken connection) its reason is empty."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY:
            return from_status(Status.FromString(value))
    return from_status(Status(code=error.code().value[0], message=error.details() or error.code().name))


def _unpack(type_url: str, value: bytes) -> betterproto2.Message | None:
    """The detail, if it is one that this client reads. Others are for newer clients."""
    known = {cls.__name__: cls for cls in (ErrorInfo, BadRequest, RetryInfo)}
    cls = known.get(type_url.rpartition("/google.rpc.")[2])
    return cls.FromString(value) if cls else None
