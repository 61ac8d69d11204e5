"""Tone mapping against the formulas' known values, and against what the raster engine shows."""

from __future__ import annotations

import numpy as np
import pytest

from threed_workers.engines.pictures import encoded
from threed_workers.engines.tonemapping import tone_mapped

from .pieces import model, rendered, spec, unlit, wall
from .suite import places

DARK = {"builtin": "studio", "intensity": 0}
NAMES = ("linear", "pbr_neutral", "agx", "aces")
COLOURS = np.array([[0.18] * 3, [0.5] * 3, [1.0] * 3, [0.8, 0.2, 0.1], [0.1, 0.5, 0.2], [0.1, 0.2, 0.9]], np.float32)


def test_pbr_neutral_takes_4_percent_and_never_reaches_white():
    assert tone_mapped(np.full(3, 0.5), "pbr_neutral") == pytest.approx([0.46] * 3)
    assert tone_mapped(np.full(3, 8.0), "pbr_neutral") == pytest.approx([1 - 0.0576 / 7.44] * 3)
    assert tone_mapped(np.array([0.5, 0.3, 0.04]), "pbr_neutral")[0] == pytest.approx(0.5 - (0.04 - 6.25 * 0.0016))


@pytest.mark.parametrize("name", NAMES)
def test_brighter_stays_brighter_and_grey_nearly_grey(name):
    greys = tone_mapped(np.geomspace(1e-3, 1e4, 200)[:, None].repeat(3, axis=1), name)
    assert (np.diff(greys, axis=0) >= -1e-6).all()
    assert greys.min() >= 0 and greys.max() <= 1
    assert np.ptp(greys, axis=1).max() < 0.13


@pytest.mark.parametrize("name", NAMES)
def test_exposure_is_in_stops(name):
    assert tone_mapped(COLOURS, name, 1.5) == pytest.approx(tone_mapped(COLOURS * 2**1.5, name), abs=1e-6)


def test_what_has_no_end_is_white():
    assert tone_mapped(np.array([np.inf] * 3), "pbr_neutral").min() > 0.99


@pytest.mark.parametrize("name", NAMES)
def test_the_curves_are_those_of_the_raster_engine(able, tmp_path, name):
    for number, colour in enumerate(COLOURS):
        data = {"wall": model(wall(), unlit(*(float(part) for part in colour)))}
        job = spec(places(wall={}), toneMapping=name.upper(), environment=DARK, engine=able("raster"))
        seen = rendered(tmp_path, job, data)[1][32, 32, :3].astype(int)
        assert np.abs(seen - encoded(tone_mapped(colour, name))).max() <= 2, number
