"""Films that are moving pictures, and frames in an archive, read back by Pillow and zipfile."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from tests.films.drawn import COUNT, GROUND, SQUARE, frame, middle_of

FRAMES = [frame(index) for index in range(COUNT)]
CLEAR = [frame(index, ground=(0, 0, 0, 0)) for index in range(COUNT)]


def read(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """(frames as RGBA, how long each is shown in ms) of a film that plays for ever."""
    with Image.open(path) as image:
        assert image.info["loop"] == 0
        pairs = [(np.asarray(one.convert("RGBA")), one.info["duration"]) for one in ImageSequence.Iterator(image)]
    return [one for one, _ in pairs], [shown for _, shown in pairs]


@pytest.mark.parametrize(("format", "tolerance"), [("GIF", 0), ("WEBP", 16)])
def test_every_frame_is_there_at_its_time(filmed, format, tolerance):
    # Given frames with a square that moves, and a rate that the format's clock does not divide
    path, made = filmed(FRAMES, format, fps=30.0)
    # When Pillow reads the film
    frames, shown = read(path)
    # Then it has all of them, for as long as they should be seen in all
    assert len(frames) == made["frame_count"] == COUNT
    assert sum(shown) == round(1000 * made["seconds"]) == 400
    # And the square is where it was drawn
    for index, seen in enumerate(frames):
        x, y = middle_of(index)
        assert np.abs(seen[y, x, :3].astype(int) - SQUARE).max() <= tolerance
        assert np.abs(seen[80, x, :3].astype(int) - GROUND).max() <= tolerance
    assert made["losses"] == []


@pytest.mark.parametrize("format", ["GIF", "WEBP"])
def test_what_is_transparent_stays_so_and_nothing_stays_behind(filmed, format):
    # Given a square that moves over nothing
    path, made = filmed(CLEAR, format)
    # Then each frame shows the square in one place, and nothing elsewhere
    frames, _ = read(path)
    for index, seen in enumerate(frames):
        assert np.array_equal(seen[..., 3] > 127, CLEAR[index][..., 3] > 127)
    assert made["losses"] == []


def test_a_gif_tells_what_half_transparency_becomes(filmed):
    # Given a square that is half there
    veiled = [np.where(one[..., 3:] > 0, np.uint8([200, 0, 0, 140]), one) for one in CLEAR]
    # When it becomes a GIF
    path, made = filmed(veiled, "GIF")
    # Then it is there, and the loss is told
    assert read(path)[0][0][middle_of(0)[::-1]].tolist() == [200, 0, 0, 255]
    assert [(entry["feature"], entry["count"]) for entry in made["losses"]] == [("alpha", COUNT)]


def test_a_gif_of_many_colours_is_near_and_says_so(filmed):
    # Given frames with more colours than a GIF has
    y, x = np.mgrid[0:96, 0:128]
    many = [np.stack([x * 2, y * 2, (x + y + 10 * index) % 256], axis=-1).astype(np.uint8) for index in range(3)]
    # When they become one
    path, made = filmed(many, "GIF")
    # Then its frames are near, seen from so far that dithering is not
    for seen, wanted in zip(read(path)[0], many, strict=True):
        blurred, meant = (np.asarray(Image.fromarray(one[..., :3]).reduce(8), int) for one in (seen, wanted))
        assert np.abs(blurred - meant).mean() < 8
    assert [entry["feature"] for entry in made["losses"]] == ["colors"]


def test_a_gif_that_cannot_be_so_fast_says_how_long_it_takes(filmed):
    # Given a rate beyond what browsers show
    path, made = filmed(FRAMES, "GIF", fps=100.0)
    # Then the film takes longer, and the loss says it
    assert sum(read(path)[1]) == 240 and made["seconds"] == 0.24
    assert [entry["feature"] for entry in made["losses"]] == ["frame_rate"]


def test_a_webp_in_which_nothing_moves_says_that_it_is_a_still_picture(filmed):
    path, made = filmed([FRAMES[0]] * 4, "WEBP")
    with Image.open(path) as image:
        assert image.n_frames == 1
    assert (made["seconds"], made["losses"][0]["feature"], made["losses"][0]["count"]) == (0.0, "frames", 3)


def test_less_quality_takes_fewer_bytes(filmed):
    noise = np.random.default_rng(3).integers(0, 255, (3, 64, 64, 3), np.uint8)
    fine, coarse = (filmed(list(noise), "WEBP", quality=quality)[0].stat().st_size for quality in (95, 10))
    assert coarse < fine / 2


def test_an_archive_has_the_frames_as_they_are(filmed, tmp_path):
    # Given frames
    path, made = filmed(FRAMES, "ZIP")
    # Then the archive has their very bytes, stored, under names in their order
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [f"frame-{index:05}.png" for index in range(COUNT)]
        for index, entry in enumerate(archive.infolist()):
            assert entry.compress_type == zipfile.ZIP_STORED
            assert archive.read(entry) == (tmp_path / f"drawn-{index}.png").read_bytes()
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(archive.read(entry)))), FRAMES[-1])
    assert made["codec"] == "" and made["media_type"] == "application/zip"


@pytest.mark.parametrize("format", ["ZIP", "GIF", "WEBP", "MP4", "WEBM"])
def test_the_same_frames_make_the_same_bytes(filmed, format):
    first = filmed(FRAMES[:4], format)[0].read_bytes()
    assert filmed(FRAMES[:4], format)[0].read_bytes() == first
