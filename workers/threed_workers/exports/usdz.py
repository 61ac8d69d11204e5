"""USDZ (Pixar, USDZ File Format Specification 1.3): hierarchy, meshes, preview materials, skins, one animation.

Metres, +Y up, as glTF. Read by Apple's Quick Look, Blender, and everything that stands on OpenUSD.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from threed.errors import JobFailed
from threed_workers.document import Document, loss
from threed_workers.document.model import Json
from threed_workers.exports.dropped import dropped
from threed_workers.exports.export import Export

name = "usdz"
media_type = "model/vnd.usdz+zip"
extension = "usdz"

_TIME = (315_619_200, 315_619_200)  # 1980-01-02: packages of the same content are the same
_KEPT = (
    "animations",
    "skins",
    "morph targets",
    "cameras",
    "hierarchy",
    "normals",
    "texture coordinates",
    "further texture coordinates",
    "vertex colours",
    "points",
    "lines",
    "triangles",
    "materials",
    "textures",
    "base colour textures",
    "metallic-roughness textures",
    "normal textures",
    "occlusion textures",
    "emissive textures",
    "EXT_mesh_gpu_instancing",
    "KHR_materials_clearcoat",
    "KHR_materials_emissive_strength",
    "KHR_materials_ior",
    "KHR_texture_transform",
)
_REASONS = {"KHR_materials_pbrSpecularGlossiness": "It becomes colour, roughness and no metal."}


def write(document: Document, folder: Path, stem: str) -> Export:
    """One package of a binary layer and its pictures. Raises FileTooComplex beyond the budget.

    OpenUSD is loaded here and not before: it takes a second, and other exports do without.
    """
    from pxr import Sdf, Usd

    from threed_workers.exports.usd_stage import write_stage

    file, parts = f"{stem}.{extension}", folder / f"{stem}.parts"
    parts.mkdir()
    stage = Usd.Stage.CreateInMemory()
    pictures, lost = write_stage(document, stage, stem)
    layer = parts / f"{stem}.usdc"
    if not stage.GetRootLayer().Export(str(layer)):
        raise JobFailed("OpenUSD could not write the layer.")
    os.utime(layer, _TIME)
    package = Sdf.ZipFileWriter.CreateNew(str(folder / file))
    # The layer comes first: it is what a package opens with. The writer aligns each file at 64 bytes.
    package.AddFile(str(layer), layer.name)
    for picture in pictures.all():
        (parts / picture.name).write_bytes(picture.data)
        os.utime(parts / picture.name, _TIME)
        package.AddFile(str(parts / picture.name), f"textures/{picture.name}")
    if not package.Save():
        raise JobFailed("OpenUSD could not write the package.")
    shutil.rmtree(parts)
    losses = dropped(document, name, _KEPT, _REASONS)
    losses += [loss(feature, count, reason, name) for (feature, reason), count in sorted(lost.items()) if count]
    return Export(file, media_type, _merged(losses))


def _merged(losses: list[Json]) -> list[Json]:
    return sorted(losses, key=lambda entry: entry["feature"])
