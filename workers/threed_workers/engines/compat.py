"""The engine `compat`: pyrender on EGL, or on OSMesa where there is none. For machines on which Filament does not run.

One lamp at the camera, no light from the environment, no tone mapping: shapes and base colours, not a likeness.
"""

from __future__ import annotations

import ctypes.util
import os
import sys
import types
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from threed.errors import EngineFailed, EngineUnavailable
from threed_workers.document.model import Json, extension, loss
from threed_workers.engines import pictures
from threed_workers.engines.compat_look import DRAWN, PlainLook, is_glow_drawn, plain_look
from threed_workers.engines.drawing import Drawing, Pass, Settings, View
from threed_workers.engines.flattening import TRIANGLES, Part, flattened
from threed_workers.engines.models import SURPRISES, Model
from threed_workers.engines.texels import UNREAD, Texels

# White that faces the camera is 0.75 of what is shown.
_AMBIENT, _LAMP = 0.4, 1.2
_THINNEST = 1e-6
_WRAPS = {"repeat": 10497, "clamp": 33071, "mirror": 33648}


class Compat:
    """pyrender."""

    name = "compat"

    def version(self) -> str:
        """Of pyrender."""
        try:
            return f"pyrender {metadata.version('pyrender-maintained')}"
        except metadata.PackageNotFoundError:
            return ""

    def probe(self) -> str | None:
        """Draws one picture of 16 x 16 pixels."""
        try:
            pyrender = _loaded()
            scene = pyrender.Scene(bg_color=[0, 255, 0, 255])
            scene.add(pyrender.PerspectiveCamera(yfov=1.0))
            green = pyrender.OffscreenRenderer(16, 16).render(scene)[0][8, 8]
        except EngineUnavailable as error:
            return error.message
        except Exception as error:
            return f"It starts and cannot draw: {error}. Install Mesa: apt-get install -y libegl1 libgl1-mesa-dri."
        return None if green[1] == 255 else f"It draws a wrong picture: {green} where green should be."

    def prepare(self, drawing: Drawing, settings: Settings, folder: Path) -> CompatSession:
        """Models as plain meshes in a pyrender scene."""
        pyrender = _loaded()
        try:
            return CompatSession(pyrender, drawing, settings)
        except (OSError, *SURPRISES) as error:
            raise EngineFailed(f"The scene could not be loaded by pyrender: {error}", engine=self.name) from error


def _loaded() -> Any:
    """pyrender on the platform that there is: PyOpenGL chooses once, at its import."""
    if "OpenGL" not in sys.modules:
        os.environ["PYOPENGL_PLATFORM"] = "egl" if ctypes.util.find_library("EGL") else "osmesa"
    # Its viewer wants a window system; nobody here opens a window.
    viewer = types.ModuleType("pyrender.viewer")
    viewer.Viewer = object
    sys.modules.setdefault("pyrender.viewer", viewer)
    try:
        import pyrender
    except Exception as error:
        raise EngineUnavailable(
            f"pyrender does not load: {error}. Install it, and EGL: apt-get install -y libegl1 libgl1-mesa-dri.",
            engine=Compat.name,
        ) from error
    return pyrender


class CompatSession:
    """One pyrender scene."""

    def __init__(self, pyrender: Any, drawing: Drawing, settings: Settings):
        self.losses: list[Json] = _losses(drawing, settings)
        self._pyrender = pyrender
        self._drawing = drawing
        self._settings = settings
        self._seconds: float | None = None
        self._scene = self._at(None)

    def _at(self, seconds: float | None) -> Any:
        """The scene at a moment: skins, morph targets and instances as plain meshes."""
        ambient = _AMBIENT * 2**self._settings.exposure
        scene = self._pyrender.Scene(ambient_light=[ambient] * 3, bg_color=[0, 0, 0, 0])
        shown: dict[int, _Shown] = {}
        for instance in self._drawing.instances:
            key, model = id(instance.model), instance.model
            if key not in shown:
                shown[key] = _Shown(self._pyrender, (model if seconds is None else model.at(seconds)).still())
            for mesh, matrix in shown[key].placed(instance.matrix):
                scene.add(mesh, pose=_thick(matrix))
        return scene

    def render(self, view: View, seconds: float | None = None) -> Iterator[Pass]:
        """One pass, with a lamp at the camera."""
        pyrender, (width, height) = self._pyrender, self._settings.size
        if seconds is not None and seconds != self._seconds:
            self._scene, self._seconds = self._at(seconds), seconds
        added = [self._scene.add(_lens(pyrender, view, self._settings), pose=view.pose)]
        added.append(
            self._scene.add(pyrender.DirectionalLight(intensity=_LAMP * 2**self._settings.exposure), pose=view.pose)
        )
        renderer = None
        try:
            renderer = pyrender.OffscreenRenderer(width, height)
            image, _ = renderer.render(self._scene, flags=pyrender.RenderFlags.RGBA)
        except Exception as error:
            raise EngineFailed(f"The scene could not be drawn by pyrender: {error}", engine=Compat.name) from error
        finally:
            for node in added:
                self._scene.remove_node(node)
            if renderer is not None:
                renderer.delete()
        # Edges come mixed with transparent black, which is premultiplied.
        transparent = self._drawing.backdrop.kind == "transparent"
        yield Pass(pictures.straight(image) if transparent else pictures.laid_over(image, self._drawing.backdrop.color))

    def close(self) -> None:
        """The renderer is gone with each picture."""


class _Shown:
    """The parts of a model as pyrender's meshes, each made once for every side that it shows."""

    def __init__(self, pyrender: Any, model: Model):
        self._pyrender = pyrender
        documents = [kind.document for kind in (model.solids(), model.strokes()) if kind is not None]
        self._parts = [(part, number) for number, each in enumerate(documents) for part in flattened(each)]
        self._documents = [(each, Texels(each)) for each in documents]
        self._meshes: dict[tuple, Any] = {}
        self._looks: dict[tuple, PlainLook] = {}
        self._materials: dict[tuple, Any] = {}

    def placed(self, matrix: np.ndarray) -> Iterator[tuple[Any, np.ndarray]]:
        """(mesh, place) of each part where `matrix` has the model; a mirrored one is turned inside out."""
        for part, number in self._parts:
            place = matrix @ part.matrix
            mirrored = part.mode == TRIANGLES and np.linalg.det(place[:3, :3]) < 0
            key = (number, *part.key, mirrored)
            if key not in self._meshes:
                indices = part.indices[:, ::-1] if mirrored else part.indices
                self._meshes[key] = self._mesh(replace(part, indices=indices), number)
            yield self._meshes[key], place

    def _mesh(self, part: Part, number: int) -> Any:
        look = self._look(part.material, number)
        texcoords, colors = part.texcoords.get(look.sampling.texcoord), part.colors
        if texcoords is not None:
            texcoords = (look.sampling.placed(texcoords) * (1, -1) + (0, 1)).astype(np.float32)
        if colors is not None and not look.looks_at_alpha:
            colors = np.column_stack([colors[:, :3], np.ones(len(colors), np.float32)])
        key = (number, part.material, texcoords is not None)
        if key not in self._materials:
            self._materials[key] = self._material(look, textured=texcoords is not None)
        primitive = self._pyrender.Primitive(
            positions=part.positions,
            normals=part.normals,
            texcoord_0=texcoords,
            color_0=colors,
            indices=part.indices,
            material=self._materials[key],
            mode=part.mode,
        )
        return self._pyrender.Mesh([primitive])

    def _look(self, material: int | None, number: int) -> PlainLook:
        key = (number, material)
        if key not in self._looks:
            document, texels = self._documents[number]
            self._looks[key] = plain_look(
                document, {} if material is None else document.all("materials")[material], texels
            )
        return self._looks[key]

    def _material(self, look: PlainLook, textured: bool) -> Any:
        wrap = _WRAPS[look.sampling.wrap]
        sampler = self._pyrender.Sampler(wrapS=wrap, wrapT=wrap)

        def texture(pixels: np.ndarray | None) -> Any:
            if pixels is None or not textured:
                return None
            return self._pyrender.Texture(source=Image.fromarray(pixels), source_channels="RGBA", sampler=sampler)

        return self._pyrender.MetallicRoughnessMaterial(
            baseColorFactor=look.factor,
            baseColorTexture=texture(look.pixels),
            metallicFactor=0.0,
            roughnessFactor=look.roughness,
            emissiveFactor=look.shines,
            emissiveTexture=texture(look.glow),
            alphaMode=look.mode,
            doubleSided=look.double_sided,
        )


def _thick(matrix: np.ndarray) -> np.ndarray:
    """The matrix with no direction squeezed to nothing, but to a millionth: pyrender takes it apart."""
    first, sizes, last = np.linalg.svd(matrix[:3, :3])
    least = max(sizes[0] * _THINNEST, np.finfo(np.float32).tiny)
    if sizes[-1] >= least:
        return matrix
    found = np.eye(4)
    found[:3, :3], found[:3, 3] = first * np.maximum(sizes, least) @ last, matrix[:3, 3]
    return found


def _lens(pyrender: Any, view: View, settings: Settings) -> Any:
    """A camera whose window is the part of the picture that is drawn. pyrender's own are all centred."""
    left, right, bottom, top = settings.window(view)
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[1, 1] = 2 / (right - left), 2 / (top - bottom)
    middle = (right + left) / (right - left), (top + bottom) / (top - bottom)
    near, far = view.near, view.far
    if view.ymag:
        matrix[:2, 3] = -middle[0], -middle[1]
        matrix[2, 2:] = 2 / (near - far), (near + far) / (near - far)
        matrix[3, 3] = 1
    else:
        matrix[:2, 2] = middle
        matrix[2, 2:] = (near + far) / (near - far), 2 * near * far / (near - far)
        matrix[3, 2] = -1

    class Window(pyrender.Camera):
        def get_projection_matrix(self, width: int | None = None, height: int | None = None) -> np.ndarray:
            return matrix

    return Window(znear=near, zfar=far)


def _losses(drawing: Drawing, settings: Settings) -> list[Json]:
    found = [loss("environment", 1, "there is one lamp at the camera instead", "picture")]
    if drawing.lights:
        found.append(loss("lights", len(drawing.lights), "there is one lamp at the camera instead", "picture"))
    if settings.tone_mapping != "linear":
        found.append(loss("tone_mapping", 1, "radiance above 1 is cut", "picture"))
    documents = {id(instance.model): instance.model.document for instance in drawing.instances}.values()
    if drawing.ground is not None:
        found.append(loss("ground_shadow", 1, "nothing throws a shadow", "picture"))
    if drawing.backdrop.kind == "environment":
        found.append(loss("background", 1, "a plain colour instead of the environment", "picture"))
    materials = [material for document in documents for material in document.all("materials")]
    counts: Counter[str] = Counter()
    for document in documents:
        for material in document.all("materials"):
            counts.update(name for name in material.get("extensions") or {} if name not in DRAWN)
            counts.update(name for name in ("normalTexture", "occlusionTexture") if name in material)
            if "emissiveTexture" in material and not is_glow_drawn(document, material):
                counts["emissiveTexture"] += 1
    found += [loss(name, count, "not drawn", "picture") for name, count in sorted(counts.items())]
    lit = [material for material in materials if not set(material.get("extensions") or {}) & set(DRAWN)]
    metals = sum((material.get("pbrMetallicRoughness") or {}).get("metallicFactor", 1.0) > 0 for material in lit)
    if metals:
        found.append(
            loss("metallic", metals, "metal is drawn as plastic, because there is nothing to reflect", "picture")
        )
    textures = [texture for document in documents for texture in document.all("textures")]
    unread = sum(
        extension(texture, "KHR_texture_basisu") is not None and "source" not in texture for texture in textures
    )
    if unread:
        found.append(loss("textures", unread, UNREAD, "picture"))
    return found
