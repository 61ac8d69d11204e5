"""Fewer bits for each number (KHR_mesh_quantization)."""

from __future__ import annotations

from threed.v1 import recipes_pb2
from threed_workers.document import Document, edit
from threed_workers.transforms.geometry.quantized_positions import quantize_positions
from threed_workers.transforms.geometry.quantized_texcoords import quantize_texcoords
from threed_workers.transforms.geometry.quantized_units import quantize_units


def changes(options: recipes_pb2.Quantize) -> frozenset[str]:
    return frozenset()


def apply(document: Document, options: recipes_pb2.Quantize) -> Document:
    """Store vertex attributes as integers. What has fewer bits already stays, and so do custom attributes.

    Positions get one grid for all meshes that share vertices or skins; the way back from the grid goes into nodes,
    instances and inverse bind matrices (geometry/quantized_positions.py). Texture coordinates get one grid for all
    that share materials, and the way back goes into KHR_texture_transform (geometry/quantized_texcoords.py). What
    cannot be quantized without changing the picture stays as it is, and an issue says why.
    """
    edit.decompress(document)
    quantize_positions(document, options.position_bits or 14)
    quantize_texcoords(document, options.texcoord_bits or 12)
    quantize_units(document, options.normal_bits or 8, options.color_bits or 8)
    if edit.is_quantized(document):
        edit.use(document, edit.QUANTIZATION, required=True)
    return document
