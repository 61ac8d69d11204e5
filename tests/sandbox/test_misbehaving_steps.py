"""Each thing a hostile file can make a step do ends as one error with its reason, and nothing runs on."""

from __future__ import annotations

import pytest

from threed import errors
from threed_workers.sandbox import Limits

MIB = 1024 * 1024

ENDINGS = [
    ("segfault", Limits(), errors.JobCrashed, {"signal": "SIGSEGV"}),
    ("abort", Limits(), errors.JobCrashed, {"signal": "SIGABRT"}),
    ("bad_alloc", Limits(), errors.JobOutOfMemory, {}),
    ("spin", Limits(cpu_s=1), errors.JobTimedOut, {}),
    ("spin_in_c", Limits(cpu_s=1), errors.JobTimedOut, {}),
    ("spin_and_ignore_the_signal", Limits(cpu_s=1), errors.JobTimedOut, {}),
    ("sleep", Limits(wall_s=0.5), errors.JobTimedOut, {}),
    ("allocate_at_once", Limits(memory_bytes=512 * MIB), errors.JobOutOfMemory, {}),
    ("allocate_slowly", Limits(memory_bytes=256 * MIB), errors.JobOutOfMemory, {}),
    ("allocate_shared", Limits(memory_bytes=256 * MIB), errors.JobOutOfMemory, {}),
    ("fill_one_file", Limits(file_bytes=8 * MIB), errors.JobDiskFull, {}),
    ("fill_one_file_natively", Limits(file_bytes=8 * MIB), errors.JobDiskFull, {}),
    ("fill_many_files", Limits(disk_bytes=32 * MIB), errors.JobDiskFull, {}),
    ("write_much_and_return", Limits(disk_bytes=4 * MIB), errors.JobDiskFull, {}),
    ("make_many_files", Limits(disk_files=500), errors.JobDiskFull, {}),
    ("make_deep_folders", Limits(disk_files=500), errors.JobDiskFull, {}),
    ("fill_a_deleted_file", Limits(disk_bytes=32 * MIB), errors.JobDiskFull, {}),
    ("fill_a_file_in_memory", Limits(disk_bytes=32 * MIB), errors.JobDiskFull, {}),
    ("leak_files", Limits(open_files=32), errors.JobFailed, {"type": "OSError"}),
    ("start_many_threads", Limits(threads=50), errors.JobFailed, {"limit": "threads"}),
    ("leave_without_result", Limits(), errors.JobCrashed, {"exit_status": "3"}),
    ("leave_by_sys_exit", Limits(), errors.JobFailed, {"type": "SystemExit"}),
    ("close_the_channel", Limits(), errors.JobFailed, {}),
    ("write_without_end", Limits(), errors.JobFailed, {}),
    ("report_a_long_event", Limits(), errors.JobFailed, {}),
    ("report_without_end", Limits(), errors.JobFailed, {}),
    ("return_something_else", Limits(), errors.JobFailed, {"type": "TypeError"}),
    ("return_nan", Limits(), errors.JobFailed, {"type": "ValueError"}),
    ("raise_an_exception", Limits(), errors.JobFailed, {"type": "KeyError"}),
    (
        "raise_a_known_error",
        Limits(),
        errors.FileMalformed,
        {"where": "byte 7", "message": "a key that is a parameter's name"},
    ),
    ("raise_an_error_of_its_own", Limits(), errors.JobFailed, {"type": "Forged"}),
    ("recurse", Limits(), errors.JobFailed, {"type": "RecursionError"}),
]


@pytest.mark.parametrize(("step", "limits", "error", "metadata"), ENDINGS, ids=[e[0] for e in ENDINGS])
def test_a_misbehaving_step_ends_with_the_reason_of_its_cause(zygote, folder, gone, step, limits, error, metadata):
    with zygote.start(f"misbehaving:{step}", {"count": 200}, folder, limits) as child:
        with pytest.raises(errors.ThreedError) as raised:
            child.result()
    assert type(raised.value) is error
    assert metadata.items() <= raised.value.metadata.items()
    assert gone(child.pid)


GARBAGE = {
    "no json": b"\x00\xff\xfe garbage",
    "no object": b"[1, 2]",
    "two kinds": b'{"event": {}, "result": {}}',
    "unknown kind": b'{"command": {}}',
    "event that is a number": b'{"event": 5}',
    "not a number": b'{"event": {"x": NaN}}',
    "100,000 deep": b'{"event": ' + b"[" * 100_000,
    "number of 10,000 digits": b'{"event": {"x": ' + b"9" * 10_000 + b"}}",
    "empty line": b"",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_on_the_channel_fails_the_job_and_not_the_worker(zygote, folder, garbage):
    with zygote.start("misbehaving:write_garbage", {"hex": garbage.hex()}, folder) as child:
        assert list(child.events()) == []
        with pytest.raises(errors.JobFailed, match="It was stopped"):
            child.result()


@pytest.mark.parametrize(
    "forged",
    [
        b'{"error": {"reason": 5, "message": [], "metadata": 3, "violations": {"a": 1}, "retry_after_s": "x"}}',
        b'{"error": {}}',
        b'{"error": {"reason": "__class__", "type": "\\u0000"}}',
    ],
)
def test_a_forged_error_is_only_a_failed_job(zygote, folder, forged):
    with zygote.start("misbehaving:write_garbage", {"hex": forged.hex()}, folder) as child:
        with pytest.raises(errors.JobFailed):
            child.result()


def test_an_exception_keeps_its_text_for_the_log(zygote, folder, caplog):
    with zygote.start("misbehaving:raise_an_exception", {}, folder) as child, pytest.raises(errors.JobFailed) as raised:
        child.result()
    assert "secret" not in str(raised.value) and "KeyError" in str(raised.value)
    assert "a secret value of our own" in caplog.text


def test_an_error_of_the_table_arrives_whole_and_printable(zygote, folder):
    with zygote.start("misbehaving:raise_a_known_error", {}, folder) as child:
        with pytest.raises(errors.FileMalformed) as raised:
            child.result()
    assert raised.value.message == "The file has a NUL \N{REPLACEMENT CHARACTER} at byte 7."
    assert raised.value.violations == (("file", "has a NUL"),)


def test_a_fork_bomb_is_killed_with_all_its_processes(zygote, folder, gone):
    limits = Limits(processes=20)
    with zygote.start("misbehaving:fork_many", {"then_s": 1000}, folder, limits) as child:
        pids = [pid for event in child.events() for pid in event["pids"]]
        with pytest.raises(errors.JobFailed, match="processes") as raised:
            child.result()
    assert raised.value.metadata["limit"] == "processes"
    assert gone(child.pid, *pids)


def test_what_a_step_leaves_running_ends_with_it(zygote, folder, gone):
    with zygote.start("misbehaving:fork_many", {"then_s": 0}, folder, Limits(processes=60)) as child:
        pids = child.result()["pids"]
    assert len(pids) == 50
    assert gone(*pids)
