"""Values on the points, faces and corners of a USD geometry, brought to one row per corner."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from threed_workers.document.model import Json
from threed_workers.formats.usd_conversion import Conversion, array
from threed_workers.formats.usd_extras import as_json

_EXACT = 1 << 24  # whole numbers that float32 holds
_PER_FACE = ("uniform", "faceVarying", "made")


@dataclass(eq=False)
class Column:
    """`values` float32 (m, width), and by which rule a corner picks its row: USD's interpolations, and "made" for
    values that have a row for each corner that asks, in their order."""

    values: np.ndarray
    interpolation: str

    @property
    def splits(self) -> bool:
        """Whether corners at one point may differ."""
        return self.interpolation in _PER_FACE

    def rows(self, points: np.ndarray, faces: np.ndarray, corners: np.ndarray) -> np.ndarray:
        """The values (n, width) of corners, given the point, the face and the place of each."""
        if self.interpolation == "made":
            return self.values
        if self.interpolation == "constant":
            return np.broadcast_to(self.values[:1], (len(points), self.values.shape[1]))
        return self.values[{"uniform": faces, "faceVarying": corners}.get(self.interpolation, points)]


@dataclass(eq=False)
class Primvars:
    """What a geometry wears. `uvs` by primvar name in order of TEXCOORD; `custom` by glTF attribute name."""

    uvs: dict[str, Column] = field(default_factory=dict)
    color: Column | None = None
    opacity: Column | None = None
    normals: Column | None = None
    custom: dict[str, Column] = field(default_factory=dict)
    extras: Json = field(default_factory=dict)


def read_primvars(prim: Any, counts: dict[str, int], conversion: Conversion) -> Primvars:
    """The primvars of a prim, with those that it inherits. `counts`: how many values an interpolation needs."""
    from pxr import UsdGeom

    found = Primvars()
    for primvar in UsdGeom.PrimvarsAPI(prim).FindPrimvarsWithInheritance():
        name = primvar.GetPrimvarName()
        if name.startswith("skel:") or not primvar.HasValue():
            continue
        if primvar.ValueMightBeTimeVarying():
            conversion.lose("moving primvar", "Values that change in time keep their first.")
        _sort_in(found, name, primvar, prim, counts, conversion)
    first = [name for name in ("st", "UVMap", "st0") if name in found.uvs]
    found.uvs = {name: found.uvs[name] for name in dict.fromkeys([*first[:1], *found.uvs])}
    return found


def _sort_in(found: Primvars, name: str, primvar: Any, prim: Any, counts: dict[str, int], conversion: Any) -> None:
    values = primvar.ComputeFlattened(conversion.time)
    kind = primvar.GetTypeName()
    interpolation = primvar.GetInterpolation()
    if interpolation == "constant" and name not in ("displayColor", "displayOpacity"):
        found.extras[name] = as_json(values)
        return
    plain = np.asarray(values) if kind.isArray else np.zeros(0)
    if plain.dtype.kind not in "fiu" or plain.ndim > 2 or (plain.ndim == 2 and plain.shape[1] > 4):
        conversion.lose(f"primvar {name}"[:80], f"Values of type {kind} are no vertex attribute.")
        return
    width = plain.shape[1] if plain.ndim == 2 else 1
    if plain.dtype.kind in "iu" and len(plain) and np.abs(plain.astype(np.int64)).max() > _EXACT:
        conversion.lose(f"primvar {name}"[:80], "Whole numbers of that size do not fit a vertex attribute.")
        return
    column = checked(array(values, width, prim, name).reshape(-1, width), interpolation, name, prim, counts, conversion)
    if column is None:
        return
    if name == "displayColor" and width == 3:
        found.color = column
    elif name == "displayOpacity" and width == 1:
        found.opacity = column
    elif name == "normals" and width == 3:
        found.normals = column
    elif "texCoord" in str(kind) or width == 2:
        found.uvs[name] = Column(column.values[:, :2], column.interpolation)
    else:
        found.custom[custom_name(name)] = column


def checked(
    values: np.ndarray, interpolation: str, name: str, prim: Any, counts: dict[str, int], conversion: Conversion
) -> Column | None:
    """The column, when it has a value for everything that will ask; None and a warning when not."""
    needed = counts.get(interpolation, counts["vertex"])
    if len(values) < needed:
        text = (
            f"{name} has {len(values)} values and its interpolation ({interpolation}) needs {needed}; it is left out."
        )
        conversion.warn("PRIMVAR_TOO_SHORT", prim, text)
        return None
    return Column(values, interpolation)


def custom_name(name: str) -> str:
    """The name of an application's own glTF attribute: it begins with an underscore."""
    return "_" + re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
