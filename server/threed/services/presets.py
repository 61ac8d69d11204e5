"""Recipes by name. Each is what its name promises with the least loss; docs/derive.md shows them step by step."""

from __future__ import annotations

from threed.v1.recipes_pb2 import (
    EXPORT_3MF,
    EXPORT_GLB,
    EXPORT_STL,
    EXPORT_USDZ,
    CleanAttributes,
    Dedup,
    Meshopt,
    Proof,
    Prune,
    Quantize,
    Recipe,
    Remove,
    Reorder,
    Resample,
    Simplify,
    Step,
    TextureEncode,
    TextureResize,
    Weld,
)

_TIDY = [Step(dedup=Dedup()), Step(prune=Prune()), Step(resample=Resample()), Step(weld=Weld())]
_SMALL = [Step(reorder=Reorder()), Step(quantize=Quantize()), Step(meshopt=Meshopt())]


def _pictures(max_px: int, quality: int) -> list[Step]:
    encode = TextureEncode(encoding=TextureEncode.WEBP, quality=quality)
    return [Step(texture_resize=TextureResize(max_px=max_px)), Step(texture_encode=encode)]


PRESETS: dict[str, Recipe] = {
    # For pages: as small as it goes without a visible difference.
    "web": Recipe(
        steps=[*_TIDY, *_pictures(2048, 85), *_SMALL], export_formats=[EXPORT_GLB], proof=Proof(min_ssim=0.97)
    ),
    # For telephones: half the triangles where shape allows, smaller pictures.
    "mobile": Recipe(
        steps=[
            *_TIDY,
            Step(simplify=Simplify(ratio=0.5, error=0.005)),
            *_pictures(1024, 80),
            Step(clean_attributes=CleanAttributes()),
            *_SMALL,
        ],
        export_formats=[EXPORT_GLB],
        proof=Proof(min_ssim=0.93),
    ),
    # For Quick Look and Scene Viewer: both files that AR viewers open, uncompressed as they want it.
    "ar": Recipe(
        steps=[*_TIDY, Step(texture_resize=TextureResize(max_px=2048))],
        export_formats=[EXPORT_USDZ, EXPORT_GLB],
        proof=Proof(min_ssim=0.97),
    ),
    # For slicers: triangles only.
    "print": Recipe(
        steps=[Step(remove=Remove(features=[Remove.POINTS_AND_LINES])), Step(weld=Weld())],
        export_formats=[EXPORT_STL, EXPORT_3MF],
        proof=Proof(max_distance=0.001),
    ),
    # For a first look while the whole loads.
    "preview": Recipe(
        steps=[*_TIDY, Step(simplify=Simplify(ratio=0.1, error=0.05)), *_pictures(256, 70), *_SMALL],
        export_formats=[EXPORT_GLB],
        proof=Proof(min_ssim=0.8),
    ),
}
