"""COLLADA cameras and lights to glTF."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element

from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats.dae_extras import extras_of
from threed_workers.formats.dae_xml import Dae, number, title_of, vector, where_of
from threed_workers.formats.phong import linear

LIGHTS = "KHR_lights_punctual"


class Optics:
    """Makes each camera and light once. `metres` is the length of the file's unit."""

    def __init__(self, dae: Dae, builder: Builder, metres: float):
        self._dae = dae
        self._builder = builder
        self._metres = metres
        self._made: dict[Element, Json] = {}

    def camera(self, camera: Element) -> Json:
        """The node's property that shows it; empty for cameras without a lens."""
        if camera not in self._made:
            lens = self._perspective(camera) or self._orthographic(camera)
            if lens:
                entry = lens | ({"name": title_of(camera)} if title_of(camera) else {})
                entry |= {"extras": extras_of(camera)} if extras_of(camera) else {}
                lens = {"camera": self._builder.add("cameras", entry)}
            self._made[camera] = lens
        return self._made[camera]

    def _perspective(self, camera: Element) -> Json:
        found = camera.find("optics/technique_common/perspective")
        if found is None:
            return {}
        across, high = number(found.find("xfov"), 0.0), number(found.find("yfov"), 0.0)
        aspect = number(found.find("aspect_ratio"), 0.0)
        if aspect <= 0 and 0 < across < 180 and 0 < high < 180:
            aspect = math.tan(math.radians(across) / 2) / math.tan(math.radians(high) / 2)
        if not 0 < high < 180:
            across = across if 0 < across < 180 else 60.0
            high = math.degrees(2 * math.atan(math.tan(math.radians(across) / 2) / (aspect if aspect > 0 else 4 / 3)))
        near, far = self._depths(found)
        lens: Json = {"yfov": math.radians(high), "znear": near}
        lens |= {"aspectRatio": aspect} if aspect > 0 else {}
        lens |= {"zfar": far} if far > near else {}
        return {"type": "perspective", "perspective": lens}

    def _orthographic(self, camera: Element) -> Json:
        found = camera.find("optics/technique_common/orthographic")
        if found is None:
            return {}
        wide, high = abs(number(found.find("xmag"), 0.0)), abs(number(found.find("ymag"), 0.0))
        aspect = number(found.find("aspect_ratio"), 0.0)
        aspect = aspect if aspect > 0 else 1.0
        wide = wide or high * aspect or 1.0
        high = high or wide / aspect
        near, far = self._depths(found)
        far = far if far > near else near + 1000.0
        lens = {"xmag": wide * self._metres, "ymag": high * self._metres, "znear": near, "zfar": far}
        return {"type": "orthographic", "orthographic": lens}

    def _depths(self, found: Element) -> tuple[float, float]:
        near = number(found.find("znear"), 0.1) * self._metres
        return (near if near > 0 else 0.1 * self._metres), number(found.find("zfar"), 0.0) * self._metres

    def light(self, light: Element) -> Json:
        """The node's property that shows it; empty for ambient lights, which glTF has not."""
        if light not in self._made:
            made = self._light(light)
            if made:
                lights = self._builder.json.setdefault("extensions", {}).setdefault(LIGHTS, {}).setdefault("lights", [])
                lights.append(made)
                self._builder.use(LIGHTS)
                made = {"extensions": {LIGHTS: {"light": len(lights) - 1}}}
                if len(lights) == 1:
                    text = "COLLADA has no photometric units: a white light became one of pi lux, or pi candelas."
                    self._dae.findings.add("LIGHT_UNITS_ASSUMED", "INFO", where_of(light), text)
            self._made[light] = made
        return self._made[light]

    def _light(self, light: Element) -> Json:
        common = light.find("technique_common")
        kind = next(iter(common), None) if common is not None else None
        if kind is None or kind.tag not in ("directional", "point", "spot"):
            what = "ambient lights" if kind is not None and kind.tag == "ambient" else "lights of unknown kind"
            self._dae.findings.lose(what, "glTF has no counterpart.")
            return {}
        color = [max(part, 0.0) for part in vector(kind.find("color"), [1.0, 1.0, 1.0])]
        strongest = max(1.0, *color)
        made: Json = {"type": kind.tag, "color": linear([part / strongest for part in color])}
        made["intensity"] = math.pi * strongest
        if title_of(light):
            made["name"] = title_of(light)
        if extras_of(light):
            made["extras"] = extras_of(light)
        if kind.tag != "directional":
            falls = number(kind.find("quadratic_attenuation"), 0.0)
            if falls > 0:  # by the square of metres instead of units
                made["intensity"] *= self._metres**2 / falls
        if kind.tag == "spot":
            # Exporters write the whole angle of the cone.
            outer = min(max(math.radians(number(kind.find("falloff_angle"), 180.0)) / 2, 1e-3), math.pi / 2)
            soft = min(max(number(kind.find("falloff_exponent"), 0.0), 0.0), 1.0)
            made["spot"] = {"innerConeAngle": min(outer * (1 - soft), outer - 1e-4), "outerConeAngle": outer}
        return made
