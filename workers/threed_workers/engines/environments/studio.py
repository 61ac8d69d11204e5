"""The built-in environments, as formulas: a room whose light comes from softboxes, floor and ceiling.

Our own design, so that nothing in it needs a licence. Radiance is linear and without a unit: a white matte surface
comes out at 0.8 where it is lit best, because PBR Neutral leaves base colours alone up to there. +Z is the side from
which a model is usually seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from threed_workers.engines.environments.cubemap import Radiance


@dataclass(frozen=True)
class Softbox:
    """A bright rectangle on the sky. Angles in degrees; yaw 0 is +Z and 90 is +X. `edge` is the part that fades."""

    yaw: float
    pitch: float
    width: float
    height: float
    radiance: float
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    edge: float = 0.25

    def light(self, directions: np.ndarray) -> np.ndarray:
        """Radiance (n, 3) that it adds in each direction (n, 3)."""
        yaw, pitch = np.radians(self.yaw), np.radians(self.pitch)
        centre = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        right = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
        towards = directions @ centre
        ahead = np.maximum(towards, 1e-6)
        x = np.abs(directions @ right) / ahead / np.tan(np.radians(self.width / 2))
        y = np.abs(directions @ np.cross(centre, right)) / ahead / np.tan(np.radians(self.height / 2))
        # Fabric is brightest in its middle.
        cover = _fade(x, self.edge) * _fade(y, self.edge) * (1 - 0.25 * np.clip(x * x + y * y, 0, 2) / 2)
        return np.where(towards > 0, cover, 0.0)[:, None] * (self.radiance * np.array(self.tint))


def _fade(x: np.ndarray, edge: float) -> np.ndarray:
    t = np.clip((1 + edge - x) / (2 * edge), 0, 1)
    return t * t * (3 - 2 * t)


@dataclass(frozen=True)
class Room:
    """Walls that shade from floor to ceiling, and the softboxes in it."""

    floor: float
    horizon: float
    ceiling: float
    softboxes: tuple[Softbox, ...]
    level: float

    def radiance(self, directions: np.ndarray) -> np.ndarray:
        """Linear RGB (n, 3) for unit directions (n, 3)."""
        up = directions[:, 1]
        above = np.clip(up, 0, 1) ** 0.7
        below = np.clip(-up, 0, 1) ** 0.5
        walls = self.horizon + (self.ceiling - self.horizon) * above + (self.floor - self.horizon) * below
        out = np.repeat(walls[:, None], 3, axis=1)
        for softbox in self.softboxes:
            out += softbox.light(directions)
        return out * self.level


_WARM, _COOL = (1.0, 0.97, 0.93), (0.94, 0.97, 1.0)

ROOMS: dict[str, Room] = {
    # A product shot: large key at the left, weaker fill at the right, light from above, two strips behind for the rim.
    "studio": Room(
        floor=0.42,
        horizon=0.55,
        ceiling=0.60,
        softboxes=(
            Softbox(yaw=-40, pitch=32, width=60, height=60, radiance=5.6, tint=_WARM),
            Softbox(yaw=64, pitch=14, width=44, height=74, radiance=2.2, tint=_COOL),
            Softbox(yaw=0, pitch=80, width=80, height=56, radiance=1.0),
            Softbox(yaw=152, pitch=24, width=22, height=84, radiance=4.5, tint=_COOL),
            Softbox(yaw=-150, pitch=24, width=18, height=84, radiance=3.6),
        ),
        level=0.38,
    ),
    # An overcast day: no highlight, no direction but up.
    "soft": Room(
        floor=0.45,
        horizon=0.85,
        ceiling=1.05,
        softboxes=(Softbox(yaw=0, pitch=90, width=130, height=130, radiance=0.55, edge=0.9),),
        level=0.64,
    ),
    # One lamp in a dark room: shapes, edges, gloss.
    "contrast": Room(
        floor=0.03,
        horizon=0.06,
        ceiling=0.08,
        softboxes=(
            Softbox(yaw=-55, pitch=40, width=46, height=46, radiance=13.0, edge=0.15),
            Softbox(yaw=140, pitch=15, width=14, height=90, radiance=8.0, tint=_COOL, edge=0.15),
        ),
        level=0.4,
    ),
}


def radiance(name: str) -> Radiance:
    """The radiance of a built-in environment."""
    return ROOMS[name].radiance
