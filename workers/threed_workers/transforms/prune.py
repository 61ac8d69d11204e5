"""Remove what no scene reaches."""

from __future__ import annotations

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit
from threed_workers.transforms._leftovers import remove_unreferenced
from threed_workers.transforms._uv_sets import drop_attribute, unused_uv_names

_ORDER = ("meshes", "skins", "cameras", "lights", "materials", "textures", "samplers", "images")


def changes(options: recipes_pb2.Prune) -> frozenset[str]:
    return frozenset(
        "nodes named_nodes meshes primitives vertices triangles points lines morph_targets uv_sets color_sets normals "
        "tangents joint_sets custom_attributes instances materials textures images image_pixels samplers skins joints "
        "cameras lights extensions".split()
    )


def apply(document: Document, options: recipes_pb2.Prune) -> Document:
    """Remove nodes that no scene, joint, animation or extension needs, and then everything that nothing refers to.

    Without any scene all nodes count as shown. Nodes that are needed keep their ancestors. Empty nodes go unless
    `keep_leaves`, and of texture coordinates the last sets that no material uses unless `keep_attributes`.
    """
    if not edit.may_renumber(document):
        return document
    _remove_nodes(document, set(range(len(document.all("nodes")))) - _living(document))
    if not options.keep_leaves:
        _remove_nodes(document, _empty(document))
    remove_unreferenced(document, _ORDER)
    if not options.keep_attributes:
        _remove_uvs(document)
    for name in list(document.all("extensionsUsed")):
        if name in edit.KNOWN or name.startswith("KHR_materials_"):
            edit.unuse(document, name)
    return document


def _living(document: Document) -> set[int]:
    """The nodes to keep: reached from a scene, or referred to by anything but nodes and skins that are dead."""
    nodes, skins = document.all("nodes"), document.all("skins")
    parents = {child: number for number, node in enumerate(nodes) for child in node.get("children") or []}
    if not document.all("scenes"):
        return set(range(len(nodes)))
    inner = {id(node.get("children")) for node in nodes} | {id(skin) for skin in skins}
    inner |= {id(skin["joints"]) for skin in skins}
    levels = _levels(document)
    inner |= set(levels)
    rest = [owner[key] for kind, owner, key in edit.references(document) if kind == "nodes" and id(owner) not in inner]
    alive: set[int] = set()
    while rest:
        number = rest.pop()
        if number in alive:
            continue
        alive.add(number)
        node = nodes[number]
        rest += node.get("children") or []
        rest += [parents[number]] if number in parents else []
        rest += [level for ids, owner in levels.values() if owner == number for level in ids]
        if "skin" in node:
            skin = skins[node["skin"]]
            rest += skin["joints"] + ([skin["skeleton"]] if "skeleton" in skin else [])
    return alive


def _levels(document: Document) -> dict[int, tuple[list[int], int]]:
    """By identity of an MSFT_lod list: the list, and the node it belongs to."""
    found = {}
    for number, node in enumerate(document.all("nodes")):
        ids = ((node.get("extensions") or {}).get("MSFT_lod") or {}).get("ids")
        if isinstance(ids, list):
            found[id(ids)] = (ids, number)
    return found


def _empty(document: Document) -> set[int]:
    """Nodes without content, and those that hold nothing but such nodes. Referred to by scenes and parents only."""
    nodes = document.all("nodes")
    lists = {id(scene.get("nodes")) for scene in document.all("scenes")} | {id(node.get("children")) for node in nodes}
    needed = {
        owner[key] for kind, owner, key in edit.references(document) if kind == "nodes" and id(owner) not in lists
    }
    content = {"mesh", "camera", "skin", "extensions", "extras"}
    left = [len(node.get("children") or []) for node in nodes]
    parents = {child: number for number, node in enumerate(nodes) for child in node.get("children") or []}
    rest = [number for number, count in enumerate(left) if not count]
    found: set[int] = set()
    while rest:
        number = rest.pop()
        if number in needed or content & set(nodes[number]):
            continue
        found.add(number)
        if number in parents:
            left[parents[number]] -= 1
            rest += [parents[number]] if not left[parents[number]] else []
    return found


def _remove_nodes(document: Document, gone: set[int]) -> None:
    """Cut what leads to the nodes, and remove them. Skins whose joints are among them go along: nothing shows them."""
    nodes = document.all("nodes")
    for number in gone:
        for key in ("children", "skin", "mesh", "camera", "extensions"):
            nodes[number].pop(key, None)
    for owner, key in [(node, "children") for node in nodes] + [(scene, "nodes") for scene in document.all("scenes")]:
        if key in owner:
            owner[key] = [number for number in owner[key] if number not in gone]
            if not owner[key]:
                del owner[key]
    skins = enumerate(document.all("skins"))
    dead = {number for number, skin in skins if gone & {*skin["joints"], skin.get("skeleton", skin["joints"][0])}}
    edit.remove(document, "skins", dead)
    edit.remove(document, "nodes", gone)


def _remove_uvs(document: Document) -> None:
    found = [(primitive, unused_uv_names(document, primitive)) for _, primitive in document.primitives()]
    if any(names for _, names in found):
        edit.decompress(document)
    for primitive, names in found:
        for name in names:
            drop_attribute(primitive, name)
