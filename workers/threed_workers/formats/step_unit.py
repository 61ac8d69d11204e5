"""The unit of length that a STEP file counts in (ISO 10303-41, "unit_schema" and "measure_schema")."""

from __future__ import annotations

import re
from itertools import islice

_PREFIXES = {b"KILO": 1e3, b"DECI": 1e-1, b"CENTI": 1e-2, b"MILLI": 1e-3, b"MICRO": 1e-6, b"NANO": 1e-9}
_CONTEXT = re.compile(rb"GLOBAL_UNIT_ASSIGNED_CONTEXT\s*\(\s*\(([#\d\s,]{1,100})\)", re.IGNORECASE)
_SI = re.compile(rb"SI_UNIT\s*\(\s*(?:\.(\w+)\.|\$)\s*,\s*\.METRE\.", re.IGNORECASE)
_CONVERSION = re.compile(rb"CONVERSION_BASED_UNIT\s*\([^#;]{0,100}#\s*(\d+)", re.IGNORECASE)
_MEASURE = re.compile(rb"LENGTH_MEASURE\s*\(\s*([\d.+E-]{1,40})\s*\)\s*,\s*#\s*(\d+)", re.IGNORECASE)
# Every context of a file that one program wrote names the same units, and every name is looked for in the whole text.
_MOST_CONTEXTS = 4
_MILLIMETRE = 1e-3


def length_unit(text: bytes) -> float:
    """Metres. The first unit of length that a context assigns; a millimetre, as in OpenCASCADE, where none does.

    >>> length_unit(b"#1=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.CENTI.,.METRE.));#2=(GLOBAL_UNIT_ASSIGNED_CONTEXT((#1)));")
    0.01
    """
    for context in islice(_CONTEXT.finditer(text), _MOST_CONTEXTS):
        for number in re.findall(rb"\d+", context[1])[:4]:
            metres = _metres(_entity(text, number), text)
            if metres is not None:
                return metres
    return _MILLIMETRE


def _entity(text: bytes, number: bytes) -> bytes:
    """What stands behind "#number =", up to 800 bytes; nothing when there is none."""
    found = re.search(rb"#\s{0,8}" + number + rb"\s{0,8}=([^;]{0,800})", text)
    return found[1] if found else b""


def _metres(unit: bytes, text: bytes) -> float | None:
    """The length of a unit; None for one of something else."""
    conversion = _CONVERSION.search(unit)
    if conversion is None:
        return _si(unit)
    measure = _MEASURE.search(_entity(text, conversion[1]))
    base = _si(_entity(text, measure[2])) if measure else None
    try:
        metres = float(measure[1]) * base if base else 0.0
    except ValueError:
        return None
    return metres if 1e-12 < metres < 1e12 else None


def _si(unit: bytes) -> float | None:
    found = _SI.search(unit)
    return None if found is None else _PREFIXES.get((found[1] or b"").upper(), 1.0)
