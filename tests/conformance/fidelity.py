"""How near our pictures come to a reference renderer's, model by model: `make render-fidelity`.

The references are pictures of Cycles beside which a JSON file says camera, environment and model (folder `goldens` of
the set of THREED_MODELS). The path tracer is compared with them, and the raster engine with the path tracer. All inside
the outlines of both, over middle grey: FLIP (Andersson et al. 2020, the lower the better), SSIM, and IoU of outlines.
Prints a table, writes a sheet of all pictures; the exit code is 1 when a target is missed.

usage: python -m tests.conformance.fidelity [--samples 64] [--size 512] [--sheet build/fidelity.png] [NAME...]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import flip_evaluator
import numpy as np
from PIL import Image, ImageDraw

from threed_workers.budget import Budget
from threed_workers.engines import choose
from threed_workers.engines.drawing import Backdrop, Drawing, Instance, Settings, Sky, View
from threed_workers.engines.framing import depth_range, looking
from threed_workers.engines.models import Model
from threed_workers.engines.pictures import shrunk
from threed_workers.engines.tracing import llvm
from threed_workers.engines.tracing.variant import VARIABLE
from threed_workers.importing import import_file
from threed_workers.proof.similarity import over_grey, ssim

from .models import MODELS, uploaded

GOLDENS = MODELS / "goldens"
# (FLIP at most, SSIM at least, IoU at least) of an engine against what it is compared with.
TARGETS = {"path_traced": (0.10, 0.94, 0.99), "raster": (1.0, 0.85, 0.99)}
# Their panoramas have +X in the middle, ours +Z.
_ROTATION = np.pi / 2


@dataclass(frozen=True)
class Row:
    """One comparison."""

    model: str
    engine: str
    flip: float
    ssim: float
    iou: float

    @property
    def is_met(self) -> bool:
        """Whether the targets are."""
        flip, similar, overlap = TARGETS[self.engine]
        return self.flip <= flip and self.ssim >= similar and self.iou >= overlap


def main() -> int:
    """Print the table, write the sheet; 0 when every target is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--size", type=int, default=512, help="pixels; references are made smaller for that")
    parser.add_argument("--sheet", type=Path, default=Path("build/fidelity.png"))
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    files = [file for file in sorted(GOLDENS.glob("*.json")) if not options.names or file.stem in options.names]
    if not files:
        print(f"There are no references in {GOLDENS}. Set THREED_MODELS to a set that has some.", file=sys.stderr)
        return 2
    options.sheet.parent.mkdir(parents=True, exist_ok=True)
    os.environ[VARIABLE] = str(options.sheet.with_name("llvm"))  # as a worker would have it
    llvm.main(Path(os.environ[VARIABLE]))
    rows, strips = [], []
    print(f"{'model':24}{'engine':13}{'FLIP':>8}{'SSIM':>8}{'IoU':>8}")
    for file in files:
        told = json.loads(file.read_text())
        golden = np.asarray(Image.open(file.with_suffix(".neutral.png")).convert("RGBA"))
        size = min(options.size, len(golden))
        golden = shrunk(golden, size, size) if size < len(golden) else golden
        traced, raster = _drawn(told, options.samples, size)
        found = [_compared(file.stem, "path_traced", golden, traced), _compared(file.stem, "raster", traced, raster)]
        for row in found:
            missed = "" if row.is_met else "  missed"
            print(f"{row.model:24}{row.engine:13}{row.flip:8.3f}{row.ssim:8.3f}{row.iou:8.3f}{missed}", flush=True)
        rows += found
        strips.append(_strip(file.stem, [golden, traced, raster]))
        Image.fromarray(np.concatenate(strips)).save(options.sheet)
    print(f"\n{sum(row.is_met for row in rows)} of {len(rows)} met. Cycles, path_traced, raster: {options.sheet}")
    return int(not all(row.is_met for row in rows))


def _drawn(told: dict, samples: int, size: int) -> list[np.ndarray]:
    """The pictures of path_traced and raster."""
    camera = told["camera"]
    pose = looking(camera["eye"], camera["target"], camera["up"])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model = Model.open(_imported(told, folder))
        corners = model.corners()
        view = View(pose, *depth_range(corners, pose), yfov=np.radians(camera["yfov_deg"]))
        scene = Drawing((Instance(model, np.eye(4)),), corners, (), _sky(told, folder), Backdrop("transparent"))
        pictures = []
        for name, count in (("path_traced", samples), ("raster", 16)):
            (engine,) = choose(name)
            *_, last = engine.prepare(scene, Settings(size, size, count), folder).render(view)
            pictures.append(last.image)
    return pictures


def _imported(told: dict, folder: Path) -> Path:
    """The render copy of the model, as an upload would have it."""
    own = GOLDENS / f"{told['name']}.glb"
    data = own.read_bytes() if own.exists() else uploaded(_entry(told["model_sha256"]))
    (folder / "source").write_bytes(data)
    found = import_file(folder / "source", told["model"], folder, Budget(), lambda step, fraction: None)
    return folder / found["files"]["render"]


def _entry(digest: str) -> dict:
    entries = json.loads((MODELS / "manifest.json").read_text())["entries"]
    return next(entry for entry in entries if entry["sha256"] == digest)


def _sky(told: dict, folder: Path) -> Sky:
    if told["environment_sha256"] is None:
        file = folder / "white.png"
        Image.new("RGB", (16, 8), "white").save(file)
        return Sky(file=file)
    listed = (file for file in MODELS.rglob(told["environment"]))
    file = next(file for file in listed if _digest(file) == told["environment_sha256"])
    return Sky(file=file, rotation=_ROTATION)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _compared(model: str, engine: str, reference: np.ndarray, picture: np.ndarray) -> Row:
    a, b = over_grey(reference), over_grey(picture)
    inside, other = reference[..., 3] > 127, picture[..., 3] > 127
    mask = inside | other
    errors = flip_evaluator.evaluate(a.astype(np.float32), b.astype(np.float32), "LDR", applyMagma=False)[0]
    overlap = (inside & other).sum() / max(mask.sum(), 1)
    return Row(model, engine, float(np.squeeze(errors)[mask].mean()), ssim(a, b, mask), float(overlap))


def _strip(name: str, pictures: list[np.ndarray]) -> np.ndarray:
    """Pictures side by side, 320 pixels each, uint8 (320, w, 3)."""
    shown = [Image.fromarray((over_grey(picture) * 255).astype(np.uint8)).resize((320, 320)) for picture in pictures]
    ImageDraw.Draw(shown[0]).text((6, 4), name, fill="black")
    return np.concatenate([np.asarray(picture) for picture in shown], axis=1)


if __name__ == "__main__":
    sys.exit(main())
