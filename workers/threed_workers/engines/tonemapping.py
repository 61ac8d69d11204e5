"""Tone mapping: linear light, which has no upper end, to what a screen shows, as the raster engine's Filament does it.

All functions take and answer linear Rec. 709 RGB, float (..., 3); what they answer is to be cut to 0 ... 1 and encoded.
"""

from __future__ import annotations

import numpy as np


def tone_mapped(linear: np.ndarray, name: str, exposure: float = 0.0) -> np.ndarray:
    """`linear` times 2^exposure by pbr_neutral, agx, aces or linear, 0 to 1, float32."""
    with np.errstate(over="ignore"):
        exposed = np.nan_to_num(linear.astype(np.float64) * 2.0**exposure, posinf=_BRIGHTEST).clip(0, _BRIGHTEST)
    return _CURVES[name](exposed).clip(0, 1).astype(np.float32)


_BRIGHTEST = 65504.0


def _linear(colour: np.ndarray) -> np.ndarray:
    return colour


def _pbr_neutral(colour: np.ndarray) -> np.ndarray:
    """Khronos PBR Neutral (specification of 2024): base colours stay, highlights are compressed and lose colour."""
    least = _over_channels(np.minimum, colour)
    colour = colour - np.where(least < 0.08, least - 6.25 * least * least, 0.04)
    peak = _over_channels(np.maximum, colour)
    start = 0.8 - 0.04
    rest = 1 - start
    pressed = 1 - rest * rest / np.maximum(peak + rest - start, 1e-9)
    pale = 1 - 1 / (0.15 * np.maximum(peak - pressed, 0) + 1)
    bright = colour * (pressed / np.maximum(peak, 1e-9)) * (1 - pale) + pressed * pale
    return np.where(peak < start, colour, bright)


def _over_channels(extreme: np.ufunc, colour: np.ndarray) -> np.ndarray:
    """The least or the greatest channel (..., 1). Along so short an axis numpy's own takes 25 times as long."""
    return extreme(extreme(colour[..., :1], colour[..., 1:2]), colour[..., 2:])


# Columns take the primaries to XYZ, scaled to the white point.
def _to_xyz(primaries: tuple[tuple[float, float], ...], white: tuple[float, float]) -> np.ndarray:
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in primaries]).T
    x, y = white
    return columns * np.linalg.solve(columns, [x / y, 1.0, (1 - x - y) / y])


_D65, _D60 = (0.3127, 0.3290), (0.32168, 0.33767)
_REC709 = _to_xyz(((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), _D65)
_REC2020 = _to_xyz(((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), _D65)
_AP0 = _to_xyz(((0.7347, 0.2653), (0.0, 1.0), (0.0001, -0.0770)), _D60)
_AP1 = _to_xyz(((0.713, 0.293), (0.165, 0.830), (0.128, 0.044)), _D60)
_WIDER = np.linalg.inv(_REC2020) @ _REC709
_NARROWER = np.linalg.inv(_WIDER)
# Filament does not adapt to the white of ACES, which leaves highlights a little warm.
_TO_AP0 = np.linalg.inv(_AP0) @ _REC709
_AP0_TO_AP1 = np.linalg.inv(_AP1) @ _AP0
_FROM_AP1 = np.linalg.inv(_REC709) @ _AP1
_LUMINANCE = _AP1[1]

# Blender's AgX for Rec. 2020 primaries (EaryChow/AgX_LUT_Gen), and the fit of its curve (B. Wrensch, "Minimal AgX").
_INSET = np.array(
    [
        [0.856627153315983, 0.0951212405381588, 0.0482516061458583],
        [0.137318972929847, 0.761241990602591, 0.101439036467562],
        [0.11189821299995, 0.0767994186031903, 0.811302368396859],
    ]
)
_OUTSET = np.linalg.inv(
    np.array(
        [
            [0.899796955911611, 0.0871996192028351, 0.013003424885555],
            [0.11142098895748, 0.875575586156966, 0.0130034248855548],
            [0.11142098895748, 0.0871996192028349, 0.801379391839686],
        ]
    )
)
_CONTRAST = (-17.86, 78.01, -126.7, 92.06, -28.72, 4.361, -0.1718, 0.002857)
_STOPS = (-10 + np.log2(0.18), 6.5 + np.log2(0.18))


def _agx(colour: np.ndarray) -> np.ndarray:
    """AgX without a look: 16.5 stops around middle grey."""
    wide = np.maximum(colour @ _WIDER.T, 0) @ _INSET.T
    low, high = _STOPS
    steps = ((np.log2(np.maximum(wide, 1e-10)) - low) / (high - low)).clip(0, 1)
    shown = np.polyval(_CONTRAST, steps) @ _OUTSET.T
    return np.maximum(shown, 0) ** 2.2 @ _NARROWER.T


def _aces(colour: np.ndarray) -> np.ndarray:
    """ACES 1: reference rendering transform and output for a dim 100-nit monitor, with their curve fitted."""
    scene = colour @ _TO_AP0.T
    rich = _saturation(scene)
    scene = scene * (1 + _glow(scene, rich))[..., None]
    share = (_redness(scene) ** 2 * rich) * (0.03 - scene[..., 0]) * (1 - 0.82)
    scene = np.concatenate([scene[..., :1] + share[..., None], scene[..., 1:]], axis=-1)
    shown = _paled((scene @ _AP0_TO_AP1.T).clip(0, _BRIGHTEST), 0.96)
    shown = shown * (2.785085 * shown + 0.107772) / (shown * (2.936045 * shown + 0.887122) + 0.806889)
    luminance = np.maximum(shown @ _LUMINANCE, 1e-9)[..., None]
    return _paled(shown * luminance ** (0.9811 - 1), 0.93) @ _FROM_AP1.T


def _paled(colour: np.ndarray, kept: float) -> np.ndarray:
    grey = (colour @ _LUMINANCE)[..., None]
    return grey + kept * (colour - grey)


def _saturation(colour: np.ndarray) -> np.ndarray:
    most, least = colour.max(axis=-1), colour.min(axis=-1)
    return (np.maximum(most, 1e-5) - np.maximum(least, 1e-5)) / np.maximum(most, 1e-2)


def _glow(colour: np.ndarray, rich: np.ndarray) -> np.ndarray:
    """What dark saturated colours gain."""
    red, green, blue = np.moveaxis(colour, -1, 0)
    chroma = np.sqrt(np.maximum(blue * (blue - green) + green * (green - red) + red * (red - blue), 0))
    level = np.maximum((red + green + blue + 1.75 * chroma) / 3, 1e-9)
    shape = (rich - 0.4) / 0.2
    rise = np.maximum(1 - np.abs(shape / 2), 0)
    gain = 0.05 * (1 + np.sign(shape) * (1 - rise * rise)) / 2
    middle = 0.08
    faded = np.where(level >= 2 * middle, 0, gain * (middle / level - 0.5))
    return np.where(level <= 2 / 3 * middle, gain, faded)


def _redness(colour: np.ndarray) -> np.ndarray:
    """1 for reds, 0 from 67.5 degrees of hue on."""
    red, green, blue = np.moveaxis(colour, -1, 0)
    hue = np.degrees(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue))
    t = (1 - np.abs(2 * hue / 135)).clip(0, 1)
    return t * t * (3 - 2 * t)


_CURVES = {"linear": _linear, "pbr_neutral": _pbr_neutral, "agx": _agx, "aces": _aces}
