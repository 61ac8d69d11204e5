from __future__ import annotations

import os

import pytest

from threed import errors
from threed_workers.sandbox import Limits, remove_folder


def test_a_folder_of_any_depth_is_removed(zygote, folder):
    with zygote.start("misbehaving:make_deep_folders", {}, folder, Limits(wall_s=0.5)) as child:
        with pytest.raises(errors.ThreedError):
            child.result()
    remove_folder(folder)
    assert not folder.exists()


def test_files_folders_and_links_are_removed_and_no_link_is_followed(folder, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("alive")
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("x")
    (folder / "a" / "link").symlink_to(kept)
    os.chmod(folder / "a" / "b", 0)
    remove_folder(folder)
    assert not folder.exists() and (kept / "file").read_text() == "alive"
