"""Volumes of an AMF to glTF primitives: triangles by their picture, with the colour that counts at each corner."""

from __future__ import annotations

import io
from collections import defaultdict

import numpy as np
from PIL import Image

from threed.errors import FileTooComplex
from threed_workers.budget import Budget
from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats.amf_model import NO_COLOR, Amf, Map, Object, Volume
from threed_workers.formats.corners import surface_of_corners
from threed_workers.formats.findings import Findings
from threed_workers.mesh.colors import linear_from_srgb
from threed_workers.mesh.normals import corner_normals, unit_normals

# Of pictures that are put together from grey ones: encoding more would take minutes.
_MOST_PIXELS = 1 << 26


class Surfaces:
    """Makes primitives, and keeps the materials and pictures that it made."""

    def __init__(self, builder: Builder, model: Amf, budget: Budget, findings: Findings):
        self.builder, self.model, self.budget, self.findings = builder, model, budget, findings
        self.materials: dict[tuple, int] = {}
        self.pictures: dict[Map, int | None] = {}
        self.primitives = 0
        self.pixels = 0

    def primitives_of(self, made: Object) -> list[Json]:
        volumes = [volume for volume in made.volumes if not volume.is_support]
        self.findings.lose(
            "support structures",
            "They help to print the model, and are no part of it.",
            len(made.volumes) - len(volumes),
        )
        found = []
        normals = _normals(made, volumes)
        first = 0
        for volume in volumes:
            rows = normals[first : first + len(volume.triangles)] if normals is not None else None
            found += self.primitives_of_volume(made, volume, rows)
            first += len(volume.triangles)
        return found

    def primitives_of_volume(self, made: Object, volume: Volume, normals: np.ndarray | None) -> list[Json]:
        if not len(volume.triangles):
            return []
        name, base = self.model.materials.get(volume.material, ("", NO_COLOR))
        # A volume's colour goes before its object's, and that before its material's.
        whole = next((color for color in (volume.color, made.color, base) if not np.isnan(color[0])), NO_COLOR)
        colors = self.corner_colors(made, volume, whole)
        found = []
        runs = self.by_map(volume)
        self.primitives += len(runs)
        if self.primitives > self.budget.parts:
            message = f"The file has more than {self.budget.parts} volumes and pictures. Split the model."
            raise FileTooComplex(message, where=f"object {made.id[:40]}")
        for map_, rows in runs.items():
            uvs = None
            if map_ is not None:
                uvs = np.array([volume.maps[row][1] for row in rows.tolist()]).reshape(-1, 2)
            painted = None
            if colors is not None and map_ is None:
                painted = colors.reshape(-1, 3, 4)[rows].reshape(-1, 4)
            primitive = surface_of_corners(
                self.builder,
                made.points,
                volume.triangles[rows],
                colors=painted,
                uvs=uvs,
                normals=normals[rows].reshape(-1, 3) if normals is not None else None,
            )
            material = self.material(name, map_, painted, whole)
            found.append(primitive if material is None else primitive | {"material": material})
        return found

    def by_map(self, volume: Volume) -> dict[Map | None, np.ndarray]:
        """The numbers of the triangles that have a picture, by picture, and of those that have none."""
        mapped: dict[Map | None, list[int]] = defaultdict(list)
        for row, (map_, _) in volume.maps.items():
            if self.picture(map_) is not None:
                mapped[map_].append(row)
        plain = np.ones(len(volume.triangles), bool)
        plain[[row for rows in mapped.values() for row in rows]] = False
        found: dict[Map | None, np.ndarray] = {map_: np.array(rows) for map_, rows in mapped.items()}
        return found | ({None: np.flatnonzero(plain)} if plain.any() else {})

    def corner_colors(self, made: Object, volume: Volume, whole: tuple[float, ...]) -> np.ndarray | None:
        """uint16 (3t, 4), linear; None when triangles and points say nothing.

        A triangle's colour goes before its points', and theirs before the volume's (section 5.5).
        """
        corners = volume.triangles.reshape(-1)
        given = made.colors[corners]
        for row, color in volume.colors.items():
            if not np.isnan(color[0]):
                given[3 * row : 3 * row + 3] = color
        silent = np.isnan(given[:, 0])
        if silent.all():
            return None
        given[silent] = (1.0, 1.0, 1.0, 1.0) if np.isnan(whole[0]) else whole
        return linear_from_srgb(given)

    def material(self, name: str, map_: Map | None, painted: np.ndarray | None, whole: tuple[float, ...]) -> int | None:
        surface_of: Json = {"metallicFactor": 0.0}
        alpha = 1.0
        if map_ is not None:
            surface_of["baseColorTexture"] = {"index": self.picture(map_)}
            alpha = 0.0 if map_.alpha else 1.0
        elif painted is not None:
            alpha = float(painted[:, 3].min()) / 65535
        elif not np.isnan(whole[0]):
            factor = linear_from_srgb(np.array([whole]))[0] / 65535
            surface_of["baseColorFactor"] = [round(float(part), 6) for part in factor]
            alpha = surface_of["baseColorFactor"][3]
        elif not name:
            return None
        made: Json = ({"name": name} if name else {}) | {"pbrMetallicRoughness": surface_of}
        if alpha < 1:
            made["alphaMode"] = "BLEND"
        key = (name, map_, tuple(surface_of.get("baseColorFactor", ())), alpha < 1)
        if key not in self.materials:
            self.materials[key] = self.builder.add("materials", made)
        return self.materials[key]

    def picture(self, map_: Map) -> int | None:
        """The texture of up to four grey pictures of one size; None, with a loss, when they do not go together."""
        if map_ not in self.pictures:
            self.pictures[map_] = self.new_picture(map_)
        return self.pictures[map_]

    def new_picture(self, map_: Map) -> int | None:
        found = [self.model.textures.get(id_) for id_ in (map_.red, map_.green, map_.blue)]
        alpha = self.model.textures.get(map_.alpha)
        channels = [texture for texture in (*found, alpha) if texture is not None]
        if None in found or len({texture.pixels.shape for texture in channels}) != 1:
            self.findings.lose("texture maps", "Red, green and blue must be pictures of one size.")
            return None
        height, width = channels[0].pixels.shape
        self.pixels += width * height
        if self.pixels > _MOST_PIXELS:
            message = f"The textures have more than {_MOST_PIXELS} pixels together. Scale them down."
            raise FileTooComplex(message, where="texture")
        out = io.BytesIO()
        Image.fromarray(np.dstack([texture.pixels for texture in channels])).save(out, "PNG")
        wrap = 10497 if channels[0].is_tiled else 33071
        sampler = self.builder.add("samplers", {"wrapS": wrap, "wrapT": wrap})
        image = self.builder.picture(out.getvalue(), "image/png")
        return self.builder.add("textures", {"source": image, "sampler": sampler})


def _normals(made: Object, volumes: list[Volume]) -> np.ndarray | None:
    """Per triangle and corner, float (t, 3, 3), over all volumes: the file's, and made ones where it has none."""
    triangles = np.vstack([np.zeros((0, 3), np.int64), *(volume.triangles for volume in volumes)])
    if not len(triangles):
        return None
    found = corner_normals(made.points, triangles)
    given = made.normals[triangles.reshape(-1)]
    has = ~np.isnan(given[:, 0])
    found[has] = unit_normals(given[has])
    return found.reshape(-1, 3, 3)
