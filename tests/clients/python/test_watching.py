"""Watches, and what they survive."""

from __future__ import annotations

import pytest
from tests.clients.python import standin

from threed import errors as served
from threed_client import AssetStatus, Client, RenderJob, RenderJobStatus
from threed_client.errors import DeadlineExceeded, NotFound, Unauthenticated


def test_a_watch_gives_each_change_and_ends_with_the_last(client, server):
    asset = server.add_asset("a.glb", b"x")
    seen = [(change.phase, change.asset.status) for change in client.assets.watch(asset.asset_id)]
    assert seen == [
        ("queued", AssetStatus.UPLOADED),
        ("reading", AssetStatus.PROCESSING),
        ("done", AssetStatus.VALIDATED),
    ]


def test_a_watch_that_breaks_goes_on_without_repeating_itself(client, server):
    asset = server.add_asset("a.glb", b"x")
    server.break_watches = [1, 2]
    assert [change.sequence for change in client.assets.watch(asset.asset_id)] == [1, 2, 3]
    assert len(server.called("WatchAsset")) == 3


def test_a_render_watch_that_breaks_says_what_it_has_seen(client, server):
    # Given a watch of a job that breaks after its first and after its second message
    job = client.renders.create(RenderJob(asset_id="ast_0"))
    server.break_watches = [1, 2]
    # When it is read to its end
    seen = [change.sequence for change in client.renders.watch(job.job_id)]
    # Then each change came once, and each call went on from the last message
    assert seen == [1, 2, 3]
    assert [request.resume_token for request in server.called("WatchRenderJob")] == ["", "token-1", "token-2"]


def test_previews_come_only_when_they_are_asked_for(client, server):
    job = client.renders.create(RenderJob(asset_id="ast_0"))
    assert not any(change.preview for change in client.renders.watch(job.job_id))
    shown = [change.preview for change in client.renders.watch(job.job_id, previews=True) if change.preview]
    assert [(preview.image, preview.media_type) for preview in shown] == [(standin.PREVIEW, "image/webp")]


def test_a_watch_waits_while_there_are_too_many(client, server):
    server.faults["WatchAsset"] = [served.TooManyWatchers("Too many.", retry_after_s=0.05)]
    assert client.assets.wait(server.add_asset("a.glb", b"x").asset_id).status is AssetStatus.VALIDATED


def test_a_watch_takes_a_new_token_when_the_old_one_expires(server):
    # Given a token function, and a token that expires while the job is watched
    with Client(server.url, lambda: standin.TOKEN) as client:
        job = client.renders.create(RenderJob(asset_id="ast_0"))
        watch = client.renders.watch(job.job_id)
        server.break_watches = [1]
        next(watch)
        server.faults["WatchRenderJob"] = [served.TokenInvalid("The token expired.")]
        # Then the watch goes on with the next one
        assert [change.render_job.status for change in watch][-1] is RenderJobStatus.COMPLETED


def test_a_fixed_token_that_expires_ends_the_watch(client, server):
    server.faults["WatchAsset"] = [served.TokenInvalid("The token expired.")]
    with pytest.raises(Unauthenticated):
        client.assets.wait(server.add_asset("a.glb", b"x").asset_id)


def test_an_unknown_asset_cannot_be_watched(any_client):
    with pytest.raises(NotFound):
        any_client.assets.wait("ast_" + "0" * 26)


def test_waiting_ends_after_its_time(client, server):
    asset = server.add_asset("a.glb", b"x")
    server.faults["WatchAsset"] = [served.Unavailable("away")] * 100
    with pytest.raises(DeadlineExceeded, match="not finished after"):
        client.assets.wait(asset.asset_id, timeout=0.3)


def test_a_failed_job_is_returned_with_its_error(client, server):
    server.outcome = served.JobOutOfMemory("It needs more than 4 GiB.")
    job = client.renders.wait(client.renders.create(RenderJob(asset_id="ast_0")).job_id)
    assert job.status is RenderJobStatus.FAILED
    assert job.error.message == "It needs more than 4 GiB."


def test_a_watch_that_is_left_early_leaves_no_stream(client, server):
    asset = server.add_asset("a.glb", b"x")
    for _ in client.assets.watch(asset.asset_id):
        break
    assert client.assets.get(asset.asset_id).asset_id == asset.asset_id
