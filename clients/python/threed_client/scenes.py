"""Assets, cameras and lights in one world (SceneService)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator

from threed_client._gen.google.protobuf import FieldMask
from threed_client._gen.threed.v1 import (
    CreateSceneRequest,
    DeleteSceneRequest,
    GetSceneRequest,
    ListScenesRequest,
    ReplaceSceneRequest,
    Scene,
    SceneServiceSyncStub,
    UndeleteSceneRequest,
    UpdateSceneRequest,
)
from threed_client._pages import every
from threed_client._wire import Wire


class Scenes:
    """`client.scenes`."""

    def __init__(self, wire: Wire):
        self._wire = wire
        self._stub = SceneServiceSyncStub(wire)

    def create(self, scene: Scene, *, validate_only: bool = False) -> Scene:
        """Create a scene from `Scene(nodes=[SceneNode(...), ...])`."""
        request = CreateSceneRequest(scene=scene, request_id=str(uuid.uuid4()), validate_only=validate_only)
        return self._stub.create_scene(request)

    def get(self, scene_id: str) -> Scene:
        """One scene as it is now."""
        return self._stub.get_scene(GetSceneRequest(scene_id=scene_id))

    def list(
        self, *, filter: str = "", order_by: str = "", show_deleted: bool = False, page_size: int = 0
    ) -> Iterator[Scene]:
        """Every scene that fits the filter (AIP-160), without `nodes`; newest first unless `order_by` says else."""
        request = ListScenesRequest(filter=filter, order_by=order_by, show_deleted=show_deleted, page_size=page_size)
        return every(self._stub.list_scenes, request, lambda page: page.scenes)

    def update(self, scene: Scene, *, fields: Iterable[str] | None = None) -> Scene:
        """Write the named fields of `scene` (display_name, nodes, environment, background, tags).

        None: those that are not empty. With `scene.etag`, raises Aborted if it has changed since.
        """
        mask = None if fields is None else FieldMask(paths=list(fields))
        return self._conditional(scene.etag).update_scene(UpdateSceneRequest(scene=scene, update_mask=mask))

    def replace(self, scene: Scene) -> Scene:
        """Write all of `scene`; what it leaves empty goes back to its default."""
        return self._conditional(scene.etag).replace_scene(ReplaceSceneRequest(scene=scene))

    def delete(self, scene_id: str, *, etag: str = "", purge: bool = False) -> Scene:
        """Hide a scene, or with `purge` (role admin) remove it for good."""
        request = DeleteSceneRequest(scene_id=scene_id, etag=etag, purge=purge)
        return self._conditional(etag or purge).delete_scene(request)

    def undelete(self, scene_id: str) -> Scene:
        """Bring a hidden scene back."""
        return self._conditional(True).undelete_scene(UndeleteSceneRequest(scene_id=scene_id))

    def _conditional(self, conditional: object) -> SceneServiceSyncStub:
        """A repeated call that its first answer has made impossible (an etag, a purge) must not be repeated."""
        return SceneServiceSyncStub(self._wire.once()) if conditional else self._stub
