"""How much the checks look at. Every bound of theirs is here, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What lies beyond a limit is not looked at, and an issue whose code ends in _NOT_CHECKED says so."""

    # Issues of one code that are listed; the last one tells how many there are.
    issues_per_code: int = 10
    # Triangles here and below weigh as many as a third of their vertices, where those are more.
    # Topology takes about 130 bytes and 1 microsecond a triangle: the largest mesh bounds memory, their sum time.
    mesh_triangles: int = 4_000_000
    topology_triangles: int = 10_000_000
    # Triangles of all meshes, and pairs of one mesh whose boxes share a cell, that are tried for intersections.
    intersection_triangles: int = 200_000
    intersection_pairs: int = 20_000_000
    # Triangles whose UVs are measured, and pixels that are tried when UVs are drawn.
    uv_triangles: int = 5_000_000
    uv_pixels: int = 20_000_000
    # Pixels that are decoded, of all pictures together, those of a progressive JPEG once for each of its scans. One of
    # 8192 x 8192 takes 256 MB.
    decoded_pixels: int = 1 << 26
    # Normals that are measured.
    normals: int = 20_000_000
