"""The real grpcurl against the running stack: it knows nothing of the contract but what reflection tells."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.servers.absent import absent
from tests.stack import RunningStack

from threed.app import SERVICES

PROGRAM = Path(__file__).parents[2] / ".tools/bin/grpcurl"


@pytest.fixture(scope="module")
def grpcurl(stack: RunningStack) -> Callable[..., subprocess.CompletedProcess]:
    """`grpcurl("list")`, as a caller with that role."""
    program = PROGRAM if PROGRAM.exists() else shutil.which("grpcurl")
    if program is None:
        absent("grpcurl is not installed: `make tools` builds it.")

    def run(*words: str, role: str = "viewer", said: object = None) -> subprocess.CompletedProcess:
        headers = ["-H", f"authorization: Bearer {stack.token(role)}"] if role else []
        said = ["-d", json.dumps(said)] if said is not None else []
        command = [program, "-plaintext", "-max-time", "30", *headers, *said, stack.address, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    return run


def test_it_lists_every_service(grpcurl):
    listed = grpcurl("list").stdout.split()
    assert set(SERVICES) < set(listed)
    assert {"grpc.health.v1.Health", "grpc.channelz.v1.Channelz"} < set(listed)


def test_it_lists_the_methods_of_a_service(grpcurl):
    listed = grpcurl("list", "threed.v1.RenderService").stdout.split()
    assert "threed.v1.RenderService.WatchRenderJob" in listed


@pytest.mark.parametrize("service", SERVICES)
def test_it_describes_every_service(grpcurl, service):
    answer = grpcurl("describe", service)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith(f"{service} is a service:")


def test_it_describes_a_message(grpcurl):
    assert "string sha256 = 8" in grpcurl("describe", "threed.v1.Asset").stdout


def test_it_calls(grpcurl):
    answer = grpcurl("threed.v1.SystemService/GetCapabilities", said={})
    # protoc's Python carries no json_name, so grpcurl writes the fields' own names
    assert json.loads(answer.stdout)["limits"]["max_watchers"] == 5000


def test_it_uploads_by_a_client_stream(grpcurl):
    said = {"filename": "m.txt", "media": {"data": "SGVsbG8="}}
    answer = grpcurl("threed.v1.AssetService/UploadAsset", role="editor", said=said)
    assert json.loads(answer.stdout)["status"] == "UPLOADED"


def test_it_watches_a_server_stream(grpcurl, project):
    answer = grpcurl("threed.v1.RenderService/WatchRenderJob", said={"jobId": project.job.job_id})
    assert json.loads(answer.stdout)["render_job"]["status"] == "COMPLETED"


def test_it_shows_the_details_of_an_error(grpcurl):
    said = {"asset_id": "ast_00000000000000000000000000"}
    answer = grpcurl("threed.v1.AssetService/GetAsset", said=said)
    assert answer.returncode == 64 + 5
    assert "Code: NotFound" in answer.stderr and '"reason": "NOT_FOUND"' in answer.stderr


def test_reflection_and_health_need_no_token(grpcurl):
    assert "threed.v1.AssetService" in grpcurl("list", role="").stdout
    for service in ("", *SERVICES):
        answer = grpcurl("grpc.health.v1.Health/Check", role="", said={"service": service})
        assert json.loads(answer.stdout) == {"status": "SERVING"}
    assert "Unauthenticated" in grpcurl("threed.v1.SystemService/GetCapabilities", role="").stderr


def test_only_an_admin_looks_into_the_channels(grpcurl):
    call = "grpc.channelz.v1.Channelz/GetServers"
    assert "server" in json.loads(grpcurl(call, role="admin").stdout)
    for role in ("editor", "viewer"):
        assert "Code: PermissionDenied" in grpcurl(call, role=role).stderr
    assert "Code: Unauthenticated" in grpcurl(call, role="").stderr
