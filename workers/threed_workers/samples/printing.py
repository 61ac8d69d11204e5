"""Tiny files of the formats that printers read, 3MF and AMF, and of OFF."""

from __future__ import annotations

import struct

_CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
_MATERIAL = "http://schemas.microsoft.com/3dmanufacturing/material/2015/02"
_TYPES = b"""<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
 <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
 <Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>
 <Default Extension="png" ContentType="image/png"/>
</Types>
"""
# A box of 10 x 20 x 30, every face two triangles, counter-clockwise from outside.
_BOX = [(x, y, z) for z in (0, 30) for y in (0, 20) for x in (0, 10)]
_FACES = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]


def model_3mf(resources: str, build: str, attributes: str = "") -> bytes:
    """A model part of millimetres. `attributes` stand in its first element."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<model unit="millimeter" xml:lang="en-US" xmlns="{_CORE}" '
        f'xmlns:m="{_MATERIAL}" {attributes}>\n<resources>\n{resources}\n</resources>\n<build>{build}</build>\n</model>'
    ).encode()


def mesh_3mf(properties: str = "") -> str:
    """The mesh of the box. `properties` stand at the first triangle."""
    vertices = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in _BOX)
    triangles = [(a, b, c) for a, b, c, _ in _FACES] + [(a, c, d) for a, _, c, d in _FACES]
    rows = [f'<triangle v1="{a}" v2="{b}" v3="{c}"' for a, b, c in triangles]
    rows[0] += f" {properties}"
    return f"<mesh><vertices>{vertices}</vertices><triangles>{'/>'.join(rows)}/></triangles></mesh>"


def parts_3mf(model: bytes, textures: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """The parts of a package around one model; `textures` by part name without its slash."""
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    kind = "http://schemas.microsoft.com/3dmanufacturing/2013/01"
    start = f'<Relationship Id="r0" Target="/3D/3dmodel.model" Type="{kind}/3dmodel"/>'
    links = [
        f'<Relationship Id="t{n}" Target="/{name}" Type="{kind}/3dtexture"/>' for n, name in enumerate(textures or {})
    ]
    return {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": f'<Relationships xmlns="{space}">{start}</Relationships>'.encode(),
        "3D/3dmodel.model": model,
        "3D/_rels/3dmodel.model.rels": f'<Relationships xmlns="{space}">{"".join(links)}</Relationships>'.encode(),
        **(textures or {}),
    }


def box_3mf(png: bytes) -> dict[str, bytes]:
    """A red box with one triangle of colours and one with a picture, built twice, once within an assembly."""
    resources = f"""
<basematerials id="1"><base name="PLA" displaycolor="#FF0000"/></basematerials>
<m:colorgroup id="2"><m:color color="#00FF00"/><m:color color="#0000FF"/></m:colorgroup>
<m:texture2d id="3" path="/3D/Textures/wood.png" contenttype="image/png" tilestyleu="mirror" tilestylev="clamp"/>
<m:texture2dgroup id="4" texid="3">
<m:tex2coord u="0" v="0"/><m:tex2coord u="1" v="0"/><m:tex2coord u="1" v="1"/>
</m:texture2dgroup>
<object id="5" name="box" partnumber="B-1" type="model" pid="1" pindex="0">
{mesh_3mf('pid="2" p1="0" p2="1" p3="0"')}</object>
<object id="6" name="signed box" type="model" pid="1" pindex="0">{mesh_3mf('pid="4" p1="0" p2="1" p3="2"')}</object>
<object id="7" name="pair" type="model"><components>
<component objectid="5"/><component objectid="6" transform="0 1 0 -1 0 0 0 0 1 40 0 0"/>
</components></object>"""
    build = '<item objectid="7"/><item objectid="5" partnumber="P-9" transform="1 0 0 0 1 0 0 0 1 0 50 0"/>'
    return parts_3mf(model_3mf(resources, build), {"3D/Textures/wood.png": png})


AMF = b"""<?xml version="1.0" encoding="utf-8"?>
<amf unit="inch" version="1.1">
 <metadata type="cad">threed</metadata>
 <material id="2"><metadata type="name">steel</metadata><color><r>0.5</r><g>0.5</g><b>0.5</b></color></material>
 <object id="1"><metadata type="name">tetrahedron</metadata>
  <mesh><vertices>
   <vertex><coordinates><x>0</x><y>0</y><z>0</z></coordinates></vertex>
   <vertex><coordinates><x>1</x><y>0</y><z>0</z></coordinates><color><r>1</r><g>0</g><b>0</b></color></vertex>
   <vertex><coordinates><x>0</x><y>1</y><z>0</z></coordinates></vertex>
   <vertex><coordinates><x>0</x><y>0</y><z>1</z></coordinates></vertex>
  </vertices>
  <volume materialid="2">
   <triangle><v1>0</v1><v2>2</v2><v3>1</v3></triangle>
   <triangle><v1>0</v1><v2>1</v2><v3>3</v3></triangle>
   <triangle><v1>1</v1><v2>2</v2><v3>3</v3></triangle>
   <triangle><v1>0</v1><v2>3</v2><v3>2</v3></triangle>
  </volume></mesh>
 </object>
 <constellation id="3">
  <instance objectid="1"><deltax>2</deltax><rz>90</rz></instance>
  <instance objectid="1"><deltax>5</deltax></instance>
 </constellation>
</amf>
"""

OFF = b"""OFF # a pyramid
5 5 0
0 0 0
1 0 0
1 1 0 # a corner
0 1 0
0.5 0.5 1
4 3 2 1 0 255 0 0
3 0 1 4
3 1 2 4 0 255 0
3 2 3 4
3 3 0 4
"""


def off_binary() -> bytes:
    """Two triangles with colours of their points; the second has one of its own as well."""
    points = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)]
    colors = [(1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1), (1, 1, 1, 1)]
    out = b"COFF BINARY\n" + struct.pack(">3i", 4, 2, 0)
    out += b"".join(struct.pack(">7f", *point, *color) for point, color in zip(points, colors, strict=True))
    return out + struct.pack(">5i", 3, 0, 1, 2, 0) + struct.pack(">5i3f", 3, 1, 3, 2, 3, 1.0, 0.5, 0.0)
