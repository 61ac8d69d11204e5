"""The layers of an upload, opened in memory: nothing that composes them can reach a file.

A USD layer names others by path (sublayers, references, payloads), and Pixar's resolver opens whatever the path says:
absolute ones, those of a parent folder, those of plugins. So no layer is ever composed as it came. Each is opened as an
anonymous layer, and every asset path in it is replaced: a layer of the upload by the name it has in memory, another
file of the upload by `asset:<number>`, everything else by `missing:<number>`, which names no file.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from threed.errors import FileFeatureUnsupported, FileMalformed, FileTooComplex
from threed_workers.budget import Budget
from threed_workers.document import Companions
from threed_workers.document.uris import shown
from threed_workers.formats.nesting import check_nesting
from threed_workers.formats.source import Source

LAYERS = (".usd", ".usda", ".usdc")
# What the grammar's parser and the composition recurse along. Both die at some 10,000.
_MOST_NESTED = 1000
# Strings, asset paths and comments, where brackets mean nothing.
_QUOTED = re.compile(
    rb'"""(?:[^\\]|\\.)*?"""|\'\'\'(?:[^\\]|\\.)*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|@@@.*?@@@|@[^@\n]*@|#[^\n]*',
    re.DOTALL,
)
_CLIPS = ("clips", "clipSets")


@dataclass(eq=False)
class Layers:
    """`root` and `opened` by anonymous identifier; what tokens in their asset paths stand for."""

    root: Any
    opened: dict[str, Any] = field(default_factory=dict)
    assets: dict[str, str] = field(default_factory=dict)  # token -> name within the upload
    missing: dict[str, str] = field(default_factory=dict)  # token -> the path as it was written
    clips: int = 0
    expressions: int = 0


def open_layers(source: Source, folder: Path, budget: Budget) -> Layers:
    """The main layer and every layer of the upload that it needs. `folder` is private and empty.

    Raises FileMalformed for what is no layer, FileTooComplex for what nests or composes beyond the budget.
    """
    opening = _Opening(source, folder, budget)
    opening.add(source.name or "the upload", source.path)
    while opening.waiting:
        name, layer = opening.waiting.pop()
        opening.rewrite(name, layer)
    return opening.layers


def main_layers(files: dict[str, Path], names: list[str], folder: Path, budget: Budget) -> list[str]:
    """Those of the layers `names` of an upload that no other of them refers to. Raises as `open_layers`."""
    from pxr import UsdUtils

    opening = _Opening(Source(files[names[0]], names[0], Companions(files)), folder, budget)
    referred: set[str] = set()
    for name in names:
        identifier = opening.add(name, files[name])
        wanted: list[str] = []
        UsdUtils.ModifyAssetPaths(
            opening.layers.opened[identifier], lambda path, found=wanted: found.append(path) or path
        )
        others = {opening.find(path, posixpath.dirname(name)) for path in wanted if path}
        referred |= others - {name, None}
    return [name for name in names if name not in referred]


class _Opening:
    def __init__(self, source: Source, folder: Path, budget: Budget):
        self.folder = folder
        self.budget = budget
        self.files: dict[str, Path] = {**source.companions.files, (source.name or "the upload"): source.path}
        self.alike: dict[str, list[str]] = {}  # names by their small letters, and pictures by their last part too
        for name in self.files:
            small = name.lower()
            for key in {small, f"*/{posixpath.basename(small)}"}:
                self.alike.setdefault(key, []).append(name)
        self.tokens: dict[tuple[str, str], str] = {}
        self.by_name: dict[str, str] = {}  # name within the upload -> anonymous identifier
        self.layers = Layers(None)
        self.waiting: list[tuple[str, Any]] = []
        self.prims = 0

    def add(self, name: str, path: Path) -> str:
        """Open one file, check how deep it nests, and put it on the list. Gives its anonymous identifier."""
        from pxr import Sdf

        _check_text(path, name)
        copy = self.folder / f"{len(self.by_name)}.usd"  # the reader goes by the suffix; .usd is either kind
        shutil.copyfile(path, copy)
        layer = Sdf.Layer.OpenAsAnonymous(str(copy))
        if layer is None:
            raise FileMalformed("The layer cannot be opened. Export it again.", where=name)
        self._check_depth(name, layer)
        self.layers.root = self.layers.root or layer
        self.layers.opened[layer.identifier] = layer
        self.by_name[name] = layer.identifier
        self.waiting.append((name, layer))
        return layer.identifier

    def rewrite(self, name: str, layer: Any) -> None:
        """Replace every asset path of a layer, and make sure that none is left that composition would follow."""
        from pxr import UsdUtils

        wanted: list[str] = []
        UsdUtils.ModifyAssetPaths(layer, lambda path: wanted.append(path) or path)
        base = posixpath.dirname(name)
        tokens = {path: self._token(path, base) for path in dict.fromkeys(wanted) if path}
        UsdUtils.ModifyAssetPaths(layer, lambda path: tokens.get(path, "missing:unknown") if path else path)
        if layer.pseudoRoot.HasInfo("expressionVariables"):  # a path of another layer might be made of them
            layer.pseudoRoot.ClearInfo("expressionVariables")
            self.layers.expressions += 1
        left = set(layer.GetCompositionAssetDependencies()) - set(tokens.values()) - {""}  # "" is the layer itself
        if left:
            raise FileFeatureUnsupported(
                f"The layer refers to {shown(left.pop())} in a way that is not read. Flatten the stage before upload.",
                where=name,
            )

    def _token(self, path: str, base: str) -> str:
        """What stands for `path`, as a layer in the folder `base` wrote it."""
        name = self.find(path, base)
        suffix = posixpath.splitext(name or "")[1].lower()
        if name is not None and suffix in LAYERS:
            return self.by_name.get(name) or self.add(name, self.files[name])
        table, kind, text = self.layers.missing, "missing", path
        if name is not None and suffix != ".usdz":
            table, kind, text = self.layers.assets, "asset", name
        token = self.tokens.setdefault((kind, text), f"{kind}:{len(table)}")
        table[token] = text
        return token

    def find(self, path: str, base: str) -> str | None:
        """The name within the upload. Paths of the machine that made the file fit by their last part, if at all."""
        plain = path.split(":SDF_FORMAT_ARGS:")[0].replace("\\", "/")
        if any(ord(sign) < 32 for sign in plain) or "[" in plain:  # a[b] lies within another package
            return None
        wanted = posixpath.normpath(posixpath.join(base, plain))
        if wanted in self.files:
            return wanted
        alike = self.alike.get(wanted.lower(), [])
        if not alike and posixpath.splitext(plain)[1].lower() not in LAYERS:  # pictures only: a layer is no guess
            alike = self.alike.get(f"*/{posixpath.basename(plain).lower()}", [])
        return alike[0] if len(alike) == 1 else None

    def _check_depth(self, name: str, layer: Any) -> None:
        """Everything else recurses along the namespace, so this comes first. Value clips go: they open layers late."""
        for depth, spec in specs(layer):
            self.prims += 1
            if depth > min(_MOST_NESTED, self.budget.node_depth):
                raise FileTooComplex(f"Prims nest deeper than {depth - 1}. Flatten the stage.", where=name)
            if self.prims > self.budget.nodes:
                raise FileTooComplex(f"The layers hold more than {self.budget.nodes} prims.", where=name)
            for key in _CLIPS:
                if spec.HasInfo(key):
                    spec.ClearInfo(key)
                    self.layers.clips += 1


def specs(layer: Any) -> Iterator[tuple[int, Any]]:
    """(depth, spec) of every prim of a layer, those in variants too, without recursion."""
    rest = [(1, spec) for spec in layer.rootPrims]
    while rest:
        depth, spec = rest.pop()
        yield depth, spec
        rest += [(depth + 1, child) for child in spec.nameChildren]
        rest += [(depth + 1, variant) for variant in variants(spec)]


def variants(spec: Any) -> list[Any]:
    """The prim specs of all variants of all variant sets that a spec declares."""
    return [variant.primSpec for chosen in spec.variantSets.values() for variant in chosen.variants.values()]


def _check_text(path: Path, name: str) -> None:
    """Text only: brackets in brackets, which the parser recurses along. Strings and comments do not count."""
    with path.open("rb") as file:
        if file.read(8) == b"PXR-USDC":
            return
        text = b"#" + file.read()
    check_nesting(text, _QUOTED, 2 * _MOST_NESTED, name)


def companion_bytes(layers: Layers, token: str, companions: Companions) -> tuple[str, memoryview] | None:
    """(name, bytes) of a picture that a token stands for; None when it did not come along."""
    from threed_workers.document.companions import mapped

    name = layers.assets.get(token)
    return (name, mapped(companions.files[name])) if name in companions.files else None
