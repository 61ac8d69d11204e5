"""Autodesk FBX, binary and text, versions 5.0 to 7.7.

Read are the hierarchy with every local transform, polygon meshes with all their layers, materials with pictures
(embedded, or uploaded along), skins, blend shapes, animations, cameras, lights and custom properties. Curved surfaces,
constraints, caches and what else glTF cannot hold are counted as losses. See `threed_workers.fbx`.
"""

from __future__ import annotations

import re

from threed.errors import FileMalformed
from threed_workers.budget import Budget
from threed_workers.document import Document
from threed_workers.fbx.binary import MAGIC, read_binary
from threed_workers.fbx.node import Ledger
from threed_workers.fbx.scene import convert
from threed_workers.fbx.text import read_text
from threed_workers.formats.source import Source

name = "fbx"
media_type = "application/vnd.autodesk.fbx"
extensions = (".fbx",)
asset_type = "MODEL"

_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:;[^\n]*\n\s*)*(?:;\s*FBX\s+\d|FBXHeaderExtension\s*:)")
_BANNER = re.compile(rb"(?:\xef\xbb\xbf)?\s*;\s*FBX\s+\d")


def recognise(source: Source) -> bool:
    """The signature of binary files; of text files the banner in the first comment, or the header as the first node."""
    head = source.head
    return head.startswith(MAGIC) or bool(_BANNER.match(head)) or bool(_TEXT.match(head))


def read(source: Source, budget: Budget) -> Document:
    """A node per Model, a mesh per Geometry and its materials, an animation per stack."""
    ledger = Ledger(budget.decoded_bytes)
    reader = read_binary if source.head.startswith(MAGIC) else read_text
    version, tree = reader(source.data, ledger)
    if not tree.children:
        raise FileMalformed("The file has a header, and nothing behind it. Export it again.", where="byte 0")
    return convert(version, tree, source.companions, budget, ledger)
