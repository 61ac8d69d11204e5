"""What a step orphans goes with it; what nothing used before is not the step's to remove."""

from __future__ import annotations

from collections.abc import Iterable

from threed_workers.document import Document, edit

# Each kind before those that it refers to.
ORDER = ("meshes", "skins", "cameras", "lights", "materials", "textures", "samplers", "images")


def used(document: Document) -> dict[str, set[int]]:
    """By kind, the entries that something refers to."""
    found: dict[str, set[int]] = {kind: set() for kind in edit.KINDS}
    for kind, owner, key in edit.references(document):
        found[kind].add(owner[key])
    return found


def remove_orphans(document: Document, before: dict[str, set[int]], kinds: Iterable[str] = ORDER) -> None:
    """Remove the entries of these kinds that were in use `before`, and that nothing refers to any more."""
    _remove(document, before, kinds)


def remove_unreferenced(document: Document, kinds: Iterable[str]) -> None:
    """Remove every entry of these kinds that nothing refers to."""
    _remove(document, {kind: set(range(len(edit.entries(document, kind)))) for kind in edit.KINDS}, kinds)


def _remove(document: Document, candidates: dict[str, set[int]], kinds: Iterable[str]) -> None:
    """References are followed again only after something went: that is what a large document costs."""
    now = None
    for kind in kinds:
        if not candidates[kind]:
            continue
        now = used(document) if now is None else now
        gone = candidates[kind] - now[kind]
        if gone and edit.remove(document, kind, gone):
            now = None


def drop_extension(owner: dict, name: str) -> bool:
    """Take an extension's object out of its owner. Whether there was one."""
    extensions = owner.get("extensions")
    if not isinstance(extensions, dict) or name not in extensions:
        return False
    del extensions[name]
    if not extensions:
        del owner["extensions"]
    return True
