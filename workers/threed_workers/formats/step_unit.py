"""The unit of length that a STEP file counts in (ISO 10303-41, "unit_schema" and "measure_schema")."""

from __future__ import annotations

import re

_PREFIXES = {b"KILO": 1e3, b"DECI": 1e-1, b"CENTI": 1e-2, b"MILLI": 1e-3, b"MICRO": 1e-6, b"NANO": 1e-9}
_CONTEXT = re.compile(rb"GLOBAL_UNIT_ASSIGNED_CONTEXT\s*\(\s*\(([#\d\s,]{1,1000})\)", re.IGNORECASE)
_UNIT = re.compile(rb"#\s*(\d+)\s*=\s*\(([^;]{0,400}?\bLENGTH_UNIT\b[^;]{0,400})\)\s*;", re.IGNORECASE)
_SI = re.compile(rb"SI_UNIT\s*\(\s*(?:\.(\w+)\.|\$)\s*,\s*\.METRE\.", re.IGNORECASE)
_CONVERSION = re.compile(rb"CONVERSION_BASED_UNIT\s*\([^#;]{0,100}#\s*(\d+)", re.IGNORECASE)
_MEASURE = re.compile(
    rb"#\s*(\d+)\s*=\s*LENGTH_MEASURE_WITH_UNIT\s*\(\s*LENGTH_MEASURE\s*\(\s*([\d.+E-]{1,40})\s*\)\s*,\s*#\s*(\d+)",
    re.IGNORECASE,
)
_MILLIMETRE = 1e-3


def length_unit(text: bytes) -> float:
    """Metres. The first unit of length that a context assigns; a millimetre, as in OpenCASCADE, where none does.

    >>> length_unit(b"#1=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.CENTI.,.METRE.));#2=(GLOBAL_UNIT_ASSIGNED_CONTEXT((#1)));")
    0.01
    """
    units = {match[1]: match[2] for match in _UNIT.finditer(text)}
    measures = {match[1]: (match[2], match[3]) for match in _MEASURE.finditer(text)}
    for context in _CONTEXT.finditer(text):
        for number in re.findall(rb"\d+", context[1]):
            metres = _metres(number, units, measures)
            if metres is not None:
                return metres
    return _MILLIMETRE


def _metres(number: bytes, units: dict, measures: dict) -> float | None:
    unit = units.get(number, b"")
    conversion = _CONVERSION.search(unit)
    if conversion is None:
        return _si(unit)
    written, base = measures.get(conversion[1], (b"", b""))
    try:
        metres = float(written) * (_si(units.get(base, b"")) or 0.0)
    except ValueError:
        return None
    return metres if 1e-12 < metres < 1e12 else None


def _si(unit: bytes) -> float | None:
    found = _SI.search(unit)
    return None if found is None else _PREFIXES.get((found[1] or b"").upper(), 1.0)
