"""What this worker can write outputs of render jobs as."""

from __future__ import annotations

import importlib.util
from typing import Any

from PIL import features

from threed.films import LIMITS
from threed_workers.films import h264

_PILLOW = "Pillow was built without {} here. Install its wheel: pip install --force-reinstall pillow."
_EXR = "OpenEXR is not installed on this worker: pip install openexr."


def probe_all() -> list[dict[str, Any]]:
    """[{"format", "codec", "available", "unavailable_reason"}]: words of RenderJob's output_format and video_codec."""
    stills = [(format, "") for format in ("PNG", "JPEG", "EXR")]
    films = [(format, codec) for format, limits in LIMITS.items() for codec in limits.codecs]
    return [_row(format, codec, _missing(format, codec)) for format, codec in (*stills, *films)]


def _row(format: str, codec: str, why: str) -> dict[str, Any]:
    return {"format": format, "codec": codec, "available": not why, "unavailable_reason": why}


def _missing(format: str, codec: str) -> str:
    """What is missing, and how to get it; empty when nothing is."""
    if codec == "H264":
        return h264.available()
    if format == "EXR":
        return "" if importlib.util.find_spec("OpenEXR") else _EXR
    wanted = "avif" if codec == "AV1" else {"PNG": "zlib", "JPEG": "jpg", "WEBP": "webp"}.get(format)
    return "" if wanted is None or features.check(wanted) else _PILLOW.format(wanted.upper())
