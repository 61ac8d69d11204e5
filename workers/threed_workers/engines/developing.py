"""Light that was drawn into 8 bits with room above white, to what a screen shows: Khronos PBR Neutral by tables.

Filament maps tones by a table of its own: 32^3 colours in steps of LogC, in the primaries of Rec. 2020. Beside the
formula it is 2 to 12 of 255 levels off on average, up to 47 where colours are saturated, and takes a third of the time
of a picture in software. Drawn at a quarter of the light instead, as plain sRGB, and developed here: 1 level on
average, 6 at most (nine models, two environments), because a step of what was drawn is 1.8 steps of what is shown.
"""

from __future__ import annotations

import functools

import numpy as np

from threed_workers.engines import pictures
from threed_workers.engines.tonemapping import tone_mapped

# What is brighter than so many times white is cut: of neutral highlights, above 253 of 255. For what shines by itself
# there is more room, at coarser steps.
_HEADROOM, _MOST_HEADROOM = 4.0, 16.0
_ROWS = 32  # at a time, so that their numbers stay near the processor


def headroom(brightest: float) -> float:
    """How much light the 8 bits are to hold when something shines so brightly by itself, in terms of white.

    With a tenth to spare, so that it is not cut.
    """
    return float(np.clip(2.0 ** np.ceil(np.log2(max(1.1 * brightest, 1.0))), _HEADROOM, _MOST_HEADROOM))


def developed(image: np.ndarray, room: float) -> np.ndarray:
    """A premultiplied picture, uint8 (h, w, 4), in which the sRGB value 255 is `room` times white, tone mapped."""
    out = pictures.straight(image)
    for start in range(0, len(out), _ROWS):
        rows = out[start : start + _ROWS]
        seen = np.flatnonzero(rows[..., 3].any(axis=0))
        if len(seen):
            _develop(rows[:, seen[0] : seen[-1] + 1], room)
    _premultiply(out)
    return out


def averaged(image: np.ndarray, times: int, room: float) -> np.ndarray:
    """The same picture, tone mapped, of which each pixel is the mean of the light of a square of `times` x `times`.

    That is how a camera and a path tracer add up samples, and means of 8 bits have no bands.
    """
    height, width = image.shape[0] // times, image.shape[1] // times
    out = np.zeros((height, width, 4), np.uint8)
    for start in range(0, height, _ROWS):
        rows = out[start : start + _ROWS]
        *light, alpha = _means(image[start * times : (start + len(rows)) * times], times, room)
        rows[..., 3] = np.rint(alpha * 255)
        lit = sum(light) > 0
        covered = alpha[lit]
        light = [plane[lit] / covered for plane in light]
        shown = tone_mapped(np.stack(light, axis=-1), "pbr_neutral")
        shown[np.minimum(np.minimum(*light[:2]), light[2]) > 0.999 * room] = 1.0
        rows[lit, :3] = np.rint(_encoded().take((shown * 65535 + 0.5).astype(np.uint16)) * covered[:, None])
    return out


def add(image: np.ndarray, more: np.ndarray, less: np.ndarray | None = None) -> None:
    """Give a premultiplied picture the light of `more`, without that of `less`: two that lie over black.

    All uint8 (h, w, 4), sRGB before their tones are mapped, of the same room.
    """
    for start in range(0, len(image), _ROWS):
        rows = slice(start, start + _ROWS)
        out = pictures.straight(image[rows])
        mixed = (out[..., 3] > 0) & (out[..., 3] < 255)
        share = out[mixed, 3] * np.float32(1 / 255)
        for channel in range(3):
            light = pictures.decoded(out[..., channel])
            light[mixed] *= share
            light += pictures.decoded(more[rows, :, channel])
            if less is not None:
                light -= pictures.decoded(less[rows, :, channel])
            light[mixed] /= share
            out[..., channel] = _encoded().take((light * 65535 + 0.5).clip(0, 65535).astype(np.uint16))
        out[out[..., 3] == 0] = 0
        _premultiply(out)
        image[rows] = out


def _means(image: np.ndarray, times: int, room: float) -> list[np.ndarray]:
    """Of squares: premultiplied linear light by channel, and alpha, each float32 (h, w)."""
    linear, straight = _tables(room)[2], pictures.straight(image)
    planes = [linear.take(straight[..., channel]) for channel in range(3)]
    planes.append(image[..., 3] * np.float32(1 / 255))
    mixed = pictures.translucent(image)
    if mixed.any():
        for plane in planes[:3]:
            plane[mixed] *= planes[3][mixed]
    return [pictures.reduced(plane, times) for plane in planes]


def _develop(rows: np.ndarray, room: float) -> None:
    slope, base, linear = _tables(room)
    channels = [rows[..., channel].copy() for channel in range(3)]
    most, least = (reduce(reduce(channels[0], channels[1]), channels[2]) for reduce in (np.maximum, np.minimum))
    place = most.astype(np.uint16) << 8 | least
    steep, lift = slope.take(place), base.take(place)
    for number, channel in enumerate(channels):
        shown = linear.take(channel)
        shown *= steep
        shown += lift
        rows[..., number] = _encoded().take(shown.astype(np.uint16))


def _premultiply(image: np.ndarray) -> None:
    mixed = pictures.translucent(image)
    if mixed.any():
        share = image[mixed, 3:].astype(np.uint16)
        image[mixed, :3] = (image[mixed, :3] * share + 127) // 255


@functools.lru_cache(maxsize=4)
def _tables(room: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(slope, base), by 256 times the greatest channel of a colour plus its least; and light by channel.

    Between them the curve is a straight line: what is shown of a channel is slope * light + base, in 1/65535.
    """
    linear = (pictures.decoded(np.arange(256, dtype=np.uint8)) * room).astype(np.float64)
    most, least = (plane.ravel() for plane in np.meshgrid(linear, linear, indexing="ij"))
    shown = tone_mapped(np.stack([most, least, least], axis=-1), "pbr_neutral").astype(np.float64)
    slope = (shown[:, 0] - shown[:, 1]) / np.where(most > least, most - least, 1.0)
    base = shown[:, 1] - slope * least
    slope[-1], base[-1] = 0.0, 1.0  # cut in every channel: nobody knows how bright it was
    return (slope * 65535).astype(np.float32), (base * 65535 + 0.5).astype(np.float32), linear.astype(np.float32)


@functools.cache
def _encoded() -> np.ndarray:
    """uint8 sRGB of light in 1/65535."""
    return pictures.encoded(np.arange(65536) / 65535)
