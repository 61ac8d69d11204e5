"""What cannot be a film, and how it is said."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction

import pytest
from tests.films.drawn import frame

from threed import errors
from threed_workers.films import FORMATS, film
from threed_workers.films.timing import durations, rate_of

FRAMES = [frame(index) for index in range(3)]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"format": "AVI"}, "format"),
        ({"format": "WEBM", "codec": "H264"}, "codec"),
        ({"format": "GIF", "codec": "AV1"}, "codec"),
        ({"fps": 0.0}, "fps"),
        ({"fps": float("nan")}, "fps"),
        ({"fps": 1000.0}, "fps"),
        ({"quality": 0}, "quality"),
        ({"quality": 101}, "quality"),
    ],
)
def test_a_wrong_wish_is_named(filmed, more, field):
    wish = {"format": "MP4"} | more
    with pytest.raises(errors.FieldInvalid) as raised:
        filmed(FRAMES, wish.pop("format"), **wish)
    assert [name for name, _ in raised.value.violations] == [field]


@pytest.mark.parametrize("format", FORMATS)
def test_one_frame_is_no_film(filmed, format):
    with pytest.raises(errors.FieldInvalid, match="2 to"):
        filmed(FRAMES[:1], format)


@pytest.mark.parametrize("format", FORMATS)
def test_frames_of_several_sizes_are_refused(filmed, format):
    with pytest.raises(errors.FieldInvalid, match=r"drawn-2\.png has 130 x 96 pixels, and those before it 128 x 96"):
        filmed([*FRAMES[:2], frame(2, width=130)], format)


@pytest.mark.parametrize("size", [{"width": 127}, {"height": 95}])
@pytest.mark.parametrize("format", ["MP4", "WEBM"])
def test_video_of_an_odd_size_is_refused(filmed, format, size):
    with pytest.raises(errors.FieldInvalid, match="both must be even"):
        filmed([frame(index, **size) for index in range(2)], format)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "ZIP"])
def test_pictures_may_have_an_odd_size(filmed, format):
    assert filmed([frame(index, width=127, height=95) for index in range(2)], format)[1]["frame_count"] == 2


@pytest.mark.parametrize("format", FORMATS)
def test_a_frame_that_is_missing_is_named(drawn, tmp_path, format):
    names = drawn(FRAMES)
    (tmp_path / names[1]).unlink()
    with pytest.raises(errors.JobFailed, match=r"drawn-1\.png is not there"):
        film({"frames": names, "format": format, "fps": 12.0}, tmp_path, lambda event: None)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def turned(data: bytes) -> bytes:
    """A byte of the pixels is another one."""
    at = data.index(b"IDAT") + 20
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


@pytest.mark.parametrize("broken", [cut, turned, lambda data: b"", lambda data: b"GIF89a" + data])
@pytest.mark.parametrize("format", FORMATS)
def test_a_frame_that_is_broken_is_named(drawn, tmp_path, format, broken):
    names = drawn(FRAMES)
    path = tmp_path / names[2]
    path.write_bytes(broken(path.read_bytes()))
    with pytest.raises((errors.FileMalformed, errors.FileTruncated)) as raised:
        film({"frames": names, "format": format, "fps": 12.0}, tmp_path, lambda event: None)
    assert raised.value.metadata["where"] == "drawn-2.png"


def test_frames_that_are_too_large_are_refused_before_they_are_decoded(drawn, tmp_path):
    # Given PNGs whose headers declare more pixels than video may have
    names = drawn(FRAMES[:2])
    for name in names:
        (tmp_path / name).write_bytes(_declaring(4096, 4096))
    # Then the film is refused, though there are no pixels at all
    with pytest.raises(errors.FieldInvalid, match="too large for MP4"):
        film({"frames": names, "format": "MP4", "fps": 12.0}, tmp_path, lambda event: None)


def test_too_much_of_everything_is_refused(drawn, tmp_path):
    names = drawn(FRAMES[:1])
    (tmp_path / names[0]).write_bytes(_declaring(2048, 2048))
    with pytest.raises(errors.FieldInvalid, match="too much for GIF"):
        film({"frames": names * 200, "format": "GIF", "fps": 12.0}, tmp_path, lambda event: None)


def _declaring(width: int, height: int) -> bytes:
    """A PNG's header and end."""

    def chunk(kind: bytes, payload: bytes) -> bytes:
        return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_rates_are_what_they_stand_for():
    assert rate_of(30000 / 1001) == Fraction(30000, 1001)
    assert (rate_of(24.0), rate_of(12.5), rate_of(0.1)) == (24, Fraction(25, 2), Fraction(1, 10))


def test_durations_do_not_drift():
    # Given 30 frames a second, on a clock of hundredths
    shown = durations(3000, rate_of(30.0), 100)
    # Then frames take three or four of them, and 100 seconds take all
    assert set(shown) == {3, 4} and sum(shown) == 10_000
