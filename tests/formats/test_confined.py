"""Readers that stand on native libraries: in the real sandbox, and where their library is not installed."""

from __future__ import annotations

import sys

import pytest

from threed.errors import FileFeatureUnsupported
from threed_workers.samples import sample
from threed_workers.sandbox import Zygote

from .suite import taken_in

LIBRARIES = {"pxr": "usd-core", "cascadio": "cascadio", "laspy": "laspy", "pye57": "pye57"}
for _module, _package in LIBRARIES.items():
    pytest.importorskip(_module, reason=f"{_package} is not installed")


@pytest.fixture(scope="module")
def zygote():
    with Zygote(preload=["numpy", "threed_workers.importing"]) as zygote:
        yield zygote


@pytest.mark.parametrize("name", ["usd", "usd.zip", "usdz", "step", "las", "las.compressed", "e57"])
def test_a_sample_comes_in_without_forks_network_or_a_folder_of_others(zygote, tmp_path, name):
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "source").write_bytes(sample(name))
    with zygote.start("import", {"source": "source", "filename": name}, folder) as child:
        report = child.result()
    assert report["model"]["drawn_vertex_count"] > 0
    assert (folder / report["files"]["render"]).stat().st_size > 0


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("usd", "pxr", "threed[workers]"),
        ("step", "cascadio", "threed[step]"),
        ("las", "laspy", "threed[workers]"),
        ("e57", "pye57", "threed[workers]"),
    ],
)
def test_a_file_whose_reader_is_not_installed_is_refused_with_what_to_install(
    tmp_path, monkeypatch, name, module, extra
):
    data = sample(name)
    for loaded in [loaded for loaded in sys.modules if loaded.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(FileFeatureUnsupported) as caught:
        taken_in(tmp_path, data)
    assert LIBRARIES[module] in caught.value.message and extra in caught.value.message
