"""COLLADA visual scenes to glTF scenes: nodes, and what they show."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from threed.errors import FileTooComplex, FileValuesInvalid
from threed_workers.document import Builder
from threed_workers.document.model import Json
from threed_workers.formats.dae_extras import extras_of
from threed_workers.formats.dae_geometry import Geometries, Part
from threed_workers.formats.dae_materials import Materials
from threed_workers.formats.dae_optics import LIGHTS, Optics
from threed_workers.formats.dae_skins import Controllers, Deformed, Morph, Skin, add_deformation
from threed_workers.formats.dae_transforms import steps_of
from threed_workers.formats.dae_xml import Dae, title_of, where_of
from threed_workers.formats.placement import parts
from threed_workers.formats.steps import standing

_SHOWN = ("instance_geometry", "instance_controller", "instance_camera", "instance_light")


@dataclass(frozen=True)
class Chain:
    """A node's ancestors by way of instances, to find a node within itself."""

    element: Element
    parent: Chain | None
    depth: int

    def holds(self, element: Element) -> bool:
        at: Chain | None = self
        while at is not None:
            if at.element is element:
                return True
            at = at.parent
        return False


@dataclass
class Nodes:
    """What was made of the nodes. `copies` are the glTF nodes of each <node>, as (scene, number).

    `above` is the node above, for a copy whose transform shears and therefore took two.
    """

    copies: dict[Element, list[tuple[int, int]]] = field(default_factory=dict)
    above: dict[int, int] = field(default_factory=dict)
    morphed: dict[Element, list[tuple[int, Morph]]] = field(default_factory=dict)


class Scenes:
    """Makes scenes. `parts` are the readers of what nodes show."""

    def __init__(self, dae: Dae, builder: Builder, geometries: Geometries, controllers: Controllers, up: np.ndarray):
        """`up`: float64 (4, 4) from the file's axes and unit to metres, +Y up."""
        self.made = Nodes()
        self._dae = dae
        self._builder = builder
        self._geometries = geometries
        self._controllers = controllers
        self._materials = Materials(dae, builder)
        self._optics = Optics(dae, builder, float(np.linalg.norm(up[:3, 0])))
        self._up = up
        self._meshes: dict[tuple, int] = {}
        self._deformed: dict[Element, list[Json]] = {}
        self._skinned: list[tuple[int, int, Deformed, Element]] = []
        self._skins: dict[tuple, int] = {}
        self._names: dict[Element, dict[str, Element]] = {}
        self._count = 0

    def add(self, visual_scene: Element) -> int:
        """The number of the glTF scene."""
        number = len(self._builder.json.setdefault("scenes", []))
        roots: list[int] = []
        if not np.array_equal(self._up, np.eye(4)):
            roots.append(self._node({"name": "collada", **parts(self._up)[0]}, visual_scene))
        self._grow(visual_scene, roots, number)
        scene: Json = {"nodes": roots} if roots else {}
        if title_of(visual_scene):
            scene["name"] = title_of(visual_scene)
        if extras_of(visual_scene):
            scene["extras"] = extras_of(visual_scene)
        return self._builder.add("scenes", scene)

    def _grow(self, visual_scene: Element, roots: list[int], scene: int) -> None:
        """Every node below the scene, depth first, without recursion."""
        parent = roots[0] if roots else None
        stack = [(element, parent, None) for element in reversed(_children(visual_scene))]
        while stack:
            element, parent, chain = stack.pop()
            if element.tag == "instance_node":
                target = self._dae.find(element.get("url"), where_of(element))
                if target is None or target.tag != "node":
                    continue
                if chain is not None and chain.holds(target):
                    raise FileValuesInvalid("A node is within itself. Export the model again.", where=where_of(target))
                element = target
            chain = Chain(element, chain, 1 if chain is None else chain.depth + 1)
            if chain.depth > self._dae.budget.node_depth:
                limit = self._dae.budget.node_depth
                raise FileTooComplex(f"Nodes are nested deeper than {limit}.", where=where_of(element))
            number = self._place(element, scene)
            top = self.made.above.get(number, number)
            if parent is None:
                roots.append(top)
            else:
                self._builder.json["nodes"][parent].setdefault("children", []).append(top)
            stack += [(child, number, chain) for child in reversed(_children(element))]

    def _node(self, entry: Json, where: Element) -> int:
        self._count += 1
        if self._count > self._dae.budget.nodes:
            raise FileTooComplex(f"The scenes have more than {self._dae.budget.nodes} nodes.", where=where_of(where))
        return self._builder.add("nodes", entry)

    def _place(self, element: Element, scene: int) -> int:
        """The glTF node of a <node>; what it shows beyond the first mesh, camera and light goes into children."""
        *outer, entry = standing(steps_of(element))
        if title_of(element):
            entry["name"] = title_of(element)
        if extras_of(element):
            entry["extras"] = extras_of(element)
        number = self._node(entry, element)
        if outer:
            self.made.above[number] = self._node({"children": [number], **outer[0]}, element)
        self.made.copies.setdefault(element, []).append((scene, number))
        for instance in element:
            if instance.tag in _SHOWN:
                self._show(instance, number, scene)
        return number

    def _show(self, instance: Element, number: int, scene: int) -> None:
        target = self._dae.find(instance.get("url"), where_of(instance))
        if target is None:
            return
        what: Json = {}
        found: Deformed | None = None
        if instance.tag == "instance_camera":
            what = self._optics.camera(target)
        elif instance.tag == "instance_light":
            what = self._optics.light(target)
        elif target.tag in ("geometry", "controller"):
            found = self._controllers.deformed(target) if target.tag == "controller" else Deformed(target)
            mesh = self._mesh(found, target, instance) if found is not None else None
            what = {} if mesh is None else {"mesh": mesh}
        if not what:
            return
        nodes = self._builder.json["nodes"]
        if any(key in nodes[number] for key in what if key != "extensions") or (
            "extensions" in what and LIGHTS in nodes[number].get("extensions", {})
        ):
            child = self._node({}, instance)
            nodes[number].setdefault("children", []).append(child)
            number = child
        nodes[number] |= what
        if found is not None and found.skin is not None:
            self._skinned.append((number, scene, found, instance))
        if found is not None and found.morph is not None and found.morph.source is not None:
            self.made.morphed.setdefault(found.morph.source, []).append((number, found.morph))

    def _mesh(self, found: Deformed, target: Element, instance: Element) -> int | None:
        shape = self._geometries.shape(found.geometry)
        if shape is None or not shape.parts:
            return None
        bound = self._bindings(instance)
        materials = tuple(self._material(part, bound) for part in shape.parts)
        key = (target, materials)
        if key not in self._meshes:
            if target not in self._deformed:
                self._deformed[target] = [add_deformation(self._builder, part, found) for part in shape.parts]
            primitives = [
                primitive | ({} if material is None else {"material": material})
                for primitive, material in zip(self._deformed[target], materials, strict=True)
            ]
            mesh: Json = {"primitives": primitives}
            title = title_of(found.geometry)
            if title:
                mesh["name"] = title
            extras = extras_of(found.geometry)
            if found.morph is not None:
                mesh["weights"] = found.morph.weights
                extras["targetNames"] = found.morph.names
            if extras:
                mesh["extras"] = extras
            self._meshes[key] = self._builder.add("meshes", mesh)
        return self._meshes[key]

    def _bindings(self, instance: Element) -> dict[str, Element]:
        found = {}
        for element in instance.findall("bind_material/technique_common/instance_material"):
            found.setdefault((element.get("symbol") or "").strip(), element)
        return found

    def _material(self, part: Part, bound: dict[str, Element]) -> int | None:
        """Through the symbol; some exporters bind nothing, and name the material itself."""
        binding = bound.get(part.symbol)
        if binding is None:
            material = self._dae.ids.get(part.symbol.lstrip("#")) if part.symbol else None
            material = material if material is not None and material.tag == "material" else None
        else:
            material = self._dae.find(binding.get("target"), where_of(binding))
        if material is None:
            return None
        return self._materials.add(material, _Choices(part, binding), len(part.sets))

    def add_skins(self) -> None:
        """Once every node is there."""
        for number, scene, found, instance in self._skinned:
            joints = self._joints(found, instance, scene)
            node = self._builder.json["nodes"][number]
            if joints is None:
                text = "Joints of the skin are not in the scene; the mesh stays as it is."
                self._dae.findings.warning("SKIN_UNUSABLE", where_of(instance), text)
                mesh = self._builder.json["meshes"][node["mesh"]]
                node["mesh"] = self._builder.add("meshes", _unskinned(mesh))
                continue
            key = (found.skin, *joints)
            if key not in self._skins:
                self._skins[key] = self._skin(found.skin, joints)
            node["skin"] = self._skins[key]

    def _skin(self, skin: Skin, joints: list[int]) -> int:
        inverse = skin.inverse.copy()
        inverse[:, 3] = (0, 0, 0, 1)
        matrices = inverse.transpose(0, 2, 1).reshape(-1, 16).astype(np.float32)
        return self._builder.add("skins", {"joints": joints, "inverseBindMatrices": self._builder.accessor(matrices)})

    def _named(self, root: Element) -> dict[str, Element]:
        """The nodes below by sid, id or name; the first of each."""
        if root not in self._names:
            found: dict[str, Element] = {}
            for node in root.iter("node"):
                for key in (node.get("sid"), node.get("id"), node.get("name")):
                    if key is not None:
                        found.setdefault(key.strip(), node)
            self._names[root] = found
        return self._names[root]

    def _joints(self, found: Deformed, instance: Element, scene: int) -> list[int] | None:
        """glTF nodes by the joints' sids, below the skeletons or anywhere; by ids where the file names ids."""
        roots = [self._dae.find(element.text, where_of(instance)) for element in instance.findall("skeleton")]
        places = [self._named(root) for root in [*roots, *self._dae.root.iter("visual_scene")] if root is not None]
        joints = []
        for name in found.skin.names:
            node = next((names[name] for names in places if name in names), None)
            copies = self.made.copies.get(node, [])
            copies = [copy for copy in copies if copy[0] == scene] or copies
            if not copies:
                return None
            joints.append(copies[0][1])
        with np.errstate(all="ignore"):
            fits = np.isfinite(found.skin.inverse.astype(np.float32)).all()
        return joints if len(set(joints)) == len(joints) and fits else None


class _Choices(dict):
    """Which TEXCOORD_n each name in an effect means, by <bind_vertex_input>, or by the number that it ends in."""

    def __init__(self, part: Part, binding: Element | None):
        super().__init__()
        self._sets = part.sets
        for bind in binding.findall("bind_vertex_input") if binding is not None else ():
            number = (bind.get("input_set") or "0").strip()
            if number.isdecimal() and int(number[:9]) in part.sets:
                self[(bind.get("semantic") or "").strip()] = part.sets.index(int(number[:9]))

    def get(self, key: str, default: int = 0) -> int:
        if key in self or len(self._sets) < 2:
            return super().get(key, default)
        ending = re.search(r"\d{1,4}$", key)
        number = int(ending.group()) if ending else -1
        return self._sets.index(number) if number in self._sets else default


def _children(element: Element) -> list[Element]:
    return [child for child in element if child.tag in ("node", "instance_node")]


def _unskinned(mesh: Json) -> Json:
    kept = [
        {
            **primitive,
            "attributes": {
                name: index
                for name, index in primitive["attributes"].items()
                if not name.startswith(("JOINTS_", "WEIGHTS_"))
            },
        }
        for primitive in mesh["primitives"]
    ]
    return {**mesh, "primitives": kept}
