"""One picture for what Mitsuba cannot combine: textures over different UV sets, and textures times vertex colours.

Every triangle gets a square of texels of its own, with its corners at the centres of three of the square's. What is
linear over the triangle, as vertex colours are, is exact with 2 x 2 texels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from threed_workers.engines.sampling import Sampling
from threed_workers.engines.tracing.fields import Field
from threed_workers.engines.tracing.geometry import Piece
from threed_workers.engines.tracing.looks import Look

# Of one baked picture: 24 MB as half floats.
_TEXELS = 1 << 22
_BATCH = 1 << 19


def needs_baking(piece: Piece, look: Look) -> bool:
    """Whether a mesh with one UV set and a BSDF with attributes are not enough."""
    if len(look.texcoords) > 1:
        return True
    colored = piece.colors is not None and bool((piece.colors[:, :3] != 1).any())
    return colored and (look.base.sampling is not None or look.unlit)


def baked(piece: Piece, look: Look) -> tuple[Piece, Look]:
    """The piece with texture coordinates of its own, and the look over them, its vertex colours multiplied in."""
    squares = _Squares(piece, look)
    colors = None if piece.colors is None else piece.colors[piece.faces]
    factor = None if colors is None else colors[..., :3]
    corners = piece.faces.reshape(-1)
    own = replace(
        piece,
        positions=piece.positions[corners],
        normals=piece.normals[corners],
        texcoords={0: squares.texcoords()},
        colors=None if piece.colors is None else _opacity_only(piece.colors[corners]),
        faces=np.arange(len(corners), dtype=np.uint32).reshape(-1, 3),
    )
    return own, replace(
        look,
        base=squares.over(look.base, factor if not look.unlit else None),
        emission=_maybe(look.emission, lambda field: squares.over(field, factor if look.unlit else None)),
        opacity=_maybe(look.opacity, squares.over),
        metallic=squares.over(look.metallic),
        roughness=squares.over(look.roughness),
        transmission=squares.over(look.transmission),
        clearcoat=squares.over(look.clearcoat),
        sheen=squares.over(look.sheen),
        sheen_roughness=squares.over(look.sheen_roughness),
        normal=_maybe(look.normal, squares.normals),
    )


def _maybe(field: Field | None, made: Callable[[Field], Field]) -> Field | None:
    return None if field is None else made(field)


def _opacity_only(colors: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones_like(colors[:, :3]), colors[:, 3:]], axis=1)


class _Squares:
    """Where the triangles of a piece have their squares."""

    def __init__(self, piece: Piece, look: Look):
        self._piece = piece
        count = len(piece.faces)
        finest = max((max(field.values.shape[:2]) for field in look.fields if field.sampling), default=2)
        self._edge = max(2, min(finest, int((_TEXELS / max(count, 1)) ** 0.5)))
        self._across = int(np.ceil(count**0.5))
        self._down = -(-count // self._across)
        steps = np.arange(self._edge) / (self._edge - 1)
        second, third = np.meshgrid(steps, steps)
        self._weights = np.stack([1 - second - third, second, third], axis=-1).reshape(-1, 3)

    def texcoords(self) -> np.ndarray:
        """float32 (3 m, 2), for corners in the order of the triangles."""
        number = np.arange(len(self._piece.faces))
        places = np.stack([number % self._across, number // self._across], axis=-1)[:, None] * self._edge + 0.5
        corners = places + np.array([(0, 0), (1, 0), (0, 1)]) * (self._edge - 1)
        size = np.array([self._across, self._down]) * self._edge
        return (corners / size).reshape(-1, 2).astype(np.float32)

    def over(self, field: Field, factor: np.ndarray | None = None) -> Field:
        """The field in the squares, times `factor` (m, 3 corners, channels)."""
        if field.sampling is None and factor is None:
            return field
        if factor is None:
            return self._filled(field, lambda values, chosen: values)
        return self._filled(field, lambda values, chosen: values * self._spread(factor[chosen]))

    def normals(self, field: Field) -> Field:
        """A normal map, its vectors turned from the tangents of its UV set to those of the squares."""
        turns = self._turns(field.sampling.texcoord)

        def turned(values: np.ndarray, chosen: slice) -> np.ndarray:
            flat = np.einsum("mij,mkj->mki", turns[chosen], values[..., :2] * 2 - 1)
            return np.concatenate([flat * 0.5 + 0.5, values[..., 2:]], axis=-1)

        return self._filled(field, turned)

    def _filled(self, field: Field, done: Callable[[np.ndarray, slice], np.ndarray]) -> Field:
        count, edge = len(self._piece.faces), self._edge
        out = np.zeros((self._across * self._down, edge * edge, field.values.shape[-1]), np.float16)
        batch = max(1, _BATCH // (edge * edge))
        for start in range(0, count, batch):
            chosen = slice(start, min(start + batch, count))
            out[chosen] = done(self._sampled(field, chosen), chosen)
        squares = out.reshape(self._down, self._across, edge, edge, -1).transpose(0, 2, 1, 3, 4)
        nearest = field.sampling is not None and field.sampling.nearest
        sampling = Sampling(wrap="clamp", nearest=nearest)
        return Field(squares.reshape(self._down * edge, self._across * edge, -1), sampling)

    def _spread(self, corners: np.ndarray) -> np.ndarray:
        """Values at corners (m, 3, channels) at every texel (m, texels, channels)."""
        return np.maximum(np.einsum("tc,mcv->mtv", self._weights, corners), 0)

    def _sampled(self, field: Field, chosen: slice) -> np.ndarray:
        faces = self._piece.faces[chosen]
        if field.sampling is None:
            return np.broadcast_to(field.values, (len(faces), self._edge**2, len(field.values)))
        texcoords = self._piece.texcoords.get(field.sampling.texcoord)
        corners = np.zeros((len(faces), 3, 2)) if texcoords is None else texcoords[faces]
        return looked_up(field, np.einsum("tc,mcv->mtv", self._weights, corners))

    def _turns(self, texcoord: int) -> np.ndarray:
        """(m, 2, 2): tangent and bitangent of the UV set in the frame of each square, whose u runs along an edge."""
        piece = self._piece
        points = piece.positions[piece.faces].astype(np.float64)
        uv = piece.texcoords[texcoord][piece.faces].astype(np.float64)
        first, second = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
        a, b = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
        area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        along = _unit((first * b[:, 1:] - second * a[:, 1:]) * np.sign(area)[:, None])
        normal = _unit(np.cross(first, second))
        own = _unit(first)
        own_up = np.cross(normal, own)
        # v runs down: the bitangent is up where the area is negative.
        up = np.cross(normal, along) * np.where(area > 0, -1.0, 1.0)[:, None]
        rows = [np.stack([np.sum(along * axis, 1), np.sum(up * axis, 1)], axis=-1) for axis in (own, own_up)]
        return np.stack(rows, axis=1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-30)


def looked_up(field: Field, uv: np.ndarray) -> np.ndarray:
    """Values (..., channels) of a picture at texture coordinates (..., 2), with its transform, wrapping and filter."""
    height, width = field.values.shape[:2]
    matrix = np.array(field.sampling.matrix).reshape(2, 3)
    x, y = np.moveaxis(uv @ matrix[:, :2].T + matrix[:, 2], -1, 0)
    x, y = x * width - 0.5, y * height - 0.5
    if field.sampling.nearest:
        return field.values[_wrapped(np.rint(y), height, field), _wrapped(np.rint(x), width, field)]
    left, top = np.floor(x), np.floor(y)
    across, down = (x - left)[..., None], (y - top)[..., None]
    columns = [_wrapped(left + step, width, field) for step in (0, 1)]
    rows = [_wrapped(top + step, height, field) for step in (0, 1)]
    values = field.values.astype(np.float32)
    upper = values[rows[0], columns[0]] * (1 - across) + values[rows[0], columns[1]] * across
    lower = values[rows[1], columns[0]] * (1 - across) + values[rows[1], columns[1]] * across
    return upper * (1 - down) + lower * down


def _wrapped(place: np.ndarray, size: int, field: Field) -> np.ndarray:
    number = place.astype(np.int64)
    if field.sampling.wrap == "clamp":
        return number.clip(0, size - 1)
    if field.sampling.wrap == "mirror":
        number = number % (2 * size)
        return np.where(number < size, number, 2 * size - 1 - number)
    return number % size
