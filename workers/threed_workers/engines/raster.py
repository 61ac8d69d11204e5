"""The engine `raster`: Google Filament through filly. Fast, physically based, lit by images; needs OpenGL through EGL.

Facts about filly 0.2.1 that this module is built on, each measured:

* At exposure log2(1 / 1.2) its units are glTF's: lux, candela, radiance 1 is white. Exposure does not reach emissive
  and unlit surfaces, and is limited to EV -10 ... 24; so it stays there, and lights and materials are scaled instead.
* Transparent pictures come premultiplied on the encoded values. Glass sees nothing behind it in them and turns black.
* Multisampling is dear in software, and textures are filtered alike in all directions: blurred at a slant. So a
  picture is drawn larger, by the square root of `samples`, and shrunk. Against 16 samples at 512 x 512, with 2 of these
  and 4 of multisampling: FlightHelmet 33.2 dB in 0.25 s and 31.7 dB in 0.57 s, SheenCloth 25.4 dB in 0.57 s and 22.9 dB
  in 1.7 s, AlphaBlendModeTest 27.7 dB in 0.14 s and 25.7 dB in 0.09 s, Fox 37.0 dB in 0.13 s and 37.6 dB in 0.09 s.
* How what it draws becomes 8 bits, and which tones it maps itself: shooting.py.
* Points and lines are one pixel wide, whatever the size of the picture.
* `scene.ssao` has a radius of 0.3 units and no other setting. Tried with models of 0.4, 1 and 2 units: at 0.4, SSIM
  against the path tracer rose by 0.006 (alien) and 0.011 (FlightHelmet), and fell by 0.031 (MorphStressTest) and
  0.044 (SheenCloth), at up to a fifth more time a frame. Not used.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np

from threed.errors import EngineFailed, EngineUnavailable
from threed_workers.document.model import Json, loss
from threed_workers.engines import pictures, shaders
from threed_workers.engines.cropping import cropped, is_cut, place
from threed_workers.engines.drawing import Drawing, Pass, Settings, View
from threed_workers.engines.ground_shadow import GroundShadow
from threed_workers.engines.lamps import Lamps
from threed_workers.engines.models import SURPRISES
from threed_workers.engines.pantry import Pantry
from threed_workers.engines.shooting import Shooting
from threed_workers.engines.skylight import light_by
from threed_workers.engines.staging import Staging
from threed_workers.engines.sunlight import Sunlight

_UNIT_EXPOSURE = math.log2(1 / 1.2)
_DEFAULT_SAMPLES, _MOST_SAMPLES = 2, 16
# Of films, whose codec takes the difference away: encoded as AV1, frames of 512 x 512 with 1.5 samples are 37.6 and
# 37.8 dB near those with 16 before it (two models), with 2 samples 38.1 both, with 16 samples 39.5 and 39.3.
_FILM_SAMPLES = 1.5
# That are drawn, 36 bytes each (83 with multisampling); and along an edge, which is filly's limit.
_PIXELS, _EDGE = 1 << 25, 8192
_NEAREST = 1e-5  # of the far plane
# Refracted where nothing is behind, and the picture is to be transparent: the neutral light grey of other pictures.
_BEHIND_GLASS = (0.83, 0.83, 0.83)


class Raster:
    """Filament. One renderer for the life of the process, and what it has loaded for earlier drawings."""

    name = "raster"

    def __init__(self) -> None:
        self._pantry: Pantry | None = None

    def version(self) -> str:
        """Of filly."""
        try:
            return f"filly {metadata.version('filly')}"
        except metadata.PackageNotFoundError:
            return ""

    def probe(self) -> str | None:
        """Draws one picture of 16 x 16 pixels."""
        try:
            renderer = self._started().renderer
            scene = renderer.create_scene()
            scene.background, scene.camera = [0.0, 1.0, 0.0, 1.0], renderer.create_camera()
            target = renderer.create_render_target(width=16, height=16)
            renderer.render(scene, target)
            green = target.read()[8, 8]
        except EngineUnavailable as error:
            return error.message
        except Exception as error:
            return f"It starts and cannot draw: {error}. Install a driver: apt-get install -y libgl1-mesa-dri."
        return None if green[1] == 255 else f"It draws a wrong picture: {green} where green should be."

    def prepare(self, drawing: Drawing, settings: Settings, folder: Path) -> RasterSession:
        """Models, lights and environment in a Filament scene."""
        pantry = self._started()
        with _refusals("could not be loaded"):
            return RasterSession(pantry, drawing, settings, folder)

    def _started(self) -> Pantry:
        if self._pantry is None:
            shaders.reuse()
            try:
                import filly

                filly.set_log_level("error")
                self._pantry = Pantry(filly.Renderer())
            except ImportError as error:
                raise EngineUnavailable(
                    f"Filament does not load: {error}. Install filly (Linux x86_64), and its system libraries: "
                    "apt-get install -y libgl1 libegl1 libx11-6.",
                    engine=self.name,
                ) from error
            except Exception as error:
                raise EngineUnavailable(
                    f"Filament finds no OpenGL: {error}. Install a driver: apt-get install -y libegl1 libgl1-mesa-dri.",
                    engine=self.name,
                ) from error
        return self._pantry


class RasterSession:
    """One Filament scene, in a frame of its own: see `_frame`."""

    def __init__(self, pantry: Pantry, drawing: Drawing, settings: Settings, folder: Path):
        self.losses: list[Json] = []
        self._pantry = pantry
        self._renderer = renderer = pantry.renderer
        self._drawing = drawing
        self._settings = settings
        self._frame = _frame(drawing)
        self._scale = float(self._frame[0, 0])
        self._times, multisamples = self._enlarged()
        self._scene = renderer.create_scene()
        self._shooting = Shooting(pantry, self._scene, drawing, settings, multisamples)
        self._camera = self._scene.camera = renderer.create_camera()
        self._camera.exposure = _UNIT_EXPOSURE
        self._target = self._shooting.target(*self._drawn(settings))
        self._glass = any(instance.model.is_glass() for instance in drawing.instances)
        gain = self._shooting.gain
        lamps = Lamps(self._scene, self._frame, self._radius(), gain)
        self._staging = Staging(pantry, self._scene, drawing, settings, self._times, self._frame, gain, lamps, folder)
        for light in drawing.lights:
            lamps.add(light)
        suns = light_by(pantry, self._scene, drawing, gain, folder)
        self._scene.shadows = bool(drawing.lights or suns)
        apart = self._shooting.adds and not self._glass
        self._sunlight = Sunlight(self._scene, lamps, suns, apart, self._shooting.shining > 0)
        self._shadow, self._reach = None, drawing.points
        if drawing.ground is not None:
            sunny = replace(drawing, lights=(*drawing.lights, *suns))
            self._shadow = GroundShadow(pantry, self._scene, sunny, self._frame, folder)
            self._reach = np.concatenate([drawing.points, self._shadow.corners()])
        self._note_losses(lamps)

    def render(self, view: View, seconds: float | None = None) -> Iterator[Pass]:
        """One pass. Nothing is loaded anew for another view, nor for another moment of what Filament can move."""
        with _refusals("could not be drawn"):
            moved = self._staging.show(seconds)
            if self._shadow is not None:
                self._shadow.show(moved)
            yield Pass(self._picture(view))

    def close(self) -> None:
        """Give back everything but what is kept for the next drawing."""
        self._staging.close()
        if self._shadow is not None:
            self._shadow.close()
        self._scene.close()
        self._camera.close()
        self._pantry.tidy()

    # ------------------------------------------------------------ loading

    def _enlarged(self) -> tuple[float, int]:
        """How many times as large the picture is drawn along each edge; and with how many samples of multisampling."""
        width, height = self._settings.size
        default = _FILM_SAMPLES if self._settings.moving else _DEFAULT_SAMPLES
        wanted = min(self._settings.samples or default, _MOST_SAMPLES)
        samples = min(wanted, max(1.0, min(_PIXELS / (width * height), (_EDGE / max(width, height)) ** 2)))
        if samples < default <= wanted and 2 * width * height <= _PIXELS:
            return 1.0, 4
        if samples < wanted:
            reason = f"{samples:.3g} a pixel: no more than {_PIXELS} in all, {_EDGE} along an edge"
            self.losses.append(loss("samples", 1, reason, "picture"))
        return math.sqrt(samples), 1

    def _drawn(self, settings: Settings) -> tuple[int, int]:
        """(width, height) of what Filament draws of them."""
        width, height = settings.size
        return max(1, round(width * self._times)), max(1, round(height * self._times))

    def _radius(self) -> float:
        low, high = self._drawing.box
        return float(np.linalg.norm(high - low)) / 2 * self._scale

    def _note_losses(self, lamps: Lamps) -> None:
        models = {id(instance.model): instance.model for instance in self._drawing.instances}.values()
        loops = sum(model.loop_count() for model in models)
        if loops:
            self.losses.append(loss("LINE_LOOP", loops, "drawn without the line that closes it", "picture"))
        if self._glass and self._drawing.backdrop.kind == "transparent":
            panes = sum(model.is_glass() for model in models)
            reason = "glass is opaque in a transparent picture, with light grey behind it"
            self.losses.append(loss("KHR_materials_transmission", panes, reason, "picture"))
        self.losses += lamps.losses()

    # ------------------------------------------------------------ drawing

    def _aim(self, view: View, settings: Settings) -> None:
        self._size = self._drawn(settings)
        pose = view.pose.copy()
        pose[:3, 3] = (self._frame @ np.append(view.pose[:3, 3], 1.0))[:3]
        near, far = view.near * self._scale, view.far * self._scale
        if self._shadow is not None:
            near = min(near, far * _NEAREST)  # the ground comes nearer than what stands on it
        left, right, bottom, top = settings.window(view)
        if view.ymag:
            sides = {"left": left, "right": right, "bottom": bottom, "top": top}
            self._camera.transform = pose.astype(np.float32)
            self._camera.set_orthographic(
                **{side: value * self._scale for side, value in sides.items()}, near=near, far=far
            )
        else:
            # Filament's perspective is centred. A shear, which keeps the camera's place, brings the window's middle
            # to the axis; measured against the same part of the whole picture, it differs by 1 in 5000 numbers.
            shear = np.eye(4)
            shear[:2, 2] = -(left + right) / 2, -(bottom + top) / 2
            self._camera.transform = (pose @ shear).astype(np.float32)
            aspect, yfov = (right - left) / (top - bottom), 2 * math.atan((top - bottom) / 2)
            self._camera.set_perspective(fov_y_deg=math.degrees(yfov), aspect=aspect, near=near, far=far)
        for strokes in self._staging.strokes:
            strokes.face(pose, view, self._scale)

    def _picture(self, view: View) -> np.ndarray:
        backdrop, whole = self._drawing.backdrop, self._settings
        self._scene.environment_visible = backdrop.kind == "environment"
        if backdrop.kind == "environment":
            self._aim(view, whole)
            image = self._shot(transparent=False)
            self._sunlight.complete(image, self._shot)
            return self._shooting.developed(image, *whole.size)
        part, image = self._cut_out(view)
        self._sunlight.complete(image, self._shot)
        if self._glass:
            image = self._through_glass(image)
        image = self._shooting.developed(image, *part.size)
        # Put under the finished picture, so that tone mapping does not reach it.
        clear = backdrop.kind == "transparent"
        image = pictures.straight(image) if clear else pictures.laid_over(image, backdrop.color)
        if part is whole:
            return image
        return pictures.set_into(image, *place(part, whole), whole.size, None if clear else backdrop.color)

    def _shot(self, transparent: bool = False, colour: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> np.ndarray:
        return self._shooting.shot(self._target, self._size, transparent, colour)

    def _cut_out(self, view: View) -> tuple[Settings, np.ndarray]:
        """The part of the picture in which something is, and this premultiplied, before it is shrunk."""
        whole = self._settings
        part = cropped(whole, view, self._reach)
        self._aim(view, part)
        image = self._shot(transparent=True)
        if not is_cut(image, part, whole):
            return part, image
        # Something reaches farther than was known, as vertices do whose weights do not add up to one.
        self._aim(view, whole)
        return whole, self._shot(transparent=True)

    def _through_glass(self, image: np.ndarray) -> np.ndarray:
        """The premultiplied picture with something to see behind glass: drawn on a colour, which is then taken away."""
        backdrop = self._drawing.backdrop
        behind = backdrop.color if backdrop.kind == "color" else _BEHIND_GLASS
        opaque = self._shot(transparent=False, colour=behind)
        bare = opaque[image[..., 3] == 0]
        # As it was drawn; with nothing bare, nothing of it is to be taken away.
        shown = bare[0, :3] if len(bare) else np.zeros(3, np.uint8)
        return pictures.lifted_off(opaque, image, shown)


def _frame(drawing: Drawing) -> np.ndarray:
    """World to the frame that is drawn in: its middle at the origin, and neither below 1 cm nor beyond 1 km.

    Beyond that, floats and depth suffer. Thickness and attenuation of glass are not scaled along.
    """
    low, high = drawing.box
    radius = float(np.linalg.norm(high - low)) / 2
    scale = 1.0 if radius == 0 or 0.01 <= radius <= 1000 else 2.0 ** -round(math.log2(radius))
    frame = np.diag([scale, scale, scale, 1.0])
    frame[:3, 3] = -scale * (low + high) / 2
    return frame


@contextlib.contextmanager
def _refusals(what: str) -> Iterator[None]:
    """filly's errors as EngineFailed."""
    import filly

    try:
        yield
    except (filly.FillyError, RuntimeError, *SURPRISES) as error:
        raise EngineFailed(f"The scene {what} by Filament: {error}", engine=Raster.name) from error
