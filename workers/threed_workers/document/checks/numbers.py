"""Read numbers out of JSON that may hold anything."""

from __future__ import annotations

from threed.errors import FileMalformed
from threed_workers.document.model import Json


def whole(owner: Json, key: str, pointer: str, default: int | None = None, low: int = 0) -> int:
    """A whole number of at least `low`. `default` stands for an absent key; None means the key is needed."""
    value = owner.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        # Exporters in JavaScript write 3.0; what orjson made of a 5000-digit integer is a float as well.
        if isinstance(value, float) and value.is_integer() and low <= value < 2**53:
            owner[key] = int(value)
            return owner[key]
        raise FileMalformed(f"{key} must be a whole number of at least {low}.", where=f"{pointer}/{key}")
    return value


def vector(owner: Json, key: str, length: int, pointer: str) -> list[float] | None:
    """A list of `length` numbers, or None when the key is absent."""
    value = owner.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != length or not all(_is_number(entry) for entry in value):
        raise FileMalformed(f"{key} must be {length} numbers.", where=f"{pointer}/{key}")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
