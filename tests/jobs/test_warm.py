"""Engine processes that outlive a job, with small steps in place of engines; the real ones are in tests/end_to_end."""

from __future__ import annotations

import dataclasses
import os
import uuid
from pathlib import Path

import pytest
from tests.jobs.table import PROJECT, JobTable, eventually
from tests.jobs.workplace import Workplace

from threed import ids
from threed.errors import JobCrashed, JobFailed, ThreedError
from threed.records import jobs
from threed.settings import Settings
from threed.v1.jobs_pb2 import RenderSpec
from threed_workers.claims import Outcome
from threed_workers.jobs import frame
from threed_workers.sandbox import Limits
from threed_workers.scenes import draw
from threed_workers.warm import WarmEngines

STEP = "misbehaving:remember"


@pytest.fixture
def engines(place: Workplace, tmp_path):
    """Makes pools; ended after the test."""
    made, scratch = [], tmp_path / "pool"
    scratch.mkdir()

    def make(step=STEP, limits=Limits(), **settings):  # noqa: B008  it is frozen
        changed = dataclasses.replace(Settings(), **settings)
        made.append(WarmEngines(place.zygote, scratch, changed, limits, step))
        return made[-1]

    yield make
    for pool in made:
        pool.close()
    assert list(scratch.iterdir()) == []


def ask(pool, project="a", **request) -> dict:
    """One job of one request."""
    with pool.lent(project) as engine:
        return answer(engine, **request)


def has_ended(pid: int) -> bool:
    return eventually(lambda: not Path(f"/proc/{pid}").exists())


def answer(engine, **request) -> dict:
    return engine.draw(request, lambda process: process.result())


def test_the_next_job_of_a_project_finds_what_the_last_one_loaded(engines):
    pool = engines()
    first, second = ask(pool, text="one"), ask(pool, text="two")
    assert second["pid"] == first["pid"]
    assert second["kept"] == ["one", "two"]
    assert second["folder"] != first["folder"]


def test_no_project_gets_the_process_of_another(engines):
    pool = engines()
    first, other, again = (ask(pool, project, text=project) for project in "aba")
    assert other["pid"] != first["pid"] and other["kept"] == ["b"]
    assert again["pid"] == first["pid"] and again["kept"] == ["a", "a"]


def test_two_jobs_at_once_have_two_processes(engines):
    pool = engines()
    with pool.lent("a") as one, pool.lent("a") as other:
        assert answer(one)["pid"] != answer(other)["pid"]


def test_who_draws_beside_others_has_a_share_of_the_processors(engines):
    # Given a pool of as many jobs at once as there are processors
    pool = engines(job_threads=len(os.sched_getaffinity(0)))
    alone = ask(pool)
    with pool.lent("a", beside_others=True) as engine:
        beside = answer(engine)
    # Then each has one, in a process that is not that of a job which has all
    assert (alone["threads"], beside["threads"]) == (0, 1)
    assert beside["pid"] != alone["pid"] == ask(pool)["pid"]


@pytest.mark.parametrize("alone", [{"job_threads": 1}, {"job_threads": 2, "project_max_running_jobs": 1}])
def test_who_draws_beside_nobody_has_all_processors(engines, alone):
    pool = engines(**alone)
    with pool.lent("a", beside_others=True) as engine:
        beside = answer(engine)
    # Then it is in the process of jobs that have all
    assert beside["threads"] == 0 and beside["pid"] == ask(pool)["pid"]


@pytest.mark.parametrize(
    "change",
    [{"warm_engines": 0}, {"warm_engine_jobs": 1}, {"warm_engine_memory_bytes": 1}],
)
def test_a_process_is_not_kept_beyond_its_limits(engines, change):
    pool = engines(**change)
    assert ask(pool)["pid"] != ask(pool)["pid"]


def test_of_idle_processes_those_are_ended_that_rested_longest(engines):
    pool = engines(warm_engines=1)
    first, other = ask(pool, "a"), ask(pool, "b")
    assert has_ended(first["pid"])
    assert ask(pool, "b")["pid"] == other["pid"]


def test_what_was_idle_for_long_is_ended(engines):
    pool = engines(warm_engine_idle_s=0.0)
    pid = ask(pool)["pid"]
    pool.sweep()
    assert has_ended(pid)


def test_after_an_error_the_next_request_gets_a_fresh_process(engines):
    pool = engines(step="misbehaving:draw")
    with pool.lent("a") as engine:
        with pytest.raises(JobCrashed):
            answer(engine, frames=[0], last=0, then="segfault")
        assert answer(engine, frames=[1], last=0, then="segfault") == {}


def test_a_file_is_made_once_and_the_oldest_goes_when_there_are_too_many(engines):
    pool = engines(warm_engine_disk_bytes=10)
    made = []

    def make(path):
        made.append(path.name)
        path.write_bytes(b"12345")

    for names in ("ab", "a", "ca", "b"):
        with pool.lent("p") as engine:
            for name in names:
                assert engine.file(name, make).read_bytes() == b"12345"
            answer(engine)
    assert made == ["a", "b", "c", "b"]


def test_only_plain_files_of_the_request_are_outputs(engines):
    pool = engines(step="misbehaving:draw")
    with pool.lent("a") as engine:
        answer(engine, frames=[7], last=0, then="segfault")
        assert engine.output("7.png").read_bytes() == b"picture"
        for name in ("8.png", "../../files", None):
            with pytest.raises(JobFailed):
                engine.output(name)
        answer(engine, frames=[8], last=0, then="segfault")
        with pytest.raises(JobFailed):
            engine.output("7.png")


# ------------------------------------------------------------ when an engine fails


def drawn(place: Workplace, pool, then: str, last: int, engine: str = "") -> tuple[Outcome, dict]:
    """(how a job of three frames ended whose engine dies after frame `last`, {frame: what it says})."""
    made, ended = {}, []

    def work(claim):
        spec = RenderSpec()
        spec.render_job.engine = engine
        request = {"frames": [0, 1, 2], "then": then, "last": last}
        with pool.lent("a") as lent:
            try:
                draw(claim, lent, spec, request, uuid.uuid4(), lambda one: made.update({one.frame: one}))
                ended.append(Outcome())
            except ThreedError as error:
                ended.append(Outcome(error=error))
        return Outcome()

    with place.runner(render=work):
        place.table.wait_for(place.table.new("render"), "COMPLETED")
    return ended[0], made


@pytest.mark.parametrize(("then", "said"), [("segfault", "SIGSEGV"), ("sleep", "longer than"), ("hog", "memory")])
def test_what_an_engine_left_undone_is_drawn_by_the_next_one(place, engines, then, said):
    limits = Limits(wall_s=3, memory_bytes=200 << 20)
    ended, made = drawn(place, engines("misbehaving:draw", limits), then, last=1)
    assert ended.error is None
    assert [made[frame].engine_used for frame in range(3)] == ["raster", "raster", "compat"]
    assert made[0].losses == made[1].losses == []
    (loss,) = made[2].losses
    assert loss["feature"] == "engine raster" and said in loss["reason"]


def test_an_engine_that_was_asked_for_is_not_replaced(place, engines):
    ended, made = drawn(place, engines("misbehaving:draw"), "segfault", last=0, engine="raster")
    assert isinstance(ended.error, JobCrashed)
    assert list(made) == [0]


def test_an_engine_that_dies_after_its_last_frame_has_done_its_work(place, engines):
    ended, made = drawn(place, engines("misbehaving:draw"), "segfault", last=2, engine="raster")
    assert ended.error is None
    assert [made[frame].losses for frame in range(3)] == [[], [], []]


# ------------------------------------------------------------ frames that are drawn by one request


def film(table: JobTable) -> tuple[uuid.UUID, list[uuid.UUID]]:
    """(a film, its four frames, of which a worker takes as many at once as it may)."""
    id, frames = ids.uuid7(), [ids.uuid7() for _ in range(4)]
    specs = [{"frame": {"number": number}} for number in range(4)]
    spec = {"render": {"renderJob": {"frameCount": 16, "turntable": {"frames": 16}}}}
    table.run(jobs.create_whole(id, PROJECT, "render", spec, frames, "frame", specs, 0, 5))
    return id, frames


def test_a_request_goes_on_while_heartbeats_pass_after_its_first_frame(place, engines):
    # Given frames that take 0.7 s each, and heartbeats every 0.5 s
    pool = engines("misbehaving:draw_slowly")
    begun = []

    def work(claim):
        begun.append(claim.row.ordinal)
        claim.engines = pool
        return frame.run(claim)

    _, frames = film(place.table)
    # When one worker draws them in one request
    with place.runner(frame=work, job_threads=1, job_lease_s=1.5):
        for id in frames:
            place.table.wait_for(id, "COMPLETED")
    # Then no frame was begun again
    assert begun == [0]
    assert [place.table.row(id).attempt for id in frames] == [1, 1, 1, 1]


def test_cancelling_ends_a_request_whose_first_frame_is_published(place, engines):
    pool = engines("misbehaving:draw_one_and_hang")

    def work(claim):
        claim.engines = pool
        return frame.run(claim)

    whole, frames = film(place.table)
    with place.runner(frame=work, job_threads=1):
        place.table.wait_for(frames[0], "COMPLETED")
        # When the film is cancelled while the others are drawn
        place.table.run(jobs.cancel(whole, PROJECT, {"code": 1}))
        # Then the process is gone, and nothing of them is published
        assert eventually(lambda: not place.children())
        states = [place.table.wait_for(id, "COMPLETED", "CANCELLED").state for id in frames]
    assert states[0] == "COMPLETED" and states[-1] == "CANCELLED"
