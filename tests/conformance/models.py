"""Every file of a set of models through the real import, and what came of it by format: `make conformance-models`.

The set is a folder with a manifest.json that says of each file what it must give; THREED_MODELS names another one. Each
file is imported in a confined child, as a worker does it, and what was written is judged by the Khronos validator. The
exit code is 1 when a target is missed.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from threed.errors import FileRefused, ThreedError
from threed_workers.samples import zipped
from threed_workers.sandbox import Limits, Zygote
from threed_workers.validator import Validator

MODELS = Path(os.environ.get("THREED_MODELS") or Path(__file__).parents[3] / "shared/models")
FORMATS = "gltf glb obj stl ply off 3mf amf fbx dae zae 3ds usd usda usdc usdz step x3d wrl las laz e57 zip".split()
_BESIDE = (".bin", ".png", ".jpg", ".jpeg", ".webp", ".mtl", ".ktx2", ".tga", ".bmp", ".dds", ".gif")
_WITH_COMPANIONS = ("gltf", "obj", "fbx", "dae", "3ds", "x3d", "wrl", "usd", "usda", "usdc")
_MOST_COMPANIONS = 200
_GLTF = ("gltf", "glb")
_COUNTS = (("totalVertexCount", "vertex_count"), ("totalTriangleCount", "triangle_count"))


@dataclass
class Score:
    """What became of the files of one format."""

    valid: int = 0
    taken: int = 0
    clean: int = 0  # taken, and what we wrote has no validator error
    counted: int = 0
    counts_equal: int = 0
    invalid: int = 0
    reported: int = 0
    coded: int = 0
    codes_agree: int = 0
    survive: int = 0
    crashed: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


def main() -> int:
    """Print the table and what was missed; 0 when every target is met."""
    if not (MODELS / "manifest.json").exists():
        print(f"There is no manifest.json in {MODELS}. Set THREED_MODELS to a folder that has one.", file=sys.stderr)
        return 2
    entries = json.loads((MODELS / "manifest.json").read_text())["entries"]
    wanted = [one for one in entries if one["format"] in FORMATS and one["expected"]["kind"] in _KINDS]
    scores: dict[str, Score] = defaultdict(Score)
    with tempfile.TemporaryDirectory() as scratch, Zygote(("numpy", "orjson", "threed_workers.importing")) as zygote:
        with contextlib.closing(Validator(Path(scratch))) as validator:
            for number, entry in enumerate(wanted):
                _look(entry, Path(scratch) / str(number), zygote, validator, scores[entry["format"]])
    _print(scores)
    return int(not _met(scores))


def _look(entry: dict, folder: Path, zygote: Zygote, validator: Validator, score: Score) -> None:
    folder.mkdir()
    (folder / "source").write_bytes(uploaded(entry))
    began = time.monotonic()
    try:
        with zygote.start(
            "import", {"source": "source", "filename": Path(entry["file"]).name}, folder, _LIMITS
        ) as child:
            for _ in child.events():
                pass
            found = child.result()
        refusal = None
    except FileRefused as error:
        found, refusal = None, error.reason
    except ThreedError as error:
        found, refusal = None, error.reason
        score.crashed += 1
        score.notes.append(f"{entry['file']}: {error.reason}: {error.message[:200]}")
    score.seconds += time.monotonic() - began
    _KINDS[entry["expected"]["kind"]](entry, found, refusal, folder, validator, score)


def _valid(
    entry: dict, found: dict | None, refusal: str | None, folder: Path, validator: Validator, score: Score
) -> None:
    score.valid += 1
    if found is None:
        score.notes.append(f"{entry['file']}: refused, {refusal}")
        return
    score.taken += 1
    errors = _errors(validator, folder / "normalized.glb")
    score.clean += not errors
    if errors:
        score.notes.append(f"{entry['file']}: we wrote {errors}")
    stated = entry["expected"].get("counts") or {}
    pairs = [(stated[theirs], found["model"][ours]) for theirs, ours in _COUNTS if stated.get(theirs) is not None]
    if pairs:
        score.counted += 1
        score.counts_equal += all(theirs == ours for theirs, ours in pairs)


def _invalid(
    entry: dict, found: dict | None, refusal: str | None, folder: Path, validator: Validator, score: Score
) -> None:
    score.invalid += 1
    codes: set[str] = set()
    if found is not None:
        codes = {one["code"] for one in found["issues"] if one["severity"] == "ERROR"}
        if found["files"].get("validate"):
            codes |= set(_errors(validator, folder / found["files"]["validate"]))
    score.reported += bool(refusal or codes)
    if not (refusal or codes):
        score.notes.append(f"{entry['file']}: invalid, and nothing said so")
    stated = set((entry["expected"].get("gltf_validator") or {}).get("codes") or ())
    if entry["format"] in _GLTF and stated:
        score.coded += 1
        score.codes_agree += bool(refusal or codes & stated)


def _survive(
    entry: dict, found: dict | None, refusal: str | None, folder: Path, validator: Validator, score: Score
) -> None:
    score.survive += 1


_KINDS = {"valid": _valid, "invalid": _invalid, "survive": _survive}
_LIMITS = Limits(wall_s=60)


def _errors(validator: Validator, path: Path) -> dict[str, int]:
    """The codes of the validator's errors, and how often each."""
    report = validator.validate(path)
    if report is None:
        return {"NOT_VALIDATED": 1}
    found: dict[str, int] = defaultdict(int)
    for message in report["issues"].get("messages", []):
        if message["severity"] == 0:
            found[message["code"]] += 1
    return dict(found)


def uploaded(entry: dict) -> bytes:
    """The file as a user would send it: with its companions in a zip, where its format has some."""
    path = MODELS / entry["file"]
    if entry["format"] not in _WITH_COMPANIONS:
        return path.read_bytes()
    beside = [file for file in sorted(path.parent.rglob("*")) if file.is_file() and file.suffix.lower() in _BESIDE]
    if not beside:
        return path.read_bytes()
    files = {str(file.relative_to(path.parent)): file.read_bytes() for file in beside[:_MOST_COMPANIONS]}
    return zipped({path.name: path.read_bytes()} | files)


def _print(scores: dict[str, Score]) -> None:
    columns = ("format", "valid", "taken", "0 errors", "counts =", "invalid", "reported", "codes", "survive", "crashed")
    print("  ".join(f"{name:>8}" for name in (*columns, "s/file")))
    for name in sorted(scores, key=FORMATS.index):
        score = scores[name]
        looked = score.valid + score.invalid + score.survive
        shown = (
            *(name, score.valid, score.taken, score.clean, f"{score.counts_equal}/{score.counted}"),
            *(score.invalid, score.reported, f"{score.codes_agree}/{score.coded}", score.survive, score.crashed),
            f"{score.seconds / looked:.3f}",
        )
        print("  ".join(f"{value:>8}" for value in shown))
    print()
    for name in sorted(scores, key=FORMATS.index):
        for note in scores[name].notes:
            print(f"{name}: {note}")


def _met(scores: dict[str, Score]) -> bool:
    """Print each target with what was seen."""
    gltf = [score for name, score in scores.items() if name in _GLTF]
    others = [score for name, score in scores.items() if name not in _GLTF]
    targets = [
        ("glTF: valid files that are taken", _part(gltf, "taken", "valid"), 0.99),
        ("glTF: what we write has no errors", _part(gltf, "clean", "taken"), 1.0),
        ("glTF: counts equal", _part(gltf, "counts_equal", "counted"), 1.0),
        ("glTF: agreement on error codes", _part(gltf, "codes_agree", "coded"), 0.97),
        ("others: valid files that are taken", _part(others, "taken", "valid"), 0.95),
        ("others: what we write has no errors", _part(others, "clean", "taken"), 1.0),
        ("3MF: invalid files that are reported", _part([scores["3mf"]], "reported", "invalid"), 1.0),
        ("others: invalid files that are reported", _part(others, "reported", "invalid"), 0.95),
        ("no crash", 1.0 if not any(score.crashed for score in scores.values()) else 0.0, 1.0),
    ]
    for name, seen, least in targets:
        print(f"{'PASS' if seen >= least else 'FAIL'}  {name}: {seen:.1%}, at least {least:.0%}")
    return all(seen >= least for _, seen, least in targets)


def _part(scores: list[Score], of: str, all_: str) -> float:
    total = sum(getattr(score, all_) for score in scores)
    return sum(getattr(score, of) for score in scores) / total if total else 1.0


if __name__ == "__main__":
    sys.exit(main())
