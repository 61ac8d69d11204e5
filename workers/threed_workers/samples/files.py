"""Tiny valid files, one or more of every format."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import orjson
from PIL import Image

from threed_workers.document import Builder, write_glb
from threed_workers.document.model import Document
from threed_workers.mesh.flat import flat_normals
from threed_workers.samples import e57, fbx, las, printing, scenes, step, usd


def sample(name: str) -> bytes:
    """A tiny valid file of that name in SAMPLES: a format, or a variant of one. Raises KeyError for other names."""
    return SAMPLES[name]()


def glb_bytes(document: Document) -> bytes:
    """The document as one GLB in memory."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "sample.glb"
        write_glb(document, target)
        return target.read_bytes()


def triangle() -> Document:
    """One triangle, 3 vertices, no normals: the smallest model."""
    builder = Builder("threed samples")
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    primitive = {"attributes": {"POSITION": builder.positions(points)}, "indices": builder.indices(np.arange(3), 3)}
    builder.add("nodes", {"name": "triangle", "mesh": builder.add("meshes", {"primitives": [primitive]})})
    return builder.finish()


def _gltf() -> bytes:
    document = triangle()
    data = base64.b64encode(bytes(document.buffers[0])).decode()
    document.json["buffers"][0]["uri"] = f"data:application/octet-stream;base64,{data}"
    return orjson.dumps(document.json)


def _gltf_zip() -> bytes:
    document = triangle()
    document.json["buffers"][0]["uri"] = "data/triangle.bin"
    document.json |= {"images": [{"uri": "textures/red%20brick.png"}], "textures": [{"source": 0}]}
    document.json["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    files = {
        "model/triangle.gltf": orjson.dumps(document.json),
        "model/data/triangle.bin": bytes(document.buffers[0]),
        "model/textures/red brick.png": sample("png"),
    }
    return zipped(files)


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip of these files, always the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


_OBJ = b"""# a quad in two materials
mtllib quad.mtl
o quad
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
vn 0 0 1
usemtl wood
f 1/1/1 2/2/1 3/3/1 4/4/1
usemtl steel
f -4//1 -2//1 -1//1
"""
_MTL = b"newmtl wood\nKd 0.5 0.4 0.3\nNs 50\nmap_Kd -bm 1 wood.png\nnewmtl steel\nKd 0.6 0.6 0.6\nPm 1\nPr 0.3\nd 0.5\n"


def _stl() -> bytes:
    corners = np.array([[[0, 0, 0], [10, 0, 0], [0, 10, 0]], [[0, 0, 0], [0, 10, 0], [0, 0, 10]]], np.float32)
    out = b"binary STL, 2 triangles".ljust(80, b" ") + struct.pack("<I", len(corners))
    for normal, triangle_ in zip(flat_normals(corners)[::3], corners, strict=True):
        out += np.append(normal, triangle_).astype("<f4").tobytes() + b"\0\0"
    return out


_STL_TEXT = b"""solid one
facet normal 0 0 1
 outer loop
  vertex 0 0 0
  vertex 10 0 0
  vertex 0 10 0
 endloop
endfacet
endsolid one
"""

_PLY_HEADER = """ply
format {format} 1.0
comment made by threed
element vertex 4
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
element face 1
property list uchar int vertex_indices
end_header
"""


def _ply() -> bytes:
    out = _PLY_HEADER.format(format="binary_little_endian").encode()
    for x, y, color in ((0, 0, (255, 0, 0)), (1, 0, (0, 255, 0)), (1, 1, (0, 0, 255)), (0, 1, (255, 255, 255))):
        out += struct.pack("<3f3B", x, y, 0, *color)
    return out + struct.pack("<B4i", 4, 0, 1, 2, 3)


def _ply_text() -> bytes:
    rows = b"0 0 0 255 0 0\n1 0 0 0 255 0\n1 1 0 0 0 255\n0 1 0 255 255 255\n4 0 1 2 3\n"
    return _PLY_HEADER.format(format="ascii").encode() + rows


def _pixels() -> np.ndarray:
    """A 32 x 16 gradient, uint8 (16, 32, 3)."""
    y, x = np.mgrid[0:16, 0:32]
    return np.dstack([x * 8, y * 16, 255 - x * 8]).astype(np.uint8)


def png_bytes(pixels: np.ndarray) -> bytes:
    return _saved(pixels, "PNG", optimize=True)


def _saved(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def _hdr() -> bytes:
    """Flat RGBE, 32 x 16."""
    light = _pixels() / 64.0
    brightest = light.max(axis=2)
    exponent = np.ceil(np.log2(np.maximum(brightest, 1e-9)) + 1e-9)
    mantissa = np.clip(light / np.exp2(exponent)[..., None] * 256, 0, 255)
    rows = np.dstack([mantissa, exponent + 128]).astype(np.uint8)
    return b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 16 +X 32\n" + rows.tobytes()


def _exr() -> bytes:
    """Uncompressed float scanlines, 32 x 16, written by hand."""
    light = (_pixels() / 64.0).astype("<f4")
    height, width, _ = light.shape

    def attribute(name: bytes, kind: bytes, value: bytes) -> bytes:
        return name + b"\0" + kind + b"\0" + struct.pack("<I", len(value)) + value

    channels = b"".join(part + b"\0" + struct.pack("<iB3xii", 2, 0, 1, 1) for part in (b"B", b"G", b"R")) + b"\0"
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    head = struct.pack("<II", 20000630, 2)
    head += attribute(b"channels", b"chlist", channels)
    head += attribute(b"compression", b"compression", b"\0")
    head += attribute(b"dataWindow", b"box2i", window) + attribute(b"displayWindow", b"box2i", window)
    head += attribute(b"lineOrder", b"lineOrder", b"\0") + attribute(
        b"pixelAspectRatio", b"float", struct.pack("<f", 1)
    )
    head += attribute(b"screenWindowCenter", b"v2f", struct.pack("<2f", 0, 0))
    head += attribute(b"screenWindowWidth", b"float", struct.pack("<f", 1)) + b"\0"
    size = 12 * width
    offsets = b"".join(struct.pack("<Q", len(head) + 8 * height + y * (8 + size)) for y in range(height))
    rows = b"".join(struct.pack("<ii", y, size) + light[y, :, ::-1].T.tobytes() for y in range(height))
    return head + offsets + rows


SAMPLES = {
    "glb": lambda: glb_bytes(triangle()),
    "gltf": _gltf,
    "zip": _gltf_zip,
    "obj": lambda: _OBJ,
    "obj.zip": lambda: zipped({"quad.obj": _OBJ, "quad.mtl": _MTL, "wood.png": sample("png")}),
    "fbx": lambda: fbx.binary(fbx.scene(sample("png"))),
    "fbx.wide": lambda: fbx.binary(fbx.scene(sample("png"), 7700), 7700),
    "fbx.zip": lambda: zipped({"scene.fbx": fbx.binary(fbx.scene(b"")), "textures/wood.png": sample("png")}),
    "fbx.text": lambda: fbx.text(fbx.scene(sample("png"))),
    "stl": _stl,
    "stl.text": lambda: _STL_TEXT,
    "ply": _ply,
    "ply.text": _ply_text,
    "e57": e57.e57,
    "las": las.las,
    "las.compressed": las.laz,
    "step": lambda: step.block(),
    "usd": lambda: usd.QUAD,
    "usd.zip": lambda: zipped({"quad.usda": usd.QUAD, "textures/wood.png": sample("png")}),
    "usdz": lambda: usd.usdz({"quad.usda": usd.QUAD, "textures/wood.png": sample("png")}),
    "3mf": lambda: zipped(printing.box_3mf(sample("png"))),
    "amf": lambda: printing.AMF,
    "amf.zip": lambda: zipped({"tetrahedron.amf": printing.AMF}),
    "off": lambda: printing.OFF,
    "off.binary": printing.off_binary,
    "3ds": scenes.threeds,
    "dae": lambda: scenes.DAE,
    "dae.zip": lambda: zipped({"doc.dae": scenes.DAE, "wood.png": sample("png")}),
    "x3d": lambda: scenes.X3D,
    "x3d.text": lambda: scenes.X3DV,
    "vrml": lambda: scenes.VRML,
    "png": lambda: png_bytes(_pixels()),
    "jpeg": lambda: _saved(_pixels(), "JPEG", quality=90),
    "webp": lambda: _saved(_pixels(), "WEBP", quality=90),
    "hdr": _hdr,
    "exr": _exr,
}
