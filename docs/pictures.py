"""Makes docs/pictures anew: every preset once, by the command line, of a sample that our code makes.

`python docs/pictures.py [PRESET ...]` starts a stack of its own on a free port; all of them take about a quarter of an
hour of two cores. What is at most _MOST_BYTES is kept; films become small animated pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image, ImageSequence

from threed.local.ports import free_ports
from threed.services.render_presets import PRESETS
from threed_workers.samples import animated_model

HERE = Path(__file__).parent / "pictures"
# Kept in the repository, and shown at this width.
_MOST_BYTES, _WIDTH, _FILM_WIDTH, _FILM_FRAMES = 60_000, 640, 200, 20
_QUALITIES = (90, 80, 70, 60, 50, 40, 30, 20)
_START_S = 120
# As large as they are shown: the same time gives each pixel many times the samples that it has at full size.
_SMALLER = {"product": ("--width", "512", "--height", "512"), "hero": ("--width", "640", "--height", "360")}


def main() -> None:
    """Draw what is named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("presets", nargs="*", default=list(PRESETS), metavar="PRESET")
    wanted = parser.parse_args().presets
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="threed-pictures-") as name:
        folder = Path(name)
        (port,) = free_ports(1)
        url = f"http://127.0.0.1:{port}"
        stack = subprocess.Popen([*_THREED, "up", "--data", name, "--port", str(port)], start_new_session=True)
        try:
            _await(url, stack)
            environment = {**os.environ, "THREED_DATA_DIR": name, "THREED_URL": url}
            (folder / "sample.glb").write_bytes(animated_model())
            uploaded = _threed(folder, environment, "upload", "sample.glb", "--json")
            for preset in wanted:
                _draw(folder, environment, json.loads(uploaded)["assetId"], preset)
        finally:
            stack.send_signal(signal.SIGINT)
            stack.wait(60)


_THREED = (sys.executable, "-m", "threed")


def _draw(folder: Path, environment: dict[str, str], asset_id: str, preset: str) -> None:
    """Run the command of docs/render.md, and keep a small picture of what it made."""
    moves = PRESETS[preset].WhichOneof("motion") is not None
    made = f"{preset}.{'webp' if moves or preset == 'thumbnail' else 'png'}"
    print(
        _threed(folder, environment, "render", asset_id, "--preset", preset, *_SMALLER.get(preset, ()), "-o", made),
        end="",
        flush=True,
    )
    with Image.open(folder / made) as picture:
        small = _frames(picture) if moves else [_shrunk(picture, _WIDTH)]
        seconds = PRESETS[preset].turntable.seconds
    _keep(HERE / f"{preset}.webp", small, seconds)


def _frames(film: Image.Image) -> list[Image.Image]:
    every = -(-film.n_frames // _FILM_FRAMES)
    chosen = (frame for number, frame in enumerate(ImageSequence.Iterator(film)) if number % every == 0)
    return [_shrunk(frame, _FILM_WIDTH) for frame in chosen]


def _shrunk(picture: Image.Image, width: int) -> Image.Image:
    picture = picture.convert("RGBA")
    height = round(width * picture.height / picture.width)
    return picture if picture.width <= width else picture.resize((width, height), Image.Resampling.LANCZOS)


def _keep(path: Path, frames: list[Image.Image], seconds: float) -> None:
    """As good as fits into _MOST_BYTES."""
    first, *rest = frames
    more = {"save_all": True, "append_images": rest, "duration": round(1000 * seconds / len(frames)), "loop": 0}
    for quality in _QUALITIES:
        first.save(path, "WEBP", quality=quality, method=6, **(more if rest else {}))
        if path.stat().st_size <= _MOST_BYTES:
            break
    print(f"{path.name}: {path.stat().st_size} bytes, quality {quality}", flush=True)


def _threed(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run([*_THREED, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def _await(url: str, stack: subprocess.Popen) -> None:
    """Until a worker has told what it can do: before that, jobs wait."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and stack.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    sys.exit("threed up is not ready.")


if __name__ == "__main__":
    main()
