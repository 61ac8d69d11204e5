"""SceneService: assets, cameras and lights in one world. See protos/threed/v1/scenes.proto."""

from __future__ import annotations

import uuid
from typing import Any

import grpc
import sqlalchemy as sa
from google.protobuf import json_format
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import access, ids
from threed.errors import AssetDeleted, NotDeleted
from threed.records import assets, requests, scenes
from threed.records.filters import Fields, Integer, Orders, Text, TextList, Timestamp
from threed.records.filters.fields import Id
from threed.records.paging import PageRequest, page
from threed.records.tables import scenes as table
from threed.services import Backend, masks
from threed.services.graph import check_graph
from threed.v1 import access_pb2, scenes_pb2, scenes_pb2_grpc
from threed.v1.scenes_pb2 import Scene

WRITABLE = {"display_name", "nodes", "environment", "background", "tags"}
_CONTENT = ("nodes", "environment", "background")

FIELDS = Fields(
    {
        "scene_id": Id(table.c.id, "scene"),
        "display_name": Text(table.c.display_name),
        "tags": TextList(table.c.tags),
        "revision": Integer(table.c.revision),
        "created_by": Text(table.c.created_by),
        "created_at": Timestamp(table.c.created_at),
        "update_time": Timestamp(table.c.update_time),
    },
    search=(table.c.display_name,),
)
ORDERS = Orders(
    {
        "created_at": table.c.created_at,
        "update_time": table.c.update_time,
        "display_name": table.c.display_name,
        "scene_id": table.c.id,
    },
    default="created_at desc",
    tie="scene_id",
)


class SceneService(scenes_pb2_grpc.SceneServiceServicer):
    """Every handler runs as the caller whose token `threed.interceptors` checked."""

    def __init__(self, backend: Backend):
        self._backend = backend
        self._records = backend.records

    async def CreateScene(self, request: scenes_pb2.CreateSceneRequest, context: grpc.aio.ServicerContext) -> Scene:
        who, id = access.caller(), ids.uuid7()
        scene = written(request.scene)
        check_graph(scene)
        async with self._records.transaction() as connection:
            named = await _named_assets(connection, who.project, scene)
            if request.validate_only:
                scene.project = who.project
                return scene
            content = requests.digest("CreateScene", request)
            made = await requests.first(connection, who.project, request.request_id, content, id)
            if made:
                return to_proto(await scenes.get(connection, who.project, made))
            values = _columns(scene, named)
            row = await scenes.create(connection, id=id, project=who.project, created_by=who.subject, **values)
        return to_proto(row)

    async def GetScene(self, request: scenes_pb2.GetSceneRequest, context: grpc.aio.ServicerContext) -> Scene:
        id = ids.parse("scene", request.scene_id)
        async with self._records.autocommit() as connection:
            return to_proto(await scenes.get(connection, access.caller().project, id))

    async def ListScenes(
        self, request: scenes_pb2.ListScenesRequest, context: grpc.aio.ServicerContext
    ) -> scenes_pb2.ListScenesResponse:
        project = access.caller().project
        statement = sa.select(table).where(table.c.project == project, FIELDS.where(request.filter))
        if not request.show_deleted:
            statement = statement.where(table.c.delete_time.is_(None))
        asked = PageRequest.of("threed.v1.SceneService.ListScenes", project, request)
        async with self._records.autocommit() as connection:
            found = await page(connection, statement, ORDERS.parse(request.order_by), asked, self._backend.pages)
        listed = [to_proto(row, nodes=False) for row in found.rows]
        return scenes_pb2.ListScenesResponse(scenes=listed, next_page_token=found.next_token)

    async def UpdateScene(self, request: scenes_pb2.UpdateSceneRequest, context: grpc.aio.ServicerContext) -> Scene:
        async with self._records.transaction() as connection:
            row = await self._to_change(connection, request.scene)
            scene = to_proto(row)
            if not masks.apply(scene, request.scene, request.update_mask, WRITABLE):
                return scene
            return await self._write(connection, row, scene)

    async def ReplaceScene(self, request: scenes_pb2.ReplaceSceneRequest, context: grpc.aio.ServicerContext) -> Scene:
        async with self._records.transaction() as connection:
            row = await self._to_change(connection, request.scene)
            return await self._write(connection, row, request.scene)

    async def DeleteScene(self, request: scenes_pb2.DeleteSceneRequest, context: grpc.aio.ServicerContext) -> Scene:
        who, id = access.caller(), ids.parse("scene", request.scene_id)
        if request.purge:
            who.require(access_pb2.ADMIN)
        async with self._records.transaction() as connection:
            row = await scenes.get(connection, who.project, id, for_update=True)
            masks.check_etag(request.etag, etag(row))
            if request.purge:
                await scenes.purge(connection, id)
            elif row.delete_time is None:
                purge_time = self._backend.from_now(self._backend.settings.delete_retention_s)
                row = await scenes.change(connection, id, delete_time=sa.func.now(), purge_time=purge_time)
            return to_proto(row)

    async def UndeleteScene(self, request: scenes_pb2.UndeleteSceneRequest, context: grpc.aio.ServicerContext) -> Scene:
        id = ids.parse("scene", request.scene_id)
        async with self._records.transaction() as connection:
            row = await scenes.get(connection, access.caller().project, id, for_update=True)
            if row.delete_time is None:
                raise NotDeleted(f"The scene {request.scene_id} is not deleted.", scene_id=request.scene_id)
            return to_proto(await scenes.change(connection, id, delete_time=None, purge_time=None))

    async def _to_change(self, connection: AsyncConnection, scene: Scene) -> sa.Row:
        """The scene's row, locked, if the caller may change what it is now."""
        id = ids.parse("scene", scene.scene_id, "scene.scene_id")
        row = await scenes.get(connection, access.caller().project, id, for_update=True)
        masks.check_etag(scene.etag, etag(row))
        if row.delete_time is not None:
            sentence = f"The scene {scene.scene_id} is deleted. Undelete it to change it."
            raise AssetDeleted(sentence, scene_id=scene.scene_id)
        return row

    async def _write(self, connection: AsyncConnection, row: sa.Row, scene: Scene) -> Scene:
        scene = written(scene)
        check_graph(scene)
        named = await _named_assets(connection, row.project, scene)
        return to_proto(await scenes.change(connection, row.id, **_columns(scene, named)))


def written(scene: Scene) -> Scene:
    """What a caller can write of a scene, and nothing else."""
    kept = Scene(display_name=scene.display_name, tags=scene.tags)
    for node in scene.nodes:
        copy = kept.nodes.add()
        copy.CopyFrom(node)
        copy.ClearField("children")
    for name in ("environment", "background"):
        if scene.HasField(name):
            getattr(kept, name).CopyFrom(getattr(scene, name))
    return kept


def with_children(scene: Scene) -> Scene:
    """The same scene, each node naming the nodes below it."""
    nodes = {node.id: node for node in scene.nodes}
    for node in scene.nodes:
        if node.parent_id:
            nodes[node.parent_id].children.append(node.id)
    return scene


def asset_ids(scene: Scene) -> dict[uuid.UUID, str]:
    """Every asset that a scene names, and the field that names it first."""
    named: dict[uuid.UUID, str] = {}
    for i, node in enumerate(scene.nodes):
        if node.WhichOneof("content") == "asset_id":
            field = f"scene.nodes[{i}].asset_id"
            named.setdefault(ids.parse("asset", node.asset_id, field), field)
    if scene.environment.WhichOneof("source") == "asset_id":
        field = "scene.environment.asset_id"
        named.setdefault(ids.parse("asset", scene.environment.asset_id, field), field)
    return named


def etag(row: sa.Row) -> str:
    return masks.etag(row.id, row.revision)


def to_proto(row: sa.Row, *, nodes: bool = True) -> Scene:
    """The scene as a caller sees it; without `nodes`, as a list shows it."""
    content = row.content if nodes else {name: value for name, value in row.content.items() if name != "nodes"}
    scene = with_children(json_format.ParseDict(content, Scene()))
    scene.MergeFrom(
        Scene(
            scene_id=ids.write("scene", row.id),
            display_name=row.display_name,
            tags=row.tags,
            etag=etag(row),
            revision=row.revision,
            created_at=row.created_at,
            update_time=row.update_time,
            delete_time=row.delete_time,
            purge_time=row.purge_time,
            created_by=row.created_by,
            project=row.project,
        )
    )
    return scene


def _columns(scene: Scene, named: list[uuid.UUID]) -> dict[str, Any]:
    message = json_format.MessageToDict(scene)
    content = {name: message[name] for name in _CONTENT if name in message}
    return {"display_name": scene.display_name, "tags": list(scene.tags), "content": content, "asset_ids": named}


async def _named_assets(connection: AsyncConnection, project: str, scene: Scene) -> list[uuid.UUID]:
    """The assets that the scene names; all exist in the project. Raises NotFound."""
    named = list(asset_ids(scene))
    await assets.get_many(connection, project, named)
    return named
