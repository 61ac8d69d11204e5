"""AssetService, from the outside."""

from __future__ import annotations

import asyncio
import hashlib
import struct
import uuid

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf import field_mask_pb2
from tests.services.door import Door, refused, tiny_glb

from threed.records.tables import jobs
from threed.v1 import assets_pb2
from threed.v1.assets_pb2 import Asset


def get(asset_id: str) -> assets_pb2.GetAssetRequest:
    return assets_pb2.GetAssetRequest(asset_id=asset_id)


async def test_an_upload_becomes_an_asset_with_the_digest_of_its_bytes(door: Door):
    data = tiny_glb(1_000_000)
    asset = await door.upload(data, filename="big box.glb", tags=["a", "b"], display_name="Box")
    assert asset.status == Asset.UPLOADED
    assert asset.sha256 == hashlib.sha256(data).hexdigest()
    assert (asset.size_bytes, asset.filename, asset.display_name) == (len(data), "big box.glb", "Box")
    assert list(asset.tags) == ["a", "b"]
    assert (asset.project, asset.created_by) == ("default", "ada")
    assert await door.assets.GetAsset(get(asset.asset_id), metadata=door.who("viewer")) == asset
    stored = b"".join([piece async for piece in door.backend.blobs.open_range(asset.storage_path)])
    assert stored == data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "FILE_EMPTY"),
        (b"\x7fELF" + bytes(100), "FILE_FORMAT_UNKNOWN"),
        (b"%PDF-1.7\n", "FILE_FORMAT_UNKNOWN"),
        (struct.pack("<4sII", b"glTF", 2, 1000), "FILE_TRUNCATED"),
        (struct.pack("<4sII", b"glTF", 1, 12), "FILE_MALFORMED"),
        (b"glTF", "FILE_TRUNCATED"),
    ],
)
async def test_what_surely_fails_is_refused_at_the_door_and_nothing_is_stored(door: Door, data: bytes, reason: str):
    with refused(reason) as refusal:
        await door.upload(data)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    listed = await door.assets.ListAssets(assets_pb2.ListAssetsRequest(), metadata=door.who())
    assert not listed.assets


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"size_bytes": 10}, "UPLOAD_SIZE_MISMATCH"),
        ({"size_bytes": 10**6}, "UPLOAD_SIZE_MISMATCH"),
        ({"sha256": "0" * 64}, "UPLOAD_DIGEST_MISMATCH"),
    ],
)
async def test_bytes_that_are_not_the_declared_ones_are_refused(door: Door, fields: dict, reason: str):
    with refused(reason):
        await door.upload(tiny_glb(), **fields)
    assert not (await door.assets.ListAssets(assets_pb2.ListAssetsRequest(), metadata=door.who())).assets


async def test_an_upload_over_the_limit_is_refused_while_it_comes(door: Door):
    with refused("UPLOAD_TOO_LARGE") as refusal:
        await door.upload(bytes(65 << 20))
    assert refusal.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal.metadata["max_upload_bytes"] == str(64 << 20)


@pytest.mark.parametrize("filename", ["", "../x.glb", "a/b.glb", "a\\b.glb", "x\0.glb", "..", "line\nbreak.glb"])
async def test_a_name_with_a_path_or_control_characters_is_refused(door: Door, filename: str):
    with refused("FIELD_INVALID") as refusal:
        await door.upload(tiny_glb(), filename=filename)
    assert "filename" in refusal.violations


async def test_the_same_request_id_answers_with_the_same_asset(door: Door):
    request_id = str(uuid.uuid4())
    first = await door.upload(tiny_glb(), request_id=request_id)
    again = await door.upload(tiny_glb(), request_id=request_id)
    assert again.asset_id == first.asset_id
    with refused("REQUEST_ID_REUSED"):
        await door.upload(tiny_glb(100), request_id=request_id)
    elsewhere = await door.upload(tiny_glb(), request_id=request_id, who=door.who(project="other"))
    assert elsewhere.asset_id != first.asset_id


async def test_twenty_callers_with_one_request_id_make_one_asset(door: Door):
    request_id = str(uuid.uuid4())
    made = await asyncio.gather(*(door.upload(tiny_glb(), request_id=request_id) for _ in range(20)))
    assert len({asset.asset_id for asset in made}) == 1


async def test_an_asset_of_another_project_is_not_there(door: Door):
    asset = await door.upload(tiny_glb())
    stranger = door.who("admin", project="other")
    unknown = asset.asset_id[:-4] + "0000"
    with refused("NOT_FOUND") as theirs:
        await door.assets.GetAsset(get(asset.asset_id), metadata=stranger)
    with refused("NOT_FOUND") as nobodys:
        await door.assets.GetAsset(get(unknown), metadata=stranger)
    assert theirs.message.replace(asset.asset_id, "") == nobodys.message.replace(unknown, "")
    for call in (
        door.assets.DeleteAsset(assets_pb2.DeleteAssetRequest(asset_id=asset.asset_id, purge=True), metadata=stranger),
        door.assets.GetAssetDownloadUrl(
            assets_pb2.GetAssetDownloadUrlRequest(asset_id=asset.asset_id), metadata=stranger
        ),
        door.assets.UpdateAsset(
            assets_pb2.UpdateAssetRequest(asset=Asset(asset_id=asset.asset_id, display_name="mine")), metadata=stranger
        ),
    ):
        with refused("NOT_FOUND"):
            await call
    with refused("NOT_FOUND"):
        async for _ in door.assets.WatchAsset(assets_pb2.WatchAssetRequest(asset_id=asset.asset_id), metadata=stranger):
            pass


async def test_an_id_of_another_type_is_refused_with_the_expected_prefix(door: Door):
    with refused("ID_INVALID") as refusal:
        await door.assets.GetAsset(get("scn_" + "0" * 26), metadata=door.who())
    assert refusal.metadata["expected_prefix"] == "ast_"


async def test_an_update_writes_what_the_mask_names(door: Door):
    asset = await door.upload(tiny_glb(), tags=["old"])
    change = Asset(asset_id=asset.asset_id, display_name="New", metadata={"author": "Ada", "n": 3}, etag=asset.etag)
    updated = await door.assets.UpdateAsset(assets_pb2.UpdateAssetRequest(asset=change), metadata=door.who())
    assert (updated.display_name, updated.metadata["author"], list(updated.tags)) == ("New", "Ada", ["old"])
    assert updated.etag != asset.etag
    cleared = await door.assets.UpdateAsset(
        assets_pb2.UpdateAssetRequest(
            asset=Asset(asset_id=asset.asset_id), update_mask=field_mask_pb2.FieldMask(paths=["tags"])
        ),
        metadata=door.who(),
    )
    assert (list(cleared.tags), cleared.display_name) == ([], "New")
    with refused("ETAG_MISMATCH") as refusal:
        await door.assets.UpdateAsset(assets_pb2.UpdateAssetRequest(asset=change), metadata=door.who())
    assert refusal.code == grpc.StatusCode.ABORTED
    change.etag = ""
    with refused("UPDATE_MASK_INVALID"):
        await door.assets.UpdateAsset(
            assets_pb2.UpdateAssetRequest(asset=change, update_mask=field_mask_pb2.FieldMask(paths=["nose"])),
            metadata=door.who(),
        )


async def test_a_deleted_asset_hides_and_comes_back(door: Door):
    asset = await door.upload(tiny_glb())
    delete = assets_pb2.DeleteAssetRequest(asset_id=asset.asset_id)
    deleted = await door.assets.DeleteAsset(delete, metadata=door.who())
    assert deleted.HasField("delete_time") and deleted.purge_time.seconds > deleted.delete_time.seconds
    assert await door.assets.DeleteAsset(delete, metadata=door.who()) == deleted
    everything = assets_pb2.ListAssetsRequest(show_deleted=True)
    assert not (await door.assets.ListAssets(assets_pb2.ListAssetsRequest(), metadata=door.who())).assets
    assert len((await door.assets.ListAssets(everything, metadata=door.who())).assets) == 1
    assert (await door.assets.GetAsset(get(asset.asset_id), metadata=door.who())).HasField("delete_time")
    undelete = assets_pb2.UndeleteAssetRequest(asset_id=asset.asset_id)
    assert not (await door.assets.UndeleteAsset(undelete, metadata=door.who())).HasField("delete_time")
    with refused("NOT_DELETED"):
        await door.assets.UndeleteAsset(undelete, metadata=door.who())


async def test_only_an_admin_deletes_for_good(door: Door):
    asset = await door.upload(tiny_glb())
    purge = assets_pb2.DeleteAssetRequest(asset_id=asset.asset_id, purge=True)
    with refused("ROLE_TOO_LOW"):
        await door.assets.DeleteAsset(purge, metadata=door.who())
    await door.assets.DeleteAsset(purge, metadata=door.who("admin"))
    with refused("NOT_FOUND"):
        await door.assets.GetAsset(get(asset.asset_id), metadata=door.who())
    async with door.backend.records.autocommit() as connection:
        assert (await connection.execute(sa.select(jobs.c.id))).all() == [], "its job is gone with it"


async def test_a_list_pages_filters_and_orders(door: Door):
    for i in range(7):
        await door.ready_asset(display_name=f"chair {i}", model={"triangle_count": i * 1000}, tags=["odd"] * (i % 2))
    seen, token = [], ""
    while True:
        request = assets_pb2.ListAssetsRequest(page_size=3, page_token=token)
        page = await door.assets.ListAssets(request, metadata=door.who())
        seen += [asset.display_name for asset in page.assets]
        token = page.next_page_token
        if not token:
            break
    assert seen == [f"chair {i}" for i in range(6, -1, -1)]
    wanted = "status=VALIDATED AND model.triangleCount<4000 AND tags:odd"
    request = assets_pb2.ListAssetsRequest(filter=wanted, order_by="display_name")
    found = await door.assets.ListAssets(request, metadata=door.who())
    assert [asset.display_name for asset in found.assets] == ["chair 1", "chair 3"]


async def test_a_page_token_serves_only_the_list_it_came_from(door: Door):
    for i in range(3):
        await door.upload(tiny_glb(i))
    first = await door.assets.ListAssets(assets_pb2.ListAssetsRequest(page_size=1), metadata=door.who())
    request = assets_pb2.ListAssetsRequest(page_size=1, page_token=first.next_page_token)
    with refused("PAGE_TOKEN_INVALID"):
        await door.assets.ListAssets(request, metadata=door.who(project="other"))
    request.filter = "size_bytes>0"
    with refused("PAGE_TOKEN_INVALID"):
        await door.assets.ListAssets(request, metadata=door.who())


async def test_a_filter_that_does_not_parse_says_where(door: Door):
    with refused("FILTER_INVALID") as refusal:
        await door.assets.ListAssets(assets_pb2.ListAssetsRequest(filter="stauts=FAILED"), metadata=door.who())
    assert "status" in refusal.message


async def test_a_watch_begins_with_the_state_and_ends_when_it_is_final(door: Door):
    asset = await door.ready_asset()
    request = assets_pb2.WatchAssetRequest(asset_id=asset.asset_id)
    states = [state.asset.status async for state in door.assets.WatchAsset(request, metadata=door.who())]
    assert states == [Asset.VALIDATED]


async def test_a_watch_ends_with_its_token(door: Door):
    asset = await door.upload(tiny_glb())
    request = assets_pb2.WatchAssetRequest(asset_id=asset.asset_id)
    with refused("TOKEN_INVALID") as refusal:
        async for _ in door.assets.WatchAsset(request, metadata=door.who(lifetime_s=1)):
            pass
    assert "expired while watching" in refusal.message


async def test_watchers_beyond_the_limit_are_refused(door: Door):
    asset = await door.upload(tiny_glb())
    request = assets_pb2.WatchAssetRequest(asset_id=asset.asset_id)
    watching = [door.assets.WatchAsset(request, metadata=door.who()) for _ in range(50)]
    for call in watching:
        await call.read()
    with refused("TOO_MANY_WATCHERS"):
        async for _ in door.assets.WatchAsset(request, metadata=door.who()):
            pass
    watching[0].cancel()
    await asyncio.sleep(0.3)
    call = door.assets.WatchAsset(request, metadata=door.who())
    assert (await call.read()).asset.asset_id == asset.asset_id
    for each in [call, *watching]:
        each.cancel()


async def test_a_download_url_names_a_file_that_is_there(door: Door):
    asset = await door.upload(tiny_glb())
    url = await door.assets.GetAssetDownloadUrl(
        assets_pb2.GetAssetDownloadUrlRequest(asset_id=asset.asset_id), metadata=door.who("viewer")
    )
    assert url.url.startswith("http://127.0.0.1:8080/blobs/") and url.sha256 == asset.sha256
    with refused("OUTPUT_MISSING"):
        await door.assets.GetAssetDownloadUrl(
            assets_pb2.GetAssetDownloadUrlRequest(asset_id=asset.asset_id, kind=assets_pb2.AssetFile.THUMBNAIL),
            metadata=door.who(),
        )


async def test_a_stream_that_breaks_leaves_nothing(door: Door):
    async def broken():
        yield assets_pb2.UploadAssetRequest(filename="x.glb", media={"data": tiny_glb()[:12]})
        raise RuntimeError("the caller is gone")

    with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError, RuntimeError)):
        await door.assets.UploadAsset(broken(), metadata=door.who())
    assert not (await door.assets.ListAssets(assets_pb2.ListAssetsRequest(), metadata=door.who())).assets
    staging = door.backend.settings.blobs / "staging"
    for _ in range(100):
        if not list(staging.iterdir()):
            break
        await asyncio.sleep(0.05)
    assert not list(staging.iterdir())


@pytest.mark.parametrize("cut", [1, 300_000])
async def test_a_cut_stream_is_no_shorter_file(door: Door, cut: int):
    """What came may well be a valid file of its own, as a PLY without its last lines is."""
    sent, gone = asyncio.Event(), asyncio.Event()

    async def cut_off():
        yield assets_pb2.UploadAssetRequest(filename="x.ply", media={"data": b"ply\n" + bytes(cut)})
        sent.set()
        await gone.wait()

    call = door.assets.UploadAsset(cut_off(), metadata=door.who())
    staging = door.backend.settings.blobs / "staging"
    await sent.wait()
    for _ in range(200):
        if list(staging.iterdir()):
            break
        await asyncio.sleep(0.02)
    call.cancel()
    for _ in range(200):
        if not list(staging.iterdir()):
            break
        await asyncio.sleep(0.02)
    assert not list(staging.iterdir())
    assert not (await door.assets.ListAssets(assets_pb2.ListAssetsRequest(), metadata=door.who())).assets


async def test_two_uploads_of_the_same_bytes_share_their_blob(door: Door):
    data = tiny_glb(5000)
    one, two = await asyncio.gather(door.upload(data), door.upload(data))
    assert one.asset_id != two.asset_id and one.storage_path == two.storage_path


async def test_pages_of_a_thousand_rows_are_the_most(door: Door):
    with refused("FIELD_INVALID") as refusal:
        await door.assets.ListAssets(assets_pb2.ListAssetsRequest(page_size=-1), metadata=door.who())
    assert "page_size" in refusal.violations
    answer = await door.assets.ListAssets(assets_pb2.ListAssetsRequest(page_size=10**9), metadata=door.who())
    assert not answer.assets
