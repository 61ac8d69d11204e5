"""The engine `raster`: the shared suite, and light against closed forms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from threed_workers.samples.shapes import box, sphere

from .pieces import (
    LEFT,
    PAPER,
    RED_AND_BLUE,
    RIGHT,
    linear,
    look,
    matte,
    model,
    rendered,
    spec,
    srgb,
    textured,
    unlit,
    wall,
)
from .suite import *  # noqa: F403
from .suite import CLEAR, places

DARK = {"builtin": "studio", "intensity": 0}
FRONT = look((0, 0, 5), yfov=0.5)


@pytest.fixture
def engine(able):
    return able("raster")


@pytest.fixture
def middle(engine, tmp_path):
    """A function that draws and answers the linear RGB in the middle."""

    def draw(models: dict[str, bytes], nodes: list[dict], **job) -> np.ndarray:
        job = {"cameraConfig": FRONT, "toneMapping": "LINEAR", "environment": DARK, **job}
        _, picture = rendered(tmp_path, spec(nodes, engine=engine, **job), models)
        return linear(picture[32, 32, :3])

    return draw


def lamp(kind: str, intensity: float, **node) -> dict:
    angles = node.pop("angles", {})
    return {"id": node.pop("id", "lamp"), "light": {"type": kind, "intensity": intensity, **angles}, **node}


def test_an_unlit_colour_is_exact(engine, tmp_path):
    job = spec(places(wall={}), cameraConfig=FRONT, toneMapping="LINEAR", engine=engine)
    _, picture = rendered(tmp_path, job, {"wall": model(wall(), unlit(0.1, 0.4, 0.9))})
    assert picture[32, 32, :3].tolist() == [srgb(0.1), srgb(0.4), srgb(0.9)]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_an_unlit_picture_keeps_its_numbers(engine, tmp_path, kind):
    job = spec(places(wall={}), cameraConfig=FRONT, toneMapping="LINEAR", engine=engine)
    _, picture = rendered(tmp_path, job, {"wall": textured(RED_AND_BLUE, kind)})
    # As near as the lossy ones stored them
    slack = 1 if kind == "PNG" else 6
    assert np.abs(picture[32, 12, :3].astype(int) - LEFT).max() <= slack
    assert np.abs(picture[32, 52, :3].astype(int) - RIGHT).max() <= slack


# A dielectric mirrors 4 % at the surface, which adds 0.003 to the matte part.
PAPER_AT_1_LUX = pytest.approx(0.5 / math.pi + 0.003, abs=0.002)


def test_one_lux_on_paper_is_its_albedo_over_pi(middle):
    assert middle({"paper": PAPER}, [*places(paper={}), lamp("DIRECTIONAL", 1)])[0] == PAPER_AT_1_LUX


def test_candela_fall_with_the_square_of_the_distance(middle):
    for kind in ("POINT", "SPOT"):
        for distance in (2, 3):
            light = lamp(kind, distance**2, translation=[0, 0, distance])
            assert middle({"paper": PAPER}, [*places(paper={}), light])[0] == PAPER_AT_1_LUX, (kind, distance)


def test_two_suns_shine_twice(middle):
    suns = [lamp("DIRECTIONAL", 1, id="a"), lamp("DIRECTIONAL", 1, id="b")]
    seen = middle({"paper": PAPER}, [*places(paper={}), *suns])[0]
    assert seen == pytest.approx(2 * (0.5 / math.pi + 0.003), abs=0.004)


def test_a_light_ends_at_its_range(middle):
    light = lamp("POINT", 4, translation=[0, 0, 2], angles={"range": 1.5})
    assert middle({"paper": PAPER}, [*places(paper={}), light])[0] == 0


def test_a_light_may_have_any_colour(middle):
    light = lamp("DIRECTIONAL", 1, angles={"color": [3, 1, 0]})
    red, green, blue = middle({"paper": PAPER}, [*places(paper={}), light])
    assert red == pytest.approx(3 * green, rel=0.03) and blue == 0


def test_a_spot_lights_its_cone_only(engine, tmp_path):
    cone = {"innerConeAngle": 0.19, "outerConeAngle": 0.2}
    nodes = [*places(paper={}), lamp("SPOT", 4, translation=[0, 0, 2], angles=cone)]
    camera = {"id": "camera", "translation": [0, 0, 5], "camera": {"orthographic": {"ymag": 1}}}
    size = {"width": 128, "height": 128}
    job = spec([*nodes, camera], environment=DARK, toneMapping="LINEAR", engine=engine, resolution=size)
    _, picture = rendered(tmp_path, job, {"paper": PAPER})
    lit = (picture[..., 0] > 10).sum()
    assert lit == pytest.approx(math.pi * (2 * math.tan(0.2) * 64) ** 2, rel=0.06)


def test_a_light_in_a_file_shines_as_far_as_the_file_says(middle):
    # Given a file with a light of 4 candela without a range, 2 m before the wall
    document = {"translation": [0, 0, 2], "extensions": {"KHR_lights_punctual": {"light": 0}}}
    data = with_light(document, {"type": "point", "intensity": 4.0})
    assert middle({"lit": data}, places(lit={}))[0] == PAPER_AT_1_LUX


def test_a_texture_of_colours_that_is_read_as_numbers_too_keeps_its_colours(tmp_path):
    # Given a black wall whose light is its occlusion, too: sRGB in the one, linear in the other
    black = {"baseColorFactor": [0.0, 0.0, 0.0, 1.0], "metallicFactor": 0.0}
    glow = {"emissiveFactor": [1.0, 1.0, 1.0], "emissiveTexture": {"index": 0}}

    def seen(**more) -> np.ndarray:
        wall = textured(RED_AND_BLUE, "PNG", pbrMetallicRoughness=dict(black), extensions={}, **glow, **more)
        return rendered(tmp_path, spec(places(wall={})), {"wall": wall})[1].astype(int)

    assert np.abs(seen(occlusionTexture={"index": 0}) - seen()).max() < 15


def with_light(node: dict, light: dict) -> bytes:
    from threed_workers.budget import Budget
    from threed_workers.document import read_glb
    from threed_workers.samples import glb_bytes

    document = read_glb(memoryview(PAPER), Budget())
    root = document.json
    root["extensionsUsed"] = ["KHR_lights_punctual"]
    root["extensions"] = {"KHR_lights_punctual": {"lights": [light]}}
    root["nodes"].append(node)
    root["scenes"][0]["nodes"].append(1)
    return glb_bytes(document)


@pytest.mark.parametrize("exposure", [-1.0, 1.0])
def test_exposure_multiplies_everything_that_is_seen(middle, exposure):
    glow = {"pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1]}, "emissiveFactor": [0.2, 0.2, 0.2]}
    sources = {
        "unlit": (model(wall(), unlit(0.2, 0.2, 0.2)), []),
        "emissive": (model(wall(), glow), []),
        "lamp": (PAPER, [lamp("DIRECTIONAL", 1)]),
    }
    sources["environment"] = (PAPER, [])
    for name, (data, lights) in sources.items():
        room = {"builtin": "soft"} if name == "environment" else DARK
        nodes = [*places(a={}), *lights]
        plain, exposed = (middle({"a": data}, nodes, exposure=stops, environment=room)[0] for stops in (0.0, exposure))
        assert exposed == pytest.approx(plain * 2**exposure, rel=0.04), name


@pytest.mark.parametrize("background", [CLEAR, {"color": {"r": 0.2, "g": 0.5, "b": 0.1}}, {"environment": True}])
@pytest.mark.parametrize("tones", ["LINEAR", "PBR_NEUTRAL"])
def test_surfaces_with_alpha_look_like_those_without(engine, tmp_path, background, tones):
    # Given a ball that is opaque, one that could have holes, and one that one could see through
    job = {"background": background, "toneMapping": tones, "cameraConfig": look((0, 0, 5)), "engine": engine}
    looks = [matte(0.7) | {"alphaMode": mode} for mode in ("OPAQUE", "MASK", "BLEND")]
    # When each is drawn: Filament has a quicker way to whole surfaces
    drawn = [
        rendered(tmp_path, spec(places(ball={}), **job), {"ball": model(sphere(64, 32), look)})[1] for look in looks
    ]
    # Then they differ by how it rounds
    whole, *others = (picture[..., :3] * (picture[..., 3:] / 255) for picture in drawn)
    for picture, other in zip(drawn[1:], others, strict=True):
        assert (picture[..., 3] == drawn[0][..., 3]).all()
        assert np.abs(other - whole).max() <= 3
        assert np.abs(other - whole).mean() < 0.5


def test_nothing_that_shines_is_taken_for_the_background(engine, tmp_path):
    # Given a wall of the colour by which the raster engine tells where nothing is
    key = np.where(np.arange(3) == 1, linear(np.array(1)), linear(np.array(254)))
    for shining, tones in itertools.product((1.0, 4.0, 16.0), ("LINEAR", "PBR_NEUTRAL")):
        glow = {"emissiveFactor": [float(part) for part in key]}
        glow["extensions"] = {"KHR_materials_emissive_strength": {"emissiveStrength": shining}}
        job = {"cameraConfig": FRONT, "background": CLEAR, "environment": DARK, "toneMapping": tones, "engine": engine}
        _, picture = rendered(tmp_path, spec(places(wall={}), **job), {"wall": model(wall(), matte(0.0) | glow)})
        # Then it is there
        assert (picture[..., 3] == 255).all(), (shining, tones)


def test_extreme_exposures_give_white_and_black_and_no_noise(middle):
    nodes = places(paper={})
    room = {"builtin": "studio"}
    assert middle({"paper": PAPER}, nodes, environment=room, exposure=16, toneMapping="PBR_NEUTRAL").min() == 1
    assert middle({"paper": PAPER}, nodes, environment=room, exposure=-16, toneMapping="PBR_NEUTRAL").max() == 0


def test_pbr_neutral_follows_its_formula_and_the_others_differ(middle):
    data = {"wall": model(wall(), unlit(0.5, 0.5, 0.5))}
    names = ("LINEAR", "PBR_NEUTRAL", "AGX", "ACES")
    seen = {name: middle(data, places(wall={}), toneMapping=name)[1] for name in names}
    assert seen["LINEAR"] == pytest.approx(0.5, abs=0.005)
    assert seen["PBR_NEUTRAL"] == pytest.approx(0.46, abs=0.006), "0.5 less the 4 % that a surface mirrors"
    assert len({round(value, 2) for value in seen.values()}) == 4


def test_an_environment_turns_counter_clockwise_seen_from_above(engine, tmp_path):
    # Given the lamp of `contrast` at 55 degrees left of +Z, as seen from the middle towards +Z it is at -X
    def faces(rotation: float) -> tuple[float, float]:
        found = []
        for eye in ((-9, 0, 0), (9, 0, 0)):
            environment = {"builtin": "contrast", "rotation": rotation}
            job = spec(places(cube={}), cameraConfig=look(eye), environment=environment, engine=engine)
            found.append(int(rendered(tmp_path, job, {"cube": model(box(1), matte(0.8))})[1][32, 32, 0]))
        return tuple(found)

    minus_x, plus_x = faces(0.0)
    assert minus_x > plus_x + 40
    # When it turns by 110 degrees, from -X over +Z, Then it is at +X
    minus_x, plus_x = faces(math.radians(110))
    assert plus_x > minus_x + 40


def panorama(folder, paint, height: int = 8) -> str:
    """A Radiance HDR, twice as wide as high."""
    pixels = np.full((height, 2 * height, 3), 0.1)
    paint(pixels)
    exponent = np.ceil(np.log2(np.maximum(pixels.max(axis=-1), 1e-9)))
    mantissa = np.floor(pixels / 2.0 ** exponent[..., None] * 256).clip(0, 255)
    data = np.concatenate([mantissa, exponent[..., None] + 128], axis=-1).astype(np.uint8)
    head = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (height, 2 * height)
    (folder / "room.hdr").write_bytes(head + data.tobytes())
    return "room.hdr"


def test_a_panorama_lights_from_where_it_says(engine, tmp_path):
    # Given a panorama whose upper half is red, and whose middle column, +Z, is green below
    def paint(pixels):
        pixels[:3] = (1, 0.01, 0.01)
        pixels[3:7, 6:10] = (0.01, 4, 0.01)

    file = panorama(tmp_path, paint)
    environment = {"assetId": "room"}
    job = spec(places(cube={}), cameraConfig=look((0.01, 9, 0), up=[0, 0, -1]), environment=environment, engine=engine)
    above = rendered(tmp_path, job, {"cube": model(box(1), matte(0.8))}, environment=file)[1][32, 32]
    job = spec(places(cube={}), cameraConfig=look((0, 0, 9)), environment=environment, engine=engine)
    front = rendered(tmp_path, job, {"cube": model(box(1), matte(0.8))}, environment=file)[1][32, 32]
    assert above[0] > above[1] + 30
    assert front[1] > front[0] + 30


def test_a_room_of_one_brightness_gives_back_albedo(engine, tmp_path):
    file = panorama(tmp_path, lambda pixels: pixels.fill(0.5))
    job = spec(places(ball={}), environment={"assetId": "room"}, toneMapping="LINEAR", engine=engine)
    _, picture = rendered(tmp_path, job, {"ball": model(sphere(48, 24), matte(0.9))}, environment=file)
    assert linear(picture[32, 32, 0]) == pytest.approx(0.45, abs=0.03)


def test_the_environment_can_be_seen(engine, tmp_path):
    job = spec(places(red={}), background={"environment": True}, engine=engine)
    _, picture = rendered(tmp_path, job, {"red": model(box(0.5), unlit(1, 0, 0))})
    assert picture[..., 3].min() == 255
    assert picture[:8].std() > 3, "not one colour"


def test_glass_shows_what_is_behind_it(engine, tmp_path):
    glass = matte(1.0) | {"extensions": {"KHR_materials_transmission": {"transmissionFactor": 1.0}}}
    data = {"ball": model(sphere(48, 24), glass)}
    colour = {"r": 0.1, "g": 0.8, "b": 0.1}
    _, picture = rendered(tmp_path, spec(places(ball={}), background={"color": colour}, engine=engine), data)
    assert picture[0, 0, :3].tolist() == [srgb(0.1), srgb(0.8), srgb(0.1)]
    assert picture[32, 32, 1] > picture[32, 32, 0] + 40, "green shines through"
    answer, picture = rendered(tmp_path, spec(places(ball={}), background={"transparent": True}, engine=engine), data)
    assert picture[32, 32, :3].min() > 100, "not black"
    assert [loss["feature"] for loss in answer["losses"]] == ["KHR_materials_transmission"]


def test_a_sun_casts_shadows(engine, tmp_path):
    # Given a lamp straight above, a small roof and a floor, seen from above through the roof's absence
    down = [-math.sin(math.pi / 4), 0, 0, math.cos(math.pi / 4)]
    floor = {"rotation": down, "scale": [3, 3, 3]}
    nodes = [*places(paper={**floor}, roof={"translation": [0, 2, 0]}), lamp("DIRECTIONAL", 2, rotation=down)]
    camera = look((0, 1, 6), target=(0, 0, 0))
    job = spec(nodes, cameraConfig=camera, environment=DARK, toneMapping="LINEAR", engine=engine)
    _, picture = rendered(tmp_path, job, {"paper": PAPER, "roof": model(box(0.5), matte(0.5))})
    assert picture[32, 32, 0] < 0.3 * picture[40, 58, 0]


def _slanting(engine: str, folder, samples: int, width: int = 64, height: int = 64, **also) -> tuple[dict, np.ndarray]:
    """(what the step says, picture) of a square that is turned a little. `also` says more about the job."""
    turned = places(wall={"rotation": [0, 0, math.sin(0.1), math.cos(0.1)]})
    job = spec(turned, cameraConfig=FRONT, background={"transparent": True}, engine=engine, samples=samples, **also)
    job["renderJob"]["resolution"] = {"width": width, "height": height}
    return rendered(folder, job, {"wall": model(wall(1.2), unlit(1, 1, 1))})


def test_more_samples_are_smoother_edges(engine, tmp_path):
    alphas = {n: _slanting(engine, tmp_path, n)[1][..., 3].astype(int) for n in (1, 2, 4, 16)}
    assert np.unique(alphas[1]).tolist() == [0, 255]
    far = {n: np.abs(alphas[n] - alphas[16]).mean() for n in (1, 2, 4)}
    assert far[1] > 1.5 * far[2] > 1.5 * far[4]


def test_a_still_has_smoother_edges_than_a_frame_of_a_film_and_this_than_one_sample(engine, tmp_path):
    # Given samples as the engine chooses them, and a film whose first frame is the still
    still, film, one, best = (
        _slanting(engine, tmp_path, samples, **also)[1][..., 3].astype(int)
        for samples, also in ((0, {}), (0, {"turntable": {"frames": 2, "seconds": 1}}), (1, {}), (16, {}))
    )
    far = [np.abs(alpha - best).mean() for alpha in (still, film, one)]
    assert far[0] < far[1] < 0.8 * far[2]


def test_more_samples_are_finer_textures(engine, tmp_path):
    # Given stripes as fine as pixels, seen at a slant: one sample a pixel takes a blurred copy, many take the stripes
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::16] = stripes[:, 1::16] = stripes[:, 2::16] = stripes[:, 3::16] = 255
    slant = look((0, -4.9, 1.0), yfov=0.7)
    contrast = {}
    for n in (1, 16):
        job = spec(places(wall={}), cameraConfig=slant, engine=engine, samples=n)
        _, picture = rendered(tmp_path, job, {"wall": textured(stripes, "PNG")})
        contrast[n] = picture[30:34, 16:48, 0].std(axis=1).mean()
    assert contrast[16] > 1.3 * contrast[1]


def test_what_is_too_long_to_be_drawn_larger_is_multisampled(engine, tmp_path):
    answer, picture = _slanting(engine, tmp_path, 0, width=64, height=8192)
    assert picture.shape == (8192, 64, 4)
    assert len(np.unique(picture[..., 3])) > 2
    assert not [each for each in answer["losses"] if each["feature"] == "samples"]


def test_samples_that_take_too_much_memory_are_a_loss(engine, tmp_path, monkeypatch):
    from threed_workers.engines import raster

    monkeypatch.setattr(raster, "_PIXELS", 64 * 64 * 3)
    answer, picture = _slanting(engine, tmp_path, 16)
    (lost,) = [each for each in answer["losses"] if each["feature"] == "samples"]
    assert "3 a pixel" in lost["reason"]
    assert picture.shape == (64, 64, 4)
