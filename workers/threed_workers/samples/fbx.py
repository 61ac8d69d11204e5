"""FBX as bytes and as text, from a tree; and a small scene that has one of everything."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

Tree = tuple[str, list, list]  # name, values, children
_SECOND = 46_186_158_000
_NULL = {False: bytes(13), True: bytes(25)}


def node(name: str, *values: object, children: list[Tree] | None = None) -> Tree:
    """`values`: int, float, bool, str, bytes, or numpy arrays of int32, int64, float32 and float64."""
    return name, list(values), children or []


def properties(**values: object) -> Tree:
    """Properties70. Underscores stand for the blanks in names; a tuple gives several numbers."""
    entries = []
    for name, value in values.items():
        flags = "A+U" if name.startswith("my_") else "A"
        numbers = value if isinstance(value, tuple) else (value,)
        entries.append(node("P", name.replace("_", " "), "", "", flags, *numbers))
    return node("Properties70", children=entries)


def binary(tree: list[Tree], version: int = 7400) -> bytes:
    """A binary file of these nodes; 64 bit from version 7500 on. Floats are doubles, ints of 64 bits."""
    wide = version >= 7500
    out = bytearray(b"Kaydara FBX Binary  \0\x1a\0" + struct.pack("<I", version))
    for entry in tree:
        _write(out, entry, wide)
    return bytes(out + _NULL[wide])


def _write(out: bytearray, entry: Tree, wide: bool) -> None:
    name, values, children = entry
    start, head = len(out), struct.Struct("<QQQB" if wide else "<IIIB")
    out += bytes(head.size) + name.encode()
    body = b"".join(_value(value) for value in values)
    out += body
    for child in children:
        _write(out, child, wide)
    if children:
        out += _NULL[wide]
    head.pack_into(out, start, len(out), len(values), len(body), len(name.encode()))


def _value(value: object) -> bytes:
    if isinstance(value, np.ndarray):
        kind = {"<f4": b"f", "<f8": b"d", "<i4": b"i", "<i8": b"l"}[value.dtype.str]
        packed = zlib.compress(value.tobytes())
        return kind + struct.pack("<III", value.size, 1, len(packed)) + packed
    if isinstance(value, bool):
        return b"C" + bytes([value])
    if isinstance(value, int):
        return b"L" + struct.pack("<q", value)
    if isinstance(value, float):
        return b"D" + struct.pack("<d", value)
    raw = value.encode() if isinstance(value, str) else bytes(value)
    return (b"S" if isinstance(value, str) else b"R") + struct.pack("<I", len(raw)) + raw


def text(tree: list[Tree], version: int = 7400) -> bytes:
    """The same as text. Names lose their separator: "Cube\\0\\1Model" becomes "Model::Cube"."""
    lines = [f"; FBX {version // 1000}.{version // 100 % 10}.{version // 10 % 10} project file"]
    for entry in tree:
        _print(lines, entry, 0)
    return "\n".join(lines).encode() + b"\n"


def _print(lines: list[str], entry: Tree, depth: int) -> None:
    name, values, children = entry
    indent = "\t" * depth
    if len(values) == 1 and isinstance(values[0], np.ndarray):
        numbers = ",".join(repr(number) for number in values[0].tolist())
        lines.append(f"{indent}{name}: *{values[0].size} {{\n{indent}\ta: {numbers}\n{indent}}}")
        return
    shown = ", ".join(_shown(value) for value in values)
    lines.append(f"{indent}{name}: {shown}" + (" {" if children else ""))
    for child in children:
        _print(lines, child, depth + 1)
    if children:
        lines.append(f"{indent}}}")


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return f', "{base64.b64encode(value).decode()}"'
    if isinstance(value, str):
        if "\0\1" in value:
            value = "::".join(reversed(value.split("\0\1")))
        return '"' + value.replace('"', "&quot;") + '"'
    return str(int(value)) if isinstance(value, bool) else repr(value)


def layer(name: str, mapping: str, reference: str, **tables: np.ndarray) -> Tree:
    """A layer element."""
    about = [node("MappingInformationType", mapping), node("ReferenceInformationType", reference)]
    return node(name, 0, children=about + [node(key, table) for key, table in tables.items()])


def scene(picture: bytes, version: int = 7400) -> list[Tree]:
    """A textured quad that a joint, a blend shape and an animation move, with a camera and a light."""
    numbers = np.array
    quad = numbers([0, 0, 0, 100, 0, 0, 100, 100, 0, 0, 100, 0], float)
    geometry = [
        node("Vertices", quad),
        node("PolygonVertexIndex", numbers([0, 1, 2, -4], np.int32)),
        layer("LayerElementNormal", "AllSame", "Direct", Normals=numbers([0.0, 0.0, 1.0])),
        layer(
            "LayerElementUV",
            "ByPolygonVertex",
            "IndexToDirect",
            UV=numbers([0, 0, 1, 0, 1, 1, 0, 1], float),
            UVIndex=numbers([0, 1, 2, 3], np.int32),
        ),
        layer("LayerElementColor", "ByVertice", "Direct", Colors=np.ones(16)),
        layer("LayerElementMaterial", "AllSame", "IndexToDirect", Materials=numbers([0], np.int32)),
    ]
    matrix = node("Transform", np.eye(4).reshape(-1))
    objects = [
        node("Geometry", 10, "quad\0\1Geometry", "Mesh", children=geometry),
        node("Model", 11, "quad\0\1Model", "Mesh", children=[properties(Lcl_Rotation=(0.0, 90.0, 0.0), my_note=7)]),
        node("Model", 12, "joint\0\1Model", "LimbNode", children=[properties(PreRotation=(0.0, 0.0, 30.0))]),
        node("Deformer", 13, "\0\1Deformer", "Skin", children=[node("Version", 101)]),
        node(
            "Deformer",
            14,
            "\0\1SubDeformer",
            "Cluster",
            children=[node("Indexes", numbers([2, 3], np.int32)), node("Weights", numbers([1.0, 0.5])), matrix],
        ),
        node("Deformer", 15, "\0\1Deformer", "BlendShape", children=[node("Version", 101)]),
        node(
            "Deformer",
            16,
            "lift\0\1SubDeformer",
            "BlendShapeChannel",
            children=[node("DeformPercent", 50.0), node("FullWeights", numbers([100.0]))],
        ),
        node(
            "Geometry",
            17,
            "lift\0\1Geometry",
            "Shape",
            children=[node("Indexes", numbers([0], np.int32)), node("Vertices", numbers([0.0, 0.0, 25.0]))],
        ),
        node("Material", 18, "red\0\1Material", "", children=[properties(DiffuseColor=(1.0, 0.0, 0.0))]),
        node("Texture", 19, "wood\0\1Texture", "", children=[node("RelativeFilename", "wood.png")]),
        node("Video", 20, "wood\0\1Video", "Clip", children=[node("Content", picture)]),
        node("Model", 21, "eye\0\1Model", "Camera", children=[properties(Lcl_Translation=(0.0, 0.0, 300.0))]),
        node("NodeAttribute", 22, "eye\0\1NodeAttribute", "Camera", children=[properties(FieldOfView=40.0)]),
        node("Model", 23, "sun\0\1Model", "Light", children=[node("Version", 232)]),
        node("NodeAttribute", 24, "sun\0\1NodeAttribute", "Light", children=[properties(LightType=1)]),
        *_animation(),
    ]
    links = [(11, 0), (10, 11), (12, 0), (13, 10), (14, 13), (12, 14), (15, 10), (16, 15), (17, 16), (18, 11), (20, 19)]
    links += [(21, 0), (22, 21), (23, 0), (24, 23), (31, 30), (32, 31)]
    connections = [node("C", "OO", child, parent) for child, parent in links]
    connections += [node("C", "OP", 19, 18, "DiffuseColor"), node("C", "OP", 32, 12, "Lcl Rotation")]
    connections.append(node("C", "OP", 33, 32, "d|Z"))
    return [
        node("FBXHeaderExtension", children=[node("FBXVersion", version)]),
        node("GlobalSettings", children=[properties(UpAxis=1, FrontAxis=2, CoordAxis=0, UnitScaleFactor=1.0)]),
        node("Objects", children=objects),
        node("Connections", children=connections),
    ]


def _animation() -> list[Tree]:
    """The joint turns by 90 degrees about +Z in one second."""
    keys = [
        node("KeyTime", np.array([0, _SECOND], np.int64)),
        node("KeyValueFloat", np.array([0.0, 90.0])),
        node("KeyAttrFlags", np.array([4], np.int32)),
        node("KeyAttrDataFloat", np.zeros(4)),
        node("KeyAttrRefCount", np.array([2], np.int32)),
    ]
    return [
        node("AnimationStack", 30, "turn\0\1AnimStack", "", children=[properties(LocalStop=_SECOND)]),
        node("AnimationLayer", 31, "base\0\1AnimLayer", "", children=[node("Version", 100)]),
        node("AnimationCurveNode", 32, "R\0\1AnimCurveNode", "", children=[node("Version", 100)]),
        node("AnimationCurve", 33, "\0\1AnimCurve", "", children=keys),
    ]
