"""WebM with one AV1 track (RFC 8794, RFC 9559, "AV1 in Matroska"): the index first, a cluster for each keyframe."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from threed_workers.films.encoding import encoded
from threed_workers.films.plan import Made, Plan, without_alpha
from threed_workers.films.timing import durations
from threed_workers.films.track import Color, Track

_TICKS = 1000  # a second, as everybody writes it
_TICK_NS = 10**9 // _TICKS
_LONGEST_CLUSTER = 30_000  # ticks: a block's time is 16 bit, counted from its cluster's
_KEY = 0x80  # the flag of a block that needs none before it
_VIDEO = 1
_PLACE_BYTES = 8  # of each number that is a place in the file


def write(plan: Plan, target: Path) -> Made:
    """Encode and write. Times of frames are whole milliseconds, as WebM has them."""
    track = encoded(plan)
    write_track(track, target)
    return Made(track.seconds, without_alpha(plan))


@dataclass(frozen=True)
class _Cluster:
    time: int  # ticks
    blocks: list[tuple[int, int]]  # (ticks from the cluster's time, sample)
    payload_bytes: int
    begins_with_keyframe: bool


def write_track(track: Track, target: Path) -> None:
    """EBML head, and the segment: SeekHead, Info, Tracks, Cues, Clusters. The same track makes the same bytes."""
    clusters = list(_clusters(track))
    info, tracks = _info(track), _tracks(track)
    # SeekHead and Cues hold places, as numbers of one length: so their own lengths are known before.
    seek_bytes = len(_seek_head(0, 0, 0))
    cues_at = seek_bytes + len(info) + len(tracks)
    first_at = cues_at + len(_cues([(0, 0)] * sum(cluster.begins_with_keyframe for cluster in clusters)))
    places, at = [], first_at
    for cluster in clusters:
        if cluster.begins_with_keyframe:  # whoever seeks to another place sees the frame before it, or none
            places.append((cluster.time, at))
        at += len(_head(0x1F43B675, cluster.payload_bytes)) + cluster.payload_bytes
    with target.open("wb") as file:
        file.write(_ebml())
        file.write(_head(0x18538067, at))
        file.write(_seek_head(seek_bytes, seek_bytes + len(info), cues_at) + info + tracks + _cues(places))
        for cluster in clusters:
            file.write(_head(0x1F43B675, cluster.payload_bytes) + _timestamp(cluster.time))
            for relative, sample in cluster.blocks:
                file.write(_block_head(track, relative, sample))
                file.write(track.samples[sample])


def _clusters(track: Track) -> Iterator[_Cluster]:
    """One from each keyframe on; where keyframes lie further apart than a block's time reaches, more."""
    keys, times = set(track.keyframes), _times(track)
    begin = 0
    for index in range(1, len(times) + 1):
        whole = index == len(times) or index in keys or times[index] - times[begin] > _LONGEST_CLUSTER
        if whole:
            blocks = [(times[sample] - times[begin], sample) for sample in range(begin, index)]
            held = sum(len(_block_head(track, *block)) + len(track.samples[block[1]]) for block in blocks)
            yield _Cluster(times[begin], blocks, len(_timestamp(times[begin])) + held, begin in keys)
            begin = index


def _times(track: Track) -> list[int]:
    """When each frame is shown, in ticks."""
    times, now = [], 0
    for shown in durations(len(track.samples), track.rate, _TICKS):
        times.append(now)
        now += shown
    return times


def _block_head(track: Track, relative: int, sample: int) -> bytes:
    """A SimpleBlock up to its frame: the track, the time, the flags."""
    flags = _KEY if sample in track.keyframes else 0
    return _head(0xA3, 4 + len(track.samples[sample])) + struct.pack(">BhB", 0x80 | 1, relative, flags)


def _timestamp(time: int) -> bytes:
    return _number(0xE7, time)


def _ebml() -> bytes:
    return _element(
        0x1A45DFA3,
        *(_number(0x4286, 1), _number(0x42F7, 1), _number(0x42F2, 4), _number(0x42F3, 8)),
        *(_element(0x4282, b"webm"), _number(0x4287, 4), _number(0x4285, 2)),
    )


def _seek_head(info: int, tracks: int, cues: int) -> bytes:
    """Where the three parts lie, counted from the first byte of the segment's payload."""
    places = ((0x1549A966, info), (0x1654AE6B, tracks), (0x1C53BB6B, cues))
    return _element(
        0x114D9B74,
        *(_element(0x4DBB, _element(0x53AB, _identity(part)), _place(0x53AC, place)) for part, place in places),
    )


def _info(track: Track) -> bytes:
    app = b"threed"
    duration = struct.pack(">d", float(track.seconds * _TICKS))
    return _element(
        0x1549A966,
        *(_number(0x2AD7B1, _TICK_NS), _element(0x4489, duration), _element(0x4D80, app), _element(0x5741, app)),
    )


def _tracks(track: Track) -> bytes:
    video = _element(0xE0, _number(0xB0, track.width), _number(0xBA, track.height), _color(track.color))
    entry = _element(
        0xAE,
        *(_number(0xD7, 1), _number(0x73C5, 1), _number(0x83, _VIDEO), _number(0x9C, 0)),
        _number(0x23E383, round(Fraction(10**9) / track.rate)),  # DefaultDuration in ns
        *(_element(0x86, b"V_AV1"), _element(0x63A2, track.configuration), video),
    )
    return _element(0x1654AE6B, entry)


def _color(color: Color) -> bytes:
    """Matrix, range (1 limited, 2 full), transfer, primaries."""
    limits = 2 if color.full_range else 1
    return _element(
        0x55B0,
        *(_number(0x55B1, color.matrix), _number(0x55B9, limits)),
        *(_number(0x55BA, color.transfer), _number(0x55BB, color.primaries)),
    )


def _cues(places: list[tuple[int, int]]) -> bytes:
    """(time, place of the cluster) of each."""
    return _element(
        0x1C53BB6B,
        *(
            _element(0xBB, _place(0xB3, time), _element(0xB7, _number(0xF7, 1), _place(0xF1, place)))
            for time, place in places
        ),
    )


def _element(identity: int, *payload: bytes) -> bytes:
    return _head(identity, sum(map(len, payload))) + b"".join(payload)


def _head(identity: int, size: int) -> bytes:
    """Identity, and the size as a number of 8 bytes (RFC 8794 section 4)."""
    return _identity(identity) + (1 << 56 | size).to_bytes(8, "big")


def _identity(identity: int) -> bytes:
    return identity.to_bytes((identity.bit_length() + 7) // 8, "big")


def _number(identity: int, value: int) -> bytes:
    return _element(identity, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _place(identity: int, value: int) -> bytes:
    return _element(identity, value.to_bytes(_PLACE_BYTES, "big"))
