"""Geometries to meshes, on the nodes of the models that show them."""

from __future__ import annotations

import numpy as np

from threed.errors import FileTooComplex
from threed_workers.document.model import Json
from threed_workers.document.rotations import quaternion
from threed_workers.fbx.conversion import Conversion
from threed_workers.fbx.geometry import Surface, read_surface
from threed_workers.fbx.materials import materials_of
from threed_workers.fbx.objects import Object
from threed_workers.fbx.primitives import Deformation, primitives
from threed_workers.fbx.shapes import read_targets
from threed_workers.fbx.skins import Skin, add_skin, read_skin
from threed_workers.fbx.transforms import geometric


def add_meshes(conversion: Conversion) -> None:
    """A mesh per geometry and list of materials; models that share both share the mesh."""
    models = [model for model in conversion.objects.of("Model") if model.id in conversion.nodes]
    users: dict[object, list[Object]] = {}
    for model in models:
        for geometry in model.of("Geometry"):
            users.setdefault(geometry.id, []).append(model)
    drawn = 0
    for geometry_id, shown_by in users.items():
        geometry = conversion.objects.objects[geometry_id]
        surface = read_surface(conversion, geometry)
        if surface is None:
            continue
        if not len(surface.polygons.points):
            conversion.doubt("GEOMETRY_EMPTY", geometry, "it has no polygons.", "INFO")
            conversion.lose("loose_points", "Points of no polygon or edge are not shown.", len(surface.positions))
            continue
        drawn += len(surface.polygons.points) * len(shown_by)
        if drawn > conversion.budget.drawn_vertices:
            raise FileTooComplex("The models show more vertices than this server draws.", where=geometry.where)
        _add_mesh(conversion, geometry, surface, shown_by)


def _add_mesh(conversion: Conversion, geometry: Object, surface: Surface, models: list[Object]) -> None:
    skin = read_skin(conversion, geometry, len(surface.positions))
    targets, weights = read_targets(conversion, geometry, len(surface.positions))
    deformation = Deformation(skin.influences if skin else None, targets)
    made: dict[tuple, int] = {}
    for model in models:
        materials = materials_of(conversion, model, surface)
        key = tuple(sorted(materials.items()))
        if key not in made:
            cost = len(surface.polygons.points) * (64 + 24 * len(targets))
            conversion.ledger.take_bytes(cost, geometry.where)
            mesh: Json = {"name": geometry.name or model.name} if geometry.name or model.name else {}
            mesh["primitives"] = primitives(conversion, surface, materials, deformation)
            if targets:
                mesh["extras"] = {"targetNames": [target.name for target in targets]}
                mesh["weights"] = weights
            made[key] = conversion.builder.add("meshes", mesh)
        _show(conversion, model, geometry, made[key], skin)


def _show(conversion: Conversion, model: Object, geometry: Object, mesh: int, skin: Skin | None) -> None:
    """Put the mesh on the model's node, or on a child where the geometry has a transform of its own."""
    nodes = conversion.builder.json["nodes"]
    number = conversion.inner(model)
    shift = geometric(model.properties)
    if skin is not None:
        nodes[number]["skin"] = add_skin(conversion, model, skin, shift)
        shift = np.eye(4)
    if "mesh" in nodes[number] or not np.allclose(shift, np.eye(4), atol=1e-9):
        child: Json = {"name": f"{model.name} geometry", **_parts(conversion, shift)}
        if skin is not None:
            child["skin"] = nodes[number].pop("skin")
        nodes[number].setdefault("children", []).append(conversion.builder.add("nodes", child))
        number = len(nodes) - 1
    nodes[number]["mesh"] = mesh
    conversion.mesh_nodes[model.id, geometry.id] = number


def _parts(conversion: Conversion, shift: np.ndarray) -> Json:
    """Translation, rotation and scale of a product of just these."""
    scale = np.linalg.norm(shift[:3, :3], axis=0)
    if np.linalg.det(shift[:3, :3]) < 0:
        scale = -scale
    parts: Json = {"translation": conversion.metres(shift[:3, 3]).tolist()}
    if (np.abs(scale) > 1e-12).all():
        parts["rotation"] = quaternion(shift[:3, :3] / scale).tolist()
    return parts | {"scale": scale.tolist()}
