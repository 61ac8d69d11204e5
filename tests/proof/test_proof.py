"""How alike two models are: pictures, surfaces, and what is done when they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from threed.v1.recipes_pb2 import Proof, Quantize, Recipe, Simplify, Step, TextureEncode, TextureResize, Weld
from threed_workers.document import Builder, Document
from threed_workers.loosening import loosened
from threed_workers.proof.distance import distances
from threed_workers.proof.similarity import over_grey, psnr, ssim
from threed_workers.samples import glb_bytes, triangle
from threed_workers.sandbox import Zygote


def square(height: float = 0.0, size: float = 1.0, parts: int = 1) -> Document:
    """A square on the ground, of 2 * parts * parts triangles."""
    steps = np.linspace(0, size, parts + 1)
    x, z = (axis.reshape(-1) for axis in np.meshgrid(steps, steps))
    points = np.column_stack([x, np.full(len(x), height), z]).astype(np.float32)
    corner = (np.arange(parts)[:, None] * (parts + 1) + np.arange(parts)).reshape(-1, 1)
    quads = corner + np.array([0, parts + 1, 1, 1, parts + 1, parts + 2])
    builder = Builder()
    attributes = {"POSITION": builder.positions(points)}
    primitive = {"attributes": attributes, "indices": builder.indices(quads, len(points))}
    builder.add("nodes", {"mesh": builder.add("meshes", {"primitives": [primitive]})})
    return builder.finish()


# ---------------------------------------------------------------- surfaces


@pytest.mark.parametrize("parts", [1, 40])
def test_equal_surfaces_are_not_apart_however_they_are_divided(parts: int):
    found = distances(square(), square(parts=parts))
    assert found["max_distance_m"] < 1e-6 and found["mean_distance_m"] < 1e-6


def test_the_distance_of_parallel_surfaces_is_their_height():
    found = distances(square(), square(height=0.25, parts=7))
    assert found["max_distance_m"] == pytest.approx(0.25) and found["mean_distance_m"] == pytest.approx(0.25)
    assert found["max_distance"] == pytest.approx(0.25 / np.sqrt(2))


def test_what_is_missing_on_one_side_is_found_from_the_other():
    """One way only, the smaller square lies wholly on the larger."""
    found = distances(square(size=0.5), square(size=1.0))
    assert found["max_distance_m"] == pytest.approx(np.sqrt(0.5), rel=0.02)


def test_nothing_is_far_from_something_and_near_to_nothing():
    nothing = Document({"asset": {"version": "2.0"}})
    assert distances(nothing, nothing)["max_distance"] == 0
    assert distances(square(), nothing)["max_distance"] == 1


# ---------------------------------------------------------------- pictures


def picture(seed: int, noise: float = 0.0) -> np.ndarray:
    """Soft blobs, float (64, 64, 3), with noise of that strength."""
    y, x = np.mgrid[0:64, 0:64] / 64
    smooth = 0.5 + 0.5 * np.sin(9 * x + seed) * np.cos(7 * y)
    noisy = smooth + noise * np.random.default_rng(seed).standard_normal((64, 64))
    return np.clip(np.repeat(noisy[..., None], 3, axis=2), 0, 1)


def test_similarity_falls_with_what_differs():
    mask = np.ones((64, 64), bool)
    scores = [ssim(picture(1), picture(1, noise), mask) for noise in (0.0, 0.01, 0.05, 0.2)]
    assert scores[0] == pytest.approx(1) and scores == sorted(scores, reverse=True) and scores[-1] < 0.6
    assert psnr(picture(1), picture(1), mask) == 100
    # 0.1 everywhere is an error of 0.01 squared: 20 dB
    assert psnr(np.zeros((8, 8, 3)), np.full((8, 8, 3), 0.1), mask[:8, :8]) == pytest.approx(20)


def test_only_what_is_seen_counts():
    """A difference outside of the mask changes nothing, and grey shows through what is transparent."""
    other = picture(1)
    other[:32] = 0
    mask = np.zeros((64, 64), bool)
    mask[48:] = True
    assert ssim(picture(1), other, mask) == pytest.approx(1)
    assert over_grey(np.array([[[255, 0, 0, 0]]], np.uint8)).tolist() == [[[0.5, 0.5, 0.5]]]


# ---------------------------------------------------------------- looser


def test_a_looser_recipe_changes_less():
    recipe = Recipe(
        steps=[
            Step(weld=Weld()),
            Step(simplify=Simplify(ratio=0.25, error=0.02)),
            Step(texture_resize=TextureResize(max_px=512)),
            Step(texture_encode=TextureEncode(encoding=TextureEncode.WEBP)),
            Step(quantize=Quantize()),
        ],
        proof=Proof(min_ssim=0.9),
    )
    looser = loosened(recipe)
    assert (looser.steps[1].simplify.ratio, looser.steps[1].simplify.error) == (0.5, 0.01)
    assert looser.steps[2].texture_resize.max_px == 1024 and looser.steps[3].texture_encode.quality == 90
    assert (looser.steps[4].quantize.position_bits, looser.steps[4].quantize.texcoord_bits) == (16, 14)
    assert looser.steps[0] == recipe.steps[0] and looser.proof == recipe.proof
    # And the one that was given is as it was
    assert recipe.steps[1].simplify.ratio == 0.25


def test_a_recipe_without_settings_cannot_be_looser():
    assert loosened(Recipe(steps=[Step(weld=Weld())])) is None


# ---------------------------------------------------------------- the step


@pytest.fixture(scope="module")
def zygote():
    with Zygote(preload=("numpy",)) as zygote:
        yield zygote


def test_two_models_are_compared_in_a_confined_child(zygote: Zygote, tmp_path: Path):
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "one.glb").write_bytes(glb_bytes(triangle()))
    (folder / "two.glb").write_bytes(glb_bytes(square(size=0.3)))
    with zygote.start("prove", {"before": "one.glb", "after": "one.glb"}, folder) as child:
        same = child.result()
    assert len(same["views"]) == 4 and same["min_ssim"] == pytest.approx(1) and same["max_distance"] < 1e-6
    with zygote.start("prove", {"before": "one.glb", "after": "two.glb"}, folder) as child:
        other = child.result()
    assert other["min_ssim"] < 0.9 and other["max_distance"] > 0.1
    assert (folder / "proof.png").read_bytes().startswith(b"\x89PNG")
