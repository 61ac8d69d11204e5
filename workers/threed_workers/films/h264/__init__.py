"""H.264 by minih264 (CC0-1.0) in WebAssembly: the npm package h264-mp4-encoder (MIT), an optional extra for Node.

The package holds libmp4v2 (MPL-1.1) too, whose file is only read here, and written anew by `mp4`. Node is a program, so
whoever calls `encode` must be allowed a child process and its threads (`Limits.processes`). Patents on H.264 are a
matter of where and how it is used, which is why nobody gets it unasked.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from threed.errors import EngineFailed, EngineUnavailable
from threed_workers.films import isobmff
from threed_workers.films.plan import Plan
from threed_workers.films.track import Color, Track

HERE = Path(__file__).parent
PACKAGE = HERE / "node_modules" / "h264-mp4-encoder"
# Without the trap handler WebAssembly reserves no 10 GB of addresses, which a confined child may not.
_NODE = ["node", "--disable-wasm-trap-handler", "--max-old-space-size=256", str(HERE / "encode.js")]
_GROUP = 120  # frames from one keyframe to the next
_SPEED = 5  # 0 to 10: 10 takes half the time, and 11 % more bytes
_COARSEST, _FINEST = 45, 15  # quantization parameters of quality 1 and 100
_LENGTH, _IDR = (
    4,
    5,
)  # bytes of a NAL unit's length, and the type of a slice that needs no frame before it (H.264 7.4.1)

# Rows: Y, Cb, Cr of encoded red, green and blue in 0 to 255, limited range (ITU-R BT.709 section 3).
_KR, _KB = 0.2126, 0.0722
_COLOR = Color(primaries=1, transfer=13, matrix=1, full_range=False)
_Y = np.array([_KR, 1 - _KR - _KB, _KB], np.float32) * (219 / 255)
_CB = np.array([-_KR, _KR + _KB - 1, 1 - _KB], np.float32) / (2 * (1 - _KB)) * (224 / 255)
_CR = np.array([1 - _KR, _KR + _KB - 1, -_KB], np.float32) / (2 * (1 - _KR)) * (224 / 255)


def available() -> str:
    """Why H.264 cannot be written here, and how to change that; empty when it can."""
    if shutil.which("node") is None:
        return "H.264 is written by Node, which is not installed: apt-get install nodejs npm. Or ask for AV1."
    if not PACKAGE.exists():
        return "The H.264 encoder is not installed on this worker. Ask for AV1, or install it: see docs/films.md."
    return ""


def encode(plan: Plan) -> Track:
    """Baseline profile, 4:2:0, 8 bit, BT.709 in limited range. Raises EngineUnavailable, EngineFailed."""
    why = available()
    if why:
        raise EngineUnavailable(why)
    frames = plan.frames
    with tempfile.TemporaryDirectory(dir=frames.paths[0].parent) as name:
        folder = Path(name)
        _run(plan, folder)
        coded = isobmff.read_track((folder / "out.mp4").read_bytes())
    if len(coded.samples) != len(frames):
        raise EngineFailed(f"The H.264 encoder made {len(coded.samples)} frames of {len(frames)}. Ask for AV1.")
    # Not what the file says of keyframes: it calls every frame one, and a player that seeks shows rubbish.
    keyframes = [index for index, sample in enumerate(coded.samples) if sample[_LENGTH] & 0x1F == _IDR]
    return Track("H264", frames.width, frames.height, plan.rate, coded.configuration, _COLOR, coded.samples, keyframes)


def _run(plan: Plan, folder: Path) -> None:
    """Frame by frame into the program, which writes out.mp4. What it says goes to a file, so that neither waits."""
    frames = plan.frames
    step = round(_COARSEST + (_FINEST - _COARSEST) * (plan.quality - 1) / 99)
    said = folder / "said.txt"
    numbers = [str(number) for number in (frames.width, frames.height, step, _SPEED, _GROUP)]
    try:
        with (
            said.open("wb") as log,
            subprocess.Popen(
                [*_NODE, *numbers, "out.mp4"], cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=log
            ) as program,
        ):
            for index in range(len(frames)):
                program.stdin.write(planes(frames.opaque(index)))
    except BrokenPipeError:
        pass  # it says why
    except OSError as error:
        raise EngineUnavailable(f"The H.264 encoder did not run: {error}. Ask for AV1.") from None
    if program.returncode or not (folder / "out.mp4").exists():
        words = said.read_bytes()[-300:].decode(errors="replace").split()
        raise EngineFailed(f"The H.264 encoder failed: {' '.join(words)[:200]}. Ask for AV1.")


def planes(image: Image.Image) -> bytes:
    """Y uint8 (h, w), then Cb and Cr (h/2, w/2), each the mean of four pixels."""
    pixels = np.asarray(image, np.float32)
    height, width, _ = pixels.shape
    quarters = pixels.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
    values = (pixels @ _Y + 16, quarters @ _CB + 128, quarters @ _CR + 128)
    return b"".join(np.rint(plane).astype(np.uint8).tobytes() for plane in values)
