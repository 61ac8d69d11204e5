"""Takes to glTF animations: curves sampled to translations, rotations, scales and morph weights.

FBX turns by Euler angles between a pre- and a post-rotation, around pivots; glTF by quaternions. So where a node turns,
or a curve is no line, its transform is sampled at every key and at every frame of the file's own rate. Elsewhere keys
are enough. Where all curves are steps, so is the sampler; a single step becomes two keys close to each other.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import numpy as np

from threed_workers.document.model import Json
from threed_workers.fbx.conversion import Conversion
from threed_workers.fbx.curves import CONSTANT, CONSTANT_NEXT, LINEAR, Curve
from threed_workers.fbx.hierarchy import moved_by
from threed_workers.fbx.objects import Object
from threed_workers.fbx.shapes import channels
from threed_workers.fbx.takes import Take, Track

# A longer take is sampled more coarsely.
_MOST_FRAMES = 100_000
_STEP_S = 1e-4
_TRANSFORM = ("Lcl Translation", "Lcl Rotation", "Lcl Scaling")


@dataclass
class Strip:
    """One channel to be: float64 times (n,) in seconds of the file, values (n, width)."""

    node: int
    path: str
    times: np.ndarray
    values: np.ndarray
    steps: bool


def add_animations(conversion: Conversion) -> None:
    """An animation per take that moves something. It begins at 0 s; extras tell where it began in the file."""
    inputs: dict[bytes, int] = {}
    for take in conversion.takes:
        strips = [*_transforms(conversion, take), *_weights(conversion, take)]
        _count_losses(conversion, take)
        if not strips:
            continue
        start = min(float(strip.times[0]) for strip in strips)
        animation: Json = {"name": take.name} if take.name else {}
        animation |= {"channels": [], "samplers": [], "extras": {"threed": {"source_start_s": start}}}
        for strip in strips:
            _add_channel(conversion, animation, strip, start, inputs)
        conversion.builder.add("animations", animation)


def _add_channel(conversion: Conversion, animation: Json, strip: Strip, start: float, inputs: dict) -> None:
    times = (strip.times - start).astype(np.float32)
    kept = np.diff(times, prepend=np.float32(-1)) > 0
    times, values = times[kept], strip.values[kept].astype(np.float32)
    key = times.tobytes()
    if key not in inputs:
        inputs[key] = conversion.builder.accessor(times, bounds=True)
    if strip.path == "weights":
        values = values.reshape(-1)
    sampler: Json = {"input": inputs[key], "output": conversion.builder.accessor(values)}
    if strip.steps:
        sampler["interpolation"] = "STEP"
    animation["samplers"].append(sampler)
    target = {"node": strip.node, "path": strip.path}
    animation["channels"].append({"sampler": len(animation["samplers"]) - 1, "target": target})


def _transforms(conversion: Conversion, take: Take) -> Iterator[Strip]:
    for model in conversion.objects.of("Model"):
        if model.id not in conversion.nodes:
            continue
        tracks = [take.tracks.get((model.id, name)) for name in _TRANSFORM]
        above = moved_by(conversion, model)
        scales = take.tracks.get((above.id, _TRANSFORM[2])) if above is not None else None
        if any(tracks) or scales is not None:
            yield from _model_strips(conversion, take, model, tracks, scales)


def _model_strips(
    conversion: Conversion, take: Take, model: Object, tracks: list[Track | None], scales: Track | None
) -> Iterator[Strip]:
    """`scales`: of the parent that moves this model and does not scale it."""
    local, number, above = conversion.locals[model.id], conversion.nodes[model.id], moved_by(conversion, model)
    involved = [track for track in (*tracks, scales) if track is not None]
    curves = [curve for track in involved for curve in track.of_curves()]
    dense = tracks[1] is not None and tracks[1].moves
    moments, steps = _moments(conversion, curves, take.stop, dense)
    conversion.ledger.take_bytes(len(moments) * 400, model.where)
    t, r, s = (track.at(moments) if track is not None else None for track in tracks)
    moved, turned, scaled = local.at(t, r, s)
    shown = local.at(None, None, None)
    factor = conversion.locals[above.id].scale if above is not None else np.ones(3)
    moved = conversion.metres(moved * (factor if scales is None else scales.at(moments)))
    still = (conversion.metres(shown[0] * factor), shown[1], shown[2])
    targets = (("translation", number), ("rotation", number), ("scale", conversion.inner(model)))
    for (path, target), values, before in zip(targets, (moved, turned, scaled), still, strict=True):
        values = np.broadcast_to(values, (len(moments), values.shape[1]))
        if not (np.abs(values) < 1e37).all():
            conversion.doubt("ANIMATION_NOT_FINITE", model, f"its {path} leaves all bounds; it does not move.")
        elif np.abs(values - before).max() > 1e-7 * max(1.0, float(np.abs(before).max())):
            if path == "rotation":
                values = _nearest(values / np.linalg.norm(values, axis=1, keepdims=True))
            yield _strip(target, path, moments, values, steps)


def _nearest(turns: np.ndarray) -> np.ndarray:
    """Quaternions (n, 4), of q and -q always the one nearer to the last."""
    flips = np.einsum("ij,ij->i", turns[1:], turns[:-1]) < 0
    return turns * np.concatenate([[1.0], np.where(np.cumsum(flips) % 2, -1.0, 1.0)])[:, None]


def _strip(node: int, path: str, moments: np.ndarray, values: np.ndarray, steps: bool) -> Strip:
    """Without the samples in the middle of a pause."""
    same = np.abs(np.diff(values, axis=0)).max(axis=1) == 0
    kept = np.ones(len(moments), bool)
    kept[1:-1] = ~(same[:-1] & same[1:])
    return Strip(node, path, moments[kept], values[kept], steps)


def _moments(conversion: Conversion, curves: list[Curve], stop: float, dense: bool) -> tuple[np.ndarray, bool]:
    """(times (n,), are they all steps): where to sample these curves."""
    keys = np.unique(np.concatenate([curve.times for curve in curves]))
    first, last = keys[0], keys[-1]
    if any(curve.after[0] in "RMAK" for curve in curves):
        last, dense = max(last, stop), True
    modes = [curve.modes[:-1] for curve in curves]
    if all(np.isin(part, (CONSTANT,)).all() for part in modes) and last == keys[-1]:
        return keys, True
    if not (dense or any((part != LINEAR).any() for part in modes)):
        return keys, False
    rate = min(conversion.units.rate, _MOST_FRAMES / max(last - first, 1e-9))
    frames = np.arange(np.ceil(first * rate - 1e-6), np.floor(last * rate + 1e-6) + 1) / rate
    jumps = [curve.times[1:][part == CONSTANT] - _STEP_S for curve, part in zip(curves, modes, strict=True)]
    jumps += [curve.times[:-1][part == CONSTANT_NEXT] + _STEP_S for curve, part in zip(curves, modes, strict=True)]
    moments = np.sort(np.concatenate([keys, frames, [first, last], *jumps]))
    moments = moments[(moments >= first) & (moments <= last)]
    return moments[np.diff(moments, prepend=-np.inf) > _STEP_S / 4], False


def _weights(conversion: Conversion, take: Take) -> Iterator[Strip]:
    users: dict[Hashable, list[int]] = {}
    for (_, geometry), number in conversion.mesh_nodes.items():
        users.setdefault(geometry, []).append(number)
    for geometry_id, numbers in users.items():
        found = channels(conversion.objects.objects[geometry_id])
        tracks = [take.tracks.get((channel.source.id, "DeformPercent")) for channel in found]
        if not any(track is not None and track.moves for track in tracks):
            continue
        curves = [curve for track in tracks if track is not None for curve in track.of_curves()]
        dense = any(len(channel.shapes) > 1 for channel in found)
        moments, steps = _moments(conversion, curves, take.stop, dense)
        width = sum(len(channel.shapes) for channel in found)
        conversion.ledger.take_bytes(len(moments) * width * 16, "Takes")
        columns = []
        for channel, track in zip(found, tracks, strict=True):
            percent = np.full(len(moments), channel.percent) if track is None else track.at(moments)[:, 0]
            columns.append(channel.weights(percent))
        for number in numbers:
            yield _strip(number, "weights", moments, np.hstack(columns), steps)


def _count_losses(conversion: Conversion, take: Take) -> None:
    others = [
        (key, name)
        for (key, name), track in take.tracks.items()
        if name not in (*_TRANSFORM, "DeformPercent") and track.moves
    ]
    reason = "Only transforms and blend shapes are animated in glTF."
    conversion.lose("animated_properties", reason, len(others))
    reason = "Only the first layer is read; bake layers before exporting."
    conversion.lose("animation_layers", reason, take.more_layers)
