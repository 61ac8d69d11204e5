"""What a caller reads when something is wrong: always a google.rpc.Status with one ErrorInfo, whoever refused."""

from __future__ import annotations

import json

import pytest
from tests.end_to_end.doors import Rest, send
from tests.end_to_end.job import model

JSON = {"content_type": "application/json"}
NOBODY = "ast_00000000000000000000000000"
CALLS = {
    "an id that is none": ("GET", "/v1/assets/nonsense", None, 400, "ID_INVALID"),
    "an id of another kind": ("GET", "/v1/scenes/ast_01k7uu3sj1ecd94psrvs55f5bq", None, 400, "ID_INVALID"),
    "nobody's id": ("GET", f"/v1/assets/{NOBODY}", None, 404, "NOT_FOUND"),
    "an unknown path": ("GET", "/v1/nosuch", None, 404, "METHOD_UNKNOWN"),
    "JSON that breaks off": ("POST", "/v1/scenes", b'{"displayName": ', 400, None),
    "JSON of another type": ("POST", "/v1/scenes", b'{"displayName": 5}', 400, None),
    "a list instead of an object": ("POST", "/v1/scenes", b"[]", 400, None),
    "an unknown query parameter": ("GET", "/v1/assets?nosuch=1", None, 400, None),
    "a query of another type": ("GET", "/v1/assets?page_size=many", None, 400, None),
    "a rule of a field": ("GET", "/v1/assets?page_size=-1", None, 400, "FIELD_INVALID"),
    "an empty upload": ("POST", "/v1/assets/upload?filename=a.glb", b"", 400, "FILE_EMPTY"),
    "an upload without a name": ("POST", "/v1/assets/upload", b"glTF", 400, "FIELD_INVALID"),
    "an enum that does not exist": ("POST", "/v1/renderjobs", b'{"assetId": "a", "outputFormat": "BMP"}', 400, None),
}


@pytest.mark.parametrize("case", CALLS)
def test_every_error_over_rest_has_one_reason_and_a_sentence(rest, case):
    verb, path, body, status, reason = CALLS[case]
    answer = rest.send(verb, path, body, **(JSON if body else {}))
    assert answer.headers["content-type"].startswith("application/json")
    assert set(answer.json) <= {"code", "message", "details"}
    refusal = answer.refusal()
    assert refusal.http_status == status
    assert reason in (None, refusal.reason), refusal
    assert refusal.reason.isupper() and refusal.message


MISSPELT = {
    "scene.displayNam": ("POST", "/v1/scenes", {"displayNam": "typo"}),
    "scene.nodes[0].camera.perspective.fov": (
        "POST",
        "/v1/scenes",
        {"nodes": [{"id": "a", "camera": {"perspective": {"fov": 1}}}]},
    ),
    "asset.tag": ("PATCH", f"/v1/assets/{NOBODY}", {"tag": ["x"]}),
    "render_job.resolution.widht": ("POST", "/v1/renderjobs", {"assetId": "a", "resolution": {"widht": 64}}),
}


@pytest.mark.parametrize("field", MISSPELT)
def test_a_misspelt_field_is_refused_and_named(rest, field):
    verb, path, body = MISSPELT[field]
    refusal = rest.send(verb, path, json.dumps(body).encode(), **JSON).refusal()
    assert (refusal.http_status, refusal.reason) == (400, "FIELD_UNKNOWN")
    assert list(refusal.violations) == [field]
    assert "Did you mean" in refusal.message


def test_a_call_without_a_token_says_how_to_get_one(stack):
    answer = send(stack.address, "GET", "/v1/assets", {})
    refusal = answer.refusal()
    assert (refusal.http_status, refusal.reason) == (401, "TOKEN_MISSING")
    assert "threed token" in refusal.message


def test_another_projects_resources_are_not_there_in_the_same_words(project, as_, refused):
    # Given one of each in a project, and a caller of another
    theirs = {
        "GetAsset": {"asset_id": project.asset.asset_id},
        "GetAssetDownloadUrl": {"asset_id": project.asset.asset_id},
        "GetScene": {"scene_id": project.scene.scene_id},
        "GetRenderJob": {"job_id": project.job.job_id},
        "GetUpload": {"upload_id": project.upload_id},
    }
    stranger = as_("admin", "other")
    for method, named in theirs.items():
        # When that one asks for it, and for what never was
        with refused("NOT_FOUND") as hidden:
            stranger(method, **named)
        ((field, id),) = named.items()
        nowhere = id[:4] + "0" * 26
        with refused("NOT_FOUND") as missing:
            stranger(method, **{field: nowhere})
        # Then both answers read the same
        assert hidden.value.message.replace(id, "*") == missing.value.message.replace(nowhere, "*")
        assert set(hidden.value.metadata) == set(missing.value.metadata)
    # And nothing of it is listed, or can be used
    assert not stranger("ListAssets", show_deleted=True).assets
    assert not stranger("ListRenderJobs").render_jobs
    with refused("NOT_FOUND"):
        stranger("CreateRenderJob", render_job={"asset_id": project.asset.asset_id})
    with refused("NOT_FOUND"):
        stranger("CreateScene", scene={"nodes": [{"id": "a", "asset_id": project.asset.asset_id}]})


def test_page_tokens_and_request_ids_stay_in_their_project(project, rest, as_, refused):
    # Given a page token and a request id of one project
    token = rest("ListAssets", page_size=1).next_page_token
    request_id = "5d8f0f2e-8f0b-4a5e-9d3f-2f6d4c1b7a90"
    mine = rest("CreateScene", scene={"display_name": "mine"}, request_id=request_id)
    stranger: Rest = as_("editor", "other")
    # When another project uses them
    with refused("PAGE_TOKEN_INVALID"):
        stranger("ListAssets", page_size=1, page_token=token)
    theirs = stranger("CreateScene", scene={"display_name": "theirs"}, request_id=request_id)
    # Then it gets nothing of the first
    assert theirs.scene_id != mine.scene_id


def test_the_same_bytes_in_two_projects_are_two_assets(as_):
    data = model()
    one = as_("editor", "one").send("POST", "/v1/assets/upload?filename=m.glb", data).json
    two = as_("editor", "two").send("POST", "/v1/assets/upload?filename=m.glb", data).json
    assert one["sha256"] == two["sha256"]
    assert one["assetId"] != two["assetId"]
