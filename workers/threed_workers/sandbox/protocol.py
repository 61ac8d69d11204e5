"""What a child reads and writes on its socket, one JSON object a line.

It reads {"folder", "request"}: one, or as a resident one after another. It writes {"layers"} once; then for each
request {"event"} ... and {"result"} or {"error"}.

The child may have been taken over by what it read. The parent therefore caps what it reads, checks every type, and
rebuilds errors only from the table.
"""

from __future__ import annotations

import errno
import json
import traceback
from collections.abc import Callable

from threed import errors

_LONGEST_MESSAGE, _LONGEST_VALUE, _MOST_ENTRIES, _LONGEST_TRACEBACK = 4096, 1024, 100, 16 * 1024
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

# Built before there is no memory left to build it with.
OUT_OF_MEMORY_LINE = (
    b'{"error": {"reason": "JOB_OUT_OF_MEMORY", "message": "The job needs more memory than it may have. '
    b'Send a smaller file, or raise the memory limit."}}\n'
)


class ProtocolBroken(Exception):
    """Raised when a child's output is not what a child writes. The message says what it was, in our words."""


def encode_request(request: dict, folder: str = ".") -> bytes:
    """One line. `folder` is that of this request, below the child's own. Raises TypeError or ValueError."""
    return json.dumps({"folder": folder, "request": request}).encode() + b"\n"


def decode_request(line: bytes) -> tuple[str, dict]:
    """(folder, request) of one line of the worker's."""
    told = json.loads(line)
    return told["folder"], told["request"]


def encode(kind: str, value: object) -> bytes:
    """One line. Raises TypeError or ValueError if `value` is not JSON (NaN is not)."""
    return json.dumps({kind: value}, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def encode_error(error: BaseException) -> bytes:
    """The line for what a step raised."""
    if isinstance(error, MemoryError):
        return OUT_OF_MEMORY_LINE
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        error = errors.JobDiskFull(
            "The job wrote more than its disk limit, or the disk is full. Free space or raise it."
        )
    told: dict[str, object] = {
        "type": type(error).__name__,
        "traceback": "".join(traceback.format_exception(error))[-_LONGEST_TRACEBACK:],
    }
    if isinstance(error, errors.ThreedError):
        told |= {
            "reason": error.reason,
            "message": error.message[:_LONGEST_MESSAGE],
            "metadata": error.metadata,
            "violations": error.violations[:_MOST_ENTRIES],
            "retry_after_s": error.retry_after_s,
        }
    return encode("error", told)


def decode(line: bytes) -> tuple[str, object]:
    """(kind, value) of one line. Raises ProtocolBroken for anything that `encode` cannot have written."""
    try:
        message = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as e:
        raise ProtocolBroken(f"a line that is not JSON ({type(e).__name__})") from None
    if not isinstance(message, dict) or len(message) != 1:
        raise ProtocolBroken("a line that is not one named value")
    ((kind, value),) = message.items()
    if kind not in ("layers", "event", "result", "error") or not isinstance(value, dict):
        raise ProtocolBroken("a line of an unknown kind")
    # PostgreSQL's jsonb takes neither NUL nor half a surrogate pair, and names in a file may hold both.
    if b"\\u0000" in line or b"\\ud" in line.lower():
        value = _clean(value)
    return kind, value


def decode_error(told: dict[str, object], step: str) -> errors.ThreedError:
    """The error that a child described, of its class; JobFailed if the table does not have it."""
    found = errors.table().get(_text(told.get("reason"), 100))
    name = _text(told.get("type"), 100) or "an error"
    if found is None:
        return errors.JobFailed(
            f"The step {step} ended by {name}. This is our mistake; see the log.", step=step, type=name
        )
    error = found(
        _text(told.get("message"), _LONGEST_MESSAGE) or f"The step {step} ended by {name}.",
        violations=_violations(told.get("violations")),
        retry_after_s=_seconds(told.get("retry_after_s")),
    )
    metadata = told.get("metadata")
    if isinstance(metadata, dict):  # not as keyword arguments: a key may be called like one of the parameters
        error.metadata = {k[:100]: _text(v, _LONGEST_VALUE) for k, v in list(metadata.items())[:_MOST_ENTRIES]}
    return error


def traceback_of(told: dict[str, object]) -> str:
    """The child's traceback, for the log only."""
    return _text(told.get("traceback"), _LONGEST_TRACEBACK)


def _text(value: object, longest: int) -> str:
    return value[:longest] if isinstance(value, str) else ""


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 86_400 else None


def _violations(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        return ()
    pairs = (v for v in value[:_MOST_ENTRIES] if isinstance(v, list) and len(v) == 2)
    return tuple((_text(field, _LONGEST_VALUE), _text(description, _LONGEST_VALUE)) for field, description in pairs)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _clean(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_clean(v) for v in value]
    if isinstance(value, dict):
        return {_clean(k): _clean(v) for k, v in value.items()}
    return value


Report = Callable[[dict], None]
