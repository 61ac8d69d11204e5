"""A material for surfaces whose file gives them none.

In glTF 2.0, a primitive without a material is a rough white metal (section 3.9.2: `metallicFactor` is 1 by default). In
no other format that is read does "no material" mean that; their viewers show something matte, from both sides.
"""

from __future__ import annotations

import copy

from threed_workers.document import Document
from threed_workers.document.model import Json

_TRIANGLES = 4
MATTE: Json = {"pbrMetallicRoughness": {"metallicFactor": 0.0}, "doubleSided": True}


def give_default_material(document: Document) -> None:
    """Make every surface without a material MATTE. It is white, and vertex colours are multiplied with it, as ever.

    Points and lines stay as they are: without normals they are unlit, whatever they are made of.
    """
    parts = [part for mesh in document.all("meshes") for part in mesh["primitives"]]
    bare = [part for part in parts if "material" not in part and part.get("mode", _TRIANGLES) >= _TRIANGLES]
    if not bare:
        return
    materials = document.json.setdefault("materials", [])
    materials.append(copy.deepcopy(MATTE))
    for part in bare:
        part["material"] = len(materials) - 1
