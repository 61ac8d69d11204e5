"""The package around a 3MF model: parts, content types and relationships (ECMA-376 Part 2; 3MF Core 1.3, chapter 2)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

from threed.errors import FileMalformed, FileUriForbidden
from threed_workers.budget import Budget
from threed_workers.formats import archive, xml
from threed_workers.formats.findings import Findings
from threed_workers.formats.source import Source

TYPES = "[Content_Types].xml"
MODEL_TYPE = "application/vnd.ms-package.3dmanufacturing-3dmodel+xml"
START = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
TEXTURE = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dtexture"
TICKET = "http://schemas.microsoft.com/3dmanufacturing/2013/01/printticket"
THUMBNAIL = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail"
# Relationships whose target must be there (core 2.1.1).
_FIRM = {START: "model", TICKET: "print ticket", THUMBNAIL: "thumbnail"}
_RELS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_CT = "{http://schemas.openxmlformats.org/package/2006/content-types}"


def looks_like_3mf(names: list[str]) -> bool:
    """An OPC package with a model in it; office documents are OPC packages too."""
    is_package = TYPES in names or "_rels/.rels" in names
    return is_package and any(name.lower().endswith(".model") for name in names)


@dataclass(frozen=True)
class Relationship:
    """`target` is the full name of a part, "/3D/3dmodel.model"."""

    type: str
    target: str


@dataclass
class Parts:
    """The parts of an open package, by name: case and percent signs do not distinguish them (ECMA-376-2, 6.2.2)."""

    package: archive.Package
    findings: Findings
    members: dict[str, str] = field(default_factory=dict)
    read_before: set[str] = field(default_factory=set)
    types: dict[str, str] = field(default_factory=dict)
    links: dict[str, list[Relationship]] = field(default_factory=dict)
    textures: dict[str, set[str]] = field(default_factory=dict)

    def __contains__(self, part: str) -> bool:
        return key(part) in self.members

    def read(self, part: str) -> bytes:
        """The bytes of a part that is there."""
        self.read_before.add(key(part))
        return self.package.read(self.members[key(part)])

    def content_type(self, part: str) -> str | None:
        """What [Content_Types].xml says: an override of the part, or the default of its extension."""
        name = key(part)
        return self.types.get(name) or self.types.get(posixpath.splitext(name)[1])

    def relationships(self, part: str) -> list[Relationship]:
        """Those of a part, or of the package for "/". Addresses outside the package are refused."""
        if part not in self.links:
            self.links[part] = self._relationships(part)
        return self.links[part]

    def _relationships(self, part: str) -> list[Relationship]:
        folder, last = posixpath.split(part)
        rels = posixpath.join(folder, "_rels", f"{last}.rels")
        if rels not in self:
            return []
        found: list[Relationship] = []
        ids: set[str | None] = set()
        seen: set[Relationship] = set()
        for entry in xml.parse(self.read(rels), where=rels).root.iter(f"{_RELS}Relationship"):
            kind, target = entry.get("Type", ""), entry.get("Target", "")
            if entry.get("TargetMode", "Internal") != "Internal":
                if kind in (START, TEXTURE):
                    message = f"A relationship leads out of the package, to {target[:80]!r}. Put the part in."
                    raise FileUriForbidden(message, where=rels)
                continue
            if entry.get("Id") is None or entry.get("Id") in ids:
                self.findings.error("RELATIONSHIP_ID_INVALID", rels, "A relationship has no id, or another has it too.")
            ids.add(entry.get("Id"))
            link = Relationship(kind, posixpath.normpath(posixpath.join(folder, target)))
            if link in seen:
                self.findings.error("RELATIONSHIP_DUPLICATE", rels, f"Two relationships of a type lead to {target!r}.")
            if kind in _FIRM and link.target not in self:
                message = f"The {_FIRM[kind]} {target[-80:]!r} is not in the package."
                self.findings.error("PART_MISSING", rels, message)
            seen.add(link)
            found.append(link)
        return found

    def has_texture(self, part: str, path: str) -> bool:
        """Whether a model has a relationship to a picture."""
        if part not in self.textures:
            self.textures[part] = {key(link.target) for link in self.relationships(part) if link.type == TEXTURE}
        return key(path) in self.textures[part]

    def others(self) -> list[str]:
        """The names of the parts that nobody read."""
        plumbing = (name for name in self.members if name.endswith(".rels") or name == key(TYPES))
        return sorted(set(self.members) - self.read_before - set(plumbing))


def key(part: str) -> str:
    """The name of a part as it is compared.

    >>> key("3D\\\\Model%20a.MODEL")
    '/3d/model a.model'
    """
    return "/" + unquote(part).replace("\\", "/").strip("/").lower()


@contextmanager
def opened(source: Source, budget: Budget, findings: Findings) -> Iterator[Parts]:
    """The parts of a package. Raises FileMalformed for names that are the same part twice."""
    with archive.opened(source, budget) as package:
        parts = Parts(package, findings)
        for name in package.names:
            if key(name) in parts.members:
                raise FileMalformed("The package holds two parts of one name.", where=repr(name[:100]))
            parts.members[key(name)] = name
            if posixpath.basename(name).startswith(".") and not name.endswith(".rels"):
                findings.error("PART_NAME_INVALID", repr(name[:100]), "The name of a part begins with a period.")
        parts.types = _content_types(parts)
        yield parts


def start_part(parts: Parts) -> str:
    """The name of the model where everything begins. Raises FileMalformed unless there is exactly one."""
    rels = "/_rels/.rels"
    starts = [link.target for link in parts.relationships("/") if link.type == START]
    if len(starts) != 1:
        message = f"The package names {len(starts)} models to start from; a 3MF has exactly one. Export it again."
        raise FileMalformed(message, where=rels)
    if starts[0] not in parts:
        raise FileMalformed(f"The model {starts[0][-80:]!r} is not in the package. Export it again.", where=rels)
    return starts[0]


def check_model_part(parts: Parts, part: str) -> None:
    """Content type and attachments of a model part (core 2.1)."""
    found = parts.content_type(part)
    if found != MODEL_TYPE:
        parts.findings.error("CONTENT_TYPE_WRONG", part, f"The content type of the model is {found}, not {MODEL_TYPE}.")
    if sum(link.type == TICKET for link in parts.relationships(part)) > 1:
        parts.findings.error("PRINT_TICKETS_SEVERAL", part, "The model has more than one print ticket.")


def _content_types(parts: Parts) -> dict[str, str]:
    """By part name, or by extension with its period."""
    if TYPES not in parts:
        parts.findings.error("CONTENT_TYPES_MISSING", TYPES, "The package does not say of what types its parts are.")
        return {}
    found: dict[str, str] = {}
    for entry in xml.parse(parts.read(TYPES), where=TYPES).root:
        is_default = entry.tag == f"{_CT}Default"
        name = f".{entry.get('Extension', '').lower()}" if is_default else key(entry.get("PartName", ""))
        if name in found:
            parts.findings.error("CONTENT_TYPE_DUPLICATE", TYPES, f"Two content types are given for {name[-80:]!r}.")
        found.setdefault(name, entry.get("ContentType", ""))
    return found
