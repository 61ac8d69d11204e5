"""KTX2 pictures of Basis Universal as pixels, by the same `basisu` that writes them; without it, they stay closed.

It unpacks to PNG through BC7, the nearest of the formats that it unpacks to: what ETC1S and UASTC hold fits into BC7
with hardly a loss. Whoever calls must be allowed a child process, as for encoding.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from threed_workers.textures import ktx2

_BC7 = "6"
_TIMEOUT_S = 120
_VK_FORMAT = slice(12, 16)  # 0 in files of Basis Universal (KTX 2.0 section 3.2)


def decoded(data: bytes | memoryview) -> Image.Image | None:
    """RGB or RGBA of the largest level; None where basisu is not installed, or does not take the file."""
    if ktx2.available() or bytes(data[_VK_FORMAT]) != b"\0\0\0\0":
        return None
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "p.ktx2").write_bytes(data)
        command = [str(ktx2.BASISU), "-unpack", "-no_ktx", "-format_only", _BC7, "-file", "p.ktx2"]
        try:
            subprocess.run(command, cwd=folder, capture_output=True, timeout=_TIMEOUT_S, check=True)
            return _joined(
                folder / "p_unpacked_rgb_BC7_RGBA_0_0_0000.png", folder / "p_unpacked_a_BC7_RGBA_0_0_0000.png"
            )
        except (OSError, subprocess.SubprocessError):
            return None


def _joined(colors: Path, alpha: Path) -> Image.Image:
    """Colours and opacity, which basisu writes apart, as one; opacity only where there is some."""
    image = Image.open(colors).convert("RGB")
    if alpha.exists():
        opacity = Image.open(alpha).convert("RGB").getchannel("G")
        if opacity.getextrema() != (255, 255):
            image.putalpha(opacity)
    return image
