"""The ingest job with a real runner, fork server and validator: what it could not find out, it says."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.jobs.workplace import Workplace

from threed.records.tables import jobs as rows
from threed_workers.jobs import ingest
from threed_workers.samples import glb_bytes, triangle
from threed_workers.validator import Validator

_MEMORY_BYTES = 1 << 30  # a picture needs more than the small limit of the other tests


def ingested(place: Workplace, validator: Validator) -> sa.Row:
    """The asset, after its upload of a triangle was looked at."""
    path = place.scratch / "triangle.glb"
    path.write_bytes(glb_bytes(triangle()))
    blob = place.store.put_file(path)
    path.unlink()
    asset, job = place.table.new_ingest()
    source = {"key": blob.key, "sizeBytes": str(blob.size), "sha256": blob.sha256}
    spec = {"ingest": {"source": source, "filename": "triangle.glb"}}
    place.table.run(sa.update(rows).where(rows.c.id == job).values(spec=spec))
    look = functools.partial(ingest.run, validator=validator)
    limits = {"job_memory_bytes": _MEMORY_BYTES, "job_disk_bytes": _MEMORY_BYTES, "job_cpu_s": 60.0}
    with place.runner(ingest=look, **limits):
        row = place.table.wait_for(job, "COMPLETED", "FAILED", within_s=60)
    assert row.state == "COMPLETED", row.error
    return place.table.asset(asset)


@pytest.mark.parametrize("at_once_bytes", [64 << 20, 0], ids=["judged and drawn at once", "drawn afterwards"])
def test_a_model_is_judged_and_drawn(place: Workplace, tmp_path: Path, monkeypatch, at_once_bytes: int):
    monkeypatch.setattr(ingest, "_AT_ONCE_BYTES", at_once_bytes)
    with contextlib.closing(Validator(tmp_path)) as validator:
        asset = ingested(place, validator)
    assert (asset.validation["validator"], asset.validation["error_count"]) == ("khronos-gltf-validator", 0)
    assert [issue["code"] for issue in asset.validation["issues"]] == ["MESH_NOT_WATERTIGHT", "NORMALS_MISSING"]
    assert sorted(file.get("long_edge_px", 0) for file in asset.files) == [0, 0, 256, 256, 512, 512, 1024, 1024]


def test_a_validator_that_does_not_finish_is_told_of(place: Workplace, tmp_path: Path):
    # Given a validator without any time to answer
    with contextlib.closing(Validator(tmp_path, timeout_s=0.0)) as validator:
        # When a model is looked at
        asset = ingested(place, validator)
    # Then the rest of its report is there, and says what is missing
    assert asset.validation["validator"] == "threed"
    assert asset.validation["issues"][0]["code"] == "VALIDATOR_NOT_FINISHED"
    assert len(asset.files) == 8
