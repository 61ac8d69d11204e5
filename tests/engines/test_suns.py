"""Suns and lamps of panoramas: found, taken out, and shining with a shadow each."""

from __future__ import annotations

import numpy as np
import pytest

from threed_workers.engines.environments import bake, ktx1, suns
from threed_workers.engines.environments.cubemap import panorama_directions
from threed_workers.samples.shapes import box

from .pieces import linear, look, matte, model, rendered, spec, wall
from .test_raster import lamp, panorama

HEIGHT = 128
SOLID = np.sin((np.arange(HEIGHT) + 0.5) / HEIGHT * np.pi)[:, None] * (np.pi / HEIGHT) ** 2 * np.ones(2 * HEIGHT)


def painted(*lamps: tuple[tuple[float, float, float], tuple[float, float, float]], grey: float = 0.2) -> np.ndarray:
    """A grey panorama with lamps of 1.5 degrees: (towards it, irradiance) each."""
    panorama = np.full((HEIGHT, 2 * HEIGHT, 3), grey, np.float32)
    directions = panorama_directions(HEIGHT)
    for towards, irradiance in lamps:
        towards = np.array(towards) / np.linalg.norm(towards)
        near = directions @ towards > np.cos(np.radians(1.5))
        panorama[near] += np.array(irradiance) / SOLID[near].sum()
    return panorama


def test_suns_are_found_by_strength_and_leave_what_is_behind_them():
    # Given two lamps in a grey room, one twice as strong
    light = painted(((1, 2, 0.5), (1.0, 0.8, 0.2)), ((-1, 0.4, 1), (2.0, 2.0, 2.0)))
    # When they are taken out
    rest, found = suns.parted(light)
    # Then the room is grey, and each has its direction and its light
    assert rest == pytest.approx(0.2)
    assert [sun.irradiance.tolist() for sun in found] == [
        pytest.approx([2.0, 2.0, 2.0], rel=1e-3),
        pytest.approx([1.0, 0.8, 0.2], rel=1e-3),
    ]
    for sun, towards in zip(found, ((-1, 0.4, 1), (1, 2, 0.5)), strict=True):
        assert sun.direction @ (np.array(towards) / np.linalg.norm(towards)) > np.cos(np.radians(0.5))


@pytest.mark.parametrize(
    "light",
    [
        np.full((HEIGHT, 2 * HEIGHT, 3), 0.5, np.float32),
        np.zeros((HEIGHT, 2 * HEIGHT, 3), np.float32),
        np.where(panorama_directions(HEIGHT)[..., :1] > np.cos(0.3), np.float32(9), np.float32(0.1)).repeat(3, axis=-1),
        painted(((1, 2, 0.5), (0.02, 0.02, 0.02))),
        painted(((1, 2, 0.5), (1.0, 0.8, 0.2)))[::16, ::16],
    ],
    ids=["grey", "dark", "a softbox of 34 degrees", "weak", "too coarse to tell"],
)
def test_what_is_wide_weak_or_unknown_is_no_sun(light):
    rest, found = suns.parted(light)
    assert found == []
    assert (rest == light).all()


def test_suns_travel_in_the_file_that_lights():
    light = painted(((1, 2, 0.5), (1.0, 0.8, 0.2)))
    (told,) = suns.read(ktx1.note(bake.of_panorama(light), bake.SUNS))
    (found,) = suns.parted(light)[1]
    assert told.direction == pytest.approx(found.direction)
    assert told.irradiance == pytest.approx(found.irradiance)
    assert ktx1.note(bake.of_panorama(np.full((64, 128, 3), 0.5, np.float32)), bake.SUNS) == ""


# Paper in the plane z = 0, and a board of half its width that stands on the middle of it, seen from the front.
PAPER = model(wall(8.0), matte(0.5))
BOARD = model(box(1.0), matte(0.02))
STANDING = [{"id": "paper", "assetId": "paper"}, {"id": "board", "assetId": "board", "scale": [0.02, 1, 1]}]
# From both sides, at 45 degrees: each shines on half of the paper near the board.
LEFT, RIGHT = ((-1, 0, 1), (1.0, 0.5, 0.25)), ((1, 0, 1), (0.3, 0.6, 0.9))


@pytest.fixture
def lit(able, tmp_path):
    """A function that draws under lamps: linear RGB left and right of the board, and far away to the right."""

    def draw(
        *lamps, engine: str = "raster", nodes: list | None = None, paper: bytes = PAPER, **job
    ) -> list[np.ndarray]:
        def paint(pixels):
            pixels[...] = painted(*lamps, grey=0.0)

        file = panorama(tmp_path, paint, HEIGHT)
        sky = {"assetId": "room", **job.pop("environment", {})}
        way = {"cameraConfig": look((0, 0, 12), yfov=0.5), "toneMapping": "LINEAR", "environment": sky, **job}
        asked = spec([*STANDING, *(nodes or [])], engine=able(engine), **way)
        _, picture = rendered(tmp_path, asked, {"paper": paper, "board": BOARD}, environment=file)
        return [linear(picture[32, column, :3]) for column in (28, 35, 50)]

    return draw


def paper_under(*irradiances) -> np.ndarray:
    """White light that falls at 45 degrees on paper that throws half of it back."""
    return 0.5 / np.pi * np.cos(np.pi / 4) * np.sum(irradiances, axis=0)


def test_each_sun_throws_its_own_shadow(lit):
    left, right, far = lit(LEFT, RIGHT)
    assert far == pytest.approx(paper_under(LEFT[1], RIGHT[1]), rel=0.06)
    assert left == pytest.approx(paper_under(LEFT[1]), rel=0.06)
    assert right == pytest.approx(paper_under(RIGHT[1]), rel=0.06)


def test_suns_turn_and_dim_with_their_environment(lit):
    # Given the room turned by half, so that left is right, at half of its light
    left, right, _ = lit(((-1, 0, -1), LEFT[1]), environment={"rotation": np.pi / 2, "intensity": 0.5})
    # From (-1, 0, -1), a quarter counter-clockwise as seen from above leads to (-1, 0, 1)
    assert left == pytest.approx(paper_under(LEFT[1]) / 2, rel=0.06)
    assert right == pytest.approx(0, abs=0.003)


def test_what_shines_by_itself_does_so_once(lit):
    glowing = model(wall(8.0), matte(0.5) | {"emissiveFactor": [0.1, 0.1, 0.1]})
    plain, glow = (lit(LEFT, RIGHT, paper=paper)[2] for paper in (PAPER, glowing))
    assert glow - plain == pytest.approx(0.1, abs=0.006)


def test_suns_shine_beside_lights_of_the_scene(lit):
    # Given a weak light of the scene, so that suns have to do without pictures of their own
    beside = [lamp("POINT", 1e-6, translation=[0, 0, 5])]
    _, _, far = lit(LEFT, RIGHT, nodes=beside)
    assert far == pytest.approx(paper_under(LEFT[1], RIGHT[1]), rel=0.06)


@pytest.mark.parametrize("background", [{"environment": True}, {"transparent": True}])
@pytest.mark.parametrize("tones", ["PBR_NEUTRAL", "AGX"])
def test_suns_look_as_they_do_to_the_path_tracer(lit, background, tones):
    ours, theirs = (
        lit(LEFT, RIGHT, engine=engine, background=background, toneMapping=tones, samples=16, denoise=False)
        for engine in ("raster", "path_traced")
    )
    for place in (2,) if tones == "AGX" else range(3):  # without shadows of both, where Filament maps the tones
        assert ours[place] == pytest.approx(theirs[place], abs=0.03)


def test_a_sun_throws_the_shadow_of_a_thing_on_the_ground(able, tmp_path):
    # Given a box on a ground that is not seen, under a sun from the left
    file = panorama(tmp_path, lambda pixels: np.copyto(pixels, painted(((-1, 1, 0), (3.0, 3.0, 3.0)))), HEIGHT)
    job = {"groundShadow": True, "background": {"transparent": True}, "environment": {"assetId": "room"}}
    asked = spec([{"id": "b", "assetId": "b"}], engine=able("raster"), cameraConfig=look((0, 6, 8)), **job)
    _, picture = rendered(tmp_path, asked, {"b": model(box(1.0), matte(0.5))}, environment=file)
    # Then it lies to the right
    alpha = picture[40, :, 3].astype(int)
    middle = np.flatnonzero(alpha == 255).mean()
    assert alpha[int(middle) + 12] > alpha[int(middle) - 12] + 60
