"""Objects of a 3MF to glTF primitives: triangles by what they look like, and the materials of these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from threed.errors import FileMalformed, FileRefused, FileTooComplex, FileValuesInvalid
from threed_workers.budget import Budget
from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats.corners import surface_of_corners
from threed_workers.formats.findings import Findings
from threed_workers.formats.surface import surface
from threed_workers.formats.threemf_beams import frustums
from threed_workers.formats.threemf_groups import BASE, MULTI, TEXTURE, Group, Texture
from threed_workers.formats.threemf_layers import MOST_BLENDED, Blend, blended
from threed_workers.formats.threemf_model import Model, Object
from threed_workers.formats.threemf_package import Parts
from threed_workers.mesh.normals import MOST_CREASED, crease_normals
from threed_workers.picture import check, probe

# More beams are lines: each as a solid takes 28 triangles.
_MOST_SOLID_BEAMS = 250_000
_WRAPS = {"wrap": 10497, "mirror": 33648, "clamp": 33071, "none": 33071}
_FILTERS = {"linear": 9729, "nearest": 9728}


@dataclass
class Look:
    """What a run of triangles looks like. `colors` uint16 (3t, 4) and `uvs` (3t, 2) are per corner, or None."""

    numbers: np.ndarray
    group: Group | None = None
    entry: int = -1
    texture: Texture | Blend | None = None
    colors: np.ndarray | None = None
    uvs: np.ndarray | None = None

    @property
    def key(self) -> tuple:
        """Runs of the same key are one primitive."""
        shown = id(self.group) if self.entry >= 0 else 0
        return shown, self.entry, self.texture, self.colors is not None


class Surfaces:
    """Makes primitives, and keeps the materials and pictures that it made."""

    def __init__(self, builder: Builder, parts: Parts, budget: Budget, findings: Findings):
        self.builder, self.parts, self.budget, self.findings = builder, parts, budget, findings
        self.materials: dict[tuple, int] = {}
        self.textures: dict[Texture | Blend, int | None] = {}
        self.pictures: dict[str, tuple[bytes, str] | None] = {}
        self.pixels = 0
        self.primitives = 0
        self.blendable = MOST_BLENDED

    def primitives_of(self, model: Model, made: Object, scale: float) -> list[Json]:
        """The triangles and beams of an object, its points multiplied by `scale`."""
        points = made.points * scale
        found = self.solids(model, made, points) if len(made.triangles) else []
        if len(made.beams):
            found.append(self.lattice(made, points, scale))
        return found

    def solids(self, model: Model, made: Object, points: np.ndarray) -> list[Json]:
        runs: dict[tuple, list[Look]] = defaultdict(list)
        for look in self.looks(model, made):
            runs[look.key].append(look)
        self.primitives += len(runs)
        if self.primitives > self.budget.parts:
            message = f"Triangles are of more than {self.budget.parts} materials. Use a color group."
            raise FileTooComplex(message, where=made.where)
        normals = None  # above the limit they are smooth within each material
        if len(made.triangles) <= MOST_CREASED:
            normals = crease_normals(points, made.triangles)
        found = []
        for alike in runs.values():
            numbers = np.concatenate([look.numbers for look in alike])
            first = alike[0]
            primitive = surface_of_corners(
                self.builder,
                points,
                made.triangles[numbers],
                colors=np.concatenate([look.colors for look in alike]) if first.colors is not None else None,
                uvs=np.concatenate([look.uvs for look in alike]) if first.uvs is not None else None,
                normals=normals[numbers].reshape(-1, 3) if normals is not None else None,
            )
            material = self.material(first, made.type == "surface")
            found.append(primitive if material is None else primitive | {"material": material})
        return found

    def lattice(self, made: Object, points: np.ndarray, scale: float) -> Json:
        reason = "Beams are eight-sided and end flat; where they meet, they overlap."
        self.findings.lose("beam lattice joints and caps", reason, len(made.beams))
        if len(made.beams) > _MOST_SOLID_BEAMS:
            self.findings.lose("beam thickness", "There are too many beams; they are lines.", len(made.beams))
            used, places = np.unique(made.beams[:, :2].astype(np.int64), return_inverse=True)
            attributes = {"POSITION": self.builder.positions(points[used])}
            return {"mode": 1, "attributes": attributes, "indices": self.builder.indices(places, len(used))}
        beams = made.beams * (1.0, 1.0, scale, scale)
        return surface(self.builder, *frustums(points, beams))

    # ------------------------------------------------------------ from properties to looks

    def looks(self, model: Model, made: Object) -> list[Look]:
        """Core 4.1.4.1: what a triangle leaves out, its object says; p2 and p3 are p1 when they are left out."""
        pid, *entries = made.properties.T
        entries = np.column_stack(entries)
        default = entries[:, 0] < 0
        pid = np.where(default, made.pid, np.where(pid < 0, made.pid, pid))
        if (~default & (pid < 0)).any():
            message = f"{int((~default & (pid < 0)).sum())} triangles have a p1, and no pid."
            self.findings.error("PROPERTY_GROUP_MISSING", made.where, message)
        entries[default] = -1
        entries[default, 0] = max(made.pindex, 0)
        entries = np.where(entries < 0, entries[:, :1], entries)
        found = []
        for number, rows in _runs(pid):
            if number < 0:
                found.append(Look(rows))
                continue
            group = model.groups.get(int(number))
            if group is None:
                message = f"Property group {number} is not there. Export the model again."
                raise FileMalformed(message, where=made.where)
            found += self.looks_of(group, rows, self.within(group, made, rows, entries[rows]))
        return found

    def within(self, group: Group, made: Object, rows: np.ndarray, entries: np.ndarray) -> np.ndarray:
        wrong = entries >= group.count
        if wrong.any():
            row, corner = np.argwhere(wrong)[0]
            raise FileValuesInvalid(
                f"Property {entries[row, corner]} is used of a group that has {group.count}.",
                where=f"{made.where}, triangle {rows[row]}",
            )
        return entries

    def looks_of(self, group: Group, rows: np.ndarray, entries: np.ndarray) -> list[Look]:
        """`entries` int64 (t, 3) per triangle and corner, all within the group."""
        if group.kind == MULTI:
            return [self.layered(group, rows, entries)]
        if group.kind == TEXTURE:
            return [Look(rows, texture=group.texture, uvs=group.uvs[entries.reshape(-1)])]
        if group.kind == BASE or group.display:
            # Materials have no gradients (core 4.1.4.1, materials chapter 7).
            mixed = int((entries != entries[:, :1]).any(axis=1).sum())
            if mixed:
                message = f"{mixed} triangles have different materials at their corners; the first counts."
                self.findings.warning("MATERIAL_GRADIENT", group.where, message)
            return [Look(rows[places], group, entry) for entry, places in _runs(entries[:, 0])]
        return [Look(rows, colors=group.colors[entries.reshape(-1)])]

    def layered(self, group: Group, rows: np.ndarray, entries: np.ndarray) -> Look:
        """Materials chapter 5, as far as glTF has it: one picture, times one colour per corner.

        Pictures of the same coordinates over one colour are blended ahead. Of others the topmost covers what is below,
        and what would show through it is lost.
        """
        look = Look(rows)
        corners = entries.reshape(-1)
        pictures: list[tuple[Texture, np.ndarray, bool]] = []
        for layer in group.layers:
            chosen = layer.rows[corners]
            if layer.group.texture is not None:
                pictures.append((layer.group.texture, layer.group.uvs[chosen], layer.multiplies))
            elif layer.multiplies and look.colors is not None:
                product = layer.group.colors[chosen].astype(np.uint32) * look.colors // 65535
                look.colors = product.astype(np.uint16)
            else:
                if pictures:
                    self.findings.lose("layers of properties", "The topmost colour is kept.", len(pictures))
                    pictures = []
                look.colors = layer.group.colors[chosen]
        if look.colors is not None:
            look.colors[:, 3] = 65535
        if pictures:
            self.add_pictures(look, pictures)
        return look

    def add_pictures(self, look: Look, pictures: list[tuple[Texture, np.ndarray, bool]]) -> None:
        """Put pictures, from the lowest to the topmost, over the colours of a look."""
        textures, uvs, multiplies = zip(*pictures, strict=True)
        look.texture, look.uvs = textures[-1], uvs[-1]
        if len(pictures) == 1 and (multiplies[0] or look.colors is None):
            return
        colors = np.full((1, 4), 65535, np.uint16) if look.colors is None else look.colors
        is_alike = all(np.array_equal(each, uvs[0]) for each in uvs) and len({each.tiles for each in textures}) == 1
        if is_alike and (colors == colors[0]).all():
            look.texture = Blend(tuple(colors[0].tolist()), textures, multiplies)
            look.colors = None
        else:
            self.findings.lose("layers of properties", "The topmost picture is kept.", len(pictures) - 1)
            look.colors = look.colors if multiplies[-1] else None

    # ------------------------------------------------------------ from looks to materials

    def material(self, look: Look, is_open: bool) -> int | None:
        place = (*look.key, is_open)
        if place not in self.materials:
            made = self.material_of(look)
            if made is None and not is_open:
                return None
            made = made or {}
            if is_open:
                made["doubleSided"] = True
            self.materials[place] = self.builder.add("materials", made)
        return self.materials[place]

    def material_of(self, look: Look) -> Json | None:
        surface_of: Json = {"metallicFactor": 0.0}
        made: Json = {"pbrMetallicRoughness": surface_of}
        if look.texture is not None:
            texture = self.texture(look.texture)
            if texture is not None:
                surface_of["baseColorTexture"] = {"index": texture}
        elif look.group is not None:
            self.displayed(made, look.group, look.entry)
        elif look.colors is None:
            return None
        return made

    def displayed(self, made: Json, group: Group, entry: int) -> None:
        """Base colour and display properties of one entry of a group."""
        if group.names and group.names[entry]:
            made["name"] = group.names[entry]
        surface_of = made["pbrMetallicRoughness"]
        color = [round(float(part) / 65535, 6) for part in group.colors[entry]]
        if group.kind != BASE or color[3] == 0:  # colours are opaque; and so is what some exporters write with alpha 0
            color[3] = 1.0
        surface_of["baseColorFactor"] = color
        if color[3] < 1:
            made["alphaMode"] = "BLEND"
        if group.display and entry < len(group.display):
            more = group.display[entry]
            surface_of |= more["pbrMetallicRoughness"]
            if "extensions" in more:
                made["extensions"] = more["extensions"]
                for name in more["extensions"]:
                    self.builder.use(name)

    def texture(self, wanted: Texture | Blend) -> int | None:
        """Materials chapter 6. None when the picture is not there, or cannot be used."""
        if wanted not in self.textures:
            style = wanted.textures[0] if isinstance(wanted, Blend) else wanted
            image = self.blended(wanted) if isinstance(wanted, Blend) else self.image(wanted)
            sampler: Json = {"wrapS": _WRAPS.get(style.tiles[0], 10497), "wrapT": _WRAPS.get(style.tiles[1], 10497)}
            if style.filter in _FILTERS:
                sampler["magFilter"] = sampler["minFilter"] = _FILTERS[style.filter]
            self.textures[wanted] = None
            if image is not None:
                entry = {"source": image, "sampler": self.builder.add("samplers", sampler)}
                self.textures[wanted] = self.builder.add("textures", entry)
        return self.textures[wanted]

    def blended(self, wanted: Blend) -> int | None:
        """The image of layers; the topmost alone when they cannot be blended."""
        pictures = [self.picture(texture) for texture in wanted.textures]
        found = None
        if None not in pictures:
            try:
                found = blended([data for data, _ in pictures], wanted, self.blendable)
            except (OSError, ValueError, SyntaxError) as error:
                self.findings.error("IMAGE_UNUSABLE", wanted.textures[0].where, f"A picture cannot be used: {error}")
                return None
        if found is None:
            self.findings.lose("layers of properties", "The topmost picture is kept.", len(pictures) - 1)
            return self.image(wanted.textures[-1])
        data, pixels = found
        self.blendable -= pixels
        return self.builder.picture(data, "image/png")

    def image(self, wanted: Texture) -> int | None:
        if wanted.path not in self.builder.made:
            found = self.picture(wanted)
            if found is None:
                return None
            name = wanted.path.rsplit("/", 1)[-1]
            self.builder.made[wanted.path] = self.builder.picture(*found, name)
        return self.builder.made[wanted.path]

    def picture(self, wanted: Texture) -> tuple[bytes, str] | None:
        """(bytes, media type) of a part; None, with an error, when it is not there or no picture."""
        if wanted.path in self.pictures:
            return self.pictures[wanted.path]
        self.pictures[wanted.path] = None
        if wanted.path not in self.parts:
            message = f"The picture {wanted.path[-80:]!r} is not in the package."
            self.findings.error("PART_MISSING", wanted.where, message)
            return None
        if not self.parts.has_texture(wanted.where.split(",")[0], wanted.path):
            message = f"The model has no relationship to the picture {wanted.path[-80:]!r}."
            self.findings.warning("RELATIONSHIP_MISSING", wanted.where, message)
        data = self.parts.read(wanted.path)
        try:
            found = probe(memoryview(data), wanted.path)
            check(found, self.budget, wanted.path)
        except FileTooComplex:
            raise
        except FileRefused as error:
            self.findings.error("IMAGE_UNUSABLE", wanted.where, f"The picture cannot be used: {error}")
            return None
        if found.media_type not in ("image/png", "image/jpeg"):
            message = f"The picture is {found.media_type}; PNG and JPEG are what a 3MF may have."
            self.findings.error("IMAGE_UNUSABLE", wanted.where, message)
            return None
        self.pixels += found.width_px * found.height_px
        if self.pixels > self.budget.pictures_pixels:
            message = f"The pictures have more than {self.budget.pictures_pixels} pixels together."
            raise FileTooComplex(message, where=wanted.path)
        self.pictures[wanted.path] = data, found.media_type
        return self.pictures[wanted.path]


def _runs(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Every different value with the places where it stands, in time that does not grow with how many there are."""
    if len(values):
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        starts = np.flatnonzero(np.diff(ordered)) + 1
        for places in np.split(order, starts):
            yield int(values[places[0]]), places
