"""SceneService, from the outside."""

from __future__ import annotations

import uuid

import grpc
import pytest
from google.protobuf import field_mask_pb2, json_format
from tests.services.door import Door, refused

from threed.v1 import assets_pb2, scenes_pb2
from threed.v1.scenes_pb2 import Scene


async def create(door: Door, scene: dict, **fields) -> Scene:
    message = json_format.ParseDict(scene, Scene())
    return await door.scenes.CreateScene(scenes_pb2.CreateSceneRequest(scene=message, **fields), metadata=door.who())


async def test_a_scene_comes_back_as_it_was_given(door: Door):
    asset = await door.ready_asset()
    nodes = [
        {"id": "wheel", "parentId": "car", "translation": [1, 0, 0], "rotation": [0, 0, 0, 1]},
        {"id": "car", "assetId": asset.asset_id, "scale": [2, 2, 2]},
        {"id": "eye", "camera": {"perspective": {"yfov": 0.6}}, "translation": [0, 1, 5]},
        {"id": "sun", "light": {"type": "DIRECTIONAL", "intensity": 3}},
    ]
    scene = await create(door, {"displayName": "Garage", "nodes": nodes, "environment": {"builtin": "soft"}})
    assert (scene.revision, scene.project, scene.created_by) == (1, "default", "ada")
    assert list(scene.nodes[1].children) == ["wheel"]
    read = await door.scenes.GetScene(scenes_pb2.GetSceneRequest(scene_id=scene.scene_id), metadata=door.who("viewer"))
    assert read == scene
    given = json_format.MessageToDict(read)["nodes"]
    assert [{k: v for k, v in node.items() if k != "children"} for node in given] == nodes


@pytest.mark.parametrize(
    ("nodes", "reason", "field"),
    [
        ([{"id": "a", "parentId": "b"}], "SCENE_INVALID", "scene.nodes[0].parent_id"),
        ([{"id": "a"}, {"id": "a"}], "SCENE_INVALID", "scene.nodes[1].id"),
        ([{"id": "a", "parentId": "b"}, {"id": "b", "parentId": "a"}], "SCENE_INVALID", "scene.nodes[0].parent_id"),
        ([{"id": "a", "parentId": "a"}], "SCENE_INVALID", "scene.nodes[0].parent_id"),
        ([{"id": "a b"}], "FIELD_INVALID", "scene.nodes[0].id"),
        ([{"id": "a", "translation": [1, 2]}], "FIELD_INVALID", "scene.nodes[0].translation"),
        ([{"id": "a", "translation": [1, 2, "NaN"]}], "FIELD_INVALID", "scene.nodes[0].translation[2]"),
        ([{"id": "a", "rotation": [0, 0, 0, 0]}], "FIELD_INVALID", "scene.nodes[0].rotation"),
        ([{"id": "a", "matrix": [1] * 16, "scale": [1, 1, 1]}], "FIELD_INVALID", "scene.nodes[0]"),
        ([{"id": "a", "camera": {}}], "FIELD_INVALID", "scene.nodes[0].camera.projection"),
        ([{"id": "a", "light": {}}], "FIELD_INVALID", "scene.nodes[0].light.type"),
        ([{"id": "a", "assetId": "scn_x"}], "ID_INVALID", "scene.nodes[0].asset_id"),
    ],
)
async def test_a_wrong_node_is_named(door: Door, nodes: list, reason: str, field: str):
    with refused(reason) as refusal:
        await create(door, {"nodes": nodes})
    assert field in refusal.violations, refusal.violations


async def test_a_chain_of_nodes_has_a_limit(door: Door):
    chain = [{"id": f"n{i}", **({"parentId": f"n{i - 1}"} if i else {})} for i in range(65)]
    with refused("SCENE_INVALID"):
        await create(door, {"nodes": chain})
    assert len((await create(door, {"nodes": chain[:64]})).nodes) == 64


async def test_an_asset_of_another_project_cannot_be_placed(door: Door):
    asset = await door.ready_asset()
    message = Scene(nodes=[{"id": "a", "asset_id": asset.asset_id}])
    with refused("NOT_FOUND"):
        await door.scenes.CreateScene(scenes_pb2.CreateSceneRequest(scene=message), metadata=door.who(project="other"))


async def test_patch_changes_a_part_and_put_replaces_all(door: Door):
    scene = await create(door, {"displayName": "A", "tags": ["t"], "nodes": [{"id": "n"}]})
    change = Scene(scene_id=scene.scene_id, display_name="B", etag=scene.etag)
    patched = await door.scenes.UpdateScene(scenes_pb2.UpdateSceneRequest(scene=change), metadata=door.who())
    assert (patched.display_name, list(patched.tags), len(patched.nodes), patched.revision) == ("B", ["t"], 1, 2)
    with refused("ETAG_MISMATCH") as refusal:
        await door.scenes.ReplaceScene(scenes_pb2.ReplaceSceneRequest(scene=change), metadata=door.who())
    assert refusal.code == grpc.StatusCode.ABORTED
    change.etag = patched.etag
    replaced = await door.scenes.ReplaceScene(scenes_pb2.ReplaceSceneRequest(scene=change), metadata=door.who())
    assert (replaced.display_name, list(replaced.tags), len(replaced.nodes), replaced.revision) == ("B", [], 0, 3)


async def test_a_patch_that_changes_nothing_is_no_revision(door: Door):
    scene = await create(door, {"displayName": "A"})
    request = scenes_pb2.UpdateSceneRequest(scene=Scene(scene_id=scene.scene_id, display_name="A"))
    assert (await door.scenes.UpdateScene(request, metadata=door.who())).revision == 1


async def test_nodes_sent_back_as_read_are_accepted(door: Door):
    scene = await create(door, {"nodes": [{"id": "a"}, {"id": "b", "parentId": "a"}]})
    scene.nodes[1].name = "B"
    request = scenes_pb2.UpdateSceneRequest(scene=scene, update_mask=field_mask_pb2.FieldMask(paths=["nodes"]))
    changed = await door.scenes.UpdateScene(request, metadata=door.who())
    assert [list(node.children) for node in changed.nodes] == [["b"], []]
    assert changed.nodes[1].name == "B"


async def test_creation_is_idempotent_and_can_be_tried_out(door: Door):
    tried = await create(door, {"nodes": [{"id": "n"}]}, validate_only=True)
    assert not tried.scene_id and len(tried.nodes) == 1
    request_id = str(uuid.uuid4())
    first = await create(door, {"displayName": "x"}, request_id=request_id)
    assert (await create(door, {"displayName": "x"}, request_id=request_id)).scene_id == first.scene_id
    with refused("REQUEST_ID_REUSED"):
        await create(door, {"displayName": "y"}, request_id=request_id)
    listed = await door.scenes.ListScenes(scenes_pb2.ListScenesRequest(), metadata=door.who())
    assert [scene.scene_id for scene in listed.scenes] == [first.scene_id]


async def test_an_asset_in_a_scene_is_deleted_only_by_force(door: Door):
    asset = await door.ready_asset()
    scene = await create(door, {"nodes": [{"id": "n", "assetId": asset.asset_id}]})
    request = assets_pb2.DeleteAssetRequest(asset_id=asset.asset_id)
    with refused("IN_USE") as refusal:
        await door.assets.DeleteAsset(request, metadata=door.who())
    assert refusal.metadata["scene_id"] == scene.scene_id
    request.force = True
    assert (await door.assets.DeleteAsset(request, metadata=door.who())).HasField("delete_time")


async def test_delete_undelete_and_purge(door: Door):
    scene = await create(door, {"displayName": "x"})
    delete = scenes_pb2.DeleteSceneRequest(scene_id=scene.scene_id)
    await door.scenes.DeleteScene(delete, metadata=door.who())
    with refused("ASSET_DELETED"):
        await door.scenes.UpdateScene(
            scenes_pb2.UpdateSceneRequest(scene=Scene(scene_id=scene.scene_id, display_name="y")), metadata=door.who()
        )
    undelete = scenes_pb2.UndeleteSceneRequest(scene_id=scene.scene_id)
    assert not (await door.scenes.UndeleteScene(undelete, metadata=door.who())).HasField("delete_time")
    delete.purge = True
    with refused("ROLE_TOO_LOW"):
        await door.scenes.DeleteScene(delete, metadata=door.who())
    await door.scenes.DeleteScene(delete, metadata=door.who("admin"))
    with refused("NOT_FOUND"):
        await door.scenes.GetScene(scenes_pb2.GetSceneRequest(scene_id=scene.scene_id), metadata=door.who())
