"""Frames that were drawn for tests: a square of one colour goes over a ground of another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from threed_workers.films import film

GROUND = (40, 90, 160)
SQUARE = (220, 120, 30)
SIDE = 24
WIDTH, HEIGHT, COUNT = 128, 96, 12


def left_of(index: int) -> int:
    """Where the square begins in a frame."""
    return 4 + 8 * index


def frame(index: int, width: int = WIDTH, height: int = HEIGHT, ground: tuple[int, ...] = GROUND) -> np.ndarray:
    """uint8 (height, width, channels of the ground)."""
    picture = np.empty((height, width, len(ground)), np.uint8)
    picture[:] = ground
    left = left_of(index)
    picture[30 : 30 + SIDE, left : left + SIDE] = (*SQUARE, 255)[: len(ground)]
    return picture


def middle_of(index: int) -> tuple[int, int]:
    """A pixel (x, y) within the square of a frame."""
    return left_of(index) + SIDE // 2, 30 + SIDE // 2


@pytest.fixture
def drawn(tmp_path: Path) -> Callable[..., list[str]]:
    """Write pictures as frames; the names of the files."""

    def drawn(pictures: list[np.ndarray]) -> list[str]:
        for index, one in enumerate(pictures):
            Image.fromarray(one).save(tmp_path / f"drawn-{index}.png")
        return [f"drawn-{index}.png" for index in range(len(pictures))]

    return drawn


@pytest.fixture
def filmed(tmp_path: Path, drawn: Callable[..., list[str]]) -> Callable[..., tuple[Path, dict[str, Any]]]:
    """The step on pictures: the file, and what it answers."""

    def filmed(pictures: list[np.ndarray], format: str, **more: Any) -> tuple[Path, dict[str, Any]]:
        request = {"frames": drawn(pictures), "format": format, "codec": "", "fps": 12.0} | more
        made = film(request, tmp_path, lambda event: None)
        return tmp_path / made["file"], made

    return filmed
