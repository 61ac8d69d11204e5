"""The frame that is drawn in: Mitsuba's offsets against self-intersection assume scenes of a usual size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from threed_workers.engines.drawing import Drawing, View

# Half the diagonal of what is drawn, in the units of the frame: Mitsuba's smallest step is 1e-4 of a place's
# coordinates plus one.
RADIUS = 64.0


def frame_of(drawing: Drawing) -> np.ndarray:
    """World to the frame that is drawn in: its middle at the origin, its corners near RADIUS."""
    low, high = drawing.box
    radius = float(np.linalg.norm(high - low)) / 2
    scale = 2.0 ** round(np.log2(RADIUS / radius)) if radius > 0 else 1.0
    frame = np.diag([scale, scale, scale, 1.0])
    frame[:3, 3] = -scale * (low + high) / 2
    return frame


# Planes in the units of the frame, before and behind everything that a camera can see.
_NEAR, _FAR = 2.0**-9, 2.0**12
# A near plane this much nearer than the far one is there for rasterizers, whose depth needs one.
_DEEP = 1e4


def unclipped(view: View, points: np.ndarray, frame: np.ndarray) -> View:
    """The view between the same planes as every other, if its own cut nothing off.

    Mitsuba compiles planes into its kernels, so with LLVM each frame of a turntable would be compiled anew; pose and
    angle are data.
    """
    depths, scale = (view.pose[:3, 3] - points) @ view.pose[:3, 2], float(frame[0, 0])
    cuts = view.far < depths.max() or view.near > max(float(depths.min()), view.far / _DEEP)
    return view if cuts or view.far * scale > _FAR else replace(view, near=_NEAR / scale, far=_FAR / scale)


def framed(view: View, frame: np.ndarray) -> View:
    """The view in the frame."""
    scale = float(frame[0, 0])
    pose = view.pose.copy()
    pose[:3, 3] = (frame @ np.append(view.pose[:3, 3], 1.0))[:3]
    return View(pose, view.near * scale, view.far * scale, yfov=view.yfov, ymag=view.ymag * scale)
