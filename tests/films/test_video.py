"""MP4 and WebM, played by a real browser, and box by box."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.films.drawn import COUNT, GROUND, HEIGHT, SQUARE, WIDTH, frame, middle_of
from tests.servers.browser import ended_in_chromium

from threed import errors
from threed_workers.films import av1, film, h264
from threed_workers.films.isobmff import boxes
from threed_workers.sandbox import Limits, Zygote

FRAMES = [frame(index) for index in range(COUNT)]
PAGE = Path(__file__).with_name("player.html")
FILMS = {
    "mp4-av1": ("MP4", "", 12.0),
    "webm-av1": ("WEBM", "AV1", 12.0),
    "webm-slow": ("WEBM", "AV1", 0.1),  # two keyframes lie further apart than a cluster of WebM reaches
    "mp4-h264": ("MP4", "H264", 12.0),
}
TOLERANCE = 8  # of 255: 4:2:0, limited range, and what the codec takes away
without_h264 = pytest.mark.skipif(bool(h264.available()), reason=h264.available())
EVERY_FILM = [pytest.param(name, marks=without_h264 if "H264" in FILMS[name] else ()) for name in FILMS]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Each film, with several keyframes, and what the step answers."""
    films = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(av1, "_GROUP", 5)
        patch.setattr(h264, "_GROUP", 5)
        for name, (format, codec, fps) in FILMS.items():
            if codec == "H264" and h264.available():
                continue
            folder = tmp_path_factory.mktemp(name)
            for index, one in enumerate(FRAMES):
                Image.fromarray(one).save(folder / f"{index}.png")
            request = {"frames": [f"{index}.png" for index in range(COUNT)], "format": format, "codec": codec}
            answer = film(request | {"fps": fps}, folder, lambda event: None)
            films[name] = (folder / answer["file"], answer)
    return films


@pytest.fixture(scope="module")
def seen(made, tmp_path_factory) -> dict[str, Any]:
    """What Chromium shows in the middle of every frame: the square there, and the ground below it."""
    questions = {
        name: [[(index + 0.5) / FILMS[name][2], *place] for index in range(COUNT) for place in _places(index)]
        for name in made
    }
    answers = {"/": ("text/html", PAGE.read_bytes())}
    answers["/questions.json"] = ("application/json", json.dumps(questions).encode())
    for name, (path, answer) in made.items():
        answers[f"/{name}"] = (answer["media_type"], path.read_bytes())
    return ended_in_chromium(answers, tmp_path_factory.mktemp("browser"))


def _places(index: int) -> list[tuple[int, int]]:
    x, y = middle_of(index)
    return [(x, y), (x, 80)]


@pytest.mark.parametrize("name", EVERY_FILM)
def test_a_browser_plays_every_frame_in_its_colours(seen, name):
    played = seen[name]
    assert "error" not in played, played
    assert (played["seconds"], played["width"], played["height"]) == (COUNT / FILMS[name][2], WIDTH, HEIGHT)
    wanted = np.array([SQUARE, GROUND] * COUNT)
    assert np.abs(np.array(played["pixels"]) - wanted).max() <= TOLERANCE


@pytest.mark.parametrize("name", EVERY_FILM)
def test_the_answer_tells_what_was_made(made, name):
    path, answer = made[name]
    format, codec, fps = FILMS[name]
    assert answer == {
        "file": f"film.{format.lower()}",
        "media_type": f"video/{format.lower()}",
        "frame_count": COUNT,
        "seconds": COUNT / fps,
        "codec": codec or "AV1",
        "losses": [],
    }
    assert path.stat().st_size < 10_000


@pytest.mark.parametrize("name", [one for one in EVERY_FILM if "mp4" in one.values[0]])
def test_an_mp4_can_be_played_while_it_comes(made, name):
    # Given the boxes of an MP4
    data = made[name][0].read_bytes()
    top = dict(boxes(memoryview(data)))
    # Then its table comes before its frames
    assert list(top) == [b"ftyp", b"moov", b"mdat"]
    inside = _table(top[b"moov"])
    # And times are exact: as many ticks a frame as go twelve times into a second
    timescale = struct.unpack_from(">I", inside[b"mdhd"], 12)[0]
    assert struct.unpack_from(">III", inside[b"stts"], 4) == (1, COUNT, timescale // 12) and timescale % 12 == 0
    # And the samples fill the rest of the file, from where the table says
    sizes = struct.unpack_from(f">{COUNT}I", inside[b"stsz"], 12)
    begin = struct.unpack_from(">I", inside[b"stco"], 8)[0]
    assert data[begin - 4 : begin] == b"mdat" and begin + sum(sizes) == len(data)
    # And there is a keyframe to begin with in each group
    keys = struct.unpack_from(">I", inside[b"stss"], 4)[0]
    assert struct.unpack_from(f">{keys}I", inside[b"stss"], 8)[0] == 1 and keys == 3
    # And its colours are said to be sRGB's
    entry = dict(boxes(inside[b"stsd"][8 + 86 :]))
    assert bytes(entry[b"colr"][:8]) == b"nclx" + struct.pack(">HH", 1, 13)


def _table(moov: memoryview) -> dict[bytes, memoryview]:
    """The boxes of all levels down to the sample table."""
    found: dict[bytes, memoryview] = {}
    level = moov
    for kind in (b"trak", b"mdia", b"minf", b"stbl"):
        found |= dict(boxes(level))
        level = found[kind]
    return found | dict(boxes(level))


def test_a_webm_says_where_its_parts_lie(made):
    # Given the elements of a WebM
    data = made["webm-av1"][0].read_bytes()
    top = _elements(data)
    assert [identity for identity, _, _ in top] == [0x1A45DFA3, 0x18538067]
    segment = data[top[1][1] : top[1][2]]
    parts = _elements(segment)
    # Then a cluster for each keyframe comes after SeekHead, Info, Tracks and Cues
    assert [identity for identity, _, _ in parts] == [0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B] + 3 * [0x1F43B675]
    # And what SeekHead and Cues name begins there
    assert _places_named(segment, parts[0], 0x53AC) == _begins(segment, parts[1:4])
    assert _places_named(segment, parts[3], 0xF1) == _begins(segment, parts[4:])


def _elements(data: bytes) -> list[tuple[int, int, int]]:
    """(identity, begin of the payload, end) of elements that lie one behind the other."""
    found, at = [], 0
    while at < len(data):
        length = 9 - data[at].bit_length()
        identity, at = int.from_bytes(data[at : at + length], "big"), at + length
        length = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
        at += length
        found.append((identity, at, at + size))
        at += size
    assert at == len(data)
    return found


def _begins(segment: bytes, parts: list[tuple[int, int, int]]) -> list[int]:
    """Where elements with an identity of four bytes and a size of eight begin."""
    begins = [begin - 12 for _, begin, _ in parts]
    assert all(segment[at : at + 4] == part[0].to_bytes(4, "big") for at, part in zip(begins, parts, strict=True))
    return begins


def _places_named(segment: bytes, part: tuple[int, int, int], identity: int) -> list[int]:
    """The numbers of `identity` anywhere within a part."""
    masters, numbers = {0x4DBB, 0xBB, 0xB7}, []
    waiting = [segment[part[1] : part[2]]]
    while waiting:
        data = waiting.pop(0)
        for found, begin, end in _elements(data):
            if found in masters:
                waiting.append(data[begin:end])
            elif found == identity:
                numbers.append(int.from_bytes(data[begin:end], "big"))
    return numbers


@pytest.mark.parametrize("format", ["MP4", "WEBM"])
def test_what_is_transparent_lies_over_white_and_is_told(filmed, format):
    _, made = filmed(
        [frame(index, ground=(0, 0, 0, 0)) for index in range(3)] + [frame(3, ground=(9, 9, 9, 255))], format
    )
    assert [(entry["feature"], entry["count"]) for entry in made["losses"]] == [("transparency", 3)]


@without_h264
def test_h264_is_made_in_a_confined_child_that_may_run_a_program(drawn, tmp_path):
    # Given a confined child, with the limits that a job's steps have
    request = {"frames": drawn(FRAMES), "format": "MP4", "codec": "H264", "fps": 24.0}
    with Zygote(preload=["threed_workers.films"]) as zygote:
        # When it may run programs of the encoder's folder, then it makes the film
        with zygote.start("film", request, tmp_path, Limits(processes=2), read_dirs=[h264.HERE]) as child:
            assert child.result()["seconds"] == 0.5
        assert (tmp_path / "film.mp4").read_bytes()[4:8] == b"ftyp"
        # And when it may not, it says what can be done
        with zygote.start("film", request, tmp_path, Limits()) as child:
            with pytest.raises(errors.EngineUnavailable, match="Ask for AV1"):
                child.result()


def test_av1_is_made_in_a_confined_child(drawn, tmp_path):
    # Given so many frames that two groups of them are encoded at once
    request = {"frames": drawn([*FRAMES, *reversed(FRAMES)]), "format": "MP4", "codec": "", "fps": 24.0}
    with Zygote(preload=["threed_workers.films"]) as zygote:
        with zygote.start("film", request, tmp_path, Limits()) as child:
            progress = [event["progress"] for event in child.events()]
            assert child.result()["codec"] == "AV1"
    # Then each is told once, and none goes back
    assert progress == pytest.approx(np.arange(24) / 24)


def test_a_film_of_two_seconds_has_two_keyframes_and_always_the_same_bytes(filmed):
    path, _ = filmed([*FRAMES, *reversed(FRAMES)], "MP4")
    first = path.read_bytes()
    inside = _table(dict(boxes(memoryview(first)))[b"moov"])
    keys = struct.unpack_from(">I", inside[b"stss"], 4)[0]
    assert struct.unpack_from(f">{keys}I", inside[b"stss"], 8) == (1, 13)
    path, _ = filmed([*FRAMES, *reversed(FRAMES)], "MP4")
    assert path.read_bytes() == first


def test_h264_that_is_not_installed_is_refused_with_what_to_do(filmed, monkeypatch, tmp_path):
    monkeypatch.setattr(h264, "PACKAGE", tmp_path / "nothing")
    with pytest.raises(errors.EngineUnavailable, match=r"AV1.*docs/films.md"):
        filmed(FRAMES, "MP4", codec="H264")
