"""All that a drawing shows, as pieces with looks; and the shapes that Mitsuba needs of them for one camera."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from threed_workers.document import Document
from threed_workers.document.model import Json, loss
from threed_workers.engines.drawing import Drawing, Settings, View
from threed_workers.engines.flattening import TRIANGLES, Part, flattened
from threed_workers.engines.models import Model
from threed_workers.engines.texels import UNREAD
from threed_workers.engines.tracing.baking import baked, needs_baking
from threed_workers.engines.tracing.building import mesh
from threed_workers.engines.tracing.fields import Fields
from threed_workers.engines.tracing.geometry import (
    Piece,
    area,
    bent,
    by_handedness,
    facing,
    is_closed,
    placed,
    texels_wanted,
    towards,
)
from threed_workers.engines.tracing.looks import Look, read_look
from threed_workers.engines.tracing.materials import OPACITY, Materials, tint_of, tinted
from threed_workers.engines.tracing.opaque import TINT
from threed_workers.engines.tracing.strokes import drawn_strokes
from threed_workers.engines.tracing.variant import SCALAR

# A piece that is smaller is not there: Mitsuba chooses what glows by its area, as floats.
_LEAST_AREA = 1e-30


@dataclass(frozen=True, eq=False)
class Solid:
    """Triangles, the same for every camera. `closed`: nobody outside sees their back."""

    piece: Piece
    look: Look
    closed: bool


@dataclass(frozen=True, eq=False)
class Stroke:
    """Points or lines, which become triangles when there is a camera."""

    part: Part
    matrix: np.ndarray
    number: int
    look: Look


class Stage:
    """The pieces of a drawing in the frame that is drawn in. `mi` is Mitsuba, with its variant chosen."""

    def __init__(self, mi: Any, drawing: Drawing, frame: np.ndarray):
        self._mi = mi
        self._materials = Materials(mi)
        self._solids: list[Solid] = []
        self._strokes: list[Stroke] = []
        self._lost: Counter[tuple[str, str]] = Counter()
        self._closed: dict[tuple, bool] = {}
        self._read: dict[int, list[_Parts]] = {}
        for number, instance in enumerate(drawing.instances, 1):
            self._add(instance.model, frame @ instance.matrix, number)

    @property
    def looks(self) -> list[Look]:
        """What there is."""
        return [thing.look for thing in (*self._solids, *self._strokes)]

    @property
    def is_see_through(self) -> bool:
        """Whether a ray may pass a surface."""
        return any(look.opacity is not None for look in self.looks) or self._has_faded_colors()

    @property
    def is_blended(self) -> bool:
        """Whether a pixel within a surface may be covered in part."""
        fractions = (look.opacity.values for look in self.looks if look.opacity is not None)
        return any(((values > 0) & (values < 1)).any() for values in fractions) or self._has_faded_colors()

    @property
    def glow(self) -> float:
        """The luminance that surfaces send out, on average over all of them."""
        sizes = np.array([area(solid.piece) for solid in self._solids] or [0.0])
        sent = np.array([solid.look.luminance for solid in self._solids] or [0.0])
        return float(sizes @ sent / sizes.sum()) if sizes.any() else 0.0

    def losses(self) -> list[Json]:
        """What is not drawn, or otherwise than the files say."""
        return [loss(feature, count, reason, "picture") for (feature, reason), count in sorted(self._lost.items())]

    def seen(self, view: View, settings: Settings) -> Iterator[tuple[Piece, Look]]:
        """The pieces of which this camera sees something.

        Single-sided surfaces are not seen from behind, as in rasterizers. Of those with a border, the triangles that
        turn away from the camera are left out; they cast no shadow then.
        """
        for solid in self._solids:
            piece = solid.piece
            if not solid.look.double_sided and not solid.closed:
                piece = piece.with_faces(facing(piece, view))
            if len(piece.faces):
                yield piece, solid.look
        for stroke in self._strokes:
            piece = drawn_strokes(stroke.part, stroke.matrix, stroke.number, view, settings)
            if len(piece.faces):
                yield baked(piece, stroke.look) if needs_baking(piece, stroke.look) else (piece, stroke.look)

    def lit_shapes(self, view: View, settings: Settings) -> list[Any]:
        """Meshes that reflect and do not glow."""
        return [self._shape(piece, look, view, settings) for piece, look in self.seen(view, settings)]

    def _shape(self, piece: Piece, look: Look, view: View, settings: Settings, emitter: Any = None) -> Any:
        # Glass is bent by its normals: light goes through.
        shown = piece if look.is_glass else bent(piece, view)
        attributes, tint = {}, None
        if piece.colors is not None and look.base.sampling is None and not look.unlit:
            attributes[TINT] = tinted(look, shown.colors[:, :3])
            tint = tint_of(tinted(look, piece.colors[:, :3]))  # the same for every view
        faded = _is_faded(piece, look)
        if faded:
            attributes[OPACITY] = shown.colors[:, 3:]
        # A tenth to a fifth of the time. With LLVM, every BSDF is a program to compile, and films would wait for it.
        fine = self._mi.variant() == SCALAR and _is_fine(piece, look, view, settings)
        bsdf = self._materials.bsdf(look, piece.mirrored, tint, faded, fine)
        return mesh(self._mi, shown, look.texcoord, bsdf, emitter, **attributes)

    def glowing_shapes(self, view: View, settings: Settings, lit: list[Any]) -> list[Any]:
        """All meshes, with those that glow doing so; none when none does. `lit` are the answers of `lit_shapes`."""
        if not any(look.emission is not None for look in self.looks):
            return []
        shapes = []
        for (piece, look), dark in zip(self.seen(view, settings), lit, strict=True):
            if look.emission is None:
                shapes.append(dark)
                continue
            # Emitters shine from their front: that of a double-sided surface is where the camera is.
            turned = towards(piece, view) if look.double_sided else piece
            shapes.append(self._shape(turned, look, view, settings, self._materials.emitter(look)))
        return shapes

    @property
    def materials(self) -> Materials:
        """The materials made so far."""
        return self._materials

    # ------------------------------------------------------------ loading

    def _add(self, model: Model, matrix: np.ndarray, number: int) -> None:
        if id(model) not in self._read:
            shown = [kind for kind in (model.solids(), model.strokes()) if kind is not None]
            self._read[id(model)] = [_Parts(kind.document, self._materials, self._lost) for kind in shown]
        for parts in self._read[id(model)]:
            for part in parts.listed:
                look, place = parts.look(part), matrix @ part.matrix
                if part.mode != TRIANGLES:
                    self._strokes.append(Stroke(part, place, number, look))
                elif len(part.indices):
                    self._add_solid(part, placed(part, place, number), look, id(model))

    def _add_solid(self, part: Part, piece: Piece, look: Look, model: int) -> None:
        if area(piece) < _LEAST_AREA:
            return
        # What has an inside needs its back, or light that enters never leaves.
        closed = look.double_sided or look.is_solid_glass or self._is_closed(model, part, piece)
        if needs_baking(piece, look):
            self._solids.append(Solid(*baked(piece, look), closed))
        elif look.normal is not None:
            self._solids += [Solid(each, look, closed) for each in by_handedness(piece, look.texcoord)]
        else:
            self._solids.append(Solid(piece, look, closed))

    def _is_closed(self, model: int, part: Part, piece: Piece) -> bool:
        key = (model, *part.key)
        if key not in self._closed:
            self._closed[key] = is_closed(piece)
        return self._closed[key]

    def _has_faded_colors(self) -> bool:
        return any(_is_faded(solid.piece, solid.look) for solid in self._solids)


def _is_faded(piece: Piece, look: Look) -> bool:
    return look.opacity is not None and piece.colors is not None and bool((piece.colors[:, 3] < 1).any())


def _is_fine(piece: Piece, look: Look, view: View, settings: Settings) -> bool:
    """Whether no texel is seen larger than a pixel, but in hollow mirrors."""
    if look.texcoord not in piece.texcoords or math.isinf(look.texels):
        return False
    return texels_wanted(piece, look.texcoord, view, settings.height) <= look.texels


class _Parts:
    """The parts of a document, and the looks of its materials, each read once. Losses are counted into `lost`."""

    def __init__(self, document: Document, made: Materials, lost: Counter[tuple[str, str]]):
        self.listed = list(flattened(document))
        self._materials = document.all("materials")
        self._fields = Fields(document)
        self._looks: dict[int | None, Look] = {}
        self._made = made
        self._lost = lost

    def look(self, part: Part) -> Look:
        """The look of a part's material."""
        number = part.material
        if number not in self._looks:
            unread = self._fields.missing
            look = read_look({} if number is None else self._materials[number], self._fields)
            self._looks[number] = look
            self._lost.update([*look.inexact, *self._made.simplified(look)])
            if self._fields.missing > unread:
                self._lost["textures", UNREAD] += self._fields.missing - unread
        return self._looks[number]
