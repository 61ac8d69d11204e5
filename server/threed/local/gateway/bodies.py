"""What JSON bodies may say, as Lua tables for envoy/strict.lua: every message that a body can reach."""

from __future__ import annotations

import json

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from threed.local.gateway.rest import Contract, Kind

# Their JSON is a value of its own kind, which the transcoder checks.
_SCALAR = {
    f"google.protobuf.{name}"
    for name in (
        "Timestamp Duration FieldMask DoubleValue FloatValue Int64Value UInt64Value Int32Value UInt32Value BoolValue "
        "StringValue BytesValue"
    ).split()
}
# Their JSON has names of the caller's own.
_FREE = {f"google.protobuf.{name}" for name in ("Struct", "Value", "ListValue", "Any")}
_MARK = "-- ${messages}"


def script(contract: Contract, source: str) -> str:
    """strict.lua with the contract's messages in it."""
    if source.count(_MARK) != 1:
        raise ValueError(f"strict.lua must have the line {_MARK!r} once.")
    return source.replace(_MARK, "\n".join(_messages(contract)))


def _messages(contract: Contract) -> list[str]:
    # A body that is a Struct or the like has no table, and every name in it is welcome.
    waiting = {each.message for each in contract.bindings if each.kind is Kind.JSON} - _FREE - _SCALAR
    lines: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        message = contract.pool.FindMessageTypeByName(name)
        fields = [(field, *_target(field)) for field in message.fields]
        lines[name] = _message(message, fields)
        waiting |= {target for _, kind, target in fields if kind == "message"} - lines.keys()
    return [lines[name] for name in sorted(lines)]


def _target(field: FieldDescriptor) -> tuple[str, str]:
    """What a field's values are, "scalar", "message" or "free"; and the name of the message."""
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        return _target(message.fields_by_name["value"])
    if message is None or message.full_name in _SCALAR:
        return "scalar", ""
    if message.full_name in _FREE:
        return "free", ""
    return "message", message.full_name


def _message(message: Descriptor, fields: list[tuple[FieldDescriptor, str, str]]) -> str:
    rows = "".join(f"  {_field(*row)},\n" for row in fields)
    return f"message({json.dumps(message.full_name)}, {{\n{rows}}})"


def _field(field: FieldDescriptor, kind: str, target: str) -> str:
    parts = [json.dumps(field.name), json.dumps(field.json_name)]
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        parts.append("map = true")
    elif field.is_repeated:
        parts.append("list = true")
    if kind == "message":
        parts.append(f"message = {json.dumps(target)}")
    if kind == "free":
        parts.append("free = true")
    oneof = field.containing_oneof
    # proto3 `optional` is a oneof of one, which cannot be given twice.
    if oneof is not None and len(oneof.fields) > 1:
        parts.append(f"oneof = {json.dumps(oneof.name)}")
    return "{" + ", ".join(parts) + "}"
