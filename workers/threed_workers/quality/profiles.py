"""What a target wants of a model: thresholds, each with where it was taken from.

[guidelines] Khronos 3D Commerce, "Real-time Asset Creation Guidelines" 1.0 (2020), CC BY 4.0, section "Publishing
Targets": https://github.com/KhronosGroup/3DC-Asset-Creation
[auditor] Khronos glTF Asset Auditor 1.0.4, recommended schema: https://github.com/KhronosGroup/gltf-asset-auditor
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Profile:
    """Thresholds of one target; None is no threshold. Above one of them is a WARNING, above `draw_calls_max` an ERROR.

    `triangles` and `draw_calls` are what the default scene draws; a draw call is a primitive of a node. `texture_px` is
    the longest edge of a picture, `file_bytes` the size of the GLB.
    """

    name: str
    triangles: int | None
    texture_px: int | None
    materials: int | None
    draw_calls: int | None
    draw_calls_max: int | None
    file_bytes: int | None
    power_of_two: bool
    source: str


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("web", 250_000, 2048, None, 100, 800, 3 * MIB, False, "guidelines: Single-Item Desktop 3D Web View"),
        Profile("mobile_ar", 150_000, 2048, None, 20, 500, 3 * MIB, False, "guidelines: Single-Item Mobile AR"),
        Profile("commerce", 100_000, 2048, 5, None, None, 5 * MIB, True, "guidelines: summary; auditor: materials"),
    )
}
