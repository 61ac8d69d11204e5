"""How many prims a stage composes to, before it is composed: references of references double with every step."""

from __future__ import annotations

from typing import Any

from threed.errors import FileTooComplex
from threed_workers.budget import Budget
from threed_workers.formats.usd_layers import Layers

_ARCS = ("references", "payload")
_LOCAL_ARCS = ("inheritPaths", "specializes")
_Key = tuple[str, str]  # layer identifier, prim path


def check_size(layers: Layers, budget: Budget) -> None:
    """Raises FileTooComplex where composition would make more than `budget.nodes` prims, by an upper bound.

    A prim counts itself, its children, what it refers to, and the largest variant of each set. Cycles count once: the
    composition refuses them.
    """
    counts: dict[_Key, int] = {}
    most = budget.nodes + 1
    for start in [(layer.identifier, "/") for layer in _stack(layers, layers.root)]:
        rest = [start]
        while rest:
            key = rest[-1]
            if key not in counts:
                counts[key] = 0  # seen: what comes back here is a cycle
                parts, _ = _parts(layers, key)
                rest += [part for part in parts if part not in counts]
            else:
                rest.pop()
                parts, sets = _parts(layers, key)
                total = 1 + sum(counts[part] for part in parts[: len(parts) - sum(map(len, sets))])
                total += sum(max(counts[part] for part in chosen) for chosen in sets if chosen)
                counts[key] = min(most, total)
    total = sum(counts[layer.identifier, "/"] for layer in _stack(layers, layers.root))
    if total > budget.nodes:
        raise FileTooComplex(
            f"References multiply the stage to more than {budget.nodes} prims. Use point instancers, or fewer prims.",
            where="the main layer",
        )


def _parts(layers: Layers, key: _Key) -> tuple[list[_Key], list[list[_Key]]]:
    """(all that a prim holds or refers to, those of them that are variants, by set: they come last)."""
    layer = layers.opened[key[0]]
    if key[1] == "/":
        return [(key[0], str(spec.path)) for spec in layer.rootPrims], []
    spec = layer.GetPrimAtPath(key[1])
    if spec is None:
        return [], []
    found = [(key[0], str(child.path)) for child in spec.nameChildren]
    for name in _ARCS:
        for arc in spec.GetInfo(name).GetAppliedItems() if spec.HasInfo(name) else []:
            target = layers.opened.get(arc.assetPath) if arc.assetPath else layer
            path = arc.primPath or (target.defaultPrim if target is not None else "")
            if target is not None and path:
                path = str(path) if str(path).startswith("/") else f"/{path}"
                found += [(other.identifier, path) for other in _stack(layers, target)]
    for name in _LOCAL_ARCS:
        for path in spec.GetInfo(name).GetAppliedItems() if spec.HasInfo(name) else []:
            found += [(other.identifier, str(path)) for other in _stack(layers, layer)]
    sets = [
        [(key[0], str(variant.primSpec.path)) for variant in chosen.variants.values()]
        for chosen in spec.variantSets.values()
    ]
    return found + [part for chosen in sets for part in chosen], sets


def _stack(layers: Layers, layer: Any) -> list[Any]:
    """A layer and its sublayers, each once."""
    found = {layer.identifier: layer}
    rest = [layer]
    while rest:
        for path in rest.pop().subLayerPaths:
            other = layers.opened.get(path)
            if other is not None and path not in found:
                found[path] = other
                rest.append(other)
    return list(found.values())
