"""Readers that stand on native libraries, in the real sandbox: no fork, no network, few threads, one folder."""

from __future__ import annotations

import pytest

from threed_workers.samples import sample
from threed_workers.sandbox import Zygote

pytest.importorskip("pxr", reason="usd-core is not installed")
pytest.importorskip("cascadio", reason="cascadio is not installed")
pytest.importorskip("laspy", reason="laspy is not installed")
pytest.importorskip("pye57", reason="pye57 is not installed")


@pytest.fixture(scope="module")
def zygote():
    with Zygote(preload=["numpy", "threed_workers.importing"]) as zygote:
        yield zygote


@pytest.mark.parametrize("name", ["usd", "usd.zip", "usdz", "step", "las", "las.compressed", "e57"])
def test_a_sample_comes_in(zygote, tmp_path, name):
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "source").write_bytes(sample(name))
    with zygote.start("import", {"source": "source", "filename": name}, folder) as child:
        report = child.result()
    assert report["model"]["drawn_vertex_count"] > 0
    assert (folder / report["files"]["render"]).stat().st_size > 0
