"""COLLADA sources: arrays, and the accessors that say how to read them (COLLADA 1.4.1, chapter 5)."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from threed.errors import FileMalformed
from threed_workers.formats.dae_xml import Dae, where_of
from threed_workers.formats.number_list import numbers

_NAMES = ("Name_array", "IDREF_array", "SIDREF_array")
_NUMBERS = ("float_array", "int_array")
_MOST_STRIDE = 4096


@dataclass(frozen=True)
class Input:
    """`semantic` of a <source>, at place `offset` of each corner; `set` is None where the file names none."""

    semantic: str
    source: Element
    offset: int
    set: int | None


class Sources:
    """Reads each source once."""

    def __init__(self, dae: Dae):
        self._dae = dae
        self._tables: dict[Element, np.ndarray] = {}
        self._names: dict[Element, list[str]] = {}

    def inputs(self, owner: Element) -> list[Input]:
        """The inputs of a primitive, sampler, or the like. Raises FileMalformed for one without a source."""
        found = []
        for element in owner.findall("input"):
            source = self._dae.find(element.get("source"), where_of(owner))
            if source is None:
                raise FileMalformed(
                    f"The input {element.get('semantic', '')[:40]} has no source. Export the model again.",
                    where=where_of(owner),
                )
            number = element.get("set")
            found.append(
                Input(
                    element.get("semantic", "").strip(),
                    source,
                    _whole(element, "offset", 0),
                    None if number is None else _whole(element, "set", 0),
                )
            )
        return found

    def table(self, source: Element) -> np.ndarray:
        """float64 (rows, width): the named parameters of a source of numbers."""
        if source not in self._tables:
            self._tables[source] = self._table(source)
        return self._tables[source]

    def names(self, source: Element) -> list[str]:
        """The words of a source of names or ids."""
        if source not in self._names:
            array = next((source.find(tag) for tag in _NAMES if source.find(tag) is not None), None)
            self._names[source] = (array.text or "").split() if array is not None else []
        return self._names[source]

    def _table(self, source: Element) -> np.ndarray:
        where = where_of(source)
        accessor = source.find("technique_common/accessor")
        array = self._array(source, accessor)
        values = numbers(array.text, where)
        declared = _whole(array, "count", len(values))
        if declared > len(values):
            raise FileMalformed(
                f"The array says that it has {declared} numbers, and has {len(values)}.", where=where_of(array)
            )
        if accessor is None:
            return values[: len(values) // 3 * 3].reshape(-1, 3)
        count, offset = _whole(accessor, "count", 0), _whole(accessor, "offset", 0)
        names = [param.get("name") for param in accessor.findall("param")]
        stride = _whole(accessor, "stride", max(len(names), 1))
        if not 1 <= stride <= _MOST_STRIDE or offset + count * stride > len(values):
            raise FileMalformed(
                f"The accessor wants {count} rows of {stride} numbers from {offset}, and there are {len(values)}.",
                where=where,
            )
        rows = values[offset : offset + count * stride].reshape(count, stride)
        if len(names) < stride <= 4 or stride == 16 or not any(names):
            return rows  # one parameter may stand for all, and some exporters name none
        return rows[:, [place for place, name in enumerate(names[:stride]) if name]]

    def _array(self, source: Element, accessor: Element | None) -> Element:
        array = next((source.find(tag) for tag in _NUMBERS if source.find(tag) is not None), None)
        if array is None and accessor is not None:
            array = self._dae.find(accessor.get("source"), where_of(source))
        if array is None or array.tag not in _NUMBERS:
            raise FileMalformed("The source holds no numbers. Export the model again.", where=where_of(source))
        return array


def _whole(element: Element, key: str, default: int) -> int:
    text = (element.get(key) or "").strip()
    if not text:
        return default
    if not text.isdecimal() or len(text) > 15:
        raise FileMalformed(f"{key} is {text[:40]!r}, and should be a whole number.", where=where_of(element))
    return int(text)
