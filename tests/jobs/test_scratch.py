"""The private folders of workers: those of the dead go, those of the living stay."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
from pathlib import Path

from threed_workers.scratch import Scratch


def _live_and_die(root: Path, name: str) -> None:
    with Scratch(root, name) as folder:
        (folder / "job-1").mkdir()
        (folder / "job-1" / "big").write_bytes(b"x" * 1000)
        os.kill(os.getpid(), signal.SIGKILL)


def _live(root: Path, name: str, start, told) -> None:
    start.wait()
    with Scratch(root, name) as folder:
        (folder / "mine").touch()
        told.put(name)
        start.wait()  # until all are there
        told.put((folder / "mine").exists())


def test_the_folder_of_a_killed_worker_is_removed_by_the_next(tmp_path: Path):
    root = tmp_path / "scratch"
    process = multiprocessing.get_context("spawn").Process(target=_live_and_die, args=(root, "dead"))
    process.start()
    process.join(60)
    assert (root / "dead" / "job-1" / "big").exists()
    with Scratch(root, "next") as folder:
        assert [path.name for path in root.iterdir()] == ["next"]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(root.iterdir()) == []


def test_a_living_worker_keeps_its_folder(tmp_path: Path):
    with Scratch(tmp_path, "one") as one, Scratch(tmp_path, "two") as two:
        assert one.exists() and two.exists()


def test_workers_that_start_at_once_do_not_take_each_other_for_dead(tmp_path: Path):
    spawn = multiprocessing.get_context("spawn")
    start, told = spawn.Barrier(4), spawn.Queue()
    processes = [spawn.Process(target=_live, args=(tmp_path, f"worker-{n}", start, told)) for n in range(4)]
    for process in processes:
        process.start()
    answers = [told.get(timeout=60) for _ in range(8)]
    for process in processes:
        process.join(60)
    assert answers.count(True) == 4, answers
    assert list(tmp_path.iterdir()) == []


def test_the_root_may_be_a_file_system_of_its_own(tmp_path: Path):
    # Given a root beside which nothing can be made, as a volume in a container
    root = tmp_path / "volume"
    root.mkdir()
    with Scratch(root, "one"):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["volume"]
