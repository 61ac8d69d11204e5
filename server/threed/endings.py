"""How the files of a derivative end, by the name of their ExportFormat: for downloads, and for the command line."""

from __future__ import annotations

ENDINGS = {
    "EXPORT_GLB": ".glb",
    "EXPORT_GLTF": ".gltf.zip",
    "EXPORT_OBJ": ".obj.zip",
    "EXPORT_STL": ".stl",
    "EXPORT_PLY": ".ply",
    "EXPORT_3MF": ".3mf",
    "EXPORT_USDZ": ".usdz",
    "EXPORT_POINTS": ".points.ply",
}
