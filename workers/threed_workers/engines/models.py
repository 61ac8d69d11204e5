"""A render copy of a model, and the changes to its JSON that an engine may need."""

from __future__ import annotations

import contextlib
import copy
import functools
import itertools
import math
import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from threed.errors import EngineFailed
from threed_workers.budget import Budget
from threed_workers.document import Document, read_floats, read_glb, write_glb
from threed_workers.document.model import Json, extension
from threed_workers.document.world import scene_roots, world_box, world_matrices
from threed_workers.engines.animation import POINTER, Animation, number_of, read_animation
from threed_workers.engines.baking import baked, is_morphed
from threed_workers.engines.kept import Recent, identity
from threed_workers.engines.pose import moved
from threed_workers.engines.variants import in_variant, variant_names

_UNLIT, _STRENGTH = "KHR_materials_unlit", "KHR_materials_emissive_strength"
_GLASS = ("KHR_materials_transmission", "KHR_materials_volume")
_POINTS, _LINES, _LINE_LOOP, _LINE_STRIP = 0, 1, 2, 3
_INK = [0.03, 0.03, 0.03, 1.0]
_STROKES = (_POINTS, _LINES, _LINE_LOOP, _LINE_STRIP)


# Up to so many vertices are looked at, so many at a time: 1M take half a second.
_MOST_OUTLINED, _AT_ONCE = 1 << 20, 1 << 14


def _directions() -> np.ndarray:
    """Unit vectors (154, 3): to the sides, edges and corners of a cube, and 128 spread evenly (Fibonacci lattice)."""
    cube = np.array([each for each in itertools.product((-1.0, 0.0, 1.0), repeat=3) if any(each)])
    number = np.arange(128) + 0.5
    height, turn = 1 - number / 64, number * math.pi * (3 - math.sqrt(5))
    across = np.sqrt(1 - height**2)
    spread = np.stack([across * np.cos(turn), height, across * np.sin(turn)], axis=-1)
    return np.concatenate([cube / np.linalg.norm(cube, axis=1, keepdims=True), spread])


_DIRECTIONS = _directions()


# What was measured of models, by what they are made of: the next job of a warm process is about the same ones.
_MEASURES = Recent(512)

# What a document throws that was never checked, or checked by other rules.
SURPRISES = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)


@contextlib.contextmanager
def refusing(done: str) -> Iterator[None]:
    """Surprises as EngineFailed: the model cannot be `done`."""
    try:
        yield
    except SURPRISES as error:
        raise EngineFailed(f"The model could not be {done} for drawing: {error}. Check it with a validator.") from error


@dataclass(frozen=True, eq=False)
class Model:
    """A GLB in the job's folder. `changed` says that the document is no longer what the file says.

    The document shows `animation` at `seconds`; `rest` is what it was before. `made` is what it was made of, and how:
    models that are equal in it are equal.
    """

    file: Path
    document: Document
    changed: bool = False
    rest: Document | None = None
    animation: Animation | None = None
    seconds: float = 0.0
    made: tuple[Any, ...] = ()

    @classmethod
    def open(cls, file: Path) -> Model:
        """The model in `file`, posed as at the first moment of its first animation, if it has one."""
        return _opened(file, identity(file))

    def playing(self, clip: str) -> Model:
        """The model at the first moment of an animation (its name, or `#0`); as it is when it has none of that name."""
        with refusing("animated"):
            number = number_of(self.document, clip)
            if number is None:
                return self
            return self._with("clip", number, animation=read_animation(self.document, number)).at(0.0)

    def at(self, seconds: float) -> Model:
        """The model at a moment of its animation; after its end, at its end. Without animation, itself."""
        if self.animation is None:
            return self
        with refusing("animated"):
            document = moved(self.rest, self.animation, min(seconds, self.animation.seconds))
        changed = document is not self.document or self.changed
        return self._with("at", seconds, document=document, changed=changed, seconds=seconds)

    def still(self) -> Model:
        """The model with nothing left to move: skins, morph targets and instances are plain meshes (baking.py)."""
        with refusing("posed"):
            document = baked(self.document)
        if document is self.document:
            return self
        return self._with("still", document=document, changed=True, rest=document, animation=None)

    def frozen(self) -> Model:
        """The model in its pose, without the animations that might move it."""
        if not self.document.all("animations"):
            return self
        document = self._editable()
        document.json.pop("animations")
        for key in ("extensionsUsed", "extensionsRequired"):
            names = [name for name in document.json.pop(key, []) if name != POINTER]
            document.json |= {key: names} if names else {}
        return self._with("frozen", document=document, changed=True, animation=None)

    def variants(self) -> list[str]:
        """The names of its material variants."""
        return variant_names(self.document)

    def variant(self, name: str) -> Model:
        """The model in the materials of a variant; itself when it has none of that name."""
        if name not in self.variants():
            return self
        with refusing("dressed"):
            rest, document = (in_variant(each, name) for each in (self.rest or self.document, self.document))
        return self._with("variant", name, rest=rest, document=document, changed=True)

    def corners(self) -> np.ndarray:
        """The 8 corners of the box around its default scene, float64 (8, 3), metres; (0, 3) when nothing is drawn."""
        return self._measured("corners", self._corners)

    def _measured(self, what: str, measure: Callable[[], np.ndarray]) -> np.ndarray:
        return _MEASURES.get((self.made, what), measure) if self.made else measure()

    def _corners(self) -> np.ndarray:
        with refusing("measured"):
            # The box of a document knows skins, and no morph targets.
            box = world_box(baked(self.document) if is_morphed(self.document) else self.document)
        if box is None:
            return np.zeros((0, 3))
        return np.array(list(itertools.product(*zip(*box, strict=True))))

    def outline(self) -> np.ndarray:
        """How far its default scene reaches, float64 (n, 3), metres: its farthest vertex in each of many directions.

        What has these in view has all of it, but for one part in a hundred where it is round; corners of the box around
        it would leave much of the picture empty. Of a model of very many vertices, those corners.
        """
        return self._measured("outline", self._outline)

    def _outline(self) -> np.ndarray:
        with refusing("measured"):
            placed = list(self._placed())
            if sum(len(points) for _, points in placed) > _MOST_OUTLINED:
                return self.corners()
            reached, found = np.full(len(_DIRECTIONS), -np.inf), np.zeros((len(_DIRECTIONS), 3))
            for place, points in placed:
                for begin in range(0, len(points), _AT_ONCE):
                    some = points[begin : begin + _AT_ONCE] @ place[:3, :3].T + place[:3, 3]
                    reach = some @ _DIRECTIONS.T
                    farthest, most = reach.argmax(axis=0), reach.max(axis=0)
                    farther = most > reached
                    reached[farther], found[farther] = most[farther], some[farthest[farther]]
            return np.unique(found[np.isfinite(reached)], axis=0)

    def lowest(self, matrix: np.ndarray) -> float:
        """The height of its lowest vertex, at `matrix` (4, 4) in the world; infinite when nothing is drawn.

        Vertex by vertex, because the box of a turned thing reaches below it.
        """
        with refusing("measured"):
            rows = (((matrix @ place)[1], points) for place, points in self._placed())
            return min(
                (float((points @ row[:3]).min() + row[3]) for row, points in rows if len(points)), default=math.inf
            )

    def _placed(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(matrix to the model's world (4, 4), positions (n, 3)) of each primitive that its default scene draws."""
        still = baked(self.document)
        for number, place in zip(*world_matrices(still, scene_roots(still)), strict=True):
            node = still.all("nodes")[number]
            for primitive in still.all("meshes")[node["mesh"]]["primitives"] if "mesh" in node else ():
                if "POSITION" in primitive["attributes"]:
                    yield place, read_floats(still, primitive["attributes"]["POSITION"])

    def materials(self) -> list[Json]:
        """Its materials, as JSON."""
        return self.document.all("materials")

    def is_glass(self) -> bool:
        """Whether one can look through a part of it by KHR_materials_transmission."""
        return any(extension(material, name) for material in self.materials() for name in _GLASS)

    def alpha_modes(self) -> set[str]:
        """Those of its materials."""
        return {material.get("alphaMode", "OPAQUE") for material in self.materials()}

    def shines(self) -> float:
        """The most radiance of what shines by itself, or is unlit; 1 is white, 0 without any."""
        return max((_radiance(material) for material in self.materials()), default=0.0)

    def stroke_count(self, modes: tuple[int, ...] = _STROKES) -> int:
        """How many primitives are points or lines."""
        return sum(primitive.get("mode", 4) in modes for _, primitive in self.document.primitives())

    def stroke_vertices(self) -> int:
        """How many vertices they have, each primitive counted once."""
        accessors = self.document.all("accessors")
        strokes = [p["attributes"] for _, p in self.document.primitives() if p.get("mode", 4) in _STROKES]
        return sum(accessors[attributes["POSITION"]]["count"] for attributes in strokes if "POSITION" in attributes)

    def loop_count(self) -> int:
        """How many primitives are closed lines."""
        return self.stroke_count((_LINE_LOOP,))

    def exposed(self, factor: float) -> Model:
        """The model with what shines by itself, or is unlit, `factor` times as bright. Lights do not reach either."""
        if factor == 1.0 or not any(_shines(material) for material in self.materials()):
            return self
        document = self._editable()
        for material in filter(_shines, document.all("materials")):
            _expose(material, factor)
        return self._with("exposed", factor, document=document, changed=True)

    def solids(self) -> Model | None:
        """Only what has surfaces; None without any, itself when it has nothing else."""
        strokes = self.stroke_count()
        if not strokes:
            return self
        if strokes == sum(1 for _ in self.document.primitives()):
            return None
        return self._only("solids", lambda primitive: primitive.get("mode", 4) not in _STROKES)

    def strokes(self) -> Model | None:
        """Only its points and lines; None without any. Those without normals are unlit (glTF 2.0 section 3.7.2.1).

        Those with neither material nor colours are dark grey: the white of the specification would be lost on paper.
        """
        if not self.stroke_count():
            return None
        kept = self._only("strokes", lambda primitive: primitive.get("mode", 4) in _STROKES)
        for _, primitive in kept.document.primitives():
            if primitive.get("mode", 4) in _STROKES:
                _as_stroke(kept.document, primitive)
        return kept

    def _only(self, kind: str, wanted: Callable[[Json], bool]) -> Model:
        """The model without the primitives that are not wanted. A mesh with nothing left stays; no node shows it."""
        document = self._editable()
        document.json.pop("animations", None)  # they may move meshes that are no longer there
        hidden = set()
        for number, mesh in enumerate(document.all("meshes")):
            kept = [primitive for primitive in mesh["primitives"] if wanted(primitive)]
            mesh["primitives"] = kept or mesh["primitives"]
            if not kept:
                hidden.add(number)
        for node in document.all("nodes"):
            if node.get("mesh") in hidden:
                for key in ("mesh", "skin", "weights"):
                    node.pop(key, None)
        return self._with(kind, document=document, changed=True, animation=None)

    def written(self, folder: Path, name: str) -> Path:
        """A file that says what the document says: its own, or a new one in `folder`."""
        if not self.changed:
            return self.file
        target = folder / f"{name}.glb"
        write_glb(self.document, target)
        return target

    def _with(self, *how: Any, **changes: Any) -> Model:
        return replace(self, made=(*self.made, how), **changes)

    def _editable(self) -> Document:
        return replace(self.document, json=copy.deepcopy(self.document.json))


@functools.lru_cache(maxsize=16)
def _opened(file: Path, made: tuple[Any, ...]) -> Model:
    with refusing("read"):
        with file.open("rb") as opened:
            data = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        document = read_glb(data, Budget())
    return Model(file, document, rest=document, made=made).playing("")


def _shines(material: Json) -> bool:
    return extension(material, _UNLIT) is not None or any(material.get("emissiveFactor") or ())


def _radiance(material: Json) -> float:
    strength = (extension(material, _STRENGTH) or {}).get("emissiveStrength", 1.0)
    emission = max(material.get("emissiveFactor") or (0.0,)) * strength
    if extension(material, _UNLIT) is None:
        return emission
    return max(emission, *(material.get("pbrMetallicRoughness") or {}).get("baseColorFactor", (1.0,) * 4)[:3])


def _expose(material: Json, factor: float) -> None:
    if extension(material, _UNLIT) is not None:
        surface = material.setdefault("pbrMetallicRoughness", {})
        red, green, blue, alpha = surface.get("baseColorFactor") or (1.0, 1.0, 1.0, 1.0)
        surface["baseColorFactor"] = [red * factor, green * factor, blue * factor, alpha]
    if not any(material.get("emissiveFactor") or ()):
        return
    if factor <= 1 and extension(material, _STRENGTH) is None:
        material["emissiveFactor"] = [part * factor for part in material["emissiveFactor"]]
        return
    strength = material.setdefault("extensions", {}).setdefault(_STRENGTH, {})
    strength["emissiveStrength"] = strength.get("emissiveStrength", 1.0) * factor


def _as_stroke(document: Document, primitive: Json) -> None:
    if primitive["mode"] == _LINE_LOOP:
        primitive["mode"] = _LINE_STRIP
    if "NORMAL" in primitive["attributes"]:
        return
    materials = document.json.setdefault("materials", [])
    material = copy.deepcopy(materials[primitive["material"]]) if "material" in primitive else {}
    if "material" not in primitive and "COLOR_0" not in primitive["attributes"]:
        material["pbrMetallicRoughness"] = {"baseColorFactor": _INK}
    material.setdefault("extensions", {})[_UNLIT] = {}
    used = document.json.setdefault("extensionsUsed", [])
    if _UNLIT not in used:
        used.append(_UNLIT)
    primitive["material"] = len(materials)
    materials.append(material)
