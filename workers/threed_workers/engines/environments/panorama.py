"""Read an uploaded panorama: Radiance HDR, OpenEXR, or an ordinary picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from threed.errors import EngineFailed
from threed_workers.engines.pictures import decoded

# What lights a scene is blurred anyway, and Filament's cube maps are 256 pixels wide.
_WIDEST = 2048
_BRIGHTEST = 65000.0


def read_panorama(file: Path) -> np.ndarray:
    """Linear RGB float32 (h, w, 3), row 0 up, at most 2048 wide, neither negative nor beyond half floats."""
    with file.open("rb") as opened:
        head = opened.read(4)
    try:
        if head[:2] == b"#?":
            panorama = _radiance_hdr(file.read_bytes())
        elif head == b"\x76\x2f\x31\x01":
            panorama = _openexr(file)
        else:
            with Image.open(file) as picture:
                panorama = decoded(np.asarray(picture.convert("RGB")))
    except EngineFailed:
        raise
    except Exception as error:
        raise EngineFailed(f"The environment's panorama cannot be read: {error}. Save it as Radiance HDR.") from error
    step = -(-panorama.shape[1] // _WIDEST)
    panorama = _averaged(panorama, step) if step > 1 else panorama
    return np.ascontiguousarray(np.nan_to_num(panorama, nan=0.0, posinf=_BRIGHTEST).clip(0, _BRIGHTEST), np.float32)


def _averaged(panorama: np.ndarray, step: int) -> np.ndarray:
    height, width = panorama.shape[0] // step * step, panorama.shape[1] // step * step
    return panorama[:height, :width].reshape(height // step, step, width // step, step, 3).mean(axis=(1, 3))


def _radiance_hdr(data: bytes) -> np.ndarray:
    """Radiance RGBE, flat or run-length encoded by scan line (Ward, "Real Pixels", Graphics Gems II)."""
    end = data.index(b"\n\n") + 2
    line_end = data.index(b"\n", end)
    order = data[end:line_end].split()
    if len(order) != 4 or order[0] != b"-Y" or order[2] != b"+X":
        raise EngineFailed(f"The panorama's rows run as {order}; save it with -Y, +X.")
    height, width = int(order[1]), int(order[3])
    body = np.frombuffer(data, np.uint8, offset=line_end + 1)
    if 8 <= width < 32768 and len(body) >= 4 and body[0] == 2 and body[1] == 2 and not body[2] & 0x80:
        pixels = _scan_lines(body, width, height)
    else:
        pixels = body[: height * width * 4].reshape(height, width, 4)
    exponent = np.ldexp(np.float32(1.0), pixels[..., 3].astype(np.int32) - 136)
    return (pixels[..., :3] + np.float32(0.5)) * np.where(pixels[..., 3] > 0, exponent, 0)[..., None]


def _scan_lines(body: np.ndarray, width: int, height: int) -> np.ndarray:
    pixels = np.zeros((height, 4, width), np.uint8)
    place = 0
    for row in range(height):
        place += 4
        for channel in range(4):
            filled, line = 0, pixels[row, channel]
            while filled < width:
                count = int(body[place])
                if count > 128:
                    line[filled : filled + count - 128] = body[place + 1]
                    filled, place = filled + count - 128, place + 2
                else:
                    line[filled : filled + count] = body[place + 1 : place + 1 + count]
                    filled, place = filled + count, place + 1 + count
                if count == 0:
                    raise EngineFailed("The panorama has an empty run.")
    return pixels.transpose(0, 2, 1)


def _openexr(file: Path) -> np.ndarray:
    import OpenEXR

    with OpenEXR.File(str(file), separate_channels=True) as opened:
        channels = opened.channels()
        planes = [channels[name].pixels for name in ("R", "G", "B") if name in channels]
        if not planes:
            planes = [next(iter(channels.values())).pixels]
        planes = planes * 3 if len(planes) == 1 else planes
        return np.stack(planes[:3], axis=-1).astype(np.float32)
