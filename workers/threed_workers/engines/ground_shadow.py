"""The ground's shadow in a Filament scene: silhouettes are drawn by it, and the shadow lies in it as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from threed_workers.document import write_glb
from threed_workers.engines.drawing import Drawing
from threed_workers.engines.ground import SIZE, Ground, darkness, shadow_model
from threed_workers.engines.pantry import Pantry
from threed_workers.engines.skylight import radiance_of_paper


class GroundShadow:
    """Drawn anew when what throws it has moved. `frame` (4, 4) takes the world to what is drawn."""

    def __init__(self, pantry: Pantry, scene: Any, drawing: Drawing, frame: np.ndarray, folder: Path):
        self._renderer, self._scene, self._drawing = pantry.renderer, scene, drawing
        self._frame, self._scale, self._folder = frame, float(frame[0, 0]), folder
        self._ground = Ground.under(drawing)
        self._sky = radiance_of_paper(drawing.sky)
        self._camera = self._renderer.create_camera()
        self._target = pantry.target(SIZE, SIZE)
        self._asset: Any = None
        self._placed: Any = None

    def show(self, moved: bool) -> None:
        """Bring the shadow into the scene; `moved` says that it is no longer true."""
        if self._placed is not None and not moved:
            return
        self._take_away()
        dark = darkness(self._drawing, self._ground, self._sky, self._silhouette)
        file = self._folder / "ground.glb"
        write_glb(shadow_model(self._ground, dark, self._drawing.backdrop.kind != "environment"), file)
        self._asset = self._renderer.load_asset(str(file))
        self._placed = self._scene.add(self._asset)
        self._placed.transform = self._frame.astype(np.float32)

    def corners(self) -> np.ndarray:
        """How far it reaches, in the world (4, 3)."""
        half = self._ground.half
        return self._ground.middle + np.array([[x, 0.0, z] for x in (-half, half) for z in (-half, half)])

    def close(self) -> None:
        """Give back everything."""
        self._take_away()
        self._camera.close()

    def _take_away(self) -> None:
        if self._placed is not None:
            self._placed.close()
            self._asset.close()
            self._placed = None

    def _silhouette(self, pose: np.ndarray, half: float, near: float, far: float) -> np.ndarray:
        placed = pose.copy()
        placed[:3, 3] = (self._frame @ np.append(pose[:3, 3], 1.0))[:3]
        self._camera.transform = placed.astype(np.float32)
        reach = half * self._scale
        self._camera.set_orthographic(
            left=-reach, right=reach, bottom=-reach, top=reach, near=near * self._scale, far=far * self._scale
        )
        self._scene.environment_visible = False
        self._scene.transparent, self._scene.background = True, [0.0, 0.0, 0.0, 0.0]
        self._renderer.render(self._scene, self._target, camera=self._camera)
        return self._target.read()[..., 3] / np.float64(255)
