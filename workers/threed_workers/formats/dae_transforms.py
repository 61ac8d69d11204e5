"""The transform elements of a COLLADA node (COLLADA 1.4.1, chapter 5)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import numpy as np

from threed.errors import FileMalformed, FileValuesInvalid
from threed_workers.formats.dae_xml import where_of
from threed_workers.formats.number_list import numbers
from threed_workers.formats.steps import Step

_WIDTHS = {"matrix": 16, "translate": 3, "rotate": 4, "scale": 3, "lookat": 9, "skew": 7}


def steps_of(node: Element) -> list[Step]:
    """Raises FileMalformed or FileValuesInvalid for elements of other numbers than their kind has."""
    found = []
    for element in node:
        width = _WIDTHS.get(element.tag)
        if width is None:
            continue
        where = f"{where_of(node)}, <{element.tag}>"
        values = numbers(element.text, where)
        if not len(values):
            continue  # an empty element moves nothing
        if len(values) != width:
            raise FileMalformed(f"<{element.tag}> has {len(values)} numbers instead of {width}.", where=where)
        if not np.isfinite(values).all():
            raise FileValuesInvalid("A transform is NaN or infinite.", where=where)
        found.append(Step((element.get("sid") or "").strip(), element.tag, values))
    return found
