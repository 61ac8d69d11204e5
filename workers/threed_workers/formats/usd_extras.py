"""What people wrote onto a prim, as JSON for `extras`."""

from __future__ import annotations

import math
from typing import Any

import orjson

from threed_workers.document.model import Json
from threed_workers.formats.usd_conversion import Conversion

_MOST_BYTES = 1 << 20  # of one prim: extras are notes, not storage
_MOST_DEEP = 32


def extras(prim: Any, conversion: Conversion) -> Json:
    """Custom data, asset information and user properties of a prim; empty when there are none."""
    found: Json = {}
    if prim.HasAuthoredCustomData():
        # As it was written: the composed dictionary also holds the documentation of the prim's type.
        stack = (prim.GetPrimInPrototype() if prim.IsInstanceProxy() else prim).GetPrimStack()
        found["customData"] = {key: item for spec in reversed(stack) for key, item in dict(spec.customData).items()}
    if prim.HasAuthoredAssetInfo():
        found["assetInfo"] = prim.GetAssetInfo()
    for attribute in prim.GetAuthoredAttributes():
        if attribute.IsCustom():
            value = attribute.Get(conversion.time)
            if value is not None:
                found[attribute.GetName()] = value
    return bounded(found, conversion)


def bounded(found: Json, conversion: Conversion) -> Json:
    """As JSON, or nothing and a loss where it is too much."""
    if not found:
        return {}
    plain = as_json(found) if _items(found) <= _MOST_BYTES else None
    if plain is None or len(orjson.dumps(plain, option=orjson.OPT_NON_STR_KEYS)) > _MOST_BYTES:
        conversion.lose("custom data", f"Notes of more than {_MOST_BYTES} bytes on one prim are left out.")
        return {}
    return plain


def _items(value: Any, depth: int = 0) -> int:
    """How many values hang on this one, about."""
    if isinstance(value, dict) and depth <= _MOST_DEEP:
        return sum(_items(item, depth + 1) for item in value.values())
    return len(value) if hasattr(value, "__len__") else 1


def as_json(value: Any, depth: int = 0) -> Any:
    """Any value of USD as JSON; what JSON has no word for as text."""
    if depth > _MOST_DEEP:
        return None
    if isinstance(value, dict):
        return {_text(str(key)): as_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, bool | None):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _text(value)
    if hasattr(value, "path") and hasattr(value, "resolvedPath"):
        return _text(value.path)
    if hasattr(value, "__len__") and hasattr(value, "__getitem__"):
        return [as_json(value[number], depth + 1) for number in range(len(value))]
    return _text(str(value))


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
