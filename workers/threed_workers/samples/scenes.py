"""Tiny scenes of the formats that older modellers wrote: 3DS, COLLADA, X3D and VRML97."""

from __future__ import annotations

import struct


def _chunk(number: int, *content: bytes) -> bytes:
    data = b"".join(content)
    return struct.pack("<HI", number, 6 + len(data)) + data


def threeds() -> bytes:
    """Two triangles of one smoothing group, a material with a picture, a node with a key, a camera and a light."""
    points = struct.pack("<H12f", 4, 0, 0, 0, 1, 0, 0, 1, 1, 0.25, 0, 1, 0)
    uvs = struct.pack("<H8f", 4, 0, 0, 1, 0, 1, 1, 0, 1)
    groups = _chunk(0x4130, b"wood\0", struct.pack("<3H", 2, 0, 1)) + _chunk(0x4150, struct.pack("<2I", 1, 1))
    faces = _chunk(0x4120, struct.pack("<9H", 2, 0, 1, 2, 7, 0, 2, 3, 7), groups)
    mesh = _chunk(0x4000, b"quad\0", _chunk(0x4100, _chunk(0x4110, points), _chunk(0x4140, uvs), faces))
    texture = _chunk(0xA200, _chunk(0xA300, b"wood.png\0"))
    diffuse = _chunk(0xA020, _chunk(0x0011, bytes((200, 150, 100))))
    material = _chunk(0xAFFF, _chunk(0xA000, b"wood\0"), diffuse, _chunk(0xA081), texture)
    camera = _chunk(0x4000, b"eye\0", _chunk(0x4700, struct.pack("<8f", 0, -5, 1, 0, 0, 0, 0, 35)))
    light = _chunk(0x4000, b"lamp\0", _chunk(0x4600, struct.pack("<3f", 2, -2, 4)))
    key = _chunk(0xB020, bytes(10), struct.pack("<IIH3f", 1, 0, 0, 0, 0, 0))
    node = _chunk(0xB002, _chunk(0xB010, b"quad\0", struct.pack("<3H", 0, 0, 0xFFFF)), key)
    return _chunk(
        0x4D4D,
        _chunk(0x0002, struct.pack("<I", 3)),
        _chunk(0x3D3D, material, mesh, camera, light),
        _chunk(0xB000, node),
    )


DAE = b"""<?xml version="1.0" encoding="utf-8"?>
<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<asset><unit name="meter" meter="1"/><up_axis>Z_UP</up_axis></asset>
<library_images><image id="wood"><init_from>wood.png</init_from></image></library_images>
<library_effects><effect id="fx"><profile_COMMON>
<newparam sid="surface"><surface type="2D"><init_from>wood</init_from></surface></newparam>
<newparam sid="sampler"><sampler2D><source>surface</source></sampler2D></newparam>
<technique sid="common"><phong><diffuse><texture texture="sampler" texcoord="UV"/></diffuse>
<shininess><float>20</float></shininess></phong></technique></profile_COMMON></effect></library_effects>
<library_materials><material id="m"><instance_effect url="#fx"/></material></library_materials>
<library_geometries><geometry id="quad"><mesh>
<source id="p"><float_array id="pa" count="12">0 0 0 1 0 0 1 1 0 0 1 0</float_array><technique_common>
<accessor source="#pa" count="4" stride="3"><param name="X" type="float"/><param name="Y" type="float"/>
<param name="Z" type="float"/></accessor></technique_common></source>
<source id="t"><float_array id="ta" count="8">0 0 1 0 1 1 0 1</float_array><technique_common>
<accessor source="#ta" count="4" stride="2"><param name="S" type="float"/><param name="T" type="float"/></accessor>
</technique_common></source>
<vertices id="v"><input semantic="POSITION" source="#p"/></vertices>
<polylist count="1" material="s"><input semantic="VERTEX" source="#v" offset="0"/>
<input semantic="TEXCOORD" source="#t" offset="1" set="0"/><vcount>4</vcount><p>0 0 1 1 2 2 3 3</p></polylist>
</mesh></geometry></library_geometries>
<library_animations><animation>
<source id="i"><float_array id="ia" count="2">0 1</float_array><technique_common>
<accessor source="#ia" count="2"><param name="TIME" type="float"/></accessor></technique_common></source>
<source id="o"><float_array id="oa" count="2">0 90</float_array><technique_common>
<accessor source="#oa" count="2"><param name="ANGLE" type="float"/></accessor></technique_common></source>
<sampler id="a"><input semantic="INPUT" source="#i"/><input semantic="OUTPUT" source="#o"/></sampler>
<channel source="#a" target="n/rotateZ.ANGLE"/></animation></library_animations>
<library_visual_scenes><visual_scene id="scene"><node id="n"><rotate sid="rotateZ">0 0 1 0</rotate>
<instance_geometry url="#quad"><bind_material><technique_common><instance_material symbol="s" target="#m">
<bind_vertex_input semantic="UV" input_semantic="TEXCOORD" input_set="0"/></instance_material></technique_common>
</bind_material></instance_geometry></node></visual_scene></library_visual_scenes>
<scene><instance_visual_scene url="#scene"/></scene>
</COLLADA>
"""

X3D = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE X3D PUBLIC "ISO//Web3D//DTD X3D 3.3//EN" "http://www.web3d.org/specifications/x3d-3.3.dtd">
<X3D profile="Immersive" version="3.3"><head><meta name="title" content="quad"/></head><Scene>
<Viewpoint position="0 0 5"/><DirectionalLight direction="0 -1 -1"/>
<Transform DEF="T" translation="1 0 0"><Shape><Appearance><Material diffuseColor="0.8 0.5 0.2"/>
<ImageTexture url='"wood.png"'/></Appearance>
<IndexedFaceSet coordIndex="0 1 2 3 -1" solid="false"><Coordinate point="0 0 0 1 0 0 1 1 0 0 1 0"/>
<TextureCoordinate point="0 0 1 0 1 1 0 1"/></IndexedFaceSet></Shape></Transform>
<TimeSensor DEF="C" cycleInterval="2"/><PositionInterpolator DEF="I" key="0 1" keyValue="1 0 0 0 1 0"/>
<ROUTE fromNode="C" fromField="fraction_changed" toNode="I" toField="set_fraction"/>
<ROUTE fromNode="I" fromField="value_changed" toNode="T" toField="set_translation"/>
</Scene></X3D>
"""

_TEXT = b"""# a box and a face
Shape { appearance Appearance { material DEF M Material { diffuseColor 1 0.5 0 } } geometry Box { size 1 2 3 } }
Transform { translation 0 3 0 children [
  Shape { appearance Appearance { material USE M } geometry IndexedFaceSet {
    coord Coordinate { point [ 0 0 0, 1 0 0, 1 1 0, 0 1 0 ] } coordIndex [ 0 1 2 3 -1 ] } }
] }
"""
X3DV = b"#X3D V3.3 utf8\nPROFILE Interchange\n" + _TEXT
VRML = b"#VRML V2.0 utf8\n" + _TEXT
