"""MP4 with one video track (ISO/IEC 14496-12, -14 and -15, and AV1-ISOBMFF): moov first, and exact times of frames."""

from __future__ import annotations

import struct
from pathlib import Path

from threed.errors import JobFailed
from threed_workers.films.encoding import encoded
from threed_workers.films.plan import Made, Plan, without_alpha
from threed_workers.films.track import Color, Track

_ENTRIES = {"AV1": (b"av01", b"av1C"), "H264": (b"avc1", b"avcC")}
_LEAST_TIMESCALE = 10_000  # ticks a second; some players round to less than a frame otherwise
_UNITY = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)  # the matrix that changes nothing
_UNDETERMINED = 0x55C4  # the language "und"
_MOST_BYTES = (1 << 32) - (1 << 24)  # what 32 bit offsets reach, and room for moov


def write(plan: Plan, target: Path) -> Made:
    """Encode and write. Raises JobFailed beyond 4 GiB."""
    track = encoded(plan)
    write_track(track, target)
    return Made(track.seconds, without_alpha(plan))


def write_track(track: Track, target: Path) -> None:
    """ftyp, moov, mdat. No times of writing, so the same track makes the same bytes."""
    held = sum(map(len, track.samples))
    if held > _MOST_BYTES:
        raise JobFailed(f"The film has {held} bytes; an MP4 of ours has less than {_MOST_BYTES}. Ask for less quality.")
    entry = _ENTRIES[track.codec][0]
    head = _box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isom", b"iso2", b"mp41", entry)
    # The table holds where the samples begin, and so depends on its own length.
    begin = len(head) + len(_moov(track, 0)) + 8
    with target.open("wb") as file:
        file.write(head)
        file.write(_moov(track, begin))
        file.write(struct.pack(">I4s", 8 + held, b"mdat"))
        file.writelines(track.samples)


def _moov(track: Track, begin: int) -> bytes:
    # Ticks: as many as the rate's numerator, or a multiple, so that each frame takes a whole number of them.
    scale = -(-_LEAST_TIMESCALE // track.rate.numerator)
    timescale, delta = track.rate.numerator * scale, track.rate.denominator * scale
    length = delta * len(track.samples)
    mvhd = struct.pack(">IIIIIH10x", 0, 0, timescale, length, 1 << 16, 1 << 8) + _UNITY + bytes(24)
    mvhd += struct.pack(">I", 2)  # the next track's number
    tkhd = struct.pack(">IIIII8xhhhH", 0, 0, 1, 0, length, 0, 0, 0, 0) + _UNITY
    tkhd += struct.pack(">II", track.width << 16, track.height << 16)
    mdhd = struct.pack(">IIIIHH", 0, 0, timescale, length, _UNDETERMINED, 0)
    hdlr = struct.pack(">I4s12x", 0, b"vide") + b"VideoHandler\0"
    dref = struct.pack(">I", 1) + _full(b"url ", flags=1)
    minf = _full(b"vmhd", bytes(8), flags=1) + _box(b"dinf", _full(b"dref", dref)) + _samples(track, delta, begin)
    mdia = _full(b"mdhd", mdhd) + _full(b"hdlr", hdlr) + _box(b"minf", minf)
    return _box(b"moov", _full(b"mvhd", mvhd), _box(b"trak", _full(b"tkhd", tkhd, flags=3), _box(b"mdia", mdia)))


def _samples(track: Track, delta: int, begin: int) -> bytes:
    """stbl: all samples of one length in one chunk."""
    count, keys = len(track.samples), track.keyframes
    stbl = _full(b"stsd", struct.pack(">I", 1), _entry(track))
    stbl += _full(b"stts", struct.pack(">III", 1, count, delta))
    if len(keys) < count:
        stbl += _full(b"stss", struct.pack(f">I{len(keys)}I", len(keys), *(key + 1 for key in keys)))
    stbl += _full(b"stsc", struct.pack(">IIII", 1, 1, count, 1))
    stbl += _full(b"stsz", struct.pack(f">II{count}I", 0, count, *map(len, track.samples)))
    return _box(b"stbl", stbl, _full(b"stco", struct.pack(">II", 1, begin)))


def _entry(track: Track) -> bytes:
    """The VisualSampleEntry: square pixels, 24 bit, and what its colours mean."""
    kind, configuration = _ENTRIES[track.codec]
    fields = struct.pack(">6xH16xHHIIIH", 1, track.width, track.height, 72 << 16, 72 << 16, 0, 1)
    fields += bytes(32) + struct.pack(">Hh", 24, -1)
    return _box(kind, fields, _box(configuration, track.configuration), _colr(track.color))


def _colr(color: Color) -> bytes:
    words = (color.primaries, color.transfer, color.matrix, color.full_range << 7)
    return _box(b"colr", b"nclx", struct.pack(">HHHB", *words))


def _box(kind: bytes, *payload: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, payload)), kind) + b"".join(payload)


def _full(kind: bytes, *payload: bytes, flags: int = 0) -> bytes:
    """A FullBox of version 0."""
    return _box(kind, struct.pack(">I", flags), *payload)
