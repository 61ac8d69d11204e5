"""The contract's HTTP annotations are not Envoy's alone: grpc-gateway generates, compiles, and answers the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.envoy.doors import Door
from tests.envoy.standin import StandIn
from tests.servers.absent import absent

from threed.local.gateway.configuration import FILES
from threed.local.gateway.rest import Contract
from threed.local.ports import accepts, free_ports

ROOT = Path(__file__).parents[2]
PARTS = Path(__file__).with_name("grpc_gateway")
PLUGIN = "github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway"


def go(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["go", *arguments], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr


def generate(folder: Path) -> None:
    """Write the gateway's code beside the stubs."""
    protos = ROOT / "protos"
    files = sorted(str(path.relative_to(protos)) for path in (protos / "threed/v1").glob("*.proto"))
    module = "github.com/threed-dev/threed/clients/go"
    options = f"module={module},Mbuf/validate/validate.proto={module}/buf/validate,generate_unbound_methods=false"
    outputs = [f"--grpc-gateway_out={folder}", f"--grpc-gateway_opt={options}"]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}", *outputs, *files]
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(command, check=True, env=os.environ | {"PATH": path})


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """grpc-gateway for the contract, compiled."""
    if not shutil.which("go"):
        absent("Go is not installed.")
    folder = tmp_path_factory.mktemp("grpc_gateway") / "module"
    shutil.copytree(ROOT / "clients/go/threed", folder / "threed")
    shutil.copytree(ROOT / "clients/go/buf", folder / "buf")
    for part in PARTS.iterdir():
        shutil.copy(part, folder)
    go(folder, "build", "-o", "bin/", PLUGIN)
    generate(folder)
    go(folder, "build", "-o", "bin/gateway", ".")
    return folder / "bin/gateway"


@pytest.fixture(scope="module")
def other(program: Path, server: StandIn) -> Iterator[int]:
    """The port of a running grpc-gateway before the stand-in."""
    (port,) = free_ports(1)
    process = subprocess.Popen([program, server.address, f"127.0.0.1:{port}"])
    try:
        deadline = time.monotonic() + 20
        while not accepts(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def test_it_has_a_handler_for_every_bound_method(program: Path):
    written = "".join(path.read_text() for path in (program.parents[1] / "threed/v1").glob("*.pb.gw.go"))
    for binding in Contract.read(FILES / "descriptors.binpb").bindings:
        service, _, method = binding.method.rpartition(".")
        assert f"request_{service.rpartition('.')[2]}_{method}_0" in written


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/assets?page_size=2", None),
        ("PATCH", "/v1/assets/ast_1?updateMask=tags", {"displayName": "x"}),
        ("POST", "/v1/scenes", {"nodes": [{"id": "a", "light": {"type": "SPOT", "color": [1, 0, 0]}}]}),
        ("PUT", "/v1/scenes/scn_1", {"displayName": "x"}),
        ("POST", "/v1/uploads/upl_1:finalize", {}),
    ],
)
def test_it_answers_as_envoy_does(other: int, door: Door, method: str, path: str, body: dict | None):
    ours = door.call(method, path, body)
    theirs = door.call(method, path, body, port=other)
    assert (theirs.status, populated(theirs.json)) == (ours.status, populated(ours.json))


def populated(answer: object) -> object:
    """Without the nulls that grpc-gateway writes for messages that are not there."""
    if isinstance(answer, list):
        return [populated(each) for each in answer]
    if isinstance(answer, dict):
        return {name: populated(each) for name, each in answer.items() if each is not None}
    return answer
