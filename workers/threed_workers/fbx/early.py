"""FBX 5.0, of before 2006, rewritten as 6.x: models at the top, which name their children and hold everything.

Model: "Box" { Vertices, PolygonVertexIndex, GeometryUVInfo, Channel: "Transform", Link: "Bone" { ... }, Children }
"""

from __future__ import annotations

from collections.abc import Iterator

from threed_workers.fbx.node import Node

_PARTS = {"T": "Lcl Translation", "R": "Lcl Rotation", "S": "Lcl Scaling"}


def modernised(tree: Node) -> Node:
    """A tree with Objects, Connections and Takes of 6.x beside what was there. Inline materials stay behind."""
    objects, connections = Node("Objects", tree.where), Node("Connections", tree.where)
    take = Node("Take", tree.where, ["Take 001"])
    children: set[str] = set()
    for model in tree.all("Model"):
        title = f"Model::{model.text()}"
        objects.children.append(_model(model, title))
        for name in (value for node in model.all("Children") for value in node.values if isinstance(value, str)):
            children.add(name)
            connections.children.append(_connect(f"Model::{name}", title))
        for node in _deformers(model, title, connections):
            objects.children.append(node)
        take.children.append(Node("Model", model.where, [title], list(model.all("Channel"))))
    for model in tree.all("Model"):
        if model.text() not in children:
            connections.children.append(_connect(f"Model::{model.text()}", "Model::Scene"))
    made = [objects, connections]
    if not any(section.child("Take") for section in tree.all("Takes")):
        made.append(Node("Takes", tree.where, [], [take]))
    return Node(tree.name, tree.where, tree.values, [*tree.children, *made])


def _model(model: Node, title: str) -> Node:
    kind = "Mesh" if model.child("Vertices") is not None else model.child_text("Type", "Null")
    properties = Node("Properties60", model.where)
    for channel in model.all("Channel"):
        if channel.text() == "Transform":
            for part in channel.all("Channel"):
                if part.text() in _PARTS:
                    values = [axis.child_number("Default") for axis in part.all("Channel")][:3]
                    name = _PARTS[part.text()]
                    properties.children.append(Node("Property", part.where, [name, name, "A", *values]))
    kept = [child for child in model.children if child.name not in ("Channel", "Children", "Link", "Materials")]
    return Node("Model", model.where, [title, kind], [properties, *kept, *_layers(model)])


def _layers(model: Node) -> Iterator[Node]:
    """Layer elements out of the tables that stood in the model itself."""
    where = model.where
    normals, corners = model.child("Normals"), model.numbers("PolygonVertexIndex", int)
    if normals is not None:
        by_corner = len(normals.array(float)) == 3 * len(corners)
        mapping = "ByPolygonVertex" if by_corner else "ByVertice"
        yield _layer("LayerElementNormal", where, mapping, "Direct", [Node("Normals", where, normals.values)])
    uvs = model.child("GeometryUVInfo")
    if uvs is not None and uvs.child("TextureUV") is not None and uvs.child("TextureUVVerticeIndex") is not None:
        table = Node("UV", where, uvs.child("TextureUV").values)
        index = Node("UVIndex", where, uvs.child("TextureUVVerticeIndex").values)
        yield _layer("LayerElementUV", where, "ByPolygonVertex", "IndexToDirect", [table, index])


def _layer(name: str, where: str, mapping: str, reference: str, tables: list[Node]) -> Node:
    about = [
        Node("MappingInformationType", where, [mapping]),
        Node("ReferenceInformationType", where, [reference]),
    ]
    return Node(name, where, [0], about + tables)


def _deformers(model: Node, title: str, connections: Node) -> Iterator[Node]:
    """A skin with a cluster for each Link, which names its joint."""
    links = list(model.all("Link"))
    if not links:
        return
    skin = f"Deformer::Skin {model.text()}"
    yield Node("Deformer", model.where, [skin, "Skin"])
    connections.children.append(_connect(skin, title))
    for link in links:
        cluster = f"SubDeformer::{model.text()} {link.text()}"
        yield Node("Deformer", link.where, [cluster, "Cluster"], link.children)
        connections.children.append(_connect(cluster, skin))
        connections.children.append(_connect(f"Model::{link.text()}", cluster))


def _connect(child: str, parent: str) -> Node:
    return Node("Connect", "Connections", ["OO", child, parent])
