"""The coordinate reference system of a LAS file: well-known text (OGC) or GeoTIFF keys, and the unit it measures in."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from threed_workers.document.model import Json

# GeoTIFF 1.1, section 7: keys, and units of length in metres.
_MODEL_TYPE, _LINEAR_UNIT, _LINEAR_SIZE, _GEOGRAPHIC = 1024, 3076, 3077, 2
_METRES = {9001: 1.0, 9002: 0.3048, 9003: 1200 / 3937, 9036: 1000.0}
_DOUBLES = 34736
_UNIT = re.compile(r'\b(?:LENGTHUNIT|UNIT)\s*\[\s*"[^"]{0,100}"\s*,\s*([0-9.eE+-]{1,40})')
_PROJECTED = re.compile(r"\b(PROJCS|PROJCRS|PROJECTEDCRS|LOCAL_CS|ENGCRS|GEOCCS)\s*\[")
_VERTICAL = re.compile(r"\b(VERT_CS|VERTCRS|VERTICALCRS)\s*\[")
_MOST_TEXT = 1 << 16
_SILENT = ("LasZipVlr", "ExtraBytesVlr", "ClassificationLookupVlr", "WktMathTransformVlr")


@dataclass
class Reference:
    """`notes` for extras; `unread` counts other records by their name."""

    notes: Json = field(default_factory=dict)
    unit_m: float = 1.0
    unit_m_given: bool = False
    is_geographic: bool = False
    unread: Counter[str] = field(default_factory=Counter)


def read_reference(header: Any) -> Reference:
    """What the records of a laspy header say. A record that makes no sense is passed over."""
    found = Reference()
    keys, doubles = [], []
    for record in [*header.vlrs, *(header.evlrs or [])]:
        kind = type(record).__name__
        if kind == "WktCoordinateSystemVlr":
            found.notes["wkt"] = str(record.string).strip("\0 ")[:_MOST_TEXT]
        elif kind == "GeoKeyDirectoryVlr":
            keys = [(key.id, key.tiff_tag_location, key.value_offset) for key in record.geo_keys[:1000]]
            found.notes["geoKeys"] = {str(key): value for key, where, value in keys if not where}
        elif kind == "GeoDoubleParamsVlr":
            doubles = [float(value) for value in record.doubles[:1000]]
        elif kind == "GeoAsciiParamsVlr":
            found.notes["geoText"] = "".join(map(str, record.strings)).replace("\0", "")[:_MOST_TEXT]
        elif kind not in _SILENT:
            found.unread[f"{str(record.user_id)[:32]} {record.record_id}"] += 1
    if "wkt" in found.notes:
        _read_text(found, found.notes["wkt"])
    elif keys:
        _read_keys(found, {key: (where, value) for key, where, value in keys}, doubles)
    if not (np.isfinite(found.unit_m) and 1e-6 < found.unit_m < 1e6):
        found.unit_m, found.unit_m_given = 1.0, False
    return found


def _read_text(found: Reference, text: str) -> None:
    """The unit of a projection is the last in its brackets, before the heights begin."""
    projected = _PROJECTED.search(text)
    if projected is None:
        found.is_geographic = bool(re.search(r"\b(GEOGCS|GEOGCRS|GEODCRS|GEOGRAPHICCRS)\s*\[", text))
        return
    heights = _VERTICAL.search(text, projected.end())
    units = _UNIT.findall(text, projected.end(), heights.start() if heights else len(text))
    if units:
        try:
            found.unit_m, found.unit_m_given = float(units[-1]), True
        except ValueError:
            return


def _read_keys(found: Reference, keys: dict[int, tuple[int, int]], doubles: list[float]) -> None:
    found.is_geographic = keys.get(_MODEL_TYPE, (0, 0))[1] == _GEOGRAPHIC
    _, unit = keys.get(_LINEAR_UNIT, (0, 0))
    where, place = keys.get(_LINEAR_SIZE, (0, 0))
    if unit in _METRES:
        found.unit_m, found.unit_m_given = _METRES[unit], True
    elif where == _DOUBLES and place < len(doubles):
        found.unit_m, found.unit_m_given = doubles[place], True
