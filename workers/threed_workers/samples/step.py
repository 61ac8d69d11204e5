"""A block of 20 x 30 x 40 millimetres in one colour, as AP214."""

from __future__ import annotations

import itertools

_HEAD = """ISO-10303-21;
HEADER;
FILE_DESCRIPTION(('a block'),'2;1');
FILE_NAME('block.step','2026-01-01T00:00:00',(''),(''),'threed','threed','');
FILE_SCHEMA(('AUTOMOTIVE_DESIGN { 1 0 10303 214 1 1 1 1 }'));
ENDSEC;
DATA;
"""
# Around the model: which product it is the shape of, and in which units.
_PRODUCT = """#1=APPLICATION_CONTEXT('automotive design');
#2=APPLICATION_PROTOCOL_DEFINITION('international standard','automotive_design',2000,#1);
#3=PRODUCT_CONTEXT('',#1,'mechanical');
#4=PRODUCT('block','block','',(#3));
#5=PRODUCT_DEFINITION_FORMATION('','',#4);
#6=PRODUCT_DEFINITION_CONTEXT('part definition',#1,'design');
#7=PRODUCT_DEFINITION('design','',#5,#6);
#8=PRODUCT_DEFINITION_SHAPE('','',#7);
#9=(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.));
#10=(NAMED_UNIT(*)PLANE_ANGLE_UNIT()SI_UNIT($,.RADIAN.));
#11=(NAMED_UNIT(*)SI_UNIT($,.STERADIAN.)SOLID_ANGLE_UNIT());
#12=UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE(1.E-05),#9,'distance_accuracy_value','');
#13=(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT((#12))\
GLOBAL_UNIT_ASSIGNED_CONTEXT((#9,#10,#11))REPRESENTATION_CONTEXT('',''));
#14=CARTESIAN_POINT('',(0.,0.,0.));
#15=DIRECTION('',(0.,0.,1.));
#16=DIRECTION('',(1.,0.,0.));
#17=AXIS2_PLACEMENT_3D('',#14,#15,#16);
"""
_STYLE = (
    "COLOUR_RGB('',0.8,0.2,0.1)",
    "FILL_AREA_STYLE_COLOUR('',#{0})",
    "FILL_AREA_STYLE('',(#{0}))",
    "SURFACE_STYLE_FILL_AREA(#{0})",
    "SURFACE_SIDE_STYLE('',(#{0}))",
    "SURFACE_STYLE_USAGE(.BOTH.,#{0})",
    "PRESENTATION_STYLE_ASSIGNMENT((#{0}))",
    "STYLED_ITEM('color',(#{0}),#{solid})",
    "MECHANICAL_DESIGN_GEOMETRIC_PRESENTATION_REPRESENTATION('',(#{0}),#13)",
)


class _Entities:
    """Numbered lines, from 18 on."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, text: str) -> str:
        self.lines.append(text)
        return f"#{len(self.lines) + 17}"

    def point(self, at: tuple[float, ...]) -> str:
        return self.add(f"CARTESIAN_POINT('',({','.join(f'{part:.1f}' for part in at)}))")

    def direction(self, to: tuple[float, ...]) -> str:
        return self.add(f"DIRECTION('',({','.join(f'{part:.1f}' for part in to)}))")


def block(size: tuple[float, float, float] = (20.0, 30.0, 40.0)) -> bytes:
    """A solid of 6 planes, 12 straight edges and 8 corners, its lowest corner at the origin."""
    entities = _Entities()
    corners = list(itertools.product((0, 1), repeat=3))
    vertices = {}
    for corner in corners:
        at = tuple(bit * length for bit, length in zip(corner, size, strict=True))
        vertices[corner] = entities.add(f"VERTEX_POINT('',{entities.point(at)})")
    edges = {}
    for start, end in itertools.combinations(corners, 2):
        along = tuple(b - a for a, b in zip(start, end, strict=True))
        if sum(map(abs, along)) == 1:
            at = entities.point(tuple(bit * length for bit, length in zip(start, size, strict=True)))
            vector = entities.add(f"VECTOR('',{entities.direction(along)},1.)")
            line = entities.add(f"LINE('',{at},{vector})")
            edges[start, end] = entities.add(f"EDGE_CURVE('',{vertices[start]},{vertices[end]},{line},.T.)")
    faces = [_face(entities, edges, axis, side, size) for axis in range(3) for side in (0, 1)]
    shell = entities.add(f"CLOSED_SHELL('',({','.join(faces)}))")
    solid = entities.add(f"MANIFOLD_SOLID_BREP('block',{shell})")
    shape = entities.add(f"ADVANCED_BREP_SHAPE_REPRESENTATION('block',(#17,{solid}),#13)")
    entities.add(f"SHAPE_DEFINITION_REPRESENTATION(#8,{shape})")
    last = ""
    for line in _STYLE:
        last = entities.add(line.format(last.lstrip("#"), solid=solid.lstrip("#")))
    body = "".join(f"#{number}={text};\n" for number, text in enumerate(entities.lines, 18))
    return (_HEAD + _PRODUCT + body + "ENDSEC;\nEND-ISO-10303-21;\n").encode()


def _face(entities: _Entities, edges: dict, axis: int, side: int, size: tuple[float, ...]) -> str:
    """One side: its four corners counter-clockwise seen from outside, its plane, its normal outwards."""
    u, v = (axis + 1) % 3, (axis + 2) % 3
    around = [(0, 0), (1, 0), (1, 1), (0, 1)]
    if not side:
        around.reverse()
    corners = []
    for a, b in around:
        corner = [0, 0, 0]
        corner[axis], corner[u], corner[v] = side, a, b
        corners.append(tuple(corner))
    oriented = []
    for start, end in zip(corners, [*corners[1:], corners[0]], strict=True):
        forward = (start, end) in edges
        edge = edges[start, end] if forward else edges[end, start]
        oriented.append(entities.add(f"ORIENTED_EDGE('',*,*,{edge},.{'T' if forward else 'F'}.)"))
    loop = entities.add(f"EDGE_LOOP('',({','.join(oriented)}))")
    bound = entities.add(f"FACE_OUTER_BOUND('',{loop},.T.)")
    normal, across = [0.0] * 3, [0.0] * 3
    normal[axis], across[u] = (1.0 if side else -1.0), 1.0
    at = entities.point(tuple(bit * length for bit, length in zip(corners[0], size, strict=True)))
    place = f"AXIS2_PLACEMENT_3D('',{at},{entities.direction(tuple(normal))},{entities.direction(tuple(across))})"
    plane = entities.add(f"PLANE('',{entities.add(place)})")
    return entities.add(f"ADVANCED_FACE('',({bound}),{plane},.T.)")
