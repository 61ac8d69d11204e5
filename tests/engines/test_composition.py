"""What cannot be drawn is refused, with the node that is wrong."""

from __future__ import annotations

import pytest
from google.protobuf.json_format import ParseDict

from threed.errors import SceneInvalid
from threed.v1 import jobs_pb2
from threed_workers.engines.cameras import view_of
from threed_workers.engines.composition import composed

from .pieces import RED, spec

BOX = {"id": "box", "assetId": "red"}


@pytest.fixture
def composing(tmp_path):
    """A function that composes nodes (and a job) as a worker does, and answers (drawing, view)."""
    (tmp_path / "red.glb").write_bytes(RED)

    def run(nodes: list[dict], scene: dict | None = None, **job):
        message = ParseDict(spec(nodes, scene, **job), jobs_pb2.RenderSpec())
        drawing = composed(message, {"red": tmp_path / "red.glb"})
        return drawing, view_of(message, drawing.points, 1.0)

    return run


@pytest.mark.parametrize(
    ("nodes", "job", "what"),
    [
        ([], {}, "nothing to see"),
        ([{**BOX, "parentId": "gone"}], {}, "unknown parent gone"),
        ([{**BOX, "parentId": "a"}, {"id": "a", "parentId": "b"}, {"id": "b", "parentId": "a"}], {}, "below itself"),
        ([{**BOX, "parentId": "box"}], {}, "below itself"),
        (
            [{**BOX, "scale": [1e300, 1e300, 1e300], "parentId": "a"}, {"id": "a", "scale": [1e300, 1, 1]}],
            {},
            "transform",
        ),
        ([{"id": "other", "assetId": "missing"}], {}, "missing"),
        ([BOX], {"cameraConfig": {"sceneCamera": "box"}}, "no camera node box"),
        ([BOX], {"cameraConfig": {"lookAt": {"eye": [1, 1, 1], "target": [1, 1, 1]}}}, "same point"),
        ([BOX], {"environment": {"assetId": "ast_1"}}, "panorama"),
    ],
)
def test_it_is_refused(composing, nodes, job, what):
    with pytest.raises(SceneInvalid, match=what):
        composing(nodes, **job)


def test_parents_may_come_after_their_children(composing):
    nodes = [
        {**BOX, "parentId": "a"},
        {"id": "a", "translation": [1, 0, 0], "parentId": "b"},
        {"id": "b", "scale": [2, 2, 2]},
    ]
    low, high = composing(nodes)[0].box
    assert (low.tolist(), high.tolist()) == ([1, -1, -1], [3, 1, 1])


def test_the_first_visible_camera_node_is_used(composing):
    camera = {"camera": {"perspective": {"yfov": 0.5, "znear": 0.1}}}
    nodes = [
        BOX,
        {"id": "one", "hidden": True, **camera},
        {"id": "two", "translation": [0, 0, 7], "scale": [3, 3, 3], **camera},
    ]
    view = composing(nodes)[1]
    assert (view.pose[2, 3], view.yfov, view.near) == (7, 0.5, 0.1)
    assert view.pose[:3, :3].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "the scale of a camera counts for nothing"


def test_the_job_overrides_the_scene(composing):
    scene = {"environment": {"builtin": "soft", "intensity": 2}, "background": {"transparent": True}}
    drawing = composing([BOX], scene)[0]
    assert (drawing.sky.builtin, drawing.sky.intensity, drawing.backdrop.kind) == ("soft", 2.0, "transparent")
    drawing = composing([BOX], scene, environment={"builtin": "contrast"}, background={"color": {"r": 1}})[0]
    assert (drawing.sky.builtin, drawing.sky.intensity) == ("contrast", 1.0)
    assert (drawing.backdrop.kind, drawing.backdrop.color) == ("color", (1.0, 0.0, 0.0))
