"""The root: extensions, and the types of the root lists."""

from __future__ import annotations

from threed.errors import FileFeatureUnsupported, FileMalformed, FileTooComplex
from threed_workers.budget import Budget
from threed_workers.document.model import Document

LISTS = (
    "accessors",
    "animations",
    "buffers",
    "bufferViews",
    "cameras",
    "images",
    "materials",
    "meshes",
    "nodes",
    "samplers",
    "scenes",
    "skins",
    "textures",
)

# Extensions that a file may require. Whoever adds one has made sure that reading, checking and drawing know it, or
# that ignoring it changes nothing but the looks.
KNOWN = frozenset(
    """
    EXT_lights_ies EXT_lights_image_based EXT_mesh_features EXT_mesh_gpu_instancing EXT_meshopt_compression
    EXT_mesh_manifold EXT_structural_metadata EXT_texture_avif EXT_texture_webp KHR_animation_pointer
    KHR_draco_mesh_compression KHR_lights_punctual KHR_materials_anisotropy KHR_materials_clearcoat
    KHR_materials_diffuse_transmission KHR_materials_dispersion KHR_materials_emissive_strength KHR_materials_ior
    KHR_materials_iridescence KHR_materials_pbrSpecularGlossiness KHR_materials_sheen KHR_materials_specular
    KHR_materials_transmission KHR_materials_unlit KHR_materials_variants KHR_materials_volume KHR_mesh_quantization
    KHR_node_visibility KHR_texture_basisu KHR_texture_transform KHR_xmp_json_ld
    """.split()
)


def check_root(document: Document, budget: Budget) -> None:
    """Raises when the file requires what nobody here knows, or has something else where a list belongs."""
    root = document.json
    for kind in LISTS:
        entries = root.get(kind, [])
        if not isinstance(entries, list):
            raise FileMalformed(f'"{kind}" must be an array.', where=f"/{kind}")
        for number, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise FileMalformed(f'Each of "{kind}" must be an object.', where=f"/{kind}/{number}")
            if not isinstance(entry.get("extensions", {}), dict):
                raise FileMalformed("extensions must be an object.", where=f"/{kind}/{number}/extensions")
    for number, mesh in enumerate(root.get("meshes", [])):
        if not isinstance(mesh.get("primitives"), list):
            raise FileMalformed("A mesh must have an array of primitives.", where=f"/meshes/{number}/primitives")
    if not isinstance(root.get("extensions", {}), dict):
        raise FileMalformed("extensions must be an object.", where="/extensions")
    if len(root.get("nodes", [])) > budget.nodes:
        raise FileTooComplex(
            f"The file has {len(root['nodes'])} nodes; the limit is {budget.nodes}. Merge or instance meshes.",
            where="/nodes",
        )
    _extensions(document)


def _extensions(document: Document) -> None:
    for key in ("extensionsUsed", "extensionsRequired"):
        names = document.json.get(key, [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise FileMalformed(f"{key} must be an array of text.", where=f"/{key}")
        if key == "extensionsRequired":
            for number, name in enumerate(names):
                if name not in KNOWN:
                    raise FileFeatureUnsupported(
                        f"The file requires the extension {name[:80]!r}, which is not read here. "
                        "Export without it, or list it only in extensionsUsed.",
                        where=f"/extensionsRequired/{number}",
                        extension=name[:80],
                    )
