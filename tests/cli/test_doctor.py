"""What the doctor finds on this machine, and what it says of one that lacks things."""

from __future__ import annotations

import json
import socket

import pytest

from threed.cli import doctor, examination
from threed.cli.examination import Check


@pytest.fixture
def patient(monkeypatch):
    """A machine with the given findings."""

    def having(*checks: Check):
        monkeypatch.setattr(examination, "examine", lambda data, port: list(checks))

    return having


def test_this_machine_is_examined(threed):
    code, out, _ = threed("doctor", "--json", "--port", 1)
    report = json.loads(out)
    found = {check["name"]: check for check in report["checks"]}
    assert found["Python"]["ok"] and found["PostgreSQL"]["ok"] and found["Envoy"]["ok"]
    assert code == (0 if report["ok"] else 1)
    assert all(
        check["ok"] or check["remedy"] or check["packages"] or not check["required"] for check in report["checks"]
    )


def test_a_machine_that_lacks_a_required_library_is_told_the_command(threed, patient, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    patient(
        Check("Python", True, "3.11.7"),
        Check("libGL.so.1", False, "- (for raster rendering)", packages=["libgl1"]),
        Check("Node.js", False, "-", required=False, packages=["nodejs"]),
    )
    code, out, _ = threed("doctor")
    assert code == 1
    assert out == (
        "         WHAT        FOUND\n"
        "ok       Python      3.11.7\n"
        "MISSING  libGL.so.1  - (for raster rendering)\n"
        "missing  Node.js     -\n"
        "\n"
        "To get what is missing:\n"
        "  sudo apt-get update && sudo apt-get install -y libgl1 nodejs\n"
        "\n"
        "Something required is missing.\n"
    )


def test_what_is_only_useful_does_not_fail(threed, patient):
    patient(Check("Landlock", False, "-", required=False, remedy="It needs Linux 5.13."))
    code, out, _ = threed("doctor")
    assert code == 0
    assert "  It needs Linux 5.13.\n" in out and "A stack can run here" in out


def test_installing_needs_root(threed, patient, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    patient(Check("libGL.so.1", False, "-", packages=["libgl1"]))
    code, _, err = threed("doctor", "--install")
    assert code == 1
    assert "sudo threed doctor --install" in err


def test_a_failed_installation_says_which_command_failed(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("subprocess.run", lambda *a, **k: __import__("types").SimpleNamespace(returncode=100))
    with pytest.raises(OSError, match="apt-get update"):
        doctor._install(["libgl1"])


def test_a_missing_library_names_its_package(monkeypatch):
    monkeypatch.setitem(examination._LIBRARIES, "libnothing.so.9", ("libnothing9", "nothing", True))
    check = examination._library("libnothing.so.9")
    assert not check.ok and (check.packages == ["libnothing9"] or "libnothing.so.9" in check.remedy)


def test_a_port_in_use_is_seen():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert not examination._port(listening.getsockname()[1]).ok


def test_a_full_disk_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(examination, "FREE_BYTES", 1 << 62)
    assert not examination._disk(tmp_path / "not" / "yet" / "there").ok


def test_a_probe_that_crashes_is_no_engine(monkeypatch):
    monkeypatch.setattr(examination, "_child", lambda command, timeout_s: ("", "killed by signal 11"))
    (check,) = examination._engines()
    assert (check.ok, check.required, check.found) == (False, True, "killed by signal 11")


def test_a_machine_without_a_working_engine_fails(monkeypatch):
    answer = json.dumps([{"name": "raster", "available": False, "reason": "libGL.so.1 is missing"}])
    monkeypatch.setattr(examination, "_child", lambda command, timeout_s: (answer, ""))
    engine, whole = examination._engines()
    assert (engine.found, engine.required) == ("libGL.so.1 is missing", False)
    assert (whole.ok, whole.required) == (False, True)
