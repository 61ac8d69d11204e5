"""AIP-160 filters and AIP-132 orders over typed allow-lists of fields."""

from threed.records.filters.compile import Described, Fields
from threed.records.filters.fields import (
    Boolean,
    Duration,
    Enum,
    Id,
    Integer,
    JsonList,
    Number,
    Struct,
    Text,
    TextList,
    Timestamp,
    json_count,
)
from threed.records.filters.order import Key, Ordering, Orders

__all__ = [
    "Boolean",
    "Described",
    "Duration",
    "Enum",
    "Fields",
    "Id",
    "Integer",
    "JsonList",
    "Key",
    "Number",
    "Ordering",
    "Orders",
    "Struct",
    "Text",
    "TextList",
    "Timestamp",
    "json_count",
]
