"""AV1 by libaom (BSD-2-Clause), which Pillow has for AVIF: an AVIF sequence is an AV1 track in all but its handler.

48 frames of 512 x 512 take 0.4 s of processor time at speeds 8 to 10, and their sizes differ by 3 %.
PyAV would do it too, but its wheel holds libx264 and libx265, which are GPL.
"""

from __future__ import annotations

import functools
import io
import struct
from concurrent.futures import ThreadPoolExecutor

from threed.errors import JobFailed
from threed_workers.films import isobmff
from threed_workers.films.plan import Plan
from threed_workers.films.reel import Reel
from threed_workers.films.track import Color, Track

_SPEED = 9
_GROUP = 120  # frames: a player that seeks decodes from the last keyframe, and so many samples wait in libavif
# Groups are encoded two at a time, each by one thread: 48 frames of 512 x 512 as two groups take 0.46 s instead of 0.66
# as one group by two threads, reading included, and 0.8 % more bytes. Always, so that one film has the same bytes on
# every machine; fewer than `_SPLIT` frames are one group.
_AT_ONCE, _SPLIT = 2, 24
_DELIMITER = b"\x12\x00"  # OBU_TEMPORAL_DELIMITER: not within samples (AV1-ISOBMFF 2.4, and so in Matroska)
_SEQUENCE_HEADER = 0x0A  # the byte that OBU_SEQUENCE_HEADER with a size begins with
_RECORD = 4  # bytes of the av1C record before its OBUs


def encode(plan: Plan) -> Track:
    """4:2:0, 8 bit, limited range. Each group of frames begins with a keyframe. Raises JobFailed."""
    count = len(plan.frames)
    groups = max(-(-count // _GROUP), _AT_ONCE if count >= _SPLIT else 1)
    ends = [group * count // groups for group in range(groups + 1)]
    samples, keyframes, heads = [], [], set()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for coded in pool.map(functools.partial(_group, plan), ends, ends[1:]):
            keyframes += [len(samples) + index for index in coded.keyframes]
            samples += [sample.removeprefix(_DELIMITER) for sample in coded.samples]
            heads.add((coded.configuration[:_RECORD], coded.color))
    if len(heads) != 1 or len(samples) != count or keyframes[:1] != [0]:
        raise JobFailed("The AV1 encoder did not write the frames that it was given.")
    ((record, color),) = heads
    configuration = record + _sequence_header(samples[0])
    frames = plan.frames
    return Track("AV1", frames.width, frames.height, plan.rate, configuration, _color(color), samples, keyframes)


def _group(plan: Plan, begin: int, end: int) -> isobmff.Coded:
    out = io.BytesIO()
    Reel(plan.frames.opaque, begin, end).save(
        out,
        "AVIF",
        save_all=True,
        duration=1,
        quality=plan.quality,
        speed=_SPEED,
        subsampling="4:2:0",
        range="limited",
        codec="aom",
        max_threads=1,
        autotiling=False,
    )
    return isobmff.read_track(out.getvalue())


def _sequence_header(sample: bytes) -> bytes:
    """The OBU that a keyframe begins with; players like to have it in the configuration too (AV1-ISOBMFF 2.3.3)."""
    if sample[0] != _SEQUENCE_HEADER or sample[1] & 0x80:
        raise JobFailed("The first frame of the AV1 encoder does not begin with a sequence header.")
    return sample[: 2 + sample[1]]


def _color(payload: bytes) -> Color:
    """What the encoder says it did, from its colr box of type nclx."""
    if payload[:4] != b"nclx" or len(payload) < 11:
        raise JobFailed("The AV1 encoder did not say what its colours mean.")
    primaries, transfer, matrix, full = struct.unpack_from(">HHHB", payload, 4)
    return Color(primaries, transfer, matrix, bool(full & 0x80))
