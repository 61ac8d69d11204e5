"""What the contract says about REST, read from the descriptor set that Envoy transcodes by. Nothing is kept by hand."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor

HTTP_BODY = "google.api.HttpBody"
_VARIABLE = re.compile(r"\{([^=}]+)(?:=([^}]+))?\}")
_LUA_MAGIC = re.compile(r"[-^$()%.\[\]*+?]")


class Kind(enum.Enum):
    """How a method's bytes flow over REST; each kind has its own limits in the gateway."""

    PLAIN = "no body, or one that is small and not JSON"
    JSON = "a JSON body in one piece"
    BYTES = "a body of bytes in one piece"
    UPLOAD = "a stream of bytes in"
    STREAM = "a stream of messages out"


@dataclass(frozen=True)
class Binding:
    """One line of REST: `verb` on paths that match `path` (RE2, whole path) calls `method`."""

    method: str
    verb: str
    path: str
    kind: Kind
    # For JSON: the message that the body is, and the field of the request that it fills ("" for the request itself).
    message: str = ""
    field: str = ""
    # For JSON: fields of the body that the path says too, in order; "" for a variable that is none.
    bound: tuple[str, ...] = ()
    template: str = ""

    @property
    def order(self) -> tuple[int, int, str]:
        """Literal paths stand before variables, and a custom verb before none, as the transcoder prefers them."""
        variables = self.path.count("[^/]+") + 10 * self.path.count(".+")
        return variables, -len(self.path), self.path


class Contract:
    """A descriptor set: its services and their REST bindings."""

    def __init__(self, descriptor_set: bytes):
        files = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set)
        self.pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self.pool.Add(file)
        self.services: list[ServiceDescriptor] = [
            self.pool.FindServiceByName(f"{file.package}.{service.name}")
            for file in files.file
            for service in file.service
        ]
        bindings = [each for service in self.services for method in service.methods for each in _bindings(method)]
        self.bindings = sorted(bindings, key=lambda each: each.order)

    @classmethod
    def read(cls, path: Path) -> Contract:
        return cls(path.read_bytes())


def _bindings(method: MethodDescriptor) -> Iterator[Binding]:
    # The pool's options are of its own classes: parsed again, the extension is known.
    options = descriptor_pb2.MethodOptions.FromString(method.GetOptions().SerializeToString())
    if not options.HasExtension(annotations_pb2.http):
        return
    rule = options.Extensions[annotations_pb2.http]
    for each in (rule, *rule.additional_bindings):
        yield _binding(method, each)


def _binding(method: MethodDescriptor, rule: http_pb2.HttpRule) -> Binding:
    pattern = rule.WhichOneof("pattern")
    verb, template = pattern.upper(), getattr(rule, pattern)
    if pattern == "custom":
        verb, template = rule.custom.kind, rule.custom.path
    body = _body(method.input_type, rule.body)
    bytes_in = body is not None and body.full_name == HTTP_BODY
    if method.server_streaming:
        kind = Kind.STREAM
    elif method.client_streaming:
        kind = Kind.UPLOAD
    elif bytes_in:
        kind = Kind.BYTES
    else:
        kind = Kind.PLAIN if body is None else Kind.JSON
    if not (bytes_in or body is None) and kind is not Kind.JSON:
        raise ValueError(f"{method.full_name}: a stream with a JSON body would be transcoded unchecked. Use HttpBody.")
    field = "" if rule.body == "*" else rule.body
    if kind is not Kind.JSON:
        return Binding(method.full_name, verb, path_regex(template), kind)
    bound = tuple(_within(field, variable[1]) for variable in _VARIABLE.finditer(template))
    return Binding(method.full_name, verb, path_regex(template), kind, body.full_name, field, bound, template)


def _body(request: Descriptor, body: str) -> Descriptor | None:
    """The message that a body is; None without a body."""
    if body in ("", "*"):
        return request if body else None
    field = request.fields_by_name[body]
    if field.message_type is None or field.is_repeated:
        raise ValueError(f"{request.full_name}.{body}: a body that is not one message would be transcoded unchecked.")
    return field.message_type


def _within(field: str, variable: str) -> str:
    """The field of the body that a path variable is; "" when it is another one, or deeper."""
    rest = variable.removeprefix(f"{field}.") if field else variable
    return "" if "." in rest or (field and rest == variable) else rest


def path_regex(template: str) -> str:
    """The paths of a google.api.http template, as RE2 that matches all of the path.

    >>> path_regex("/v1/{name=shelves/*}/books/{book}:read")
    '/v1/shelves/[^/]+/books/[^/]+:read'
    """
    expanded = _VARIABLE.sub(lambda found: found[2] or "*", template)
    escaped = re.escape(expanded).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
    return escaped.replace(r"\-", "-")


def lua_pattern(template: str) -> str:
    """The same paths as a Lua pattern that captures each variable.

    >>> lua_pattern("/v1/scenes/{scene.scene_id}:copy")
    '^/v1/scenes/([^/]+):copy$'
    """
    parts, end = [], 0
    for variable in _VARIABLE.finditer(template):
        parts.append(_LUA_MAGIC.sub(r"%\g<0>", template[end : variable.start()]))
        parts.append("([^/]+)" if variable[2] in (None, "*") else "(.+)")
        end = variable.end()
    return "^" + "".join(parts) + _LUA_MAGIC.sub(r"%\g<0>", template[end:]) + "$"
