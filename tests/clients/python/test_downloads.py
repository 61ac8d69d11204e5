"""Downloads: whole, checked, resumed."""

from __future__ import annotations

import random

import pytest

from threed_client import AssetFileKind, RenderJob
from threed_client.errors import DataLoss, NotFound

DATA = random.Random(3).randbytes(3_000_000)


@pytest.fixture
def asset_id(server) -> str:
    return server.add_asset("a.glb", DATA).asset_id


def test_a_file_arrives_whole(client, asset_id, tmp_path):
    seen = []
    path = client.assets.download(
        asset_id, AssetFileKind.ORIGINAL, tmp_path / "a.glb", progress=lambda *p: seen.append(p)
    )
    assert path.read_bytes() == DATA
    assert seen[-1] == (len(DATA), len(DATA))


def test_the_kind_and_the_size_are_asked_for(client, server, asset_id, tmp_path):
    client.assets.download(asset_id, AssetFileKind.THUMBNAIL, tmp_path / "a", long_edge_px=256, media_type="image/png")
    (request,) = server.called("GetAssetDownloadUrl")
    assert (request.kind, request.long_edge_px, request.media_type) == (3, 256, "image/png")


def test_a_download_that_breaks_goes_on_by_range(client, server, asset_id, tmp_path):
    server.files.cut = [1_000_000, 2_500_000]
    path = client.assets.download(asset_id, AssetFileKind.ORIGINAL, tmp_path / "a.glb")
    assert path.read_bytes() == DATA
    assert server.files.ranges == [None, "bytes=1000000-", "bytes=2500000-"]


def test_a_server_without_range_sends_it_all_again(client, server, asset_id, tmp_path):
    server.files.cut, server.files.whole = [1_000_000], True
    assert client.assets.download(asset_id, AssetFileKind.ORIGINAL, tmp_path / "a").read_bytes() == DATA


def test_an_expired_url_is_signed_again(client, server, asset_id, tmp_path):
    server.files.expired = 1
    assert client.assets.download(asset_id, AssetFileKind.ORIGINAL, tmp_path / "a").read_bytes() == DATA
    assert len(server.called("GetAssetDownloadUrl")) == 2


def test_altered_bytes_never_get_the_name(client, server, asset_id, tmp_path):
    server.files.altered.add(asset_id)
    with pytest.raises(DataLoss) as raised:
        client.assets.download(asset_id, AssetFileKind.ORIGINAL, tmp_path / "a.glb")
    assert raised.value.reason == "DOWNLOAD_DIGEST_MISMATCH"
    assert list(tmp_path.glob("a.glb*")) == []


def test_what_another_process_left_is_used(client, server, asset_id, tmp_path):
    digest = server.files.sign(asset_id).sha256
    (tmp_path / f"a.glb.{digest[:12]}.part").write_bytes(DATA[:2_000_000])
    assert client.assets.download(asset_id, AssetFileKind.ORIGINAL, tmp_path / "a.glb").read_bytes() == DATA
    assert server.files.ranges == ["bytes=2000000-"]


@pytest.mark.parametrize("left", [bytes(2_000_000), bytes(len(DATA)), bytes(len(DATA) + 1)], ids=len)
def test_what_another_process_left_is_thrown_away_when_it_is_wrong(client, server, asset_id, tmp_path, left):
    digest = server.files.sign(asset_id).sha256
    (tmp_path / f"a.glb.{digest[:12]}.part").write_bytes(left)
    assert client.assets.download(asset_id, AssetFileKind.ORIGINAL, tmp_path / "a.glb").read_bytes() == DATA


def test_an_older_file_of_that_name_is_replaced_only_by_a_whole_one(client, server, asset_id, tmp_path):
    (tmp_path / "a.glb").write_bytes(b"older")
    server.files.altered.add(asset_id)
    with pytest.raises(DataLoss):
        client.assets.download(asset_id, AssetFileKind.ORIGINAL, tmp_path / "a.glb")
    assert (tmp_path / "a.glb").read_bytes() == b"older"


def test_a_full_disk_is_not_taken_for_a_broken_connection(client, asset_id, tmp_path):
    with pytest.raises(OSError, match="missing"):
        client.assets.download(asset_id, AssetFileKind.ORIGINAL, tmp_path / "missing" / "a.glb")


def test_an_unknown_asset_has_no_download(any_client, tmp_path):
    with pytest.raises(NotFound):
        any_client.assets.download("ast_" + "0" * 26, AssetFileKind.ORIGINAL, tmp_path / "a")


def test_the_picture_of_a_job_arrives(client, tmp_path):
    job = client.renders.wait(client.renders.create(RenderJob(asset_id="ast_0")).job_id)
    assert client.renders.download(job.job_id, tmp_path / "duck.png").read_bytes().startswith(b"\x89PNG")


def test_every_output_of_a_job_arrives_under_its_name(client, server, tmp_path):
    # Given a job with several outputs, one of whose names would lead out of the folder
    server.outputs = ["camera0.png", "camera0.depth.exr", "../camera1.png"]
    job = client.renders.wait(client.renders.create(RenderJob(asset_id="ast_0")).job_id)
    # When all of it is fetched
    written = client.renders.download_all(job.job_id, tmp_path / "new" / "folder")
    # Then each is there, with its own bytes, inside
    assert [path.name for path in written] == ["camera0.png", "camera0.depth.exr", "camera1.png"]
    assert {path.parent for path in written} == {tmp_path / "new" / "folder"}
    assert written[1].read_bytes().endswith(b"camera0.depth.exr")


def test_one_output_of_a_job_arrives_by_its_name(client, server, tmp_path):
    server.outputs = ["camera0.png", "camera1.png"]
    job = client.renders.wait(client.renders.create(RenderJob(asset_id="ast_0")).job_id)
    assert client.renders.download(job.job_id, tmp_path / "a.png", output="camera1.png").read_bytes()[-11:] == (
        b"camera1.png"
    )
    assert client.renders.download_url(job.job_id).url.endswith("camera0.png")
