"""Make the model larger or smaller."""

from __future__ import annotations

import re

import numpy as np

from threed.errors import RecipeInvalid
from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit, issue, read_floats
from threed_workers.document.model import Json, extension
from threed_workers.document.world import world_box
from threed_workers.transforms._channels import pointer_of
from threed_workers.transforms._placing import move_model

_LIGHTS = "KHR_lights_punctual"
# Extensions with lengths of their own, which stay as they are.
_UNSCALED = ("KHR_physics_rigid_bodies", "KHR_implicit_shapes", "KHR_audio_emitter", "VRMC_springBone", "CESIUM_RTC")
# What a pointer of KHR_animation_pointer must name for its values to be lengths (1), or intensities (2): the power of
# the factor that they grow with.
_POINTERS = (
    (re.compile(r"/cameras/\d+/(perspective/(znear|zfar)|orthographic/(xmag|ymag|znear|zfar))"), 1),
    (re.compile(r"/extensions/KHR_lights_punctual/lights/\d+/range"), 1),
    (re.compile(r"/extensions/KHR_lights_punctual/lights/\d+/intensity"), 2),
    (re.compile(r"/materials/\d+/extensions/KHR_materials_volume/attenuationDistance"), 1),
)


def changes(options: recipes_pb2.Scale) -> frozenset[str]:
    return frozenset()


def apply(document: Document, options: recipes_pb2.Scale) -> Document:
    """Scale every scene about the origin by a factor, or so that the default scene's box is `fit_m` metres long.

    Lengths that nodes do not scale follow: planes of cameras, the range of lights, and the distance at which a volume
    attenuates (KHR_materials_volume; its thickness is in the mesh's space already). Point and spot lights get the
    square of it, so that they light as before. Raises RecipeInvalid when there is nothing to fit.
    """
    factor = options.factor if options.WhichOneof("by") == "factor" else _fitting(document, options.fit_m)
    if factor == 1.0:
        return document
    move_model(document, factor, np.zeros(3))
    for camera in document.all("cameras"):
        for kind in ("perspective", "orthographic"):
            _grow(camera.get(kind), ("znear", "zfar", "xmag", "ymag"), factor)
    for light in (extension(document.json, _LIGHTS) or {}).get("lights") or []:
        _grow(light, ("range",), factor)
        if light.get("type") != "directional":
            light["intensity"] = light.get("intensity", 1.0) * factor**2
    for material in document.all("materials"):
        _grow(extension(material, "KHR_materials_volume"), ("attenuationDistance",), factor)
    _grow_animations(document, factor)
    for name in set(_UNSCALED) & set(document.all("extensionsUsed")):
        text = f"{name} has lengths of its own, which were not scaled."
        document.issues.append(issue("EXTENSION_NOT_SCALED", "WARNING", "/extensionsUsed", text))
    return document


def _fitting(document: Document, metres: float) -> float:
    box = world_box(document)
    longest = float((box[1] - box[0]).max()) if box is not None else 0.0
    if longest <= 0:
        raise RecipeInvalid("The model has no size, so it cannot be fitted. Give a factor.", step="scale")
    return metres / longest


def _grow(owner: Json | None, keys: tuple[str, ...], factor: float) -> None:
    for key in keys:
        if owner is not None and isinstance(owner.get(key), int | float):
            owner[key] *= factor


def _grow_animations(document: Document, factor: float) -> None:
    for animation in document.all("animations"):
        grown = False
        for channel in animation["channels"]:
            power = next((power for pattern, power in _POINTERS if pattern.fullmatch(pointer_of(channel))), 0)
            if power and not _is_of_sun(document, pointer_of(channel)):
                sampler = dict(animation["samplers"][channel["sampler"]])
                values = read_floats(document, sampler["output"]) * np.float32(factor**power)
                sampler["output"] = edit.add_accessor(document, values)
                animation["samplers"].append(sampler)
                channel["sampler"] = len(animation["samplers"]) - 1
                grown = True
        if grown:
            _drop_unused_samplers(animation)


def _drop_unused_samplers(animation: Json) -> None:
    kept = sorted({channel["sampler"] for channel in animation["channels"]})
    places = {old: new for new, old in enumerate(kept)}
    animation["samplers"] = [animation["samplers"][old] for old in kept]
    for channel in animation["channels"]:
        channel["sampler"] = places[channel["sampler"]]


def _is_of_sun(document: Document, pointer: str) -> bool:
    """Directional lights have an illuminance, which does not fall with distance."""
    if not pointer.endswith("/intensity"):
        return False
    lights = (extension(document.json, _LIGHTS) or {}).get("lights") or []
    number = int(pointer.split("/")[4])
    return number < len(lights) and lights[number].get("type") == "directional"
