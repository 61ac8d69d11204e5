"""Radiance RGBE pictures (Ward 1991), flat and run-length encoded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL.Image import Image

from threed.errors import FileMalformed, FileTruncated
from threed_workers.budget import Budget
from threed_workers.formats.source import Source
from threed_workers.formats.tone import tone_mapped
from threed_workers.picture import Picture, check, media_type_of, probe

name = "hdr"
media_type = "image/vnd.radiance"
extensions = (".hdr", ".pic", ".rgbe")
asset_type = "ENVIRONMENT"


def recognise(source: Source) -> bool:
    return media_type_of(source.data) == media_type


def read(source: Source, budget: Budget) -> Picture:
    """What the header says, within the budget."""
    picture = probe(source.data, "byte 0")
    check(picture, budget, "byte 0")
    return picture


def preview(source: Source, longest_px: int) -> Image:
    """The picture, tone mapped, at most `longest_px` long; rows are reduced as they are decoded."""
    picture = probe(source.data, "byte 0")
    step = max(1, max(picture.width_px, picture.height_px) // longest_px)
    kept = [_float(row[::step]) for number, row in enumerate(rows(source.data, picture)) if number % step == 0]
    image = np.stack(kept)
    head = bytes(source.data[:65536])
    words = head[head.find(b"\n\n") + 2 :].split(None, 4)
    image = image[::-1] if words[0] == b"+Y" else image
    return tone_mapped(image[:, ::-1] if words[2] == b"-X" else image, longest_px)


def rows(data: memoryview, picture: Picture) -> Iterator[np.ndarray]:
    """Every scanline, uint8 (width, 4): mantissas and the shared exponent. Raises FileTruncated, FileMalformed."""
    head = bytes(data[:65536])
    position = head.index(b"\n", head.find(b"\n\n") + 2) + 1
    width = picture.width_px
    for number in range(picture.height_px):
        if position + 4 > len(data):
            raise FileTruncated(f"The picture ends before row {number}.", where=f"byte {position}")
        start = bytes(data[position : position + 4])
        if start[:2] == b"\2\2" and start[2] < 128 and 8 <= width < 32768:
            if start[2] << 8 | start[3] != width:
                raise FileMalformed("A scanline has another width than the picture.", where=f"byte {position}")
            row, position = _packed(data, position + 4, width)
        else:
            if position + 4 * width > len(data):
                raise FileTruncated(f"The picture ends within row {number}.", where=f"byte {position}")
            row = np.frombuffer(data, np.uint8, 4 * width, position).reshape(width, 4)
            position += 4 * width
        yield row


def _packed(data: memoryview, position: int, width: int) -> tuple[np.ndarray, int]:
    """One scanline of four run-length encoded planes."""
    row = np.empty((width, 4), np.uint8)
    for plane in range(4):
        done = 0
        while done < width:
            if position + 2 > len(data):
                raise FileTruncated("The picture ends within a row.", where=f"byte {position}")
            count = data[position]
            is_run = count > 128
            length = count - 128 if is_run else count
            if length == 0 or done + length > width:
                raise FileMalformed("A run is longer than its row.", where=f"byte {position}")
            if is_run:
                row[done : done + length, plane] = data[position + 1]
                position += 2
            else:
                if position + 1 + length > len(data):
                    raise FileTruncated("The picture ends within a row.", where=f"byte {position}")
                row[done : done + length, plane] = np.frombuffer(data, np.uint8, length, position + 1)
                position += 1 + length
            done += length
    return row, position


def _float(row: np.ndarray) -> np.ndarray:
    """RGBE to linear float32 (n, 3)."""
    scale = np.ldexp(1.0, row[:, 3].astype(np.int32) - 136)
    return (row[:, :3] * np.where(row[:, 3] > 0, scale, 0.0)[:, None]).astype(np.float32)
