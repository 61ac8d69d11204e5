"""The contract as the tests read it: every method, with its REST binding, from the generated modules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from google.api import annotations_pb2
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from threed.app import CONTRACT
from threed.v1 import access_pb2

METHODS: list[MethodDescriptor] = [
    method for file in CONTRACT for service in file.services_by_name.values() for method in service.methods
]
BY_NAME = {method.name: method for method in METHODS}
_VARIABLE = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True)
class HttpCall:
    """One REST call. `body` is JSON text, or raw bytes where the contract says HttpBody."""

    verb: str
    path: str
    body: bytes | None = None
    content_type: str = ""


def role_of(method: MethodDescriptor) -> int:
    """The lowest role that may call it, as the contract declares."""
    return method.GetOptions().Extensions[access_pb2.role]


def request_class(method: MethodDescriptor) -> type[Message]:
    return message_factory.GetMessageClass(method.input_type)


def response_class(method: MethodDescriptor) -> type[Message]:
    return message_factory.GetMessageClass(method.output_type)


def grpc_path(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def http_rule(method: MethodDescriptor) -> Any:
    """The google.api.http annotation, or None: the bidirectional stream has no REST form."""
    options = method.GetOptions()
    return options.Extensions[annotations_pb2.http] if options.HasExtension(annotations_pb2.http) else None


def http_call(method: MethodDescriptor, request: Message) -> HttpCall:
    """What a caller sends over REST to say `request`, by the rules of google.api.http."""
    rule = http_rule(method)
    verb = rule.WhichOneof("pattern")
    said = json_format.MessageToDict(request, preserving_proto_field_name=True)
    path = _VARIABLE.sub(lambda found: quote(str(_taken(request, said, found[1])), safe=""), getattr(rule, verb))
    if rule.body == "media":
        said.pop("media", None)
        media = request.media
        return HttpCall(verb.upper(), path + _query(said), media.data, media.content_type or "application/octet-stream")
    if not rule.body:
        return HttpCall(verb.upper(), path + _query(said))
    body = said if rule.body == "*" else said.pop(rule.body, {})
    query = "" if rule.body == "*" else _query(said)
    message = request if rule.body == "*" else getattr(request, rule.body)
    text = json_format.MessageToJson(json_format.ParseDict(body, type(message)()), indent=None)
    return HttpCall(verb.upper(), path + query, text.encode(), "application/json")


def _taken(request: Message, said: dict, path: str) -> Any:
    """Take a path variable out of what is said: it must not be repeated in query or body."""
    *above, last = path.split(".")
    for name in above:
        request, said = getattr(request, name), said.setdefault(name, {})
    said.pop(last, None)
    return getattr(request, last)


def _query(said: dict, prefix: str = "") -> str:
    pairs = list(_pairs(said, prefix))
    return "?" + urlencode(pairs, quote_via=quote) if pairs else ""


def _pairs(said: dict, prefix: str) -> Any:
    for name, value in said.items():
        if isinstance(value, dict):
            yield from _pairs(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield from ((prefix + name, each) for each in value)
        else:
            yield prefix + name, str(value).lower() if isinstance(value, bool) else value
