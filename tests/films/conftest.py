from __future__ import annotations

from tests.films.drawn import drawn, filmed

__all__ = ["drawn", "filmed"]
