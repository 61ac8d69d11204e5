"""The engine `path_traced`: the shared suite, and light against closed forms."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from google.protobuf.json_format import ParseDict

from threed.v1 import jobs_pb2
from threed_workers.engines import choose
from threed_workers.engines.cameras import view_of
from threed_workers.engines.composition import composed, settings_of
from threed_workers.engines.drawing import LAYERS, Backdrop, Pass, Settings
from threed_workers.engines.tracing import finishing
from threed_workers.samples.shapes import box, sphere

from .pieces import PAPER, RED, in_ktx2, look, matte, model, rendered, spec, textured, unlit, wall
from .suite import *  # noqa: F403
from .suite import places
from .test_raster import panorama

DARK = {"builtin": "studio", "intensity": 0}
FRONT = look((0, 0, 5), yfov=0.5)
SMOOTH = sphere(64, 32)


@pytest.fixture
def engine(able):
    return able("path_traced")


@pytest.fixture
def traced(engine, tmp_path):
    """A function that draws 32 x 32 pixels without denoising and answers the session's losses and all passes."""

    def draw(models: dict[str, bytes], nodes: list[dict], settings: Settings | None = None, **job):
        for name, data in models.items():
            (tmp_path / f"{name}.glb").write_bytes(data)
        room = job.pop("room", None)
        request = ParseDict(spec(nodes, **{"cameraConfig": FRONT, "environment": DARK, **job}), jobs_pb2.RenderSpec())
        drawing = composed(request, {name: tmp_path / f"{name}.glb" for name in models}, room)
        drawing = replace(drawing, backdrop=Backdrop("transparent"))
        settings = settings or Settings(32, 32, 64, "linear", denoise=False)
        (tracer,) = choose(engine)
        session = tracer.prepare(drawing, settings, tmp_path)
        return session.losses, list(session.render(view_of(request, drawing.points, settings.aspect)))

    return draw


@pytest.fixture
def middle(traced):
    """A function that answers the linear RGBA in the middle."""

    def draw(*arguments, **job) -> np.ndarray:
        return mean_of(traced(*arguments, **job)[1][-1])

    return draw


def mean_of(picture: Pass) -> np.ndarray:
    """Radiance of the 4 x 4 pixels in the middle."""
    return picture.radiance[14:18, 14:18].mean(axis=(0, 1))


@pytest.fixture
def white(tmp_path) -> dict:
    """A room of radiance 1 on all sides."""
    return {"environment": {"assetId": "room"}, "room": tmp_path / panorama(tmp_path, lambda pixels: pixels.fill(1.0))}


def lamp(kind: str, intensity: float, **node) -> dict:
    return {"id": "lamp", "light": {"type": kind, "intensity": intensity}, **node}


def test_an_unlit_colour_is_exact(middle):
    seen = middle({"wall": model(wall(), unlit(0.1, 0.4, 0.9))}, places(wall={}))
    assert seen == pytest.approx([0.1, 0.4, 0.9, 1.0], abs=1e-3)


def test_one_lux_on_paper_is_its_albedo_over_pi(middle):
    seen = middle({"paper": PAPER}, [*places(paper={}), lamp("DIRECTIONAL", 1)])
    assert seen[0] == pytest.approx(0.5 / math.pi, abs=0.005)


def test_candela_fall_with_the_square_of_the_distance(middle):
    for kind in ("POINT", "SPOT"):
        for distance in (2, 3):
            light = lamp(kind, distance**2, translation=[0, 0, distance])
            seen = middle({"paper": PAPER}, [*places(paper={}), light])
            assert seen[0] == pytest.approx(0.5 / math.pi, rel=0.03), (kind, distance)


def test_a_white_ball_in_a_white_room_is_not_to_be_seen(traced, white):
    _, passes = traced({"ball": model(SMOOTH, matte(1.0))}, places(ball={}), **white)
    ball = passes[-1].radiance[passes[-1].radiance[..., 3] > 0.999]
    assert ball[:, :3].mean() == pytest.approx(1.0, abs=0.01)
    assert ball[:, :3].std() < 0.06


@pytest.mark.parametrize("roughness", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("metallic", [0.0, 1.0])
def test_a_white_surface_keeps_the_light_of_a_white_room(traced, white, roughness, metallic):
    surface = {"baseColorFactor": [1, 1, 1, 1], "metallicFactor": metallic, "roughnessFactor": roughness}
    _, passes = traced({"ball": model(SMOOTH, {"pbrMetallicRoughness": surface})}, places(ball={}), **white)
    ball = passes[-1].radiance[passes[-1].radiance[..., 3] > 0.999]
    assert ball[:, :3].mean() == pytest.approx(1.0, abs=0.04)


def test_glass_lets_a_white_room_through(traced, white):
    for volume in ({}, {"KHR_materials_volume": {"thicknessFactor": 1.0}}):
        clear = matte(1.0) | {"extensions": {"KHR_materials_transmission": {"transmissionFactor": 1.0}, **volume}}
        clear["pbrMetallicRoughness"]["roughnessFactor"] = 0.0
        _, passes = traced({"ball": model(SMOOTH, clear)}, places(ball={}), **white)
        assert mean_of(passes[-1])[0] == pytest.approx(1.0, abs=0.13), volume


def test_attenuation_colours_glass(middle, white):
    volume = {"thicknessFactor": 1.0, "attenuationDistance": 1.0, "attenuationColor": [0.2, 1.0, 0.2]}
    extensions = {"KHR_materials_transmission": {"transmissionFactor": 1.0}, "KHR_materials_volume": volume}
    clear = matte(1.0) | {"extensions": extensions}
    clear["pbrMetallicRoughness"]["roughnessFactor"] = 0.0
    red, green, *_ = middle({"ball": model(SMOOTH, clear)}, places(ball={}), **white)
    assert green > 2 * red


def test_emission_has_its_strength(middle):
    glow = {
        "pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1], "metallicFactor": 0.0},
        "emissiveFactor": [0.5, 0.25, 0.0],
        "extensions": {"KHR_materials_emissive_strength": {"emissiveStrength": 8.0}},
    }
    seen = middle({"wall": model(wall(), glow)}, places(wall={}))
    assert seen == pytest.approx([4.0, 2.0, 0.0, 1.0], rel=0.01)


def test_what_glows_lights_its_neighbours(middle):
    # Given paper on the floor of an otherwise dark room, and a glowing cube above it that is not in view
    glow = {"emissiveFactor": [1.0, 1.0, 1.0], "pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1]}}
    models = {"paper": PAPER, "glow": model(box(1.0), glow)}
    seen = middle(models, places(paper={}, glow={"translation": [0, 0, 7]}))
    assert 0.001 < seen[0] < 0.1


def test_nothing_shines_in_the_holes_of_a_mask(traced):
    # Given a wall that is white everywhere, the right half of it cut away
    white = np.full((16, 16, 4), 255, np.uint8)
    white[:, 8:, 3] = 0
    _, passes = traced({"wall": textured(white, "PNG", alphaMode="MASK")}, places(wall={}))
    left, right = passes[-1].radiance[16, 12], passes[-1].radiance[16, 19]
    assert left == pytest.approx(1.0, abs=0.01)
    assert right == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("roughness", [0.2, 0.6, 1.0])
def test_brushed_metal_keeps_the_light_of_a_white_room(traced, white, roughness):
    surface = {"baseColorFactor": [1, 1, 1, 1], "metallicFactor": 1.0, "roughnessFactor": roughness}
    brushed = {"KHR_materials_anisotropy": {"anisotropyStrength": 1.0}}
    material = {"pbrMetallicRoughness": surface, "extensions": brushed}
    _, passes = traced({"ball": model(SMOOTH, material)}, places(ball={}), **white)
    ball = passes[-1].radiance[passes[-1].radiance[..., 3] > 0.999]
    assert ball[:, :3].mean() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("roughness", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("metallic", [0.0, 0.5, 1.0])
def test_vertex_colours_are_as_bright_as_the_same_base_colour(middle, white, roughness, metallic):
    def seen(base: float, **more) -> float:
        surface = {"baseColorFactor": [base] * 3 + [1.0], "metallicFactor": metallic, "roughnessFactor": roughness}
        return middle({"ball": model(SMOOTH, {"pbrMetallicRoughness": surface}, **more)}, places(ball={}), **white)[0]

    assert seen(0.8, color=0.5) == pytest.approx(seen(0.4), abs=0.02)


def test_a_normal_that_looks_away_from_the_camera_is_bent_and_not_turned_round(middle):
    # Given paper whose normals are tilted to the right, so far that they look away, and a lamp to the right
    points, _, *rest = wall()
    tilted = (points, np.tile([0.96, 0.0, -0.28], (4, 1)), *rest)
    light = lamp("POINT", 4, translation=[2, 0, 1])
    seen = middle({"wall": model(tilted, matte(0.5))}, [*places(wall={}), light])
    # Then it shines upon them nearly as if they grazed the line of sight: I / r^2, cosine
    assert seen[0] == pytest.approx(0.5 / math.pi * 4 / 5 * 2 / math.sqrt(5), rel=0.06)


def test_opacity_is_alpha(middle):
    def faded(mode: str, alpha: float, **more) -> np.ndarray:
        surface = {"baseColorFactor": [1, 1, 1, alpha], "metallicFactor": 0.0}
        material = {"pbrMetallicRoughness": surface, "alphaMode": mode, **more}
        return middle({"wall": model(wall(), material)}, places(wall={}))

    assert faded("OPAQUE", 0.3)[3] == 1
    assert faded("BLEND", 0.25)[3] == pytest.approx(0.25, abs=0.03)
    assert faded("MASK", 0.4)[3] == 0
    assert faded("MASK", 0.4, alphaCutoff=0.3)[3] == 1


def test_half_transparent_light_is_half_as_bright(middle):
    glow = {
        "pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 0.5], "metallicFactor": 0.0},
        "emissiveFactor": [1.0, 1.0, 1.0],
        "alphaMode": "BLEND",
    }
    seen = middle({"wall": model(wall(), glow)}, places(wall={}))
    assert seen[[0, 3]] == pytest.approx([0.5, 0.5], abs=0.03)


def test_a_single_sided_surface_is_not_seen_from_behind(middle):
    behind = look((0, 0, -5), yfov=0.5)
    paper = matte(0.5)
    assert middle({"wall": model(wall(), paper)}, places(wall={}), cameraConfig=behind)[3] == 0
    both = paper | {"doubleSided": True}
    assert middle({"wall": model(wall(), both)}, places(wall={}), cameraConfig=behind)[3] == 1


def test_a_light_in_a_dark_room_reaches_both_sides_of_paper(middle):
    both = model(wall(), matte(0.5) | {"doubleSided": True})
    light = lamp("POINT", 4, translation=[0, 0, -2])
    seen = middle({"wall": both}, [*places(wall={}), light], cameraConfig=look((0, 0, -5), yfov=0.5))
    assert seen[0] == pytest.approx(0.5 / math.pi, rel=0.03)


def test_specular_clearcoat_and_sheen_add_light(middle, white):
    def seen(base: float, **extensions) -> float:
        surface = {"baseColorFactor": [base] * 3 + [1.0], "metallicFactor": 0.0, "roughnessFactor": 0.3}
        material = {"pbrMetallicRoughness": surface}
        material["extensions"] = {f"KHR_materials_{name}": value for name, value in extensions.items()}
        return middle({"ball": model(SMOOTH, material)}, places(ball={}), **white)[0]

    plain = seen(0.1)
    assert seen(0.1, specular={"specularFactor": 0.0}) < plain - 0.02
    assert seen(0.1, clearcoat={"clearcoatFactor": 1.0}) > plain + 0.02
    assert seen(0.1, ior={"ior": 2.0}) > plain + 0.04


@pytest.mark.parametrize(
    ("diffuse", "specular", "base", "metallic"),
    [
        ([0.0, 0.0, 0.0], [0.9, 0.6, 0.3], [0.9, 0.6, 0.3], 1.0),
        ([0.8, 0.4, 0.2], [0.04, 0.04, 0.04], [0.8, 0.4, 0.2], 0.0),
    ],
)
def test_specular_and_glossiness_are_metal_or_plastic(middle, white, diffuse, specular, base, metallic):
    def seen(material: dict) -> np.ndarray:
        return middle({"ball": model(SMOOTH, material)}, places(ball={}), **white)[:3]

    glossy = {"diffuseFactor": [*diffuse, 1.0], "specularFactor": specular, "glossinessFactor": 0.6}
    surface = {"baseColorFactor": [*base, 1.0], "metallicFactor": metallic, "roughnessFactor": 0.4}
    found = seen({"extensions": {"KHR_materials_pbrSpecularGlossiness": glossy}})
    assert found == pytest.approx(seen({"pbrMetallicRoughness": surface}), abs=0.02)


@pytest.mark.parametrize(("roughness", "more"), [(0.3, 0.003), (0.6, 0.030), (1.0, 0.085)])
def test_sheen_adds_as_much_light_as_with_cycles(middle, white, roughness, more):
    # Spheres of base colour 0.8 in uniform light, by Cycles 4.5: 0.804 without sheen; 0.807, 0.834 and 0.889 with
    def seen(**extensions) -> float:
        material = matte(0.8) | {"extensions": {f"KHR_materials_{name}": value for name, value in extensions.items()}}
        return middle({"ball": model(SMOOTH, material)}, places(ball={}), **white)[0]

    sheen = {"sheenColorFactor": [1.0, 1.0, 1.0], "sheenRoughnessFactor": roughness}
    assert seen(sheen=sheen) - seen() == pytest.approx(more, abs=0.012)


def test_a_point_light_of_a_file_shines(middle):
    from .test_raster import with_light

    document = {"translation": [0, 0, 2], "extensions": {"KHR_lights_punctual": {"light": 0}}}
    data = with_light(document, {"type": "point", "intensity": 4.0})
    assert middle({"lit": data}, places(lit={}))[0] == pytest.approx(0.5 / math.pi, rel=0.03)


def test_what_is_not_drawn_is_said(traced):
    rainbow = matte(0.5) | {"extensions": {"KHR_materials_iridescence": {"iridescenceFactor": 1.0}}}
    nodes = [*places(wall={}), {"id": "lamp", "light": {"type": "POINT", "range": 3.0}}]
    losses, _ = traced({"wall": model(wall(), rainbow)}, nodes)
    assert {loss["feature"] for loss in losses} == {"KHR_materials_iridescence", "light range"}


@pytest.mark.parametrize(("also", "said"), [({}, "its light is spread evenly"), ({"transmission"}, "drawn without")])
def test_what_sheen_is_without_llvm_is_said(traced, also, said):
    extensions = {"KHR_materials_sheen": {"sheenColorFactor": [1.0, 1.0, 1.0]}}
    extensions |= {f"KHR_materials_{name}": {"transmissionFactor": 1.0} for name in also}
    losses, _ = traced({"wall": model(wall(), matte(0.5) | {"extensions": extensions})}, places(wall={}))
    assert [(loss["feature"], loss["reason"]) for loss in losses] == [("KHR_materials_sheen", said)]


def test_passes_get_better_and_count_what_was_done(traced):
    _, passes = traced({"paper": PAPER}, places(paper={}), Settings(32, 32, 22, denoise=False))
    assert [one.done for one in passes] == [1, 2, 3, 4, 8, 12, 16, 20, 21, 22]
    assert {one.total for one in passes} == {22}


def test_a_time_limit_ends_after_the_first_pass_and_says_so(traced):
    _, passes = traced({"paper": PAPER}, places(paper={}), Settings(32, 32, 1000, max_seconds=1e-6))
    assert [(one.done, one.total) for one in passes] == [(1, 1)]


def test_progress_is_by_the_time_where_that_ends_it(traced):
    # Given a picture of many samples, and a time in which few of them are drawn
    _, passes = traced({"paper": PAPER}, places(paper={}), Settings(32, 32, 4096, max_seconds=0.2))
    # Then each pass tells how much of the time has passed, and only the last has all
    progress = [one.progress for one in passes]
    assert progress == sorted(progress) and progress[-1] == 1
    assert all(one.progress == max(one.part, one.done / one.total) < 1 for one in passes[:-1])
    # And without a limit, how many of the samples
    _, passes = traced({"paper": PAPER}, places(paper={}), Settings(32, 32, 8))
    assert [one.progress for one in passes] == [one.done / 8 for one in passes]


def test_a_picture_ends_before_its_process_may_take_no_more_time(traced):
    losses, passes = traced({"paper": PAPER}, places(paper={}), Settings(32, 32, 4096, cpu_s=1.0))
    # Then there is a picture of what was drawn, and a loss that says so
    assert passes[-1].done == passes[-1].total < 4096
    (lost,) = [each for each in losses if each["feature"] == "samples"]
    assert lost["count"] == 4096 - passes[-1].done


def test_layers_are_those_of_the_first_surface(traced):
    # Given a red cube of 1 m at the origin, and a small sheet of paper behind it
    settings = Settings(32, 32, 4, layers=LAYERS, denoise=False)
    nodes = places(red={}, paper={"translation": [0.5, 0, -1], "scale": [0.1, 0.1, 0.1]})
    _, passes = traced({"red": RED, "paper": PAPER}, nodes, settings)
    layers = passes[-1].layers
    assert set(layers) == set(LAYERS)
    assert all(not one.layers for one in passes[:-1])
    # Then its front is 4.5 m away, faces +Z, is red, and is the first thing; the corners have nothing
    assert layers["depth"][16, 16, 0] == pytest.approx(4.5, abs=1e-3)
    assert layers["normal"][16, 16] == pytest.approx([0, 0, 1], abs=1e-3)
    assert layers["albedo"][16, 16] == pytest.approx([1, 0, 0], abs=1e-2)
    assert layers["object_id"][16, 16, 0] == 1
    assert layers["alpha"][16, 16, 0] == 1
    assert np.isinf(layers["depth"][0, 0, 0]) and layers["object_id"][0, 0, 0] == layers["alpha"][0, 0, 0] == 0
    assert layers["normal"][0, 0] == pytest.approx([0, 0, 0])


@pytest.mark.parametrize("roughness", [0.0, 0.3, 0.6, 1.0])
def test_white_plastic_in_a_white_room_is_as_white_at_every_slant(traced, white, roughness):
    # Given a white plastic ball, in a picture with a ring of pixels for every slant
    plastic = matte(1.0)
    plastic["pbrMetallicRoughness"]["roughnessFactor"] = roughness
    _, passes = traced({"ball": model(SMOOTH, plastic)}, places(ball={}), **white)
    ball, slant = passes[-1].radiance, np.hypot(*(np.mgrid[:32, :32] - 15.5))
    edge = slant[ball[..., 3] > 0.999].max()
    # Then every ring is as bright as the room, and all of it is
    assert ball[..., :3][slant < edge].mean() == pytest.approx(1.0, abs=0.03)
    for inner in (0.0, 0.4, 0.7, 0.9):
        ring = ball[..., :3][(slant >= inner * edge) & (slant < min(inner + 0.3, 0.98) * edge)]
        assert ring.mean() == pytest.approx(1.0, abs=0.08), inner


def test_stripes_of_two_pixels_keep_their_contrast_when_noise_is_taken_away():
    # Given noisy light on stripes of plastic, which mirrors 4 % of it, and albedo as it was sampled
    random = np.random.default_rng(5)
    stripes = np.where((np.indices((64, 64)).sum(axis=0) // 2 % 2)[..., None], (0.5, 0.45, 0.05), (0.05, 0.3, 0.4))
    albedo = (stripes * random.normal(1, 0.05, (64, 64, 1))).astype(np.float32)
    light, seen = random.gamma(9, 1 / 9, (64, 64, 1)), 0.96 * stripes + 0.04
    noisy = np.concatenate([seen * light, np.ones((64, 64, 1))], axis=-1).astype(np.float32)
    normal = np.broadcast_to(np.array([0, 0, 1], np.float32), (64, 64, 3)).copy()
    # When it is denoised
    clean = finishing.denoised(noisy, albedo, normal, blended=False)[..., :3]
    # Then the stripes are there, and the noise is not
    assert clean.std(axis=(0, 1)) == pytest.approx(seen.std(axis=(0, 1)), rel=0.1)
    assert np.abs(clean - seen).mean() < 0.3 * np.abs(noisy[..., :3] - seen).mean()


def test_a_denoised_picture_is_smoother_and_as_bright(traced):
    noisy, clean = (
        traced({"paper": PAPER}, places(paper={}), Settings(32, 32, 4, denoise=on), environment={"builtin": "contrast"})
        for on in (False, True)
    )
    noise, smooth = noisy[1][-1].radiance[8:24, 8:24, 0], clean[1][-1].radiance[8:24, 8:24, 0]
    assert smooth.std() < 0.5 * noise.std()
    assert smooth.mean() == pytest.approx(noise.mean(), rel=0.05)


def test_both_engines_see_the_same_panorama_in_a_mirror(able, engine, tmp_path):
    from .pieces import rendered

    def paint(pixels):
        pixels[:] = 0.02
        pixels[2:5, 6:9], pixels[2:5, 1:4], pixels[:2] = (1, 0.02, 0.02), (0.02, 1, 0.02), (0.02, 0.02, 1)

    file = panorama(tmp_path, paint)
    mirror = {"pbrMetallicRoughness": {"metallicFactor": 1.0, "roughnessFactor": 0.05}}
    pictures = []
    for name in (engine, able("raster")):
        environment = {"assetId": "room", "rotation": 0.6}
        job = spec(places(ball={}), cameraConfig=look((0, 0, 5)), environment=environment, engine=name, samples=16)
        pictures.append(rendered(tmp_path, job, {"ball": model(SMOOTH, mirror)}, environment=file)[1][16:48, 16:48])
    ours, theirs = (picture[..., :3].astype(float) for picture in pictures)
    strong = theirs.max(axis=-1) > 120
    assert strong.sum() > 50
    agree = ours.argmax(axis=-1)[strong] == theirs.argmax(axis=-1)[strong]
    assert agree.mean() > 0.85


def test_it_comes_after_the_rasterizer_and_before_what_stands_in():
    assert [one.name for one in choose()] == ["raster", "path_traced", "compat"]
    assert [one.name for one in choose("path_traced")] == ["path_traced"]


def test_mitsuba_is_as_listed():
    (tracer,) = choose("path_traced")
    assert tracer.version().startswith("mitsuba ")


@pytest.fixture
def seen(engine, tmp_path):
    """A function that draws a box of 32 x 32 pixels as a job would, and answers the last pass."""

    def draw(**job) -> Pass:
        (tmp_path / "box.glb").write_bytes(RED)
        camera = look((0, 2, 5), yfov=0.9)
        size = {"resolution": {"width": 32, "height": 32}, "samples": 32, "cameraConfig": camera}
        request = ParseDict(spec([{"id": "box", "assetId": "box"}], **size, **job), jobs_pb2.RenderSpec())
        drawing, settings = composed(request, {"box": tmp_path / "box.glb"}, None), settings_of(request.render_job)
        (tracer,) = choose(engine)
        session = tracer.prepare(drawing, settings, tmp_path)
        assert session.losses == []
        *_, last = session.render(view_of(request, drawing.points, settings.aspect))
        return last

    return draw


def test_a_ground_is_seen_by_its_shadow_alone(seen):
    # Given a box that stands on nothing, and one that stands on a ground
    without = seen(background={"transparent": True}, environment={"builtin": "soft"})
    shaded = seen(background={"transparent": True}, environment={"builtin": "soft"}, groundShadow=True)
    # Then around the box, and not far from it, something black covers what is behind
    bare = without.image[..., 3] == 0
    assert shaded.radiance[..., 3][bare].max() > 0.2
    assert shaded.radiance[0, :, 3].max() < 0.05
    assert np.abs(shaded.radiance[..., :3][bare]).max() < 0.02


def test_a_blurred_environment_is_the_mean_of_the_sharp_one_around_it(seen):
    sharp = seen(background={"environment": True})
    soft = seen(background={"blurredEnvironment": 1.0})
    assert (soft.image[..., 3] == 255).all()
    assert np.ptp(soft.image[0, :, 0].astype(int)) < np.ptp(sharp.image[0, :, 0].astype(int)) / 2


def test_a_picture_that_it_does_not_read_is_said(engine, tmp_path):
    answer, _ = rendered(tmp_path, spec(places(wall={}), engine=engine), {"wall": in_ktx2()})
    # Then it is drawn without, and a loss says so
    assert ("textures", 1) in {(loss["feature"], loss["count"]) for loss in answer["losses"]}


def test_more_samples_do_not_change_how_bright_what_glows_and_its_light_are(traced):
    # Given a dim lamp over paper, so that all samples see it and few follow its light
    dim = {"emissiveFactor": [0.2, 0.2, 0.2], "pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1]}}
    models = {"paper": PAPER, "lamp": model(box(1.0), dim)}
    nodes = places(paper={}, lamp={"translation": [0, 0, 1]})
    few, many = (
        traced(models, nodes, Settings(32, 32, samples, "linear", denoise=False), environment={"builtin": "studio"})
        for samples in (16, 256)
    )
    # Then the lamp and the paper around it are as bright after 256 samples as after 16
    few, many = few[1][-1].radiance, many[1][-1].radiance
    assert many[14:18, 14:18, :3].mean() == pytest.approx(few[14:18, 14:18, :3].mean(), rel=0.05)
    assert many[2:8, 2:8, :3].mean() == pytest.approx(few[2:8, 2:8, :3].mean(), rel=0.05)
