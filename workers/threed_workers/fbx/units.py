"""Units, axes and time of a file: GlobalSettings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from threed_workers.document.model import Json
from threed_workers.fbx.objects import Properties
from threed_workers.formats.findings import Findings

# KTime, the unit of all times: so many ticks a second.
TICKS = 46_186_158_000
# FbxTime::EMode: frames per second.
_RATES = (30.0, 120.0, 100.0, 60.0, 50.0, 48.0, 30.0, 30.0, 29.97002997, 29.97002997, 25.0, 24.0, 1000.0, 23.976023976)
_RATES += (0.0, 96.0, 72.0, 59.94005994, 119.88011988)
_LETTERS = "XYZ"


@dataclass(frozen=True)
class Units:
    """`metre`: metres per unit. `axes`: float64 (3, 3), orthonormal, from the file's axes to glTF's. `rate`: fps."""

    metre: float
    axes: np.ndarray
    rate: float
    names: tuple[str, str, str]  # what points right, up, and to the viewer

    def extras(self) -> Json:
        """What the conversion took out, for whoever wants to go back."""
        return {
            "source_unit_m": self.metre,
            "source_right": self.names[0],
            "source_up": self.names[1],
            "source_front": self.names[2],
            "source_frame_rate": self.rate,
        }


def read_units(settings: Properties, findings: Findings) -> Units:
    """Centimetres and +Y up are FBX's defaults. Axes that are no system, and odd scales, are noted and left out."""
    scale = settings.number("UnitScaleFactor", 1.0)
    if not 1e-9 <= scale <= 1e9:
        text = f"The unit scale {scale:g} makes no sense; centimetres are assumed."
        findings.warning("UNITS_ASSUMED", "GlobalSettings", text)
        scale = 1.0
    axes, names = np.zeros((3, 3)), []
    for row, (key, usual) in enumerate((("CoordAxis", 0), ("UpAxis", 1), ("FrontAxis", 2))):
        axis, sign = settings.integer(key, usual), settings.integer(f"{key}Sign", 1)
        if 0 <= axis <= 2:
            axes[row, axis] = 1.0 if sign >= 0 else -1.0
            names.append(f"{'+' if sign >= 0 else '-'}{_LETTERS[axis]}")
    if abs(np.linalg.det(axes)) < 0.5:
        text = "The axes in GlobalSettings are not three different ones; +Y up is assumed."
        findings.warning("AXES_ASSUMED", "GlobalSettings", text)
        axes, names = np.eye(3), ["+X", "+Y", "+Z"]
    mode = settings.integer("TimeMode", 0)
    rate = _RATES[mode] if 0 <= mode < len(_RATES) else 30.0
    if rate == 0.0:
        rate = settings.number("CustomFrameRate", 30.0)
    return Units(scale * 0.01, axes, rate if 1.0 <= rate <= 1000.0 else 30.0, tuple(names))
