"""The objects of an FBX file and what connects them: one form for the layouts of 6.x (names, Properties60) and 7.x.

Objects of 6.x carry their geometry and attributes inside the Model. They are taken out here, so that everything else
knows one layout: Model <- Geometry <- Deformer, Model <- NodeAttribute, Model <- Material <- Texture <- Video.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from threed.errors import FileValuesInvalid
from threed_workers.fbx.early import modernised
from threed_workers.fbx.node import Node

ROOT = "root"
_SCENES = ("Model::Scene", "Scene\0\1Model", "Model::RootNode", "RootNode\0\1Model")


@dataclass(frozen=True)
class Property:
    """One P or Property entry. `flags` holds A (animatable), U (made by a user), ..."""

    name: str
    type: str
    flags: str
    values: list


class Properties:
    """The properties of one object, with the template of its class behind them."""

    def __init__(self, own: dict[str, Property], template: dict[str, Property], where: str):
        self.own, self.template, self.where = own, template, where

    def __contains__(self, name: str) -> bool:
        return name in self.own

    def find(self, name: str) -> Property | None:
        return self.own.get(name) or self.template.get(name)

    def numbers(self, name: str, count: int, default: tuple[float, ...]) -> list[float]:
        """The first `count` numbers of a property. Raises FileValuesInvalid when they are not finite."""
        found = self.find(name)
        values = [value for value in found.values if isinstance(value, (int, float))] if found else []
        if len(values) < count:
            return list(default)
        if not all(math.isfinite(value) and abs(value) < 1e38 for value in values[:count]):
            raise FileValuesInvalid(f"The property {name} holds numbers that are not finite.", where=self.where)
        return [float(value) for value in values[:count]]

    def vector(self, name: str, default: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> np.ndarray:
        """Three numbers, float64 (3,)."""
        return np.array(self.numbers(name, 3, default))

    def number(self, name: str, default: float) -> float:
        return self.numbers(name, 1, (default,))[0]

    def first(self, names: tuple[str, ...], count: int = 1) -> list[float] | None:
        """The numbers of the first of these properties that has them."""
        for name in names:
            found = self.numbers(name, count, ())
            if found:
                return found
        return None

    def integer(self, name: str, default: int) -> int:
        return int(self.number(name, default))

    def text(self, name: str, default: str = "") -> str:
        found = self.find(name)
        return next((value for value in found.values if isinstance(value, str)), default) if found else default

    def custom(self) -> Iterator[Property]:
        """What a user added to the object."""
        return (entry for entry in self.own.values() if "U" in entry.flags)


@dataclass(eq=False)
class Object:
    """`kind` is the class (Model, Geometry, ...), `subkind` what it is of that (Mesh, LimbNode, Skin, ...)."""

    id: Hashable
    kind: str
    name: str
    subkind: str
    node: Node
    properties: Properties
    children: list[tuple[Object, str]] = field(default_factory=list)  # with the property they are connected to, or ""
    parents: list[tuple[Object, str]] = field(default_factory=list)

    @property
    def where(self) -> str:
        return self.node.where

    def of(self, kind: str, *subkinds: str) -> Iterator[Object]:
        """Children of that class, and one of these subclasses when any are named."""
        return (
            child for child, _ in self.children if child.kind == kind and (not subkinds or child.subkind in subkinds)
        )

    def above(self, kind: str) -> Iterator[Object]:
        """Parents of that class."""
        return (parent for parent, _ in self.parents if parent.kind == kind)


@dataclass
class Objects:
    """Everything in the file. `root` stands for the scene; its children are the topmost models."""

    version: int
    tree: Node
    settings: Properties
    root: Object
    objects: dict[Hashable, Object]

    def of(self, kind: str) -> Iterator[Object]:
        return (found for found in self.objects.values() if found.kind == kind)

    @cached_property
    def creator(self) -> str:
        """The programs that say they wrote the file."""
        header = self.tree.child("FBXHeaderExtension")
        texts = [self.tree.child_text("Creator")]
        if header is not None:
            info = header.child("SceneInfo")
            texts.append(header.child_text("Creator"))
            if info is not None:
                texts.append(properties_of(info, {}).text("Original|ApplicationName"))
        return " ".join(texts)


def read_objects(version: int, tree: Node) -> Objects:
    """The objects of the file, connected. Connections to what is not there are passed over."""
    if tree.child("Objects") is None:
        tree = modernised(tree)
    templates = _templates(tree)
    objects: dict[Hashable, Object] = {}
    settings = tree.child("GlobalSettings")
    root = Object(ROOT, "Model", "", "Root", tree, Properties({}, {}, "byte 0"))
    for section in tree.all("Objects"):
        for node in section.children:
            if node.name in ("GlobalSettings", "Pose"):
                settings = settings or (node if node.name == "GlobalSettings" else None)
                continue
            found = _object(node, templates)
            if found is not None:
                objects.setdefault(found.id, found)
    for place, connection in enumerate(_connections(tree)):
        _connect(connection, objects, root, place)
    for model in [found for found in objects.values() if found.kind == "Model"]:
        _take_apart(model, objects)
    return Objects(version, tree, properties_of(settings, {}) if settings else root.properties, root, objects)


def _object(node: Node, templates: dict[str, dict[str, Property]]) -> Object | None:
    values = node.values[:3]
    number = values[0] if values and isinstance(values[0], int) else None
    texts = [value for value in values if isinstance(value, str)]
    if number is None and not texts:
        return None
    title = texts[0] if texts else ""
    subkind = texts[1] if len(texts) > 1 else ""
    properties = properties_of(node, templates.get(node.name, {}))
    return Object(title if number is None else number, node.name, plain_name(title), subkind, node, properties)


def plain_name(title: str) -> str:
    """ "Model::Cube" (text) and "Cube\\0\\1Model" (binary) to "Cube"."""
    if "\0\1" in title:
        return title.split("\0\1")[0]
    return title.split("::", 1)[1] if "::" in title else title


def properties_of(node: Node, template: dict[str, Property]) -> Properties:
    own: dict[str, Property] = {}
    for section in node.all("Properties70", "Properties60"):
        for entry in section.all("P", "Property"):
            flat = entry.flat(64)
            skip = 4 if entry.name == "P" else 3
            words = [value if isinstance(value, str) else "" for value in flat[:skip]]
            if words:
                words += [""] * (skip - len(words))
                own[words[0]] = Property(words[0], words[1], words[-1], flat[skip:])
    return Properties(own, template, node.where)


def _templates(tree: Node) -> dict[str, dict[str, Property]]:
    """The default properties of each class, which 7.x files list once."""
    found: dict[str, dict[str, Property]] = {}
    for section in tree.all("Definitions"):
        for kind in section.all("ObjectType"):
            for template in kind.all("PropertyTemplate"):
                found.setdefault(kind.text(), {}).update(properties_of(template, {}).own)
    return found


def _connections(tree: Node) -> Iterator[tuple[str, Hashable, Hashable, str]]:
    """(kind, child, parent, property) of every connection."""
    for section in tree.all("Connections"):
        for node in section.all("C", "Connect"):
            values = node.flat(6)
            if len(values) >= 3 and isinstance(values[0], str):
                prop = values[3] if len(values) > 3 and isinstance(values[3], str) else ""
                yield values[0], values[1], values[2], prop


def _connect(connection: tuple, objects: dict[Hashable, Object], root: Object, place: int) -> None:
    _, child_id, parent_id, prop = connection
    if not all(isinstance(key, (int, str)) for key in (child_id, parent_id)):
        return
    child = objects.get(child_id)
    parent = objects.get(parent_id)
    if parent is None and (parent_id == 0 or parent_id in _SCENES):
        parent = root
    if child is not None and parent is not None and child is not parent:
        child.parents.append((parent, prop))
        parent.children.append((child, prop))


def _take_apart(model: Object, objects: dict[Hashable, Object]) -> None:
    """Give a Model of 6.x its geometry, shapes and attribute as objects of their own."""
    node = model.node
    if node.child("Vertices") is not None or node.child("PolygonVertexIndex") is not None:
        geometry = _made(model, "Geometry", "Mesh", objects)
        for child, prop in [entry for entry in model.children if entry[0].kind == "Deformer"]:
            model.children.remove((child, prop))
            _join(child, geometry)
        _shapes(model, geometry, objects)
    elif any(node.child(name) is not None for name in ("Order", "NurbsSurfaceOrder", "KnotVector", "KnotVectorU")):
        _made(model, "Geometry", model.subkind, objects)
    if model.subkind in ("Camera", "Light") and not any(model.of("NodeAttribute")):
        _made(model, "NodeAttribute", model.subkind, objects)


def _shapes(model: Object, geometry: Object, objects: dict[Hashable, Object]) -> None:
    """Blend shapes inside a Model: one channel each, whose weight is a property of the model of the same name."""
    shapes = list(model.node.all("Shape"))
    if not shapes:
        return
    deformer = _made(geometry, "Deformer", "BlendShape", objects)
    for node in shapes:
        title = plain_name(node.text())
        percent = Property("DeformPercent", "Number", "A", [model.properties.number(title, 0.0)])
        properties = Properties({"DeformPercent": percent}, {}, node.where)
        channel = Object((model.id, "channel", title), "Deformer", title, "BlendShapeChannel", node, properties)
        shape = Object((model.id, "shape", title), "Geometry", title, "Shape", node, properties)
        if channel.id not in objects:
            objects[channel.id], objects[shape.id] = channel, shape
            _join(channel, deformer)
            _join(shape, channel)


def _made(parent: Object, kind: str, subkind: str, objects: dict[Hashable, Object]) -> Object:
    made = Object((parent.id, kind), kind, parent.name, subkind, parent.node, parent.properties)
    objects[made.id] = made
    _join(made, parent)
    return made


def _join(child: Object, parent: Object) -> None:
    child.parents.append((parent, ""))
    parent.children.append((child, ""))
