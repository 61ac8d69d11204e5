"""The scene graph of X3D and VRML97 to glTF nodes: groups, shapes, lights and viewpoints."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from threed.errors import FileTooComplex, FileValuesInvalid
from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats.phong import linear
from threed_workers.formats.steps import Step, standing
from threed_workers.formats.x3d_geometry import GEOMETRIES, UNREAD, Geometries
from threed_workers.formats.x3d_materials import Materials, has_picture
from threed_workers.formats.x3d_model import Node, World

LIGHTS = "KHR_lights_punctual"
_MOVING = ("Transform", "HAnimJoint", "HAnimHumanoid", "HAnimSite", "CADPart")
_GROUPS = ("Group", "StaticGroup", "Collision", "Anchor", "Billboard", "LOD", "Switch", "HAnimSegment", "CADAssembly")
_GROUPS += (
    "CADFace",
    "CADLayer",
    "Layer",
    "LayerSet",
    "LayoutLayer",
    "ViewpointGroup",
    "PickableGroup",
    "Scene",
    *_MOVING,
)
_KEPT = (*_GROUPS, "Shape", "DirectionalLight", "PointLight", "SpotLight", "Viewpoint", "OrthoViewpoint")
# What says nothing that a glTF could show, or is used where it stands in other nodes.
_QUIET = ("WorldInfo", "NavigationInfo", "TimeSensor", "PositionInterpolator", "OrientationInterpolator", "MetadataSet")
_QUIET += ("MetadataString", "MetadataFloat", "MetadataDouble", "MetadataInteger", "MetadataBoolean", "Appearance")
_QUIET += (
    "Coordinate",
    "Normal",
    "Color",
    "TextureCoordinate",
    "Material",
    "ImageTexture",
    "CoordinateDouble",
    "ColorRGBA",
)


@dataclass(frozen=True)
class Chain:
    """A node's ancestors, to find a node within itself."""

    node: Node
    parent: Chain | None
    depth: int

    def holds(self, node: Node) -> bool:
        at: Chain | None = self
        while at is not None:
            if at.node is node:
                return True
            at = at.parent
        return False


@dataclass
class Placed:
    """What became of a node that may move: its glTF nodes, its transforms, and which of them a field sets.

    `above` is the node above, for those that shear and therefore took two.
    """

    numbers: list[int] = field(default_factory=list)
    above: dict[int, int] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    fields: dict[str, int] = field(default_factory=dict)


class Graph:
    """Makes the nodes. `placed` says where those went that routes may move."""

    def __init__(self, world: World, builder: Builder):
        self.placed: dict[Node, Placed] = {}
        self._world = world
        self._builder = builder
        self._geometries = Geometries(world, builder)
        self._materials = Materials(world, builder)
        self._meshes: dict[tuple, int | None] = {}
        self._cameras: dict[Node, int] = {}
        self._lights: dict[Node, int] = {}
        self._count = 0

    def add(self) -> None:
        """Every node of the world, depth first, without recursion."""
        root = None
        if self._world.metres != 1.0:
            root = self._node(
                {"name": "x3d", "scale": [self._world.metres] * 3},
                self._world.nodes[0].where if self._world.nodes else "",
            )
        stack: list[tuple[Node, int | None, Chain | None]] = [
            (node, root, None) for node in reversed(self._world.nodes)
        ]
        while stack:
            node, parent, chain = stack.pop()
            if node.kind not in _KEPT:
                self._pass(node)
                continue
            if chain is not None and chain.holds(node):
                raise FileValuesInvalid("A node is within itself. Export the model again.", where=node.where)
            chain = Chain(node, chain, 1 if chain is None else chain.depth + 1)
            if chain.depth > self._world.budget.node_depth:
                limit = self._world.budget.node_depth
                raise FileTooComplex(f"Nodes are nested deeper than {limit}.", where=node.where)
            number = self._place(node)
            if number is None:
                continue
            if parent is not None:
                top = self.placed[node].above.get(number, number)
                self._builder.json["nodes"][parent].setdefault("children", []).append(top)
            stack += [(child, number, chain) for child in reversed(self._children(node))]

    def _pass(self, node: Node) -> None:
        if node.kind == "Inline":
            self._world.findings.lose("Inline", "Only what the file itself holds is read.")
        elif node.kind not in _QUIET:
            self._world.findings.lose(f"node {node.kind[:60]}", "glTF has no counterpart, or it is not read.")

    def _children(self, node: Node) -> list[Node]:
        """The nodes below a group: of a Switch the chosen one, of levels of detail the first."""
        if node.kind not in _GROUPS:
            return []
        children = [child for name, child in node.nodes if name != "proxy"]
        if node.kind == "Switch":
            choice = int(node.number("whichChoice", -1.0))
            chosen = [children[choice]] if 0 <= choice < len(children) else []
            self._lose("choices of a Switch", len(children) - len(chosen), "Only what is chosen is shown.")
            return chosen
        if node.kind == "LOD":
            self._lose("levels of detail", len(children) - 1, "Only the finest is shown.")
            return children[:1]
        if node.kind == "Billboard":
            self._lose("Billboard", 1, "It does not turn to the viewer.")
        if node.kind in ("HAnimHumanoid", "HAnimJoint") and node.kind == "HAnimHumanoid":
            # Joints are listed again for programs to find; the skeleton holds them.
            children = [
                child for name, child in node.nodes if name not in ("joints", "segments", "sites", "viewpoints")
            ]
        return children

    def _lose(self, what: str, count: int, reason: str) -> None:
        if count > 0:
            self._world.findings.lose(what, reason, count)

    def _node(self, entry: Json, where: str) -> int:
        self._count += 1
        if self._count > self._world.budget.nodes:
            raise FileTooComplex(f"The scene has more than {self._world.budget.nodes} nodes.", where=where)
        return self._builder.add("nodes", entry)

    def _place(self, node: Node) -> int | None:
        """The glTF node of a node; None for a shape without a visible surface."""
        found = self.placed.get(node)
        if found is None:
            found = self.placed[node] = _transforms(node)
        *outer, entry = standing(found.steps)
        name = node.name or node.fields.get("description", "").strip().strip('"')
        if name:
            entry["name"] = name[:1000]
        if node.kind == "Shape":
            mesh = self._shape(node)
            if mesh is None:
                return None
            entry["mesh"] = mesh
        elif node.kind.endswith("Viewpoint"):
            entry["camera"] = self._camera(node)
        elif node.kind.endswith("Light"):
            entry["extensions"] = {LIGHTS: {"light": self._light(node)}}
        number = self._node(entry, node.where)
        found.numbers.append(number)
        if outer:
            found.above[number] = self._node({"children": [number], **outer[0]}, node.where)
        return number

    def _shape(self, node: Node) -> int | None:
        appearance, geometry = node.of("Appearance"), node.of(*GEOMETRIES)
        if geometry is None:
            unread = node.of(*UNREAD)
            if unread is not None:
                self._lose(f"geometry {unread.kind}", 1, "Only polygons, lines, points and solids are read.")
            return None
        key = (geometry, appearance)
        if key not in self._meshes:
            self._meshes[key] = self._mesh(geometry, appearance)
        return self._meshes[key]

    def _mesh(self, geometry: Node, appearance: Node | None) -> int | None:
        pictured = has_picture(appearance)
        made = self._geometries.add(geometry, pictured)
        if made is None:
            return None
        lit = made.primitive.get("mode", 4) == 4
        textured = made.sets > 0 and pictured
        material = self._materials.add(
            appearance, lit=lit, two_sided=lit and not made.solid, colored=made.colored, textured=textured
        )
        primitive = {**made.primitive, "material": material}
        named = {"name": geometry.name} if geometry.name else {}
        return self._builder.add("meshes", {**named, "primitives": [primitive]})

    def _camera(self, node: Node) -> int:
        if node not in self._cameras:
            self._cameras[node] = self._builder.add("cameras", self._lens(node))
        return self._cameras[node]

    def _lens(self, node: Node) -> Json:
        near = node.number("nearDistance", -1.0)
        near = near if near > 0 else 0.1
        far = node.number("farDistance", -1.0)
        if node.kind == "OrthoViewpoint":
            low_x, low_y, high_x, high_y = node.vector("fieldOfView", (-1.0, -1.0, 1.0, 1.0))
            size = {"xmag": abs(high_x - low_x) / 2 or 1.0, "ymag": abs(high_y - low_y) / 2 or 1.0}
            metres = self._world.metres
            size = {name: value * metres for name, value in size.items()}
            far = far if far > near else near + 1000.0
            return {"type": "orthographic", "orthographic": {**size, "znear": near * metres, "zfar": far * metres}}
        angle = min(max(node.number("fieldOfView", math.pi / 4), 1e-3), math.pi - 1e-3)
        lens = {"yfov": angle, "znear": near * self._world.metres}
        if far > near:
            lens["zfar"] = far * self._world.metres
        return {"type": "perspective", "perspective": lens}

    def _light(self, node: Node) -> int:
        """Intensities are parts of full light: 1 becomes pi lux, or pi candelas."""
        if node not in self._lights:
            strength = max(node.number("intensity", 1.0), 0.0) if node.flag("on", True) else 0.0
            light: Json = {
                "type": node.kind.removesuffix("Light").lower(),
                "color": linear(node.vector("color", (1.0, 1.0, 1.0))),
                "intensity": strength * math.pi,
            }
            if node.kind != "DirectionalLight":
                reach = node.number("radius", 100.0) * self._world.metres
                light |= {"range": reach} if reach > 0 else {}
                falls = node.vector("attenuation", (1.0, 0.0, 0.0))[2]
                if falls > 0:
                    light["intensity"] *= self._world.metres**2 / falls
            if node.kind == "SpotLight":
                outer = min(max(node.number("cutOffAngle", math.pi / 4), 1e-3), math.pi / 2)
                inner = min(max(node.number("beamWidth", math.pi / 2), 0.0), outer - 1e-4)
                light["spot"] = {"innerConeAngle": inner, "outerConeAngle": outer}
            if node.name:
                light["name"] = node.name
            lights = self._builder.json.setdefault("extensions", {}).setdefault(LIGHTS, {}).setdefault("lights", [])
            lights.append(light)
            self._builder.use(LIGHTS)
            self._lights[node] = len(lights) - 1
            if len(lights) > 1:
                return self._lights[node]
            text = "X3D has no photometric units: a light of intensity 1 became one of pi lux, or pi candelas."
            self._world.findings.add("LIGHT_UNITS_ASSUMED", "INFO", node.where, text)
        return self._lights[node]


def _transforms(node: Node) -> Placed:
    """The fields that place a node, as steps from the outermost to the innermost; angles in degrees."""
    if node.kind in _MOVING:
        return _transform(node)
    if node.kind.endswith("Viewpoint"):
        position = node.vector("position", (0.0, 0.0, 10.0))
        steps = [_step("translate", position), _step("rotate", _degrees(node.vector("orientation", (0, 0, 1, 0))))]
        return Placed(steps=steps, fields={"position": 0, "orientation": 1})
    if node.kind.endswith("Light"):
        steps = [_step("translate", node.vector("location", (0.0, 0.0, 0.0)))]
        if node.kind != "PointLight":
            steps.append(_step("rotate", _towards(node.vector("direction", (0.0, 0.0, -1.0)))))
        return Placed(steps=steps, fields={"location": 0})
    return Placed()


def _transform(node: Node) -> Placed:
    """T C R SR S -SR -C (ISO/IEC 19775-1, 10.4.4). Without a centre and a scale orientation, T R S."""
    move, center = node.vector("translation", (0, 0, 0)), node.vector("center", (0, 0, 0))
    turn, scale = _degrees(node.vector("rotation", (0, 0, 1, 0))), node.vector("scale", (1, 1, 1))
    skewed = _degrees(node.vector("scaleOrientation", (0, 0, 1, 0)))
    if not any(center) and (not skewed[3] or scale[0] == scale[1] == scale[2]):
        steps = [_step("translate", move), _step("rotate", turn), _step("scale", scale)]
        return Placed(steps=steps, fields={"translation": 0, "rotation": 1, "scale": 2})
    steps = [_step("translate", move), _step("translate", center), _step("rotate", turn), _step("rotate", skewed)]
    steps += [_step("scale", scale), _step("rotate", [*skewed[:3], -skewed[3]])]
    steps += [_step("translate", [-part for part in center])]
    return Placed(steps=steps, fields={"translation": 0, "rotation": 2, "scale": 4})


def _step(kind: str, values: list[float]) -> Step:
    return Step("", kind, np.array(values, np.float64))


def _degrees(turn: list[float]) -> list[float]:
    return [*turn[:3], math.degrees(turn[3])]


def _towards(direction: list[float]) -> list[float]:
    """Axis and degrees of a turn that takes -Z to `direction`."""
    vector = np.array(direction, np.float64)
    length = np.linalg.norm(vector)
    if not length > 0:
        return [0.0, 1.0, 0.0, 0.0]
    vector /= length
    axis = np.cross([0.0, 0.0, -1.0], vector)
    if np.linalg.norm(axis) < 1e-9:
        axis = np.array([0.0, 1.0, 0.0])
    return [*axis.tolist(), math.degrees(math.acos(min(max(-vector[2], -1.0), 1.0)))]
