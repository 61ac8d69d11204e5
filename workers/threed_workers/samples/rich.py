"""One small model with a bit of everything that glTF can hold: what a transform breaks, it breaks here."""

from __future__ import annotations

import numpy as np

from threed_workers.document import Builder
from threed_workers.document.model import Document, Json
from threed_workers.samples.files import png_bytes
from threed_workers.samples.shapes import box, sphere

_TURN = 0.5**0.5


def rich_model(linked: bool = False) -> Document:
    """A document of about 30 KB with two scenes. `linked`: its unknown extension holds an index: nobody may renumber.

    In it: a skinned tube with two UV sets, colours and tangents; a sphere with two morph targets, one of them sparse,
    and a custom attribute; a crate without indices, whose UVs repeat the picture; six nodes that share a pebble; three
    slabs that could be one; a strip, a curve, points; materials with transformed textures, clearcoat, transmission,
    emissive strength and variants; animations of joints, weights, a camera and a material's colour; cameras, lights,
    extras and an extension that nobody knows.
    """
    builder = Builder("threed samples")
    materials = _materials(builder)
    tube, bones = _skinned_tube(builder, materials)
    face = _morphing_face(builder, materials)
    crate = _crate(builder, materials)
    pebbles = [_node(builder, f"pebble {n}", mesh=crate["pebble"], translation=[n / 3, -1.0, 0.0]) for n in range(6)]
    slabs = [_slab(builder, materials, n) for n in range(3)]
    heap = builder.add("nodes", {"name": "heap", "children": pebbles})
    yard = builder.add("nodes", {"name": "yard", "children": slabs, "extras": {"grade": 3}})
    box_node = _node(builder, "crate", mesh=crate["crate"], rotation=[0, _TURN, 0, _TURN], scale=[1, 2, 1])
    others = [_node(builder, name, mesh=crate[name]) for name in ("strip", "curve", "cloud")]
    eye, lamp = _eye_and_lamp(builder)
    _animate(builder, bones[1], face, eye)
    first = [tube, bones[0], face, box_node, heap, yard, *others, eye, lamp]
    builder.add("scenes", {"name": "day", "nodes": first, "extras": {"weather": "clear"}})
    builder.add("scenes", {"name": "night", "nodes": [_node(builder, "moon", mesh=crate["pebble"])]})
    builder.json |= {"scene": 0, "extras": {"project": "a bit of everything"}}
    builder.use("ACME_provenance")
    content: Json = {"maker": "ACME", "confidence": 0.75, "reviewed": True}
    builder.json["extensions"]["ACME_provenance"] = content | ({"subject": box_node} if linked else {})
    return builder.finish()


def _node(builder: Builder, name: str, **more: object) -> int:
    return builder.add("nodes", {"name": name, **more})


def _materials(builder: Builder) -> dict[str, int]:
    """Three pictures, five textures, and materials by name."""
    y, x = np.mgrid[0:16, 0:16]
    checker = np.where(((x // 4 + y // 4) % 2 == 0)[..., None], (200, 60, 40), (250, 240, 200)).astype(np.uint8)
    bumps = np.full((16, 16, 3), (128, 128, 255), np.uint8)
    shade = np.repeat((x * 16)[..., None], 3, axis=2).astype(np.uint8)
    pictures = {"checker": checker, "bumps": bumps, "shade": shade}
    images = [builder.picture(png_bytes(pixels), "image/png", name) for name, pixels in pictures.items()]
    builder.add("samplers", {"magFilter": 9729, "minFilter": 9987})
    base, normal, occlusion = (builder.add("textures", {"sampler": 0, "source": image}) for image in images)
    for name in ("clearcoat", "transmission", "emissive_strength", "variants"):
        builder.use(f"KHR_materials_{name}")
    builder.use("KHR_texture_transform")
    moved = {"KHR_texture_transform": {"offset": [0.25, 0.5], "rotation": 0.5, "scale": [2.0, 0.5]}}
    painted = {
        "name": "painted",
        "pbrMetallicRoughness": {"baseColorTexture": {"index": base}, "roughnessFactor": 0.5},
        "normalTexture": {"index": normal},
        "occlusionTexture": {"index": occlusion, "texCoord": 1},
        "extensions": {"KHR_materials_clearcoat": {"clearcoatFactor": 0.5}},
        "extras": {"supplier": "unknown"},
    }
    wrapped = {
        "name": "wrapped",
        "pbrMetallicRoughness": {"baseColorTexture": {"index": base, "extensions": moved}},
        "extensions": {"KHR_materials_transmission": {"transmissionFactor": 0.25}},
    }
    stone = {"name": "stone", "pbrMetallicRoughness": {"baseColorFactor": [0.5, 0.5, 0.5, 1.0]}}
    moss = {"name": "moss", "pbrMetallicRoughness": {"baseColorFactor": [0.2, 0.5, 0.1, 1.0]}}
    glow = {
        "name": "glow",
        "emissiveFactor": [1.0, 0.5, 0.0],
        "extensions": {"KHR_materials_emissive_strength": {"emissiveStrength": 3.0}},
    }
    names = [{"name": "dry"}, {"name": "wet", "extras": {"humidity": 0.9}}]
    builder.json["extensions"] = {"KHR_materials_variants": {"variants": names}}
    return {entry["name"]: builder.add("materials", entry) for entry in (painted, wrapped, stone, moss, glow)}


def _skinned_tube(builder: Builder, materials: dict[str, int]) -> tuple[int, list[int]]:
    """(node, joints): a sphere drawn long, whose upper half follows the second joint."""
    points, normals, uvs, tangents, triangles = sphere(12, 8)
    points = points * (0.2, 1.0, 0.2)
    upper = np.clip(points[:, 1] + 0.5, 0, 1)
    weights = np.column_stack([1 - upper, upper, 0 * upper, 0 * upper]).astype(np.float32)
    colors = np.column_stack([np.rint(255 * uvs), np.full((len(uvs), 2), 255)]).astype(np.uint8)
    attributes = {
        "POSITION": builder.positions(points),
        "NORMAL": builder.attribute(normals.astype(np.float32)),
        "TANGENT": builder.attribute(tangents.astype(np.float32)),
        "TEXCOORD_0": builder.attribute(uvs.astype(np.float32)),
        "TEXCOORD_1": builder.attribute((uvs * 0.5 + 0.25).astype(np.float32)),
        "COLOR_0": builder.attribute(colors, normalized=True),
        "JOINTS_0": builder.attribute(np.array([0, 1, 0, 0], np.uint8) * (weights > 0)),
        "WEIGHTS_0": builder.attribute(weights),
    }
    shown = ((materials["painted"], 0), (materials["moss"], 1))
    variants = {"mappings": [{"material": material, "variants": [variant]} for material, variant in shown]}
    primitive = {
        "attributes": attributes,
        "indices": builder.indices(triangles, len(points)),
        "material": materials["painted"],
        "extensions": {"KHR_materials_variants": variants},
    }
    mesh = builder.add("meshes", {"name": "tube", "primitives": [primitive], "extras": {"lod": "hand made"}})
    upper_bone = builder.add("nodes", {"name": "upper bone", "translation": [0.0, 0.5, 0.0]})
    lower_bone = builder.add("nodes", {"name": "lower bone", "children": [upper_bone]})
    binds = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    binds[1, 3, :3] = (0.0, -0.5, 0.0)  # columns: the inverse of a move by half a metre
    joints = [lower_bone, upper_bone]
    bind = builder.accessor(binds.reshape(2, 16))
    skin = builder.add(
        "skins", {"name": "bones", "joints": joints, "skeleton": lower_bone, "inverseBindMatrices": bind}
    )
    return builder.add("nodes", {"name": "tube", "mesh": mesh, "skin": skin}), joints


def _morphing_face(builder: Builder, materials: dict[str, int]) -> int:
    points, normals, uvs, _, triangles = sphere(10, 6)
    puff = (0.3 * points).astype(np.float32)
    nose = _sparse_target(builder, len(points), np.arange(20, 24), np.array([[0.0, 0.0, 0.5]] * 4))
    heat = (points[:, 1] * 50 + 300).astype(np.float32)
    primitive = {
        "attributes": {
            "POSITION": builder.positions(points),
            "NORMAL": builder.attribute(normals.astype(np.float32)),
            "TEXCOORD_0": builder.attribute(uvs.astype(np.float32)),
            "_TEMPERATURE": builder.attribute(heat),
        },
        "indices": builder.indices(triangles, len(points)),
        "material": materials["glow"],
        "targets": [
            {"POSITION": builder.positions(puff), "NORMAL": builder.attribute(np.zeros_like(puff))},
            {"POSITION": nose},
        ],
    }
    names = {"targetNames": ["puff", "nose"]}
    mesh = builder.add("meshes", {"name": "face", "primitives": [primitive], "weights": [0.25, 0.0], "extras": names})
    return _node(builder, "face", mesh=mesh, translation=[2.0, 0.0, 0.0])


def _sparse_target(builder: Builder, count: int, rows: np.ndarray, values: np.ndarray) -> int:
    where = {"bufferView": builder.view(rows.astype(np.uint16).tobytes()), "componentType": 5123}
    what = {"bufferView": builder.view(values.astype(np.float32).tobytes())}
    entry: Json = {"componentType": 5126, "count": count, "type": "VEC3"}
    entry |= {"min": [0.0, 0.0, 0.0], "max": values.max(0).tolist()}
    return builder.add("accessors", entry | {"sparse": {"count": len(rows), "indices": where, "values": what}})


def _crate(builder: Builder, materials: dict[str, int]) -> dict[str, int]:
    """Meshes by name."""
    points, normals, uvs, _, triangles = box(0.5)
    corners = triangles.reshape(-1)
    crate = {
        "attributes": {
            "POSITION": builder.positions(points[corners]),
            "NORMAL": builder.attribute(normals[corners].astype(np.float32)),
            "TEXCOORD_0": builder.attribute((uvs[corners] * 3 - 1).astype(np.float32)),
        },
        "material": materials["wrapped"],
    }
    points, normals, _, _, triangles = sphere(8, 6)
    pebble = {
        "attributes": {
            "POSITION": builder.positions(points * 0.1),
            "NORMAL": builder.attribute(normals.astype(np.float32)),
        },
        "indices": builder.indices(triangles, len(points)),
        "material": materials["stone"],
    }
    ribbon = np.array([[x, y, 0.0] for x in range(5) for y in (0, 1)], np.float32)
    cloud = np.random.default_rng(5).normal(0, 0.2, (40, 3)).astype(np.float32)
    strip = {"attributes": {"POSITION": builder.positions(ribbon)}, "mode": 5}
    curve = {"attributes": {"POSITION": builder.positions(ribbon + 2)}, "mode": 3}
    dots = {"attributes": {"POSITION": builder.positions(cloud)}, "mode": 0}
    made = {"crate": crate, "pebble": pebble, "strip": strip, "curve": curve, "cloud": dots}
    return {name: builder.add("meshes", {"name": name, "primitives": [entry]}) for name, entry in made.items()}


def _slab(builder: Builder, materials: dict[str, int], number: int) -> int:
    points, normals, _, _, triangles = box(0.25)
    primitive = {
        "attributes": {
            "POSITION": builder.positions(points),
            "NORMAL": builder.attribute(normals.astype(np.float32)),
        },
        "indices": builder.indices(triangles, len(points)),
        "material": materials["moss"],
    }
    mesh = builder.add("meshes", {"primitives": [primitive]})
    return builder.add("nodes", {"mesh": mesh, "translation": [number, -2.0, 0.0], "scale": [1.0, 0.5, 1.0]})


def _eye_and_lamp(builder: Builder) -> tuple[int, int]:
    camera = builder.add("cameras", {"type": "perspective", "perspective": {"yfov": 0.8, "znear": 0.1}})
    builder.use("KHR_lights_punctual")
    lights = [{"type": "point", "intensity": 40.0, "name": "bulb"}, {"type": "directional", "name": "sun"}]
    builder.json["extensions"]["KHR_lights_punctual"] = {"lights": lights}
    sun = _node(builder, "sun", extensions={"KHR_lights_punctual": {"light": 1}})
    lamp = _node(builder, "lamp", children=[sun], extensions={"KHR_lights_punctual": {"light": 0}})
    return _node(builder, "eye", camera=camera, translation=[0.0, 0.0, 6.0]), lamp


def _animate(builder: Builder, bone: int, face: int, eye: int) -> None:
    """One animation of nodes, with keys that interpolation gives anyway, and one of a material."""
    times = np.linspace(0, 2, 9, dtype=np.float32)
    clock = builder.accessor(times, bounds=True)
    angle = np.sin(np.pi * times) / 2
    bend = np.column_stack([0 * times, 0 * times, np.sin(angle), np.cos(angle)]).astype(np.float32)
    swell = np.column_stack([times / 2, 1 - times / 2]).astype(np.float32).reshape(-1)
    ride = np.column_stack([0 * times, 0 * times, 6 + times]).astype(np.float32)
    colors = np.column_stack([times / 2, 0 * times, 0 * times, 1 + 0 * times]).astype(np.float32)
    targets = [(bend, bone, "rotation"), (swell, face, "weights"), (ride, eye, "translation")]
    samplers = [{"input": clock, "output": builder.accessor(values)} for values, _, _ in targets]
    channels = [{"sampler": n, "target": {"node": node, "path": path}} for n, (_, node, path) in enumerate(targets)]
    builder.add("animations", {"name": "wake up", "samplers": samplers, "channels": channels})
    pointer = {"pointer": "/materials/2/pbrMetallicRoughness/baseColorFactor"}
    target = {"path": "pointer", "extensions": {"KHR_animation_pointer": pointer}}
    sampler = {"input": clock, "output": builder.accessor(colors), "interpolation": "STEP"}
    builder.add("animations", {"name": "blush", "samplers": [sampler], "channels": [{"sampler": 0, "target": target}]})
    builder.use("KHR_animation_pointer")
