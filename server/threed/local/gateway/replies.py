"""What the gateway itself answers: google.rpc.Status with exactly one ErrorInfo, as the server's errors are.

REST callers get it as JSON, gRPC callers as status, message and `grpc-status-details-bin`. Envoy takes the first mapper
that fits, so the order here is the order there.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace

from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from threed.error import DOMAIN
from threed.errors import Code, Internal, TokenInvalid, Unavailable
from threed.local.gateway.settings import Gateway

RETRY_AFTER_S = 1
_ANSWER = "%LOCAL_REPLY_BODY%"


@dataclass(frozen=True)
class Reply:
    """What an HTTP status of the gateway's own becomes.

    `grpc` is the code that Envoy gives gRPC callers for it; `instead` another status that it is sent with; `header`
    one that the request must have for this reply.
    """

    http: int
    code: Code
    reason: str
    sentence: str
    retry: bool = False
    grpc: Code | None = None
    instead: int | None = None
    header: str = ""


def replies(gateway: Gateway) -> list[Reply]:
    """Every answer that the gateway makes. The reasons are part of the API (envoy/README.md)."""
    bad_token = Reply(
        401,
        Code.UNAUTHENTICATED,
        TokenInvalid.reason,
        "The token is expired, forged, or for another audience. Get a new one.",
        grpc=Code.UNAUTHENTICATED,
    )
    return [
        Reply(400, Code.INVALID_ARGUMENT, "HTTP_REQUEST_INVALID", f"The request does not fit the contract: {_ANSWER}"),
        bad_token,
        Reply(403, Code.UNIMPLEMENTED, "HTTP_UPGRADE_UNKNOWN", "No WebSockets here: watch by SSE.", header="upgrade"),
        # For Envoy a token for another audience is good but not allowed; for the API no token of another audience is.
        replace(bad_token, http=403, instead=401),
        Reply(
            404,
            Code.NOT_FOUND,
            "METHOD_UNKNOWN",
            "Nothing answers here. docs/openapi.yaml lists every path, server reflection every rpc.",
            grpc=Code.UNIMPLEMENTED,
        ),
        Reply(
            405,
            Code.UNIMPLEMENTED,
            "HTTP_METHOD_NOT_ALLOWED",
            "This path takes other HTTP methods: the Allow header names them.",
        ),
        Reply(408, Code.DEADLINE_EXCEEDED, "REQUEST_TIMEOUT", "The request did not come in time. Send it again."),
        Reply(
            413,
            Code.RESOURCE_EXHAUSTED,
            "BODY_TOO_LARGE",
            f"The body is too large. At most {gateway.max_json_bytes} bytes of JSON are taken, or "
            f"{gateway.max_chunk_bytes} bytes of a chunk. Send smaller chunks, or the file to /v1/assets/upload.",
        ),
        Reply(
            429,
            Code.RESOURCE_EXHAUSTED,
            "RATE_LIMITED",
            "Too many calls. Wait for retry_delay, then call less often.",
            retry=True,
            grpc=Code.RESOURCE_EXHAUSTED,
        ),
        Reply(426, Code.UNIMPLEMENTED, "HTTP_VERSION_UNKNOWN", "Use HTTP/1.1 or HTTP/2."),
        Reply(431, Code.INVALID_ARGUMENT, "HEADERS_TOO_LARGE", "The headers are larger than 60 KiB. Send fewer."),
        Reply(500, Code.INTERNAL, Internal.reason, "The gateway failed. Its log has the request_id of x-request-id."),
        Reply(502, Code.UNAVAILABLE, Unavailable.reason, "The server broke off its answer. Call again.", retry=True),
        Reply(
            503,
            Code.UNAVAILABLE,
            Unavailable.reason,
            "The server is away for a moment. Call again.",
            retry=True,
            grpc=Code.UNAVAILABLE,
        ),
        Reply(504, Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "The server did not answer in time. Call again."),
    ]


def mappers(gateway: Gateway) -> list[dict]:
    """Envoy's local_reply_config.mappers."""
    table = replies(gateway)
    already_json = {
        # The strict body check has made the whole answer; the filter that made it says so in its metadata.
        "filter": {
            "metadata_filter": {
                "matcher": {
                    "filter": "envoy.filters.http.lua",
                    "path": [{"key": "answered"}],
                    "value": {"bool_match": True},
                },
                "match_if_key_not_found": {"value": False},
            }
        },
        "body_format_override": {
            "text_format_source": {"inline_string": _ANSWER},
            "content_type": "application/json",
        },
    }
    return [already_json, *(_grpc(reply) for reply in table if reply.grpc), _GRPC_ELSE, *map(_json, table)]


def _status_is(http: int) -> dict:
    return {
        "status_code_filter": {"comparison": {"op": "EQ", "value": {"default_value": http, "runtime_key": "unused"}}}
    }


# A transcoded call has become gRPC by the time the server is found to be away: its first path tells it from a real one.
_FROM_GRPC = [
    {"header_filter": {"header": {"name": "content-type", "string_match": {"prefix": "application/grpc"}}}},
    {"header_filter": {"header": {"name": "x-envoy-original-path", "present_match": True, "invert_match": True}}},
]
_GRPC_ELSE = {"filter": {"and_filter": {"filters": _FROM_GRPC}}}


def _json(reply: Reply) -> dict:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reply.reason,
        "domain": DOMAIN,
        "metadata": {"detail": "%RESPONSE_CODE_DETAILS%"},
    }
    details: list[dict] = [info]
    if reply.retry:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{RETRY_AFTER_S}s"})
    body = {"code": int(reply.code), "message": reply.sentence, "details": details}
    condition = _status_is(reply.http)
    if reply.header:
        has_header = {"header_filter": {"header": {"name": reply.header, "present_match": True}}}
        condition = {"and_filter": {"filters": [condition, has_header]}}
    return _sent_as(reply, {"filter": condition, "body_format_override": {"json_format": body}})


def _grpc(reply: Reply) -> dict:
    details = base64.b64encode(_status(reply).SerializeToString()).rstrip(b"=").decode()
    mapper = {
        "filter": {"and_filter": {"filters": [_status_is(reply.http), *_FROM_GRPC]}},
        "body_format_override": {"text_format_source": {"inline_string": reply.sentence}},
        "headers_to_add": [{"header": {"key": "grpc-status-details-bin", "value": details}}],
    }
    return _sent_as(reply, mapper)


def _sent_as(reply: Reply, mapper: dict) -> dict:
    return mapper | {"status_code": reply.instead} if reply.instead else mapper


def _status(reply: Reply) -> status_pb2.Status:
    status = status_pb2.Status(code=int(reply.grpc), message=reply.sentence)
    details = [error_details_pb2.ErrorInfo(reason=reply.reason, domain=DOMAIN)]
    if reply.retry:
        details.append(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=RETRY_AFTER_S)))
    for each in details:
        packed = any_pb2.Any()
        packed.Pack(each)
        status.details.append(packed)
    return status
