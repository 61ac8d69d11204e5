"""Models whose every number is known, for what each export must do with them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from threed_workers.budget import Budget
from threed_workers.document import Builder, Document, read_glb
from threed_workers.document.companions import mapped
from threed_workers.importing import import_file
from threed_workers.samples import animated_model
from threed_workers.samples.shapes import box

BUDGET = Budget()
QUAD = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
QUAD_UVS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)
QUAD_TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]])
QUAD_COLORS = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1], [0.5, 0.5, 0.5, 1]], np.float32)


def showpiece() -> Document:
    """The animated, textured sample: 17,964 triangles in 8 nodes."""
    return read_glb(memoryview(animated_model()), BUDGET)


def quad(builder: Builder, mode: int = 4, order: np.ndarray = QUAD_TRIANGLES, **attributes: np.ndarray) -> dict:
    """A primitive over the unit square in XY, facing +Z."""
    made = {"POSITION": builder.positions(QUAD)}
    made |= {name: builder.attribute(values) for name, values in attributes.items()}
    return {"attributes": made, "mode": mode, "indices": builder.indices(order, 4)}


def cube(builder: Builder, half: float = 0.5, **more: object) -> int:
    """A mesh: the box from -half to half with normals and texture coordinates."""
    points, normals, uvs, _, triangles = box(half)
    attributes = {
        "POSITION": builder.positions(points),
        "NORMAL": builder.attribute(normals.astype(np.float32)),
        "TEXCOORD_0": builder.attribute(uvs.astype(np.float32)),
    }
    primitive = {"attributes": attributes, "indices": builder.indices(triangles, len(points)), **more}
    return builder.add("meshes", {"name": "cube", "primitives": [primitive]})


def picture(kind: str = "PNG", color: tuple = (255, 0, 0), size: int = 4) -> bytes:
    """An encoded picture of one colour."""
    out = io.BytesIO()
    Image.new("RGBA" if len(color) == 4 else "RGB", (size, size), color).save(out, kind)
    return out.getvalue()


def placed(mesh_of, *nodes: dict) -> Document:
    """A document of one mesh, shown by these nodes."""
    builder = Builder("tests")
    mesh = mesh_of(builder)
    for node in nodes or ({},):
        builder.add("nodes", {"mesh": mesh, **node})
    return builder.finish()


def mirrored_cubes() -> Document:
    """A cube at the origin, and its mirror image twice as wide at x = 3: in all x from -0.5 to 4."""
    return placed(cube, {"name": "plain"}, {"name": "mirror", "translation": [3, 0, 0], "scale": [-2, 1, 1]})


def morphed() -> Document:
    """A quad whose target, by the default weight 0.5, lifts it by 1 along Z."""
    builder = Builder("tests")
    primitive = quad(builder)
    lifted = np.tile(np.array([[0, 0, 2]], np.float32), (4, 1))
    primitive["targets"] = [{"POSITION": builder.positions(lifted)}]
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive], "weights": [0.5]})})
    return builder.finish()


def skinned(seconds: float = 2.0) -> Document:
    """A quad whose upper edge follows a joint that the file shows 1 higher than it was bound; animated to 3 higher.

    Its node stands far away, which counts for nothing. So y goes from 0 to 2.
    """
    builder = Builder("tests")
    weights = np.zeros((4, 4), np.float32)
    joints = np.zeros((4, 4), np.uint8)
    weights[:, 0] = 1
    joints[:2, 0] = 1
    primitive = quad(builder, JOINTS_0=joints, WEIGHTS_0=weights)
    mesh = builder.add("meshes", {"primitives": [primitive]})
    tip = builder.add("nodes", {"name": "tip", "translation": [0, 2, 0]})
    between = builder.add("nodes", {"name": "between", "children": [tip]})
    base = builder.add("nodes", {"name": "base", "children": [between]})
    bind = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    bind[0, 3, 1] = -1  # columns: the tip was bound at y = 1
    inverse = builder.accessor(bind.reshape(2, 16))
    # The child comes before its parent, which USD does not allow.
    skin = builder.add("skins", {"joints": [tip, base], "inverseBindMatrices": inverse})
    builder.add("nodes", {"name": "flag", "mesh": mesh, "skin": skin, "translation": [100, 0, 0]})
    clock = builder.accessor(np.array([0, seconds], np.float32), bounds=True)
    values = builder.accessor(np.array([[0, 2, 0], [0, 4, 0]], np.float32))
    channel = {"sampler": 0, "target": {"node": tip, "path": "translation"}}
    builder.add("animations", {"samplers": [{"input": clock, "output": values}], "channels": [channel]})
    return builder.finish()


def instanced() -> Document:
    """A cube at x = 0, 10 and 20."""
    builder = Builder("tests")
    places = builder.accessor(np.array([[0, 0, 0], [10, 0, 0], [20, 0, 0]], np.float32))
    builder.use("EXT_mesh_gpu_instancing", required=True)
    extension = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": places}}}
    builder.add("nodes", {"name": "row", "mesh": cube(builder), "extensions": extension})
    return builder.finish()


def every_mode() -> Document:
    """Two triangles each as list, strip and fan; four lines as list, loop; three as strip; four points."""
    builder = Builder("tests")
    square = np.arange(4)
    primitives = [
        quad(builder, 4),
        quad(builder, 5, np.array([0, 1, 3, 2])),
        quad(builder, 6, square),
        quad(builder, 1, np.array([0, 1, 1, 2, 2, 3, 3, 0])),
        quad(builder, 2, square),
        quad(builder, 3, square),
        quad(builder, 0, square),
    ]
    builder.add("nodes", {"name": "modes", "mesh": builder.add("meshes", {"primitives": primitives})})
    return builder.finish()


def colored() -> Document:
    """A quad with a colour for each vertex, under a material of half red."""
    builder = Builder("tests")
    material = builder.add("materials", {"pbrMetallicRoughness": {"baseColorFactor": [0.5, 1, 1, 1]}})
    primitive = quad(builder, COLOR_0=QUAD_COLORS, TEXCOORD_0=QUAD_UVS) | {"material": material}
    builder.add("nodes", {"name": "paint", "mesh": builder.add("meshes", {"primitives": [primitive]})})
    return builder.finish()


def furnished() -> Document:
    """A cube with everything beside it: camera, light, second scene, extras, variants, an unknown extension."""
    builder = Builder("tests")
    builder.use("KHR_lights_punctual")
    builder.use("ACME_smell")
    builder.json["extensions"] = {"KHR_lights_punctual": {"lights": [{"type": "point"}]}}
    lamp = {"KHR_lights_punctual": {"light": 0}, "ACME_smell": {"kind": "rose"}}
    camera = {"type": "perspective", "perspective": {"yfov": 0.6, "znear": 0.1, "aspectRatio": 1.5}}
    shown = builder.add("nodes", {"mesh": cube(builder), "camera": builder.add("cameras", camera), "extras": {"a": 1}})
    hidden = builder.add("nodes", {"mesh": 0, "extensions": lamp})
    builder.add("scenes", {"nodes": [shown]})
    builder.add("scenes", {"nodes": [hidden]})
    builder.json["scene"] = 0
    return builder.finish()


def losses(export) -> dict[str, int]:
    """Feature to count."""
    assert all(entry["reason"] and entry["file"] for entry in export.losses)
    return {entry["feature"]: entry["count"] for entry in export.losses}


def imported(path: Path, folder: Path) -> tuple[dict, Document]:
    """(report, normalized document) of a file that was exported."""
    folder.mkdir()
    report = import_file(path, path.name, folder, BUDGET, lambda step, fraction: None)
    return report, read_glb(mapped(folder / "normalized.glb"), BUDGET)
