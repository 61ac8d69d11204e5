"""Cameras and lights, on nodes of their own below their Models, turned to glTF's direction of view.

A camera of FBX looks along +X of its node, a light shines along -Y; both of glTF along -Z. Lengths are in metres.

* Field of view: FocalLength (mm) and the film gate (inches), unless ApertureMode says to take FieldOfView as it is.
  The gate is squeezed to the picture's aspect ratio by GateFit's most common setting: the width is kept.
* Light: Intensity is a percentage, of no unit. 100 becomes 1 lx for directional lights (KHR_lights_punctual; pi times
  a unit reflectance would be 3.14), and for those that fall off with the square of the distance what lights a surface
  by as much one metre away: 1 cd. Lights that do not fall off, or otherwise, are a loss of that.
"""

from __future__ import annotations

import math

from threed_workers.document.model import Json
from threed_workers.fbx.conversion import Conversion
from threed_workers.fbx.objects import Object, Properties

LIGHTS = "KHR_lights_punctual"
_HALF = math.sqrt(0.5)
_FROM_X = [0.0, -_HALF, 0.0, _HALF]
_FROM_MINUS_Y = [-_HALF, 0.0, 0.0, _HALF]
_INCH_MM = 25.4
# FbxCamera::EApertureMode, EProjectionType; FbxLight::EType, EDecayType.
_BOTH, _HORIZONTAL, _VERTICAL, _FOCAL = range(4)
_POINT, _DIRECTIONAL, _SPOT, _AREA, _VOLUME = range(5)
_QUADRATIC = 2


def add_cameras_and_lights(conversion: Conversion) -> None:
    """A camera or light for each Model that has one; Models that share one share it here as well."""
    made: dict[tuple, int] = {}
    for model in conversion.objects.of("Model"):
        if model.id not in conversion.nodes:
            continue
        for attribute in model.of("NodeAttribute"):
            if attribute.subkind == "Camera":
                if attribute.id not in made:
                    made[attribute.id] = conversion.builder.add("cameras", _camera(conversion, attribute, model.name))
                _hang(conversion, model, {"camera": made[attribute.id]}, _FROM_X)
            elif attribute.subkind == "Light" and attribute.properties.integer("CastLight", 1):
                if attribute.id not in made:
                    made[attribute.id] = _add_light(conversion, attribute, model.name)
                _hang(conversion, model, {"extensions": {LIGHTS: {"light": made[attribute.id]}}}, _FROM_MINUS_Y)


def _hang(conversion: Conversion, model: Object, what: Json, turn: list[float]) -> None:
    nodes = conversion.builder.json["nodes"]
    child = conversion.builder.add("nodes", {"name": model.name or "view", "rotation": turn, **what})
    nodes[conversion.inner(model)].setdefault("children", []).append(child)


def _camera(conversion: Conversion, source: Object, name: str) -> Json:
    properties = source.properties
    width, height = properties.number("AspectWidth", 320.0), properties.number("AspectHeight", 200.0)
    aspect = width / height if width > 0 and height > 0 else 1.6
    if properties.integer("AspectRatioMode", 0) != 0:  # other modes keep pixels, and these may be oblong
        aspect *= max(properties.number("PixelAspectRatio", 1.0), 1e-3)
    aspect = min(max(aspect, 1e-3), 1e3)
    near = max(properties.number("NearPlane", 10.0) * conversion.units.metre, 1e-6)
    far = properties.number("FarPlane", 4000.0) * conversion.units.metre
    camera: Json = {"name": source.name or name}
    if properties.integer("CameraProjectionType", 0) == 1:
        high = max(_ortho_width(conversion, properties) / aspect, 1e-6)
        view: Json = {"xmag": high * aspect / 2, "ymag": high / 2, "znear": near, "zfar": max(far, near * 2)}
        return camera | {"type": "orthographic", "orthographic": view}
    angle = min(max(_height_angle(properties, aspect), 1e-3), math.pi - 1e-3)
    view = {"yfov": angle, "aspectRatio": aspect, "znear": near}
    if far > near:
        view["zfar"] = far
    return camera | {"type": "perspective", "perspective": view}


def _ortho_width(conversion: Conversion, properties: Properties) -> float:
    """The width of the view in metres: OrthoZoom times 30 units, as in Maya and the SDK; Blender writes metres."""
    zoom = properties.number("OrthoZoom", 1.0)
    return zoom if "Blender" in conversion.objects.creator else 30.0 * zoom * conversion.units.metre


def _height_angle(properties: Properties, aspect: float) -> float:
    """The vertical field of view in radians."""
    mode = properties.integer("ApertureMode", _VERTICAL)
    both = [math.radians(properties.number(name, 40.0)) for name in ("FieldOfViewX", "FieldOfViewY")]
    one = math.radians(properties.number("FieldOfView", 25.115))
    if mode == _VERTICAL:
        return one
    if mode == _BOTH:
        return both[1]
    if mode == _HORIZONTAL:
        return _across(one, 1 / aspect)
    gate = properties.number("FilmWidth", 0.816), properties.number("FilmHeight", 0.612)
    focal = properties.number("FocalLength", 34.89327)
    if focal <= 0 or gate[0] <= 0 or gate[1] <= 0:
        return one
    squeeze = max(properties.number("FilmSqueezeRatio", 1.0), 1e-3)
    across = 2 * math.atan(gate[0] * squeeze * _INCH_MM / (2 * focal))
    return _across(across, 1 / aspect)


def _across(angle: float, ratio: float) -> float:
    """The field of view of a side that is `ratio` times as long."""
    return 2 * math.atan(math.tan(min(angle, math.pi - 1e-3) / 2) * ratio)


def _add_light(conversion: Conversion, source: Object, name: str) -> int:
    properties, builder = source.properties, conversion.builder
    kind = properties.integer("LightType", _POINT)
    color = [min(max(part, 0.0), 1.0) for part in properties.numbers("Color", 3, (1.0, 1.0, 1.0))]
    light: Json = {"name": source.name or name}
    light |= {"color": color, "intensity": min(max(properties.number("Intensity", 100.0) / 100, 0.0), 1e9)}
    if kind == _DIRECTIONAL:
        light["type"] = "directional"
    elif kind == _SPOT:
        light |= {"type": "spot", "spot": _cone(properties)}
    else:
        light["type"] = "point"
    if kind in (_AREA, _VOLUME):
        conversion.lose("area_lights", "glTF has points, directions and cones; areas and volumes shine from a point.")
    if kind != _DIRECTIONAL and properties.integer("DecayType", 0) != _QUADRATIC:
        conversion.lose("light_decay", "Light of glTF falls off with the square of the distance.")
    if properties.integer("EnableFarAttenuation", 0):
        reach = properties.number("FarAttenuationEnd", 0.0) * conversion.units.metre
        if kind != _DIRECTIONAL and reach > 0:
            light["range"] = reach
    builder.use(LIGHTS)
    lights = builder.json.setdefault("extensions", {}).setdefault(LIGHTS, {"lights": []})["lights"]
    lights.append(light)
    return len(lights) - 1


def _cone(properties: Properties) -> Json:
    """Angles of FBX are whole cones in degrees; those of glTF are from the axis, in radians."""
    outer = properties.number("OuterAngle", properties.number("Cone angle", 45.0))
    inner = properties.number("InnerAngle", properties.number("HotSpot", 0.0))
    outer = min(max(math.radians(outer) / 2, 1e-3), math.pi / 2)
    return {"innerConeAngle": min(max(math.radians(inner) / 2, 0.0), outer * 0.999), "outerConeAngle": outer}
