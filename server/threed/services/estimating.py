"""What making a derivative will take, before it is made: memory and time of each part, from counts and `costs`.

Amounts are carried from step to step: half the triangles after `simplify` with ratio 0.5. Where only the content can
tell, as for `weld` and `prune`, everything stays.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import NamedTuple

from threed.errors import MemoryBudgetExceeded
from threed.services.costs import BASE_BYTES, COSTS, Cost, Rates
from threed.v1.assets_pb2 import Model
from threed.v1.derivatives_pb2 import DerivativePlan
from threed.v1.recipes_pb2 import ExportFormat, Lod, Recipe, Remove, Step, TextureEncode

_COMPRESSED = ("EXT_meshopt_compression", "KHR_meshopt_compression", "KHR_draco_mesh_compression")
_MIB = 1 << 20
# Of pictures whose size was not looked at: what JPEG at two bits a pixel has.
_PIXELS_PER_BYTE = 4
_INDEX_BYTES = 4
_VERTEX_BYTES = 32  # position, normal, texture coordinates


@dataclasses.dataclass(frozen=True)
class Amounts:
    """How much there is of what costs. `largest_*` are of the primitive and of the picture that have the most.

    `accessor_bytes` decoded, `objects` the nodes, meshes, primitives, materials, textures and animations together.
    """

    accessor_bytes: float = 0.0
    vertices: float = 0.0
    triangles: float = 0.0
    pixels: float = 0.0
    images: int = 0
    objects: int = 0
    animations: int = 0
    largest_part: float = 1.0  # of all vertices that the largest primitive has
    largest_pixels: float = 0.0
    is_compressed: bool = False
    is_split: bool = False  # into several primitives
    is_indexed: bool = False  # or may be: triangles share vertices

    def work(self, cost: Cost) -> float:
        """Bytes of memory while it is done."""
        if cost.whole:
            return self._times(cost, cost.work, 1.0, self.pixels)
        return self._times(cost, cost.work, self.largest_part, self.largest_pixels)

    def kept(self, cost: Cost) -> float:
        """Bytes of memory that are not given back."""
        return self._times(cost, cost.kept, 1.0, self.pixels)

    def seconds(self, cost: Cost) -> float:
        """Processor seconds."""
        return self._times(cost, cost.seconds, 1.0, self.pixels)

    def beside(self, result: Amounts) -> Amounts:
        """Both together, the original weighing more: memory peaks while that is drawn."""
        names = ("accessor_bytes", "vertices", "triangles", "pixels", "objects")
        sums = {name: 1.3 * getattr(self, name) + 0.7 * getattr(result, name) for name in names}
        return dataclasses.replace(self, **sums)

    def _times(self, cost: Cost, rates: Rates, part: float, pixels: float) -> float:
        if cost.needs and not getattr(self, cost.needs):
            return 0.0
        shape = min(self.accessor_bytes, _VERTEX_BYTES * self.vertices + 3 * _INDEX_BYTES * self.triangles)
        geometry = self.accessor_bytes * rates.byte + self.triangles * rates.triangle + shape * rates.shape
        return rates.fixed + part * geometry + pixels * rates.pixel + self.objects * rates.object


def plan(model: Model, normalized_bytes: int, recipe: Recipe, limit_bytes: int) -> DerivativePlan:
    """What a recipe with its defaults takes on a model, whose normalized GLB has so many bytes."""
    original = amounts = amounts_of(model, normalized_bytes)
    planned = DerivativePlan(memory_limit_bytes=limit_bytes)
    kept = float(BASE_BYTES)
    for part in _parts(recipe):
        # The proof reads the original again, in a process of its own.
        held, there = (float(BASE_BYTES), original.beside(amounts)) if part.name == "proving" else (kept, amounts)
        memory = held + there.work(part.cost) if part.name != "validating" else 0
        seconds = part.copies * part.repeats * there.seconds(part.cost)
        planned.steps.add(name=part.name, memory_bytes=int(memory), seconds=round(seconds, 3))
        kept += part.copies * amounts.kept(part.cost)
        if part.name == "reading" and original.is_compressed:
            kept += original.accessor_bytes
        amounts = _after(amounts, part.step) if part.step is not None else amounts
    planned.memory_bytes = max(step.memory_bytes for step in planned.steps)
    planned.seconds = round(sum(step.seconds for step in planned.steps), 3)
    return planned


def check(planned: DerivativePlan) -> None:
    """Raises MemoryBudgetExceeded when a plan that would be carried out takes more memory than it may."""
    if planned.cached or planned.memory_bytes <= planned.memory_limit_bytes:
        return
    worst = max(planned.steps, key=lambda step: step.memory_bytes)
    less = (
        "Give a recipe without a proof"
        if worst.name == "proving"
        else "Put simplify or texture_resize before it, leave it out"
    )
    sentence = (
        f"{worst.name} would take about {planned.memory_bytes // _MIB} MiB of memory, and a worker's process may have "
        f"{planned.memory_limit_bytes // _MIB} MiB. {less}, or raise THREED_JOB_MEMORY_BYTES of servers and workers."
    )
    raise MemoryBudgetExceeded(
        sentence,
        step=worst.name,
        estimated_bytes=planned.memory_bytes,
        limit_bytes=planned.memory_limit_bytes,
    )


def amounts_of(model: Model, normalized_bytes: int) -> Amounts:
    """What the import counted. Assets that came before it counted all of this have guesses by the size of the file."""
    accessor_bytes, pixels, largest = model.accessor_bytes, model.image_pixel_count, model.largest_image_pixel_count
    if not (accessor_bytes or pixels):
        known = _VERTEX_BYTES * model.vertex_count + 3 * _INDEX_BYTES * model.triangle_count
        accessor_bytes = max(known, 0 if model.image_count else normalized_bytes)
        pixels = _PIXELS_PER_BYTE * max(0, normalized_bytes - known) if model.image_count else 0
        largest = min(pixels, 2 * pixels / max(1, model.image_count))
    part = model.largest_primitive_vertex_count / model.vertex_count if model.largest_primitive_vertex_count else 1.0
    counts = (model.node_count, model.mesh_count, model.primitive_count, model.material_count)
    return Amounts(
        accessor_bytes=accessor_bytes,
        vertices=model.vertex_count,
        triangles=model.triangle_count,
        pixels=pixels,
        images=model.image_count,
        objects=sum(counts) + model.texture_count + model.animation_count,
        animations=model.animation_count,
        largest_part=part,
        largest_pixels=largest,
        is_compressed=any(name in model.extensions_used for name in _COMPRESSED),
        is_split=model.primitive_count > 1,
        is_indexed=model.vertex_count < 3 * model.triangle_count,
    )


class _Part(NamedTuple):
    """Something that is done. `step` is the recipe's, if it is one.

    `copies`: of how many models of the size of the original, where levels of detail become files of their own.
    `repeats`: how often on each.
    """

    name: str
    cost: Cost
    copies: float = 1.0
    repeats: int = 1
    step: Step | None = None


def _parts(recipe: Recipe) -> Iterator[_Part]:
    """Everything that is done, in its order."""
    copies = 1.0
    yield _Part("reading", COSTS["reading"])
    for step in recipe.steps:
        yield _Part(step.WhichOneof("step"), cost_of(step), copies, len(step.lod.ratios) or 1, step)
        if step.lod.output == Lod.FILES:
            copies += sum(step.lod.ratios)
    exports = [ExportFormat.Name(format).lower() for format in recipe.export_formats]
    yield from (_Part(name, COSTS[name], copies) for name in ("writing", *exports, "validating"))
    if recipe.HasField("proof"):
        yield _Part("proving", COSTS["proving"])


def cost_of(step: Step) -> Cost:
    """The row of a step; the one of its encoding, where encodings differ."""
    name = step.WhichOneof("step")
    encoding = TextureEncode.Encoding.Name(step.texture_encode.encoding)
    return COSTS.get(f"{name} {encoding}", COSTS[name])


def _after(amounts: Amounts, step: Step) -> Amounts:
    """What there is after a step that changes how much there is."""
    name = step.WhichOneof("step")
    change = functools.partial(dataclasses.replace, amounts)
    if name == "weld":
        return change(is_indexed=True)
    if name == "simplify":
        return _scaled(amounts, step.simplify.ratio)
    if name == "lod" and step.lod.output != Lod.FILES:
        return change(triangles=amounts.triangles * (1 + sum(step.lod.ratios)), is_indexed=True)
    if name == "unweld" and amounts.vertices:
        corners = max(amounts.vertices, 3 * amounts.triangles)
        rows = max(0.0, amounts.accessor_bytes - 3 * _INDEX_BYTES * amounts.triangles)
        return change(vertices=corners, accessor_bytes=rows * corners / amounts.vertices, is_indexed=False)
    if name == "quantize":
        return change(accessor_bytes=amounts.accessor_bytes / 2)
    if name == "join":
        return change(largest_part=1.0, is_split=False)
    if name == "texture_resize":
        most = step.texture_resize.max_px**2
        pixels = min(amounts.pixels, amounts.images * most)
        return change(pixels=pixels, largest_pixels=min(amounts.largest_pixels, most))
    if name == "remove" and Remove.TEXTURES in step.remove.features:
        return change(pixels=0.0, largest_pixels=0.0, images=0)
    return amounts


def _scaled(amounts: Amounts, ratio: float) -> Amounts:
    return dataclasses.replace(
        amounts,
        accessor_bytes=amounts.accessor_bytes * ratio,
        vertices=amounts.vertices * ratio,
        triangles=amounts.triangles * ratio,
        is_indexed=True,
    )
