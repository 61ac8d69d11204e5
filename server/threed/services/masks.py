"""What an Update may change: field masks (AIP-134, 161, 203) over any protobuf message, and etags (AIP-154).

A mask means:

* absent: every populated field of the request, down into sub-messages; nothing is cleared. Lists, maps, Structs,
  timestamps and their like count as one field.
* `*`, alone: the whole resource. What the request does not set is cleared.
* paths, in snake_case or lowerCamelCase: each is replaced as a whole, and cleared where the request does not set it.
  A path leads through sub-messages, and may end in one key of a Struct or of a map with text as keys:
  `metadata.author`, or ``metadata.`two words` `` for a key with other signs. There is no way into a list; replace it.

Over REST a mask's paths are rewritten from lowerCamelCase, so that `metadata.myKey` arrives as `metadata.my_key`. A key
that neither the request nor the resource has is therefore refused, instead of quietly changing nothing.

By google.api.field_behavior: OUTPUT_ONLY fields are ignored wherever they are named. IMMUTABLE and IDENTIFIER fields,
and those that are not `writable`, may be named with the value that they have, as a caller does that sends back what it
read; any other value is refused. REQUIRED fields cannot be cleared. Elements of lists are replaced with all they hold:
their OUTPUT_ONLY fields are the service's to restore. A field called etag is a precondition, never a value: ignored.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from threed.errors import EtagMismatch, MaskInvalid

MAX_PATHS = 200
_STRUCT = "google.protobuf.Struct"
_ANY_SIGN_OR_QUOTED = re.compile(r"`([^`]+)`|([^.`]+)")
_FIXED = {field_behavior_pb2.IMMUTABLE, field_behavior_pb2.IDENTIFIER}
_NUMBERS = {
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
    FieldDescriptor.CPPTYPE_DOUBLE,
    FieldDescriptor.CPPTYPE_FLOAT,
    FieldDescriptor.CPPTYPE_BOOL,
}

M = TypeVar("M", bound=Message)


def apply(target: M, patch: M, mask: FieldMask | None, writable: Collection[str]) -> frozenset[str]:
    """Change `target`, the resource as it is, by `patch`, the resource of the request. Return the paths that changed.

    `writable` are the paths (snake_case) that this method may write, each with all below it. An empty mask is an
    absent one: protobuf cannot tell them apart over REST. Raises MaskInvalid; `target` may then be half changed, so
    give a copy of what must survive.
    """
    if target.DESCRIPTOR.full_name != patch.DESCRIPTOR.full_name:
        raise TypeError(f"A {patch.DESCRIPTOR.full_name} cannot change a {target.DESCRIPTOR.full_name}.")
    update = _Update(frozenset(writable))
    paths = list(mask.paths) if mask is not None else []
    if not paths:
        update.merge(target, patch, "")
    elif paths == ["*"]:
        update.replace(target, patch, "")
    else:
        if len(paths) > MAX_PATHS:
            _refuse(f"It has {len(paths)} paths; send at most {MAX_PATHS}, or *.")
        for path in paths:
            update.walk(target, patch, "", _split(path), path)
    return frozenset(update.changed)


def etag(*versions: object) -> str:
    """The etag of a resource from what changes with it, such as its id and revision. Quoted, as RFC 9110 wants."""
    digest = hashlib.sha256("\0".join(map(str, versions)).encode()).hexdigest()
    return f'"{digest[:16]}"'


def check_etag(given: str, current: str) -> None:
    """Raise EtagMismatch if the caller named an etag and the resource has another. `*` fits every resource."""
    if given not in ("", "*", current):
        raise EtagMismatch(
            f"The resource changed since you read it: its etag is {current}, not {given[:80]}. Read it again, repeat "
            "your change on what it is now, and send the new etag.",
            etag=current,
            sent_etag=given[:80],
        )


@dataclass
class _Update:
    writable: frozenset[str]
    changed: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)  # sub-messages that are IMMUTABLE, and so is all below them

    def merge(self, target: Message, patch: Message, prefix: str) -> None:
        """Write what the patch sets, down to its leaves."""
        for descriptor, _ in patch.ListFields():
            path = prefix + descriptor.name
            if not _is_nested(descriptor):
                self._put(target, patch, descriptor, path, named=False)
            elif not _is_output(descriptor):
                name = descriptor.name
                self._enter(descriptor, path)
                if not target.HasField(name) and not getattr(patch, name).ListFields():
                    self._put(target, patch, descriptor, path, named=False)
                else:
                    self.merge(getattr(target, name), getattr(patch, name), path + ".")

    def replace(self, target: Message, patch: Message, prefix: str) -> None:
        """Make the target what the patch is, field by field; what is not ours to write stays."""
        for descriptor in target.DESCRIPTOR.fields:
            self._put(target, patch, descriptor, prefix + descriptor.name, named=False)

    def walk(self, target: Message, patch: Message, prefix: str, names: list[str], path: str) -> None:
        """Follow one path of the mask to the field that it ends in."""
        descriptor = _field(target.DESCRIPTOR, names[0], path)
        here, rest = prefix + descriptor.name, names[1:]
        if not rest:
            self._put(target, patch, descriptor, here, named=True)
        elif _is_output(descriptor):
            _check(descriptor, rest, path)
        elif _is_keyed(descriptor):
            self._put_key(target, patch, descriptor, here, rest, path)
        elif not _is_nested(descriptor):
            _no_way_into(descriptor, path)
        elif patch.HasField(descriptor.name) or target.HasField(descriptor.name):
            self._enter(descriptor, here)
            self.walk(getattr(target, descriptor.name), getattr(patch, descriptor.name), here + ".", rest, path)
        else:
            _check(descriptor, rest, path)

    def _put(self, target: Message, patch: Message, descriptor: FieldDescriptor, path: str, *, named: bool) -> None:
        """Make one field of the target what it is in the patch. `named`: the mask asks for exactly this field."""
        if _is_output(descriptor) or _same(target, patch, descriptor):
            return
        given = _is_set(patch, descriptor)
        if not self._may_write(descriptor, path):
            if given or named:
                self._refuse_fixed(descriptor, path)
            return
        if _is_nested(descriptor):
            self._put_message(target, patch, descriptor, path)
            return
        if not given and _is_required(descriptor):
            _refuse_clearing(path)
        _copy(target, patch, descriptor)
        self.changed.add(path)

    def _put_message(self, target: Message, patch: Message, descriptor: FieldDescriptor, path: str) -> None:
        name = descriptor.name
        if not patch.HasField(name):
            if _is_required(descriptor):
                _refuse_clearing(path)
            self._clear(target, descriptor, path)
            return
        if not target.HasField(name):
            getattr(target, name).SetInParent()
            self.changed.add(path)
        self.replace(getattr(target, name), getattr(patch, name), path + ".")

    def _clear(self, target: Message, descriptor: FieldDescriptor, path: str) -> None:
        """Take a sub-message away, but for what in it is not the caller's to write."""
        inner = getattr(target, descriptor.name)
        for child, _ in inner.ListFields():
            below = f"{path}.{child.name}"
            if _is_output(child) or not self._may_write(child, below):
                continue
            if _is_nested(child):
                self._clear(inner, child, below)
            else:
                inner.ClearField(child.name)
        if not inner.ListFields():
            target.ClearField(descriptor.name)
        self.changed.add(path)

    def _put_key(
        self, target: Message, patch: Message, descriptor: FieldDescriptor, here: str, rest: list[str], path: str
    ) -> None:
        if len(rest) > 1:
            _refuse(f'"{path[:80]}" leads below a key of {here}, which is replaced as a whole.', path=path[:80])
        if not self._may_write(descriptor, here):
            self._refuse_fixed(descriptor, here)
        key = rest[0]
        have, given = _entries(target, descriptor), _entries(patch, descriptor)
        if key in given and key in have and have[key] == given[key]:
            return
        if key in given:
            _set_entry(have, given, key)
        elif key in have:
            del have[key]
        else:
            _refuse(
                f'"{path[:80]}" names a key that neither the request nor the resource has. Over REST, write keys with '
                f"capitals by replacing {here} as a whole.",
                path=path[:80],
            )
        self.changed.add(f"{here}.{key}")

    def _enter(self, descriptor: FieldDescriptor, path: str) -> None:
        if _FIXED & _behavior(descriptor):
            self.fixed.add(path)

    def _may_write(self, descriptor: FieldDescriptor, path: str) -> bool:
        """Whether the path or a beginning of it is writable; a message also if anything below it is."""
        if _FIXED & _behavior(descriptor):
            return False
        names = path.split(".")
        beginnings = {".".join(names[:length]) for length in range(1, len(names) + 1)}
        if beginnings & self.fixed:
            return False
        if beginnings & self.writable:
            return True
        return _is_nested(descriptor) and any(known.startswith(path + ".") for known in self.writable)

    def _refuse_fixed(self, descriptor: FieldDescriptor, path: str) -> NoReturn:
        fixed = _FIXED & _behavior(descriptor) or any(path.startswith(above + ".") for above in self.fixed)
        why = "is IMMUTABLE" if fixed else "cannot be changed by this method"
        known = ", ".join(sorted(self.writable))
        _refuse(
            f"{path} {why}. Leave it out, or send the value that it has. Writable: {known}.", path=path, known=known
        )


def _split(path: str) -> list[str]:
    """The names of a path; a name in backticks may have any signs but a backtick."""
    names, at = [], 0
    while True:
        found = _ANY_SIGN_OR_QUOTED.match(path, at)
        if found is None:
            _refuse(f'"{path[:80]}" is not a path: write names with a dot between them.', path=path[:80])
        names.append(found.group(1) or found.group(2))
        at = found.end()
        if at == len(path):
            return names
        if path[at] != ".":
            _refuse(f'"{path[:80]}" is not a path: write names with a dot between them.', path=path[:80])
        at += 1


def _field(message: Descriptor, name: str, path: str) -> FieldDescriptor:
    found = message.fields_by_name.get(name) or message.fields_by_camelcase_name.get(name)
    if found is not None:
        return found
    if name == "*":
        _refuse("* must be the only path, and cannot follow a name.", path=path)
    known = [known.name for known in message.fields]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    _refuse(
        f'"{path[:80]}" names "{name[:80]}", which {message.name} does not have.{hint} Known: {", ".join(known)}.',
        path=path[:80],
        known=",".join(known),
    )


def _check(descriptor: FieldDescriptor, rest: list[str], path: str) -> None:
    """Refuse a path that cannot be, where there is nothing to write at its end."""
    for name in rest:
        if _is_keyed(descriptor):
            return
        if not _is_nested(descriptor):
            _no_way_into(descriptor, path)
        descriptor = _field(descriptor.message_type, name, path)


def _no_way_into(descriptor: FieldDescriptor, path: str) -> NoReturn:
    kind = "a list" if descriptor.is_repeated else "one value"
    _refuse(f'"{path[:80]}" leads into {descriptor.name}, which is {kind}: replace it as a whole.', path=path[:80])


def _behavior(descriptor: FieldDescriptor) -> set[int]:
    return set(descriptor.GetOptions().Extensions[field_behavior_pb2.field_behavior])


def _is_output(descriptor: FieldDescriptor) -> bool:
    """Not for the caller to write. The etag is sent, but as a precondition (AIP-154)."""
    return field_behavior_pb2.OUTPUT_ONLY in _behavior(descriptor) or descriptor.name == "etag"


def _is_required(descriptor: FieldDescriptor) -> bool:
    """Whether clearing it breaks the contract. A plain number is never unset: 0 is a value."""
    if field_behavior_pb2.REQUIRED not in _behavior(descriptor):
        return False
    return descriptor.is_repeated or descriptor.has_presence or descriptor.cpp_type not in _NUMBERS


def _is_keyed(descriptor: FieldDescriptor) -> bool:
    """A Struct, or a map with text as keys."""
    message = descriptor.message_type
    if message is None:
        return False
    if message.GetOptions().map_entry:
        return message.fields_by_name["key"].type == FieldDescriptor.TYPE_STRING
    return not descriptor.is_repeated and message.full_name == _STRUCT


def _is_nested(descriptor: FieldDescriptor) -> bool:
    """A sub-message that paths lead into. Well-known types are values."""
    message = descriptor.message_type
    if message is None or descriptor.is_repeated:
        return False
    return not message.full_name.startswith("google.protobuf.")


def _is_set(message: Message, descriptor: FieldDescriptor) -> bool:
    if descriptor.has_presence:
        return message.HasField(descriptor.name)
    value = getattr(message, descriptor.name)
    return len(value) > 0 if descriptor.is_repeated else value != descriptor.default_value


def _same(target: Message, patch: Message, descriptor: FieldDescriptor) -> bool:
    if _is_set(target, descriptor) != _is_set(patch, descriptor):
        return False
    return getattr(target, descriptor.name) == getattr(patch, descriptor.name)


def _copy(target: Message, patch: Message, descriptor: FieldDescriptor) -> None:
    name = descriptor.name
    target.ClearField(name)
    if not _is_set(patch, descriptor):
        return
    if descriptor.is_repeated:
        getattr(target, name).MergeFrom(getattr(patch, name))
    elif descriptor.message_type is not None:
        getattr(target, name).CopyFrom(getattr(patch, name))
    else:
        setattr(target, name, getattr(patch, name))


def _entries(message: Message, descriptor: FieldDescriptor):
    """The map itself: of a Struct, its fields."""
    value = getattr(message, descriptor.name)
    return value if descriptor.is_repeated else value.fields


def _set_entry(have, given, key: str) -> None:
    if isinstance(given[key], Message):
        have[key].CopyFrom(given[key])
    else:
        have[key] = given[key]


def _refuse_clearing(path: str) -> NoReturn:
    _refuse(f"{path} is REQUIRED and cannot be cleared. Send a value, or leave it out of the mask.", path=path)


def _refuse(problem: str, **metadata: object) -> NoReturn:
    message = f"The update mask is wrong: {problem}"
    raise MaskInvalid(message, violations=(("update_mask", message),), **metadata)
