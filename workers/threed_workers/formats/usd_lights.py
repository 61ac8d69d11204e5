"""UsdLux lights and UsdGeom cameras to glTF.

USD gives the luminance of a light's surface (nit), glTF the illuminance of a sun (lux) or the intensity of a point
(candela). Sphere of radius r: candela = nit x pi r^2, in metres. Distant light of half angle a: lux = nit x pi sin^2 a.
A light that is `normalize`d has its luminance divided by its surface first, 4 pi r^2 or pi sin^2 a, and the size falls
out of the sum.
"""

from __future__ import annotations

import math
from typing import Any

from threed_workers.document.model import Json
from threed_workers.formats.usd_conversion import Conversion, value

LIGHTS = frozenset(
    "DistantLight SphereLight DiskLight RectLight CylinderLight DomeLight DomeLight_1 GeometryLight PortalLight".split()
)
_TENTHS = 10.0  # apertures and focal lengths are in tenths of the stage's unit
_WIDEST = math.pi / 2


def light(prim: Any, conversion: Conversion, metres: float) -> int | None:
    """The number of a punctual light; None, and a loss, for what glTF has no word for."""
    kind = prim.GetTypeName()
    if kind not in ("DistantLight", "SphereLight"):
        conversion.lose(f"light {kind}", "glTF has distant, point and spot lights.")
        return None
    power, color = _power(prim, conversion)
    entry: Json = {"name": prim.GetName(), "color": color}
    if kind == "DistantLight":
        half = math.radians(_number(prim, "inputs:angle", conversion, 0.53)) / 2
        size = math.pi * math.sin(min(abs(half), _WIDEST)) ** 2
        plain = not size or bool(_get(prim, "inputs:normalize", conversion))
        entry |= {"type": "directional", "intensity": power if plain else power * size}
    else:
        radius = _number(prim, "inputs:radius", conversion, 0.5) * metres
        normalized = bool(_get(prim, "inputs:normalize", conversion)) or not radius
        entry["intensity"] = power / 4 * metres**2 if normalized else power * math.pi * radius**2
        entry["type"] = "point"
        angle = _get(prim, "inputs:shaping:cone:angle", conversion)
        if angle is not None and math.isfinite(angle) and 0 < angle < 90:
            softness = min(max(_number(prim, "inputs:shaping:cone:softness", conversion, 0.0), 0.0), 1.0)
            outer = math.radians(angle)
            entry |= {
                "type": "spot",
                "spot": {"outerConeAngle": outer, "innerConeAngle": outer * (1 - softness) * 0.9999},
            }
    if not math.isfinite(entry["intensity"]) or entry["intensity"] > 1e30:
        conversion.warn("LIGHT_INVALID", prim, "The light's power is not finite; it is left out.")
        return None
    if any(prim.GetAttribute(name).HasAuthoredValue() for name in ("inputs:shaping:ies:file", "inputs:shaping:focus")):
        conversion.lose("light shaping", "glTF has cones, and neither profiles nor focus.")
    lights = conversion.builder.json.setdefault("extensions", {}).setdefault("KHR_lights_punctual", {"lights": []})
    conversion.builder.use("KHR_lights_punctual")
    lights["lights"].append(entry)
    return len(lights["lights"]) - 1


def _power(prim: Any, conversion: Conversion) -> tuple[float, list[float]]:
    """(luminance, colour with a largest part of 1)."""
    from pxr import UsdLux

    power = _number(prim, "inputs:intensity", conversion, 1.0)
    exposure = _number(prim, "inputs:exposure", conversion, 0.0)
    power *= 2.0 ** min(max(exposure, -100.0), 100.0)
    color = [float(part) for part in _get(prim, "inputs:color", conversion) or (1, 1, 1)]
    if _get(prim, "inputs:enableColorTemperature", conversion):
        kelvin = min(max(_number(prim, "inputs:colorTemperature", conversion, 6500.0), 1000.0), 10000.0)
        warm = UsdLux.BlackbodyTemperatureAsRgb(kelvin)
        color = [part * other for part, other in zip(color, warm, strict=True)]
    color = [max(part, 0.0) if math.isfinite(part) else 1.0 for part in color]
    brightest = max(color)
    if not brightest:
        return 0.0, [1.0, 1.0, 1.0]
    return max(power * brightest, 0.0), [part / brightest for part in color]


def camera(prim: Any, conversion: Conversion, metres: float) -> int | None:
    """The number of a glTF camera, in metres: its node undoes the stage's unit."""
    focal, width, height = (
        _number(prim, name, conversion, default)
        for name, default in (("focalLength", 50.0), ("horizontalAperture", 20.955), ("verticalAperture", 15.2908))
    )
    near, far = (float(part) * metres for part in _get(prim, "clippingRange", conversion) or (1, 1e6))
    if min(focal, width, height) <= 0 or not (math.isfinite(near) and math.isfinite(far)):
        conversion.warn("CAMERA_INVALID", prim, "The camera has no angle of view; it is left out.")
        return None
    if _number(prim, "horizontalApertureOffset", conversion, 0) or _number(
        prim, "verticalApertureOffset", conversion, 0
    ):
        conversion.lose("camera shift", "glTF cameras look along their middle.")
    if any(prim.GetAttribute(name).ValueMightBeTimeVarying() for name in ("focalLength", "clippingRange")):
        conversion.lose("moving lens", "A lens that changes in time keeps its first values.")
    near = near if near > 0 else 0.01
    far = far if far > near else near * 1e6
    if str(_get(prim, "projection", conversion)) == "orthographic":
        half = metres / _TENTHS / 2
        lens = {"xmag": width * half, "ymag": height * half, "znear": near, "zfar": far}
        return conversion.builder.add("cameras", {"name": prim.GetName(), "type": "orthographic", "orthographic": lens})
    angle = 2 * math.atan(height / (2 * focal))
    lens = {"yfov": angle, "aspectRatio": width / height, "znear": near, "zfar": far}
    return conversion.builder.add("cameras", {"name": prim.GetName(), "type": "perspective", "perspective": lens})


def _get(prim: Any, name: str, conversion: Conversion) -> Any:
    return value(prim.GetAttribute(name), conversion)


def _number(prim: Any, name: str, conversion: Conversion, default: float) -> float:
    found = _get(prim, name, conversion)
    return float(found) if isinstance(found, int | float) and math.isfinite(found) else default
