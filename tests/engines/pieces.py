"""What the tests of the engines draw: small models from numbers, scenes around them, and the step that draws them."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from google.protobuf.json_format import MessageToDict, ParseDict
from PIL import Image

from threed.v1 import jobs_pb2
from threed_workers.document import Builder, edit
from threed_workers.document.render_copy import render_copy
from threed_workers.document.sources import settle_pictures
from threed_workers.engines import rendering
from threed_workers.samples import glb_bytes
from threed_workers.samples.shapes import Shape, box, sphere

UNLIT = "KHR_materials_unlit"


def model(shape: Shape, material: dict, mode: int = 4, node: dict | None = None, color: float | None = None) -> bytes:
    """A GLB with one primitive, drawn vertex by vertex where it has no triangles. `color` is that of all vertices."""
    builder = Builder("tests")
    points, normals, _, _, triangles = shape
    attributes = {"POSITION": builder.positions(points)}
    if mode >= 4:
        attributes["NORMAL"] = builder.attribute(normals.astype(np.float32))
    if color is not None:
        attributes["COLOR_0"] = builder.attribute(np.full((len(points), 3), color, np.float32))
    primitive = {"attributes": attributes, "mode": mode, "material": builder.add("materials", material)}
    if mode >= 4:
        primitive["indices"] = builder.indices(triangles, len(points))
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]}), **(node or {})})
    document = builder.finish()
    names = sorted(material.get("extensions") or {})
    if names:
        document.json["extensionsUsed"] = names
    return glb_bytes(document)


def unlit(red: float, green: float, blue: float) -> dict:
    """A material whose linear colour is seen as it is."""
    surface = {"baseColorFactor": [red, green, blue, 1.0]}
    return {"pbrMetallicRoughness": surface, "extensions": {UNLIT: {}}}


def matte(albedo: float) -> dict:
    """Paper."""
    surface = {"baseColorFactor": [albedo] * 3 + [1.0], "metallicFactor": 0.0, "roughnessFactor": 1.0}
    return {"pbrMetallicRoughness": surface}


def wall(size: float = 4.0) -> Shape:
    """A square in the plane z = 0, seen from +Z."""
    points = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * size / 2
    normals = np.tile([0.0, 0.0, 1.0], (4, 1))
    return points, normals, np.zeros((4, 2)), np.zeros((4, 4)), np.array([[0, 1, 2], [0, 2, 3]])


def textured(pixels: np.ndarray, kind: str, **material) -> bytes:
    """The render copy of an unlit `wall` with a picture, uint8 (h, w, 3 or 4), stored as Pillow's `kind`."""
    stored = io.BytesIO()
    Image.fromarray(pixels).save(stored, kind, quality=95)
    return showing(stored.getvalue(), **material)


def in_ktx2() -> bytes:
    """A `wall` whose picture is a KTX2 of Basis Universal, which no engine but Filament knows."""
    header = struct.pack("<9I", 0, 1, 8, 8, 0, 0, 1, 1, 1) + bytes(32) + struct.pack("<3Q", 104, 16, 64)
    return showing(b"\xabKTX 20\xbb\r\n\x1a\n" + header + bytes(16))


def showing(picture: bytes, base: dict | None = None, **material) -> bytes:
    """The render copy of an unlit `wall` that shows an encoded picture; `material` says more about it.

    `base` is the textureInfo of its colour.
    """
    builder = Builder("tests")
    points, normals, _, _, triangles = wall()
    attributes = {
        "POSITION": builder.positions(points),
        "NORMAL": builder.attribute(normals.astype(np.float32)),
        "TEXCOORD_0": builder.attribute(np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)),
    }
    look = builder.add("materials", unlit(1, 1, 1) | material)
    primitive = {"attributes": attributes, "indices": builder.indices(triangles, 4), "material": look}
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})
    document = builder.finish()
    edit.use(document, UNLIT)
    document.json |= {"images": [{}], "textures": [{"source": 0}]}
    document.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = base or {"index": 0}
    if base:
        edit.use(document, *base["extensions"])
    document.pictures[0] = memoryview(picture)
    settle_pictures(document)
    packed, losses = render_copy(document)
    assert losses == []
    return glb_bytes(packed)


LEFT, RIGHT = (220, 60, 20), (30, 90, 200)
RED_AND_BLUE = np.repeat(np.array([[LEFT, RIGHT]], np.uint8), 32, axis=1).repeat(64, axis=0)
BALL = model(sphere(96, 48), unlit(1, 1, 1))
RED, GREEN, BLUE = (model(box(0.5), unlit(*colour)) for colour in ((1, 0, 0), (0, 1, 0), (0, 0, 1)))
PAPER = model(wall(), matte(0.5))


def spec(nodes: list[dict], scene: dict | None = None, **job) -> dict:
    """A RenderSpec as proto3 JSON. Job fields are in JSON, as a client would send them."""
    job = {"resolution": {"width": 64, "height": 64}, "samples": 4, **job}
    given = {"renderJob": job, "scene": {"nodes": nodes, **(scene or {})}}
    return MessageToDict(ParseDict(given, jobs_pb2.RenderSpec()))


def look(eye: tuple, target: tuple = (0, 0, 0), yfov: float = 0.7, **more) -> dict:
    """A camera from a point to a point."""
    return {"lookAt": {"eye": list(eye), "target": list(target), "yfov": yfov, **more}}


def rendered(folder: Path, request_spec: dict, models: dict[str, bytes], **request) -> tuple[dict, np.ndarray]:
    """(what the step says of the first frame, its picture as uint8 (h, w, 4))."""
    for name, data in models.items():
        (folder / f"{name}.glb").write_bytes(data)
    files = {name: f"{name}.glb" for name in models}
    (answer, *_), _ = told({"spec": request_spec, "models": files, **request}, folder)
    return answer, decoded((folder / answer["file"]).read_bytes())


def told(request: dict, folder: Path) -> tuple[list[dict], list[dict]]:
    """(each frame that the step says it drew, everything else that it reports)."""
    events: list[dict] = []
    rendering.render(request, folder, events.append)
    return [event["drawn"] for event in events if "drawn" in event], [event for event in events if "drawn" not in event]


def decoded(data: bytes) -> np.ndarray:
    """The pixels of an encoded picture, uint8 (h, w, 4)."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def linear(pixel: np.ndarray) -> np.ndarray:
    """uint8 sRGB to linear."""
    value = np.asarray(pixel, np.float64) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def srgb(value: float) -> int:
    """Linear to uint8 sRGB."""
    return round(255 * (value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055))


def centre_of(mask: np.ndarray) -> tuple[float, float]:
    """(x, y) of the middle of what is set, -1 to 1, x to the right and y up."""
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    return (columns.mean() + 0.5) / width * 2 - 1, 1 - (rows.mean() + 0.5) / height * 2
