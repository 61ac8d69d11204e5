"""Which glTF is this? Asked before anything else, since glTF 1.0 has other types everywhere."""

from __future__ import annotations

import re

from threed.errors import FileFeatureUnsupported, FileMalformed
from threed_workers.document.model import Json

READ = (2, 0)


def check_version(root: Json) -> None:
    """Raises FileFeatureUnsupported for another major version, or for a file that needs a later minor one."""
    asset = root.get("asset")
    if not isinstance(asset, dict):
        raise FileMalformed("A glTF file must have an asset object with a version.", where="/asset")
    version = _parse(asset.get("version"), "/asset/version")
    needed = _parse(asset["minVersion"], "/asset/minVersion") if "minVersion" in asset else READ
    if version[0] != READ[0]:
        shown = "{}.{}".format(*version)
        raise FileFeatureUnsupported(
            f"This is glTF {shown}; 2.0 is read. Convert it with gltf-pipeline.", where="/asset/version", version=shown
        )
    if needed > READ:
        # Section 3.2. Khronos's own samples want it so: "should fail to load on a 2.0 client, due to the minimum
        # version 2.1 requirement" (glTF-Asset-Generator, Compatibility, model 04).
        shown = "{}.{}".format(*needed)
        raise FileFeatureUnsupported(
            f"The file says that whoever reads it must know glTF {shown}; 2.0 is read. Export it as glTF 2.0.",
            where="/asset/minVersion",
            version=shown,
        )


def _parse(version: object, where: str) -> tuple[int, int]:
    if not isinstance(version, str) or not re.fullmatch(r"[0-9]{1,4}\.[0-9]{1,4}", version):
        raise FileMalformed("The version must be text like 2.0.", where=where)
    major, minor = version.split(".")
    return int(major), int(minor)
