"""Sessions that draw many frames: moments, cameras, regions, ground and background."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from google.protobuf.json_format import ParseDict

from threed.v1 import jobs_pb2
from threed_workers.document import Builder, Document, write_glb
from threed_workers.document.render_copy import render_copy
from threed_workers.engines.compat import Compat
from threed_workers.engines.composition import composed, settings_of
from threed_workers.engines.motion import frames_of
from threed_workers.engines.raster import Raster, RasterSession
from threed_workers.samples import glb_bytes
from threed_workers.samples.shapes import box, sphere

from .moving import Stage, bending_arm, growing_box, turning_cube
from .pieces import RED, linear, look, matte, model, spec, unlit, wall

ENGINES = {"raster": Raster(), "compat": Compat()}
CLEAR = {"transparent": True}


@pytest.fixture
def shoot(able, tmp_path):
    """A function (models, job) -> (session, frames) of the raster engine, or another."""

    def run(models: dict, nodes: list[dict] | None = None, engine: str = "raster", **job):
        able(engine)
        for name, data in models.items():
            file = tmp_path / f"{name}.glb"
            write_glb(data, file) if isinstance(data, Document) else file.write_bytes(data)
        nodes = nodes or [{"id": name, "assetId": name} for name in models]
        message = ParseDict(spec(nodes, **job), jobs_pb2.RenderSpec())
        drawing = composed(message, {name: tmp_path / f"{name}.glb" for name in models})
        settings = settings_of(message.render_job)
        session = ENGINES[engine].prepare(drawing, settings, tmp_path)
        return session, frames_of(message, drawing, settings.aspect)

    return run


def drawn(session, frame) -> np.ndarray:
    (picture,) = session.render(frame.view, frame.moment)
    return picture.image


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two silhouettes."""
    a, b = first[..., 3] > 127, second[..., 3] > 127
    return (a & b).sum() / (a | b).sum()


FILMS = {
    "turning": (turning_cube(), "turn"),
    "bending": (bending_arm(), "bend"),
    "growing": (growing_box(), "grow"),
}


@pytest.mark.parametrize("name", sorted(FILMS))
def test_what_filament_moves_is_what_our_own_evaluator_bakes(shoot, monkeypatch, name):
    # Given a film that plays in one session, with the 4 samples at edges that compat has, so that outlines are the same
    monkeypatch.setattr(RasterSession, "_enlarged", lambda session: (1.0, 4))
    document, clip = FILMS[name]
    job = {"background": CLEAR, "resolution": {"width": 160, "height": 160}, "cameraConfig": look((1, 1, 9), (1, 1, 0))}
    session, frames = shoot({"m": document}, animationFilm={"clip": clip, "fps": 4}, **job)
    film = [drawn(session, frames[number]) for number in (0, 1, 3)]
    assert overlap(film[0], film[2]) < 0.9, "it moves"
    # Then each frame is the picture of that moment alone, and that of its baked vertices by either engine
    for number, picture in zip((0, 1, 3), film, strict=True):
        moment = {"clip": clip, "seconds": number / 4}
        still, one = shoot({"m": document}, animation=moment, **job)
        assert np.abs(drawn(still, one[0]).astype(int) - picture).mean() < 0.01
        plain, one = shoot({"m": document}, animation=moment, engine="compat", **job)
        assert overlap(drawn(plain, one[0]), picture) > 0.99
    # And a frame can be drawn again after others
    assert np.array_equal(drawn(session, frames[1]), film[1])


def test_more_joints_and_weights_than_filament_takes_are_drawn_too(shoot):
    job = {"background": CLEAR, "animationFilm": {"clip": "bend", "fps": 4}, "cameraConfig": look((1, 1, 6), (1, 1, 0))}
    few, frames = shoot({"m": bending_arm()}, **job)
    wanted = [drawn(few, frames[number]) for number in (0, 2, 3)]
    for sets, joints in ((2, 2), (1, 300)):
        many, frames = shoot({"m": bending_arm(sets, joints)}, **job)
        for number, picture in zip((0, 2, 3), wanted, strict=True):
            assert overlap(drawn(many, frames[number]), picture) > 0.99, (sets, joints, number)


def test_a_colour_that_an_animation_points_at_is_followed(shoot, tmp_path):
    # Given an unlit red cube that turns blue in a second, and a pointer at what no renderer knows
    stage = Stage()
    points, _, _, _, triangles = box(0.5)
    mesh = stage.mesh(points, triangles, material=stage.builder.add("materials", unlit(1, 0, 0)))
    stage.builder.add("nodes", {"mesh": mesh})
    colour = "/materials/0/pbrMetallicRoughness/baseColorFactor"
    stage.animation(
        (colour, "pointer", [0, 1], [[1, 0, 0, 1], [0, 0, 1, 1]]),
        ("/cameras/0/perspective/yfov", "pointer", [0, 1], [1.0, 2.0]),
    )
    for name in ("KHR_materials_unlit", "KHR_animation_pointer"):
        stage.builder.use(name)
    # When a film is made of its render copy
    packed, losses = render_copy(stage.done())
    write_glb(packed, tmp_path / "copy.glb")
    job = {"toneMapping": "LINEAR", "animationFilm": {"fps": 4}}
    session, frames = shoot({"m": (tmp_path / "copy.glb").read_bytes()}, **job)
    # Then each frame has the colour of its moment
    seen = [linear(drawn(session, frames[number])[32, 32, :3]) for number in (0, 1, 3)]
    assert seen == [pytest.approx((1 - part, 0, part), abs=0.02) for part in (0, 0.25, 0.75)]
    assert [(lost["feature"], lost["count"]) for lost in losses] == [("animation channels", 1)]


def test_an_animated_cloud_of_lines_moves(shoot):
    builder_model = turning_cube()
    builder_model.json["meshes"][0]["primitives"][0]["mode"] = 1
    session, frames = shoot({"m": builder_model}, animationFilm={"clip": "turn", "fps": 2}, background=CLEAR)
    first, second = (drawn(session, frames[number]) for number in (0, 1))
    assert first[..., 3].any() and second[..., 3].any() and overlap(first, second) < 0.5


def test_a_turntable_only_moves_the_camera(shoot):
    session, frames = shoot({"m": RED}, turntable={"frames": 8}, background=CLEAR)
    pictures = [drawn(session, frames[number]) for number in range(8)]
    assert all((picture[0, :, 3] == 0).all() and (picture[:, 0, 3] == 0).all() for picture in pictures)
    # Then a cube looks the same again after a quarter turn
    assert overlap(pictures[0], pictures[2]) > 0.99 and overlap(pictures[0], pictures[1]) < 0.99


@pytest.mark.parametrize("engine", ["raster", "compat"])
@pytest.mark.parametrize("camera", ["perspective", "orthographic"])
def test_a_region_is_what_would_be_cut_out_of_the_whole_picture(shoot, engine, camera):
    way = look((1, 2, 3)) if camera == "perspective" else {"orthographic": {"eye": [1, 2, 3], "target": [0, 0, 0]}}
    ball = model(sphere(48, 24), unlit(0.8, 0.4, 0.1))
    job = {"cameraConfig": way, "resolution": {"width": 120, "height": 90}, "engine": engine}
    session, frames = shoot({"m": ball}, **job)
    whole = drawn(session, frames[0])
    session, frames = shoot({"m": ball}, region={"x": 70, "y": 11, "width": 31, "height": 47}, **job)
    part = drawn(session, frames[0])
    assert part.shape == (47, 31, 4) and part[..., :3].std() > 10
    assert np.abs(part.astype(int) - whole[11:58, 70:101]).mean() < 0.5


def test_a_small_region_of_a_huge_picture_takes_little_memory(shoot):
    job = {"resolution": {"width": 8192, "height": 8192}, "region": {"x": 4090, "y": 4090, "width": 8, "height": 8}}
    session, frames = shoot({"m": RED}, **job)
    assert drawn(session, frames[0]).shape == (8, 8, 4)
    assert session.losses == [], "with all its samples, which the whole would not have"


def dressed() -> bytes:
    """A wall that is red, and green in the variant `summer`."""
    document = Builder("tests")
    points, normals, _, _, triangles = wall()
    attributes = {"POSITION": document.positions(points), "NORMAL": document.attribute(normals.astype(np.float32))}
    red, green = (document.add("materials", unlit(*colour)) for colour in ((1, 0, 0), (0, 1, 0)))
    mapped = {"mappings": [{"material": green, "variants": [1]}]}
    primitive = {"attributes": attributes, "indices": document.indices(triangles, 4), "material": red}
    primitive["extensions"] = {"KHR_materials_variants": mapped}
    document.add("nodes", {"mesh": document.add("meshes", {"primitives": [primitive]})})
    for name in ("KHR_materials_unlit", "KHR_materials_variants"):
        document.use(name)
    made = document.finish()
    made.json["extensions"] = {"KHR_materials_variants": {"variants": [{"name": "winter"}, {"name": "summer"}]}}
    return glb_bytes(made)


def test_a_material_variant_is_worn_by_the_models_that_have_it(shoot):
    nodes = [{"id": "a", "assetId": "a"}, {"id": "b", "assetId": "b", "translation": [4, 0, 0]}]
    models = {"a": dressed(), "b": model(wall(), unlit(0, 0, 1))}
    for variant, green in (("", False), ("summer", True), ("winter", False)):
        session, frames = shoot(models, nodes, materialVariant=variant, cameraConfig=look((2, 0, 12), (2, 0, 0)))
        left, right = drawn(session, frames[0])[32, [16, 48], :3]
        assert left.argmax() == (1 if green else 0) and right.argmax() == 2, variant


def test_a_blurred_environment_lies_between_the_sharp_one_and_its_mean(shoot):
    def background(**kind) -> np.ndarray:
        way = look((0, 0, 5), yfov=2.5)
        far_off = [{"id": "m", "assetId": "m", "scale": [0.01] * 3}]
        session, frames = shoot({"m": RED}, far_off, background=kind, cameraConfig=way, toneMapping="LINEAR")
        return linear(drawn(session, frames[0])[:24, :, 1])

    sharp = background(environment=True)
    spreads = [sharp.std(), *(background(blurredEnvironment=blur).std() for blur in (0.1, 0.5, 1.0))]
    assert background(blurredEnvironment=0.0).std() == pytest.approx(spreads[0])
    assert all(more > less for more, less in itertools.pairwise(spreads))


BALL_ON_GROUND = {"groundShadow": True, "background": CLEAR, "cameraConfig": look((0, 4, 8), yfov=0.7)}


def test_light_from_all_sides_throws_a_soft_shadow_where_a_ball_stands(shoot):
    session, frames = shoot({"m": model(sphere(64, 32), matte(0.5))}, **BALL_ON_GROUND)
    picture = drawn(session, frames[0])
    clear, frames = shoot({"m": model(sphere(64, 32), matte(0.5))}, **{**BALL_ON_GROUND, "groundShadow": False})
    bare = drawn(clear, frames[0])
    shadow = (picture[..., 3].astype(int) - bare[..., 3]) * (bare[..., 3] == 0)
    rows, columns = np.nonzero(shadow > 8)
    assert rows.mean() > 32 and abs(columns.mean() - 31.5) < 1, "below the ball, on both sides of it"
    assert (picture[..., :3][shadow > 8] == 0).all(), "it is black, and alpha says how dark"
    ball = bare[..., 3] == 255
    off = np.abs(picture[ball].astype(int) - bare[ball])
    assert (off <= 2).mean() > 0.99, "the ball stays as it is, but for how Filament rounds with alpha and without"
    assert shadow.max() > 100 and shadow[0].max() == 0


def test_a_sun_throws_a_shadow_to_the_other_side(shoot):
    # Given a sun from the left, half way up, and no other light
    down = [0, 0, -math.sin(math.pi / 8), math.cos(math.pi / 8)]
    tilt = [-math.sin(math.pi / 4), 0, 0, math.cos(math.pi / 4)]
    nodes = [
        {"id": "m", "assetId": "m"},
        {"id": "turn", "rotation": [-part if n < 3 else part for n, part in enumerate(down)]},
        {"id": "sun", "parentId": "turn", "rotation": tilt, "light": {"type": "DIRECTIONAL", "intensity": 2}},
    ]
    job = {**BALL_ON_GROUND, "environment": {"builtin": "studio", "intensity": 0}}
    session, frames = shoot({"m": model(sphere(64, 32), matte(0.5))}, nodes, **job)
    alpha = drawn(session, frames[0])[..., 3]
    shadow = alpha[40:56]
    assert (shadow[:, 48:] > 200).sum() > 15 and not (shadow[:, :12] > 20).any()


def test_a_ground_is_seen_from_above_only(shoot):
    below = {**BALL_ON_GROUND, "cameraConfig": look((0, -4, 8), yfov=0.7)}
    session, frames = shoot({"m": model(box(0.5), matte(0.5))}, **below)
    with_ground = drawn(session, frames[0])
    session, frames = shoot({"m": model(box(0.5), matte(0.5))}, **{**below, "groundShadow": False})
    assert overlap(with_ground, drawn(session, frames[0])) > 0.98


def test_the_shadow_follows_what_moves(shoot):
    session, frames = shoot(
        {"m": turning_cube()}, animationFilm={"clip": "turn", "fps": 2}, groundShadow=True, background=CLEAR
    )
    first, second = (drawn(session, frames[number])[..., 3] for number in (0, 1))
    faint = [((alpha > 4) & (alpha < 250)).sum() for alpha in (first, second)]
    assert min(faint) > 20 and not np.array_equal(first, second)
