"""What every format must do. A new format adds itself to `formats.ALL` and a sample of its name, and no tests."""

from __future__ import annotations

import json
import random

import pytest

from threed.errors import FileRefused
from threed_workers import formats
from threed_workers.budget import Budget
from threed_workers.document import Document, read_glb
from threed_workers.document.companions import mapped
from threed_workers.formats import Source
from threed_workers.importing import import_file, thumbnails_of_picture
from threed_workers.picture import Picture
from threed_workers.samples import SAMPLES, sample

BUDGET = Budget()
CASES = [
    pytest.param(format, name, id=name)
    for format in formats.ALL
    for name in SAMPLES
    if name.split(".")[0] == format.name and not name.endswith(".zip")
]
every_sample = pytest.mark.parametrize(("format", "name"), CASES)
every_format = pytest.mark.parametrize("format", formats.ALL, ids=lambda format: format.name)


def silent(step: str, fraction: float) -> None:
    assert step and 0 <= fraction <= 1


def taken_in(tmp_path, data: bytes, filename: str = "upload") -> dict:
    """Import `data` into a fresh folder below `tmp_path`."""
    upload = tmp_path / "upload"
    upload.write_bytes(data)
    folder = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    return import_file(upload, filename, folder, BUDGET, silent) | {"folder": folder}


@every_format
def test_a_format_describes_itself(format):
    assert format.name == format.name.lower()
    assert "/" in format.media_type
    assert all(suffix.startswith(".") for suffix in format.extensions)
    assert format.asset_type in ("MODEL", "TEXTURE", "ENVIRONMENT")


def test_names_and_suffixes_are_unique():
    names = [format.name for format in formats.ALL]
    suffixes = [suffix for format in formats.ALL for suffix in format.extensions]
    assert len(set(names)) == len(names)
    assert len(set(suffixes)) == len(suffixes)


@every_format
def test_a_format_has_a_sample(format):
    assert format.name in SAMPLES


@every_sample
def test_a_sample_is_recognised_by_its_content_alone(format, name, tmp_path):
    (tmp_path / "nameless").write_bytes(sample(name))
    assert formats.recognise(Source(tmp_path / "nameless", "")) is format


@every_sample
def test_reading_gives_what_the_asset_type_promises(format, name, tmp_path):
    (tmp_path / "upload").write_bytes(sample(name))
    content = format.read(Source(tmp_path / "upload", ""), BUDGET)
    assert isinstance(content, Document if format.asset_type == "MODEL" else Picture)


@every_sample
def test_an_import_describes_the_file_and_writes_what_it_names(format, name, tmp_path):
    report = taken_in(tmp_path, sample(name))
    folder = report.pop("folder")
    json.dumps(report, allow_nan=False)
    assert (report["file_format"], report["asset_type"]) == (format.name, format.asset_type)
    assert (report["model"] is None) == (format.asset_type != "MODEL")
    for file in report["files"].values():
        assert file is None or (folder / file).stat().st_size > 0


@every_sample
def test_only_in_gltf_may_a_surface_be_without_a_material(format, name, tmp_path):
    # There it is a rough white metal (glTF 2.0, section 3.9.2), which no other format means
    report = taken_in(tmp_path, sample(name))
    if format.asset_type != "MODEL":
        return
    files = (mapped(report["folder"] / report["files"][kind]) for kind in ("normalized", "render"))
    meshes = (read_glb(file, BUDGET).all("meshes") for file in files)
    solids = ([part for mesh in each for part in mesh["primitives"] if part.get("mode", 4) >= 4] for each in meshes)
    bare, copied = (sum("material" not in part for part in each) for each in solids)
    assert bare == copied
    assert not bare or format.name in ("gltf", "glb")


@every_sample
def test_thumbnails_of_a_picture_keep_its_shape(format, name, tmp_path):
    if format.asset_type == "MODEL":
        return  # a model is rendered, not scaled
    report = taken_in(tmp_path, sample(name))
    source = report["folder"] / report["files"]["picture"]
    written = thumbnails_of_picture(source, tmp_path, sizes=(16, 8))
    assert [(entry["size_px"], entry["width_px"], entry["height_px"]) for entry in written[::2]] == [
        (8, 8, 4),
        (16, 16, 8),
    ]
    assert all((tmp_path / entry["file"]).stat().st_size > 0 for entry in written)


@every_sample
def test_a_cut_file_is_refused_or_read_but_never_more(format, name, tmp_path):
    data = sample(name)
    for length in sorted({*range(0, len(data), max(1, len(data) // 60)), len(data) - 1}):
        _import_or_refuse(tmp_path, data[:length])


@every_sample
def test_a_damaged_file_is_refused_or_read_but_never_more(format, name, tmp_path):
    chance = random.Random(7)
    data = sample(name)
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 8))):
            damaged[chance.randrange(len(damaged))] = chance.choice((0, 255, 127, 128, chance.randrange(256)))
        _import_or_refuse(tmp_path, bytes(damaged))


def _import_or_refuse(tmp_path, data: bytes) -> None:
    try:
        taken_in(tmp_path, data)
    except FileRefused as refusal:
        assert refusal.reason
        assert refusal.metadata["where"]
        assert "no check foresaw" not in refusal.message, refusal.message
