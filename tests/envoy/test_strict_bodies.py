"""A JSON body that says what the contract does not is refused, with the place and the name that was probably meant."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.envoy.doors import Door, opened
from tests.envoy.standin import StandIn

from threed.local.gateway.configuration import FILES

# A body, the field that is wrong with it, and why.
WRONG = {
    "a misspelt field": ({"displayNam": "x"}, "scene.displayNam", "FIELD_UNKNOWN"),
    "a misspelt field in a list": (
        {"nodes": [{"id": "a"}, {"tranlsation": [1]}]},
        "scene.nodes[1].tranlsation",
        "FIELD_UNKNOWN",
    ),
    "a misspelt field below a oneof": (
        {"nodes": [{"light": {"colour": [1]}}]},
        "scene.nodes[0].light.colour",
        "FIELD_UNKNOWN",
    ),
    "a field of another message": ({"samples": 3}, "scene.samples", "FIELD_UNKNOWN"),
    "a name in the wrong case": ({"DisplayName": "x"}, "scene.DisplayName", "FIELD_UNKNOWN"),
    "a field twice": ('{"displayName":"a","displayName":"b"}', "scene.display_name", "FIELD_REPEATED"),
    "a field in both spellings": ({"displayName": "a", "display_name": "b"}, "scene.display_name", "FIELD_REPEATED"),
    "two fields of a oneof": ({"nodes": [{"assetId": "a", "camera": {}}]}, "scene.nodes[0].camera", "FIELD_CONFLICT"),
    "a name with an escape": (r'{"displayName":"a","display\u004eam":"b"}', "scene.displayNam", "FIELD_UNKNOWN"),
    "an unknown field with a value of many levels": ({"extra": {"a": [{"b": []}]}}, "scene.extra", "FIELD_UNKNOWN"),
    "a name that JSON has to escape": (r'{"a\"\\\n":1}', 'scene.a"\\?', "FIELD_UNKNOWN"),
    "a name longer than is shown": ({"x" * 500: 1}, "scene." + "x" * 64, "FIELD_UNKNOWN"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_body_with_it_is_refused_and_the_place_named(door: Door, case: str):
    body, field, reason = WRONG[case]
    answer = door.call("POST", "/v1/scenes", body)
    assert (answer.status, answer.reason) == (400, reason)
    assert answer.violations[0]["field"] == field
    assert answer.json["code"] == 3


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("tranlsation", "translation"),
        ("rot", "rotation"),
        ("asset-id", "assetId"),
        ("Scale", "scale"),
        ("parent", "parentId"),
    ],
)
def test_the_nearest_name_is_suggested(door: Door, wrong: str, meant: str):
    answer = door.call("POST", "/v1/scenes", {"nodes": [{wrong: None}]})
    assert f"Did you mean {meant}?" in answer.json["message"]


def test_without_a_near_name_the_fields_are_listed(door: Door):
    answer = door.call("POST", "/v1/scenes", {"nodes": [{"light": {"zzzzzzzzz": 1}}]})
    assert "type, color, intensity, range" in answer.json["message"]


def test_every_violation_is_told_up_to_twenty(door: Door):
    answer = door.call("POST", "/v1/scenes", {"nodes": [{"nosuch": 1} for _ in range(50)]})
    assert [each["field"] for each in answer.violations] == [f"scene.nodes[{i}].nosuch" for i in range(20)]


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[1,",
        '{"displayName":"x"',
        "{'displayName':'x'}",
        '{"displayName":"x",}',
        '{displayName:"x"}',
        '{"tags":["a",]}',
        '{"tags":[01]}',
        '{"tags":[1.]}',
        '{"tags":[+1]}',
        '{"tags":[NaN]}',
        '{"tags":["\\x"]}',
        '{"tags":["a\nb"]}',
        '{"displayName":"x"} {}',
        "nul",
        " ",
        "[" * 100_000,
        '{"environment":' * 80 + "1" + "}" * 80,
    ],
)
def test_what_is_not_json_is_refused_with_the_byte(door: Door, body: str):
    answer = door.call("POST", "/v1/scenes", body)
    assert (answer.status, answer.reason) == (400, "BODY_MALFORMED")
    assert answer.json["details"][0]["metadata"]["byte"].isdecimal()


def test_names_of_the_callers_own_are_welcome_in_metadata(door: Door):
    metadata = {"filename": 1, "nosuch": {"deep": [{"x": None}, [[]]]}, "": True}
    answer = door.call("POST", "/v1/uploads", {"filename": "a.glb", "metadata": metadata})
    assert (answer.status, answer.json["metadata"]) == (200, metadata)


def test_a_body_that_passes_arrives_unchanged(door: Door):
    # Given a scene with everything that JSON can write in two ways
    body = r"""
      {"display_name": "Schl\u00fcssel \ud83d\udd11 \"/\" 木", "tags":["a\tb",""],
       "nodes":[ {"id":"a","translation":[-1.5e-3,0,1E2],"hidden":true},
                 {"id":"b","parentId":"a","camera":{"perspective":{"yfov":1}}} ],
       "background": {"color": null, "environment": true}, "environment": null}
    """
    answer = door.call("POST", "/v1/scenes", body.encode())
    # Then the server saw what was written
    assert answer.status == 200, answer.body
    assert answer.json["displayName"] == 'Schlüssel 🔑 "/" 木'
    assert answer.json["tags"] == ["a\tb", ""]
    assert answer.json["nodes"][0]["translation"] == [-0.0015, 0, 100]
    assert answer.json["nodes"][1]["camera"] == {"perspective": {"yfov": 1, "znear": 0, "zfar": 0}}
    assert answer.json["background"] == {"environment": True}


def test_what_was_read_can_be_written_back(door: Door):
    read = door.call("POST", "/v1/scenes", {"sceneId": "scn_1", "nodes": [{"id": "a", "light": {"type": "SPOT"}}]}).json
    answer = door.call("PUT", "/v1/scenes/scn_1", read)
    assert (answer.status, answer.json) == (200, read)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PATCH", "/v1/assets/ast_1", {"assetId": "ast_2"}, "asset.asset_id"),
        ("PATCH", "/v1/assets/ast_1?updateMask=tags", {"asset_id": "ast_2"}, "asset.asset_id"),
        ("POST", "/v1/assets/ast_1:undelete", {"assetId": "ast_2"}, "asset_id"),
        ("PUT", "/v1/scenes/scn%5F1", {"sceneId": "scn_2"}, "scene.scene_id"),
    ],
)
def test_a_body_that_contradicts_the_path_is_refused(door: Door, method: str, path: str, body: dict, field: str):
    answer = door.call(method, path, body)
    assert (answer.status, answer.reason, answer.violations[0]["field"]) == (400, "FIELD_CONFLICT", field)


def test_a_body_without_a_content_type_is_checked_too(door: Door):
    answer = door.call("POST", "/v1/scenes", json.dumps({"nosuch": 1}), content_type="text/plain")
    assert answer.reason == "FIELD_UNKNOWN"


def test_a_body_over_h2_is_checked_too(door: Door):
    answer = json.loads(door.curl("--http2-prior-knowledge", "-d", '{"nosuch":1}', "/v1/scenes"))
    assert answer["details"][0]["reason"] == "FIELD_UNKNOWN"


def test_a_call_that_needs_no_body_may_have_none(door: Door):
    assert door.call("POST", "/v1/assets/ast_1:undelete").json["assetId"] == "ast_1"


def test_an_invalid_enum_name_or_type_is_the_transcoders_to_refuse(door: Door):
    answer = door.call("POST", "/v1/scenes", {"nodes": [{"light": {"type": "SPOTT"}}]})
    assert (answer.status, answer.reason) == (400, "HTTP_REQUEST_INVALID")
    assert "scene.nodes[0].light.type" in answer.json["message"]


def test_a_check_that_fails_lets_nothing_pass(server: StandIn, tmp_path: Path):
    # Given a script with a mistake in it
    files = shutil.copytree(FILES, tmp_path / "files")
    script = files / "strict.lua"
    script.write_text(
        script.read_text().replace(
            "local function inspect(", "local function inspect(_)\n  return nil .. 1\nend\nlocal function unused("
        )
    )
    # When a body comes
    with opened(tmp_path, (server.address,), files=files) as door:
        answer = door.call("POST", "/v1/scenes", {"displayName": "x"})
    # Then the call fails, and the log says why
    assert (answer.status, answer.reason) == (500, "INTERNAL")
    assert "strict.lua" in (tmp_path / "envoy.log").read_text()


def test_json_larger_than_the_limit_is_refused(door: Door):
    fits = door.call("POST", "/v1/scenes", {"displayName": "x" * (4 * 2**20 - 100)})
    over = door.call("POST", "/v1/scenes", {"displayName": "x" * (4 * 2**20)})
    assert fits.status == 200
    assert (over.status, over.reason) == (413, "BODY_TOO_LARGE")
