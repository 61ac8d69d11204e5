"""Compile the shaders that most models need: `python -m threed_workers.engines.warming FOLDER`. See shaders.py."""

from __future__ import annotations

import io
import itertools
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from threed_workers.document import Builder
from threed_workers.engines import framing
from threed_workers.engines.drawing import Backdrop, Drawing, Instance, Light
from threed_workers.engines.models import Model
from threed_workers.engines.rendering import drawn
from threed_workers.engines.shaders import MESA, VARIABLE
from threed_workers.engines.thumbnails import SETTINGS, draw
from threed_workers.samples import animated_model, glb_bytes


def warm(folder: Path) -> None:
    """Draw what most models need, and leave the compiled shaders in `folder`. Once per process, before any picture.

    Really once: what a second size in the same process compiles is not what the first picture of a child needs.
    """
    os.environ[MESA] = str(folder)
    os.environ.pop(VARIABLE, None)
    for data, sunny in ((animated_model(), True), (_every_kind(), False)):
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            file = place / "model.glb"
            file.write_bytes(data)
            model = Model.open(file)
            draw(model, model.corners(), SETTINGS, place, lambda event: None, ["raster"])
            if sunny:
                _draw_in_sunlight(model, place)


def _draw_in_sunlight(model: Model, folder: Path) -> None:
    """Shadows have shaders of their own, twice as many: those of whole surfaces, which most are."""
    sun = Light("directional", np.zeros(3), np.array([0.0, -1.0, 0.0]), (1.0, 1.0, 1.0), 3.0)
    corners = model.corners()
    drawing = Drawing((Instance(model, np.eye(4)),), corners, (sun,), backdrop=Backdrop("transparent"))
    view = framing.framed(corners, framing.YAW, framing.PITCH, framing.YFOV, framing.MARGIN, SETTINGS.aspect)
    drawn(drawing, SETTINGS, [view], folder, lambda event: None, able=["raster"])


def _every_kind() -> bytes:
    """A triangle in every way that has a shader of its own: opaque, masked, blended; lit or not; skinned or not."""
    builder = Builder("threed shaders")
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    plain = {"POSITION": builder.positions(corners), "TEXCOORD_0": builder.attribute(corners[:, :2].copy())}
    normals = {"NORMAL": builder.attribute(np.tile(np.array([0, 0, 1], np.float32), (3, 1)))}
    colours = {"COLOR_0": builder.attribute(np.ones((3, 4), np.float32))}
    weights = {"WEIGHTS_0": builder.attribute(np.tile(np.array([1, 0, 0, 0], np.float32), (3, 1)))}
    bones = [{"JOINTS_0": builder.attribute(np.zeros((3, 4), kind)), **weights} for kind in (np.uint8, np.uint16)]
    image = io.BytesIO()
    Image.new("RGB", (4, 4), "white").save(image, "PNG")
    texture = builder.add("textures", {"source": builder.picture(image.getvalue(), "image/png")})
    joint = builder.add("nodes", {"name": "joint"})
    skin = builder.add("skins", {"joints": [joint]})
    surfaces = ({}, {"baseColorTexture": {"index": texture}})
    for mode, lit, surface in itertools.product(("OPAQUE", "MASK", "BLEND"), (True, False), surfaces):
        extensions = {} if lit else {"extensions": {"KHR_materials_unlit": {}}}
        look = {"alphaMode": mode, "doubleSided": True, "pbrMetallicRoughness": surface, **extensions}
        material = builder.add("materials", look)
        for skinned, shaded, coloured in itertools.product(({}, *bones), ({}, normals), ({}, colours)):
            primitive = {"attributes": {**plain, **shaded, **coloured, **skinned}, "material": material}
            node = {"mesh": builder.add("meshes", {"primitives": [primitive]}), **({"skin": skin} if skinned else {})}
            builder.add("nodes", node)
    builder.json["extensionsUsed"] = ["KHR_materials_unlit"]
    return glb_bytes(builder.finish())


if __name__ == "__main__":
    warm(Path(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)
