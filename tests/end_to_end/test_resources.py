"""Assets and scenes from the outside: listed, changed, repeated, deleted; by gRPC and by REST alike."""

from __future__ import annotations

import uuid

from tests.end_to_end.job import model, texture, upload

from threed.v1.assets_pb2 import UploadAssetRequest


def own_tag() -> str:
    """A label that no other test uses."""
    return f"t{uuid.uuid4().hex}"


def test_assets_are_listed_page_by_page(door, refused):
    # Given five assets with a label of their own
    tag = own_tag()
    made = [upload(door, texture(), f"{number}.png", tags=[tag]).asset_id for number in range(5)]
    # When they are read two at a time, newest first
    asked = {"filter": f"tags:{tag}", "page_size": 2}
    seen, token = [], ""
    while True:
        page = door("ListAssets", page_token=token, **asked)
        seen += [asset.asset_id for asset in page.assets]
        token = page.next_page_token
        if not token:
            break
        # Then a token belongs to its question
        with refused("PAGE_TOKEN_INVALID"):
            door("ListAssets", page_token=token, filter="", page_size=2)
        with refused("PAGE_TOKEN_INVALID"):
            door("ListAssets", page_token=token[:-2] + "AA", **asked)
    # And each asset comes once
    assert seen == made[::-1]


def test_a_filter_and_an_order_choose(door, refused):
    tag = own_tag()
    names = ["b.png", "a.png", "c.png"]
    for name in names:
        upload(door, texture(), name, tags=[tag, name[0]])
    listed = door("ListAssets", filter=f'tags:{tag} AND NOT filename="c.png"', order_by="display_name").assets
    assert [asset.filename for asset in listed] == ["a.png", "b.png"]
    listed = door(
        "ListAssets", filter=f"tags:{tag} AND size_bytes>0 AND filename=c*", order_by="size_bytes desc"
    ).assets
    assert [asset.filename for asset in listed] == ["c.png"]
    with refused("FILTER_INVALID") as refusal:
        door("ListAssets", filter="colour=red")
    assert "colour" in refusal.value.message
    with refused("FILTER_INVALID"):
        door("ListAssets", order_by="colour")
    with refused("FIELD_INVALID"):
        door("ListAssets", page_size=-1)


def test_only_named_fields_are_written(door, refused):
    # Given an asset that is checked, so that nobody but the caller changes it
    asset = upload(door, texture(), "old.png", tags=["old"], display_name="before")
    list(door.watch("WatchAsset", asset_id=asset.asset_id))
    # When the mask names the name alone
    changes = {"asset_id": asset.asset_id, "display_name": "after", "tags": ["new"]}
    named = door("UpdateAsset", asset=changes, update_mask={"paths": ["display_name"]})
    assert (named.display_name, list(named.tags)) == ("after", ["old"])
    # And without a mask: all that is there
    metadata = {"author": "ada", "year": 1843, "nested": {"list": [1, None, True]}}
    populated = door("UpdateAsset", asset={"asset_id": asset.asset_id, "tags": ["new"], "metadata": metadata})
    assert (populated.display_name, list(populated.tags)) == ("after", ["new"])
    assert populated.metadata["nested"]["list"][2] is True
    found = door("ListAssets", filter=f'metadata.author="ada" AND asset_id="{asset.asset_id}"').assets
    assert [each.asset_id for each in found] == [asset.asset_id]
    # And nothing that is not the caller's to write: output fields are passed over (AIP-161), others refused
    same = door("UpdateAsset", asset=changes | {"sha256": "0"}, update_mask={"paths": ["sha256"]})
    assert (same.sha256, same.etag) == (asset.sha256, populated.etag)
    for path in ("nosuch", "asset_id.x"):
        with refused("UPDATE_MASK_INVALID"):
            door("UpdateAsset", asset=changes, update_mask={"paths": [path]})


def test_a_stale_etag_is_noticed(door, refused):
    asset = upload(door, texture(), "t.png")
    *_, last = door.watch("WatchAsset", asset_id=asset.asset_id)
    stale = last.asset.etag
    door("UpdateAsset", asset={"asset_id": asset.asset_id, "tags": ["x"], "etag": stale})
    with refused("ETAG_MISMATCH"):
        door("UpdateAsset", asset={"asset_id": asset.asset_id, "tags": ["y"], "etag": stale})
    with refused("ETAG_MISMATCH"):
        door("DeleteAsset", asset_id=asset.asset_id, etag=stale)
    now = door("GetAsset", asset_id=asset.asset_id).etag
    assert now != stale
    assert door("DeleteAsset", asset_id=asset.asset_id, etag=now).HasField("delete_time")


def test_a_deleted_asset_is_hidden_and_comes_back(door, refused):
    tag = own_tag()
    asset = upload(door, texture(), "t.png", tags=[tag])
    list(door.watch("WatchAsset", asset_id=asset.asset_id))
    # When it is deleted, twice
    gone = door("DeleteAsset", asset_id=asset.asset_id)
    assert door("DeleteAsset", asset_id=asset.asset_id).delete_time == gone.delete_time
    # Then lists hide it, and Get still answers
    assert not door("ListAssets", filter=f"tags:{tag}").assets
    assert len(door("ListAssets", filter=f"tags:{tag}", show_deleted=True).assets) == 1
    assert door("GetAsset", asset_id=asset.asset_id).HasField("purge_time")
    with refused("ASSET_DELETED"):
        door("GetAssetDownloadUrl", asset_id=asset.asset_id)
    # And it comes back
    back = door("UndeleteAsset", asset_id=asset.asset_id)
    assert not back.HasField("delete_time")
    with refused("NOT_DELETED"):
        door("UndeleteAsset", asset_id=asset.asset_id)


def test_an_asset_in_a_scene_is_not_deleted_by_mistake(door, refused):
    asset = upload(door, model())
    nodes = [{"id": "n", "asset_id": asset.asset_id}]
    scene = door("CreateScene", scene={"nodes": nodes})
    with refused("IN_USE") as refusal:
        door("DeleteAsset", asset_id=asset.asset_id)
    assert refusal.value.metadata["scene_id"] == scene.scene_id
    door("DeleteAsset", asset_id=asset.asset_id, force=True)


def test_only_an_admin_deletes_for_good(door, as_, refused):
    asset = upload(door, texture(), "t.png")
    list(door.watch("WatchAsset", asset_id=asset.asset_id))
    with refused("ROLE_TOO_LOW"):
        door("DeleteAsset", asset_id=asset.asset_id, purge=True)
    as_("admin")("DeleteAsset", asset_id=asset.asset_id, purge=True)
    with refused("NOT_FOUND"):
        door("GetAsset", asset_id=asset.asset_id)


def test_the_same_request_twice_is_done_once(door, refused):
    data, request_id = texture(), str(uuid.uuid4())

    def asked(content: bytes) -> UploadAssetRequest:
        return UploadAssetRequest(filename="t.png", media={"data": content}, request_id=request_id)

    first = door("UploadAsset", asked(data))
    assert door("UploadAsset", asked(data)).asset_id == first.asset_id
    with refused("REQUEST_ID_REUSED"):
        door("UploadAsset", asked(texture()))


def test_a_scene_is_made_changed_replaced_and_deleted(door, refused):
    # Given a scene that was asked for twice by the same request
    request_id = str(uuid.uuid4())
    asked = {"display_name": "room", "nodes": [{"id": "a"}, {"id": "b", "parent_id": "a"}], "tags": ["t"]}
    scene = door("CreateScene", scene=asked, request_id=request_id)
    assert door("CreateScene", scene=asked, request_id=request_id).scene_id == scene.scene_id
    with refused("REQUEST_ID_REUSED"):
        door("CreateScene", scene={"display_name": "other"}, request_id=request_id)
    # When its name is changed, then all of it replaced
    named = {"scene_id": scene.scene_id, "display_name": "hall", "etag": scene.etag}
    changed = door("UpdateScene", scene=named, update_mask={"paths": ["display_name"]})
    assert (changed.revision, changed.display_name, len(changed.nodes)) == (2, "hall", 2)
    with refused("ETAG_MISMATCH"):
        door("ReplaceScene", scene={"scene_id": scene.scene_id, "etag": scene.etag})
    replaced = door("ReplaceScene", scene={"scene_id": scene.scene_id, "nodes": [{"id": "c"}], "etag": changed.etag})
    # Then what was not said is back at its default
    assert (replaced.revision, replaced.display_name, list(replaced.tags)) == (3, "", [])
    assert [node.id for node in replaced.nodes] == ["c"]
    # And it can be deleted and brought back
    door("DeleteScene", scene_id=scene.scene_id)
    with refused("ASSET_DELETED"):
        door("UpdateScene", scene=named | {"etag": ""})
    assert not door("UndeleteScene", scene_id=scene.scene_id).HasField("delete_time")


def test_a_scene_that_is_no_forest_is_refused(door, refused):
    cycle = [{"id": "a", "parent_id": "b"}, {"id": "b", "parent_id": "a"}]
    for nodes in (cycle, [{"id": "a"}, {"id": "a"}], [{"id": "a", "parent_id": "nobody"}]):
        with refused("SCENE_INVALID") as refusal:
            door("CreateScene", scene={"nodes": nodes})
        assert refusal.value.violations
    with refused("FIELD_INVALID") as refusal:
        door("CreateScene", scene={"nodes": [{"id": "a", "translation": [1, 2]}]})
    assert list(refusal.value.violations) == ["scene.nodes[0].translation"]
