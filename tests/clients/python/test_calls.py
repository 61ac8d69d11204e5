"""What every call has in common: addresses, tokens, errors, retries, pages, deadlines."""

from __future__ import annotations

import datetime
import time

import pytest
from tests.clients.python import standin

import threed_client
from threed import errors as served
from threed.v1 import render_jobs_pb2
from threed_client import Client, RenderJob, RenderJobStatus, Scene, SceneNode, errors
from threed_client._address import parse


@pytest.mark.parametrize(
    ("target", "authority", "tls"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", False),
        ("https://assets.example.com", "assets.example.com:443", True),
        ("http://assets.example.com/", "assets.example.com:80", False),
        ("localhost:8080", "localhost:8080", False),
        ("http://[::1]:8080", "[::1]:8080", False),
    ],
)
def test_a_target_is_read(target, authority, tls):
    assert (parse(target).authority, parse(target).tls) == (authority, tls)


@pytest.mark.parametrize("target", ["ftp://host:1", "host", "http://", "http://host:port", "http://host/v1", ":80"])
def test_a_target_that_cannot_be_read_is_refused(target):
    with pytest.raises(ValueError):
        parse(target)


def test_a_scheme_and_a_tls_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="Leave one of them out"):
        Client("http://127.0.0.1:1", tls=True)


def test_the_environment_names_server_and_token(server, monkeypatch):
    monkeypatch.setenv("THREED_URL", server.url)
    monkeypatch.setenv("THREED_TOKEN", standin.TOKEN)
    with Client() as client:
        assert client.system.capabilities().version == "0.1.0"


def test_a_token_function_is_asked_for_each_call(server):
    tokens = iter(["expired", standin.TOKEN])
    with Client(server.url, lambda: next(tokens)) as client:
        with pytest.raises(errors.Unauthenticated):
            client.system.capabilities()
        assert client.system.capabilities().worker_count == 1


@pytest.mark.parametrize("code", list(served.Code), ids=lambda code: code.name)
def test_every_code_has_its_class(client, server, code):
    # Given a server that fails with a code, a reason, variables and a field
    error = type("Made", (served.ThreedError,), {"code": code, "reason": "A_REASON"})
    planned = error("A sentence.", violations=(("asset_id", "too long"),), retry_after_s=60.0, size=3)
    server.faults["GetAsset"] = [planned]
    # When it is called
    with pytest.raises(errors.ThreedError) as raised:
        client.assets.get("ast_0")
    # Then all of that arrives
    got = raised.value
    assert got.code.name == code.name == "".join("_" * c.isupper() + c for c in type(got).__name__)[1:].upper()
    assert (got.reason, got.message, got.metadata) == ("A_REASON", "A sentence.", {"size": "3"})
    assert got.violations == (("asset_id", "too long"),)
    assert got.retry_after_s == 60.0


def test_a_server_that_is_no_threed_gives_an_error_without_a_reason(client, server):
    with pytest.raises(errors.Unimplemented) as raised:
        client.scenes.delete("scn_0")
    assert raised.value.reason == ""


def test_the_error_of_a_failed_asset_reads_like_that_of_a_call(client, server):
    asset = server.add_asset("a.glb", b"x")
    server.outcome = served.FileMalformed("The accessor ends behind its buffer.", where="/accessors/0")
    error = errors.from_status(client.assets.wait(asset.asset_id).error)
    assert isinstance(error, errors.InvalidArgument)
    assert (error.reason, error.metadata) == ("FILE_MALFORMED", {"where": "/accessors/0"})


def test_the_json_of_a_failed_asset_shows_the_details(client, server):
    asset = server.add_asset("a.glb", b"x")
    server.outcome = served.FileMalformed("It is broken.")
    shown = client.assets.wait(asset.asset_id).to_dict()
    assert shown["status"] == "FAILED"
    assert shown["error"]["details"][0]["reason"] == "FILE_MALFORMED"


def test_a_server_that_is_away_for_a_moment_is_asked_again(client, server):
    server.faults["GetAsset"] = [served.Unavailable("away"), served.Unavailable("away", retry_after_s=0.3)]
    asset = server.add_asset("a.glb", b"x")
    started = time.monotonic()
    assert client.assets.get(asset.asset_id).asset_id == asset.asset_id
    assert time.monotonic() - started >= 0.3, "the server's own retry delay is honoured"


def test_a_repeated_create_carries_the_same_request_id(client, server):
    server.faults["CreateScene"] = [served.Unavailable("away")]
    client.scenes.create(Scene(display_name="A room", nodes=[SceneNode(id="chair", asset_id="ast_0")]))
    first, second = server.called("CreateScene")
    assert first == second and len(first.request_id) == 36


def test_two_creates_are_two(client, server):
    job = RenderJob(asset_id="ast_0")
    client.renders.create(job)
    client.renders.create(job)
    first, second = server.called("CreateRenderJob")
    assert first.request_id != second.request_id


def test_a_plan_and_a_picture_without_the_cache_are_asked_for(client, server):
    planned = client.renders.create(RenderJob(asset_id="ast_0"), validate_only=True)
    client.renders.create(RenderJob(asset_id="ast_0"), no_cache=True)
    assert (planned.job_id, planned.plan.frame_count) == ("", 96)
    asked = [(request.validate_only, request.no_cache) for request in server.called("CreateRenderJob")]
    assert asked == [(True, False), (False, True)]


def test_a_job_is_paused_and_goes_on(client, server):
    job_id = client.renders.create(RenderJob(asset_id="ast_0")).job_id
    assert client.renders.pause(job_id).status is RenderJobStatus.PAUSED
    assert client.renders.resume(job_id).status is RenderJobStatus.PROCESSING
    assert client.renders.retry(job_id).status is RenderJobStatus.PENDING


def test_the_frames_of_a_job_come_page_by_page(client, server):
    server.frames = [render_jobs_pb2.RenderFrame(frame=number) for number in range(7)]
    found = client.renders.frames("rnd_0", filter="status=FAILED", page_size=3)
    assert [frame.frame for frame in found] == list(range(7))
    asked = [(request.job_id, request.filter, request.page_token) for request in server.called("ListRenderFrames")]
    assert asked == [("rnd_0", "status=FAILED", token) for token in ("", "3", "6")]


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("UndeleteAsset", lambda client: client.assets.undelete("ast_0")),
        ("UpdateAsset", lambda client: client.assets.update("ast_0", display_name="x", etag="1")),
        ("RetryRenderJob", lambda client: client.renders.retry("rnd_0")),
    ],
)
def test_a_call_whose_repetition_would_fail_is_not_repeated(client, server, method, call):
    server.faults[method] = [served.Unavailable("away")]
    with pytest.raises(errors.Unavailable):
        call(client)
    assert len(server.called(method)) == 1


def test_no_server_at_all_is_unavailable():
    with Client("127.0.0.1:1", "token", patience=0.2) as client, pytest.raises(errors.Unavailable):
        client.system.capabilities()


def test_a_list_fetches_its_pages_as_they_are_used(client, server):
    made = [server.add_asset(f"{n}.glb", b"x").asset_id for n in range(7)]
    listing = client.assets.list(page_size=3, order_by="upload_timestamp")
    first = next(listing)
    assert first.asset_id == made[-1] and len(server.called("ListAssets")) == 1
    assert [asset.asset_id for asset in listing] == made[-2::-1]
    assert [request.page_token for request in server.called("ListAssets")] == ["", "3", "6"]
    assert {request.order_by for request in server.called("ListAssets")} == {"upload_timestamp"}


def test_a_filter_that_does_not_parse_names_the_field(any_client):
    with pytest.raises(errors.InvalidArgument) as raised:
        list(any_client.assets.list(filter="nonsense=1"))
    assert raised.value.reason == "FILTER_INVALID"


def test_an_update_writes_only_what_is_given(client, server):
    asset = server.add_asset("a.glb", b"x", tags=["old"])
    client.assets.update(asset.asset_id, metadata={"lot": 7, "parts": [True, None, {"x": "y"}]})
    changed = client.assets.update(asset.asset_id, tags=[])
    assert (changed.display_name, changed.tags) == ("a.glb", [])
    assert changed.metadata.to_dict() == {"lot": 7, "parts": [True, None, {"x": "y"}]}
    assert [list(request.update_mask.paths) for request in server.called("UpdateAsset")] == [["metadata"], ["tags"]]


def test_an_etag_of_yesterday_is_refused(client, server):
    asset = server.add_asset("a.glb", b"x")
    with pytest.raises(errors.Aborted) as raised:
        client.assets.update(asset.asset_id, display_name="mine", etag="0")
    assert raised.value.reason == "ETAG_MISMATCH"


def test_times_are_datetimes_with_a_zone(client, server):
    asset = client.assets.get(server.add_asset("a.glb", b"x").asset_id)
    assert asset.upload_timestamp == datetime.datetime(2026, 11, 21, 10, tzinfo=datetime.UTC)


def test_everything_public_is_there():
    assert all(hasattr(threed_client, name) for name in threed_client.__all__)
    assert sorted(threed_client.__all__) == threed_client.__all__
