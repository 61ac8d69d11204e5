"""Small models for the checks: one mesh each, with what a test gives it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from threed_workers.document import Builder, Document
from threed_workers.document.model import Json
from threed_workers.quality import Limits, check_all
from threed_workers.samples.files import png_bytes

# A closed cube of edge 1: 8 points, 12 triangles, counter-clockwise from outside.
CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32)
_QUADS = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
CUBE_TRIANGLES = np.concatenate([_QUADS[:, [0, 1, 2]], _QUADS[:, [0, 2, 3]]])
# A square in two triangles, and the layout that shows a picture upright on it.
SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
SQUARE_TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]])
SQUARE_UVS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)


class Model:
    """Collects primitives of one mesh, shown by one node."""

    def __init__(self) -> None:
        self.builder = Builder("tests")
        self.primitives: list[Json] = []

    def add(self, points: np.ndarray, triangles: np.ndarray, material: int | None = None, **attributes: np.ndarray):
        """A primitive; gives the model back."""
        found = {"POSITION": self.builder.positions(points.astype(np.float32))}
        found |= {name: self.builder.attribute(values) for name, values in attributes.items()}
        primitive = {"attributes": found, "indices": self.builder.indices(triangles, len(points))}
        self.primitives.append(primitive | ({} if material is None else {"material": material}))
        return self

    def texture(self, data: bytes, media_type: str = "image/png", **sampler: int) -> int:
        """A texture of that picture."""
        entry = {"source": self.builder.picture(data, media_type)}
        if sampler:
            entry["sampler"] = self.builder.add("samplers", sampler)
        return self.builder.add("textures", entry)

    def material(self, texture: int | None = None, **more: object) -> int:
        """A material with that base colour texture."""
        surface = {} if texture is None else {"pbrMetallicRoughness": {"baseColorTexture": {"index": texture}}}
        return self.builder.add("materials", surface | more)

    def finish(self, **node: object) -> Document:
        mesh = self.builder.add("meshes", {"primitives": self.primitives})
        self.builder.add("nodes", {"mesh": mesh, **node})
        return self.builder.finish()


def mesh(points: np.ndarray, triangles: np.ndarray, **attributes: np.ndarray) -> Document:
    """A document of one primitive."""
    return Model().add(points, triangles, **attributes).finish()


def textured(uvs: np.ndarray, data: bytes | None = None, transform: Json | None = None, **sampler: int) -> Document:
    """The square with a picture on it."""
    model = Model()
    texture = model.texture(png(4, 4) if data is None else data, **sampler)
    info: Json = {"index": texture}
    if transform:
        info["extensions"] = {"KHR_texture_transform": transform}
    material = model.material(pbrMetallicRoughness={"baseColorTexture": info})
    return model.add(SQUARE, SQUARE_TRIANGLES, material, TEXCOORD_0=uvs.astype(np.float32)).finish()


def png(width: int, height: int) -> bytes:
    """A picture of that size."""
    return png_bytes(np.asarray(Image.linear_gradient("L").resize((width, height)).convert("RGB")))


def found(document: Document, code: str, **limits: int) -> list[Json]:
    """The issues of that code."""
    return [issue for issue in check_all(document, limits=Limits(**limits)) if issue["code"] == code]


def codes(document: Document, prefix: str = "") -> set[str]:
    """The codes of everything that is found."""
    return {issue["code"] for issue in check_all(document) if issue["code"].startswith(prefix)}
