"""Metal balls of every roughness: the raster engine, which blurs environments beforehand, against traced paths."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf.json_format import ParseDict

from threed.v1 import jobs_pb2
from threed_workers.engines import choose, environments
from threed_workers.engines.cameras import view_of
from threed_workers.engines.composition import composed
from threed_workers.engines.drawing import Settings
from threed_workers.samples.shapes import sphere

from .pieces import linear, model, spec
from .suite import places
from .test_raster import panorama

ROUGHNESSES = (0.0, 0.25, 0.5, 0.75, 1.0)
BALL, SIDE = 48, 2.4  # the square that a ball has: pixels and metres
LAMPS = "lamps"
# How far apart the engines may be inside a ball: the mean difference over the mean light, by roughness. The rasterizer
# looks up a lobe that does not know the angle of view; rough metals, whose lobe is wide, are where that shows.
BOUNDS = (0.32, 0.20, 0.18, 0.15, 0.25)


@pytest.fixture
def balls(able, tmp_path):
    """A function (engine, environment) -> linear luminance (5, n, n) of five balls, the smoothest first."""

    def draw(engine: str, environment: str) -> np.ndarray:
        nodes, files = {}, {}
        for number, roughness in enumerate(ROUGHNESSES):
            name = f"ball{number}"
            surface = {"baseColorFactor": [0.9, 0.9, 0.9, 1], "metallicFactor": 1.0, "roughnessFactor": roughness}
            files[name] = tmp_path / f"{name}.glb"
            files[name].write_bytes(model(sphere(96, 48), {"pbrMetallicRoughness": surface}))
            nodes[name] = {"translation": [SIDE * (number - 2), 0, -50 * number]}
        sky = {"builtin": environment, "rotation": 0.3}
        room = None
        if environment == LAMPS:
            sky, room = {"assetId": "room", "rotation": 0.3}, tmp_path / panorama(tmp_path, _hang_lamps)
        camera = {"orthographic": {"eye": [0, 0, 20], "target": [0, 0, 0], "ymag": SIDE / 2}}
        job = spec(places(**nodes), cameraConfig=camera, environment=sky)
        drawing = composed(ParseDict(job, jobs_pb2.RenderSpec()), files, room)
        settings = Settings(5 * BALL, BALL, 64 if engine == "path_traced" else 4, "linear", exposure=-1.5)
        (found,) = choose(able(engine))
        view = view_of(ParseDict(job, jobs_pb2.RenderSpec()), drawing.points, settings.aspect)
        *_, last = found.prepare(drawing, settings, tmp_path).render(view)
        light = linear(last.image[..., :3]).mean(axis=-1)
        return light.reshape(BALL, 5, BALL).transpose(1, 0, 2)

    return draw


def _hang_lamps(pixels: np.ndarray) -> None:
    pixels[1, 3], pixels[2, 9], pixels[4, 8] = 30, (8, 4, 1), (1, 3, 8)


@pytest.mark.parametrize("environment", [*environments.NAMES, LAMPS])
def test_a_metal_ball_of_each_roughness_is_as_the_path_tracer_has_it(balls, environment):
    # Given balls side by side for the camera, and far behind each other, so that none is seen in another
    # When both engines draw them
    traced, raster = balls("path_traced", environment), balls("raster", environment)
    # Then the insides of the balls agree
    place = np.hypot(*(np.mgrid[:BALL, :BALL] - (BALL - 1) / 2))
    inside = place < 0.75 * BALL / SIDE
    for number, (roughness, bound) in enumerate(zip(ROUGHNESSES, BOUNDS, strict=True)):
        a, b = traced[number][inside], raster[number][inside]
        assert np.abs(a - b).mean() / a.mean() < bound, (roughness, b.mean() / a.mean())


def test_lamps_that_no_sample_meets_are_not_lost(balls):
    # Given a room with three small lamps, which light rough metal without being seen in it
    # When the rasterizer draws it
    rough = balls("raster", LAMPS)[-1]
    # Then there are no spots in it
    middle = rough[BALL // 4 : -BALL // 4, BALL // 4 : -BALL // 4]
    assert np.abs(np.diff(middle, axis=1)).max() < 0.1 * middle.mean()
