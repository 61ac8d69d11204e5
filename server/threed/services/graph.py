"""Whether the nodes of a scene form a forest: unique ids, known parents, no cycles, not too deep."""

from __future__ import annotations

from threed.errors import SceneInvalid
from threed.v1.scenes_pb2 import Light, Scene

MAX_DEPTH = 64


def check_graph(scene: Scene) -> None:
    """Raises SceneInvalid with one violation for each node that is wrong."""
    places = {}
    violations = []
    for i, node in enumerate(scene.nodes):
        if node.id in places:
            violations.append((f"scene.nodes[{i}].id", f"The id {node.id} is also that of nodes[{places[node.id]}]."))
        places.setdefault(node.id, i)
        if node.HasField("light"):
            violations.extend(_cone(node.light, f"scene.nodes[{i}].light"))
    for i, node in enumerate(scene.nodes):
        if node.parent_id and node.parent_id not in places:
            violations.append((f"scene.nodes[{i}].parent_id", f"There is no node with the id {node.parent_id}."))
    if not violations:
        violations = _depths(scene)
    if violations:
        sentence = " ".join(description for _, description in violations[:5])
        raise SceneInvalid(f"The nodes do not form a forest. {sentence}", violations=tuple(violations))


def _cone(light: Light, path: str) -> list[tuple[str, str]]:
    outer = light.outer_cone_angle or 0.7853981633974483
    if light.type == Light.SPOT and light.inner_cone_angle >= outer:
        return [(f"{path}.inner_cone_angle", f"It must be below outer_cone_angle, which is {outer:.4f}.")]
    return []


def _depths(scene: Scene) -> list[tuple[str, str]]:
    """Walks up from each node, remembering what is known: linear in the number of nodes."""
    parents = {node.id: node.parent_id for node in scene.nodes}
    depths: dict[str, int] = {"": 0}
    violations = []
    for i, node in enumerate(scene.nodes):
        way, seen, at = [], set(), node.id
        while at not in depths and at not in seen:
            way.append(at)
            seen.add(at)
            at = parents[at]
        if at in seen:
            sentence = f"The node {node.id} is below itself, by way of {at}."
            return [(f"scene.nodes[{i}].parent_id", sentence)]
        depth = depths[at]
        for name in reversed(way):
            depth += 1
            depths[name] = depth
        if depths[node.id] > MAX_DEPTH:
            violations.append((f"scene.nodes[{i}]", f"The node {node.id} is more than {MAX_DEPTH} levels deep."))
    return violations
