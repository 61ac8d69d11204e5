"""REST by transcoding: what arrives, what comes back, and what is refused in the words of the API."""

from __future__ import annotations

import hashlib
import json

import pytest
from tests.envoy.doors import Door
from tests.envoy.standin import StandIn


def test_a_call_reaches_the_method_of_the_contract(door: Door):
    answer = door.call("GET", "/v1/assets/ast_1")
    assert (answer.status, answer.json["assetId"]) == (200, "ast_1")
    assert answer.headers["content-type"] == "application/json"


def test_query_fields_have_either_spelling(door: Door):
    for name in ("pageSize", "page_size"):
        assert len(door.call("GET", f"/v1/assets?{name}=3").json["assets"]) == 3


def test_an_update_mask_comes_in_the_query(door: Door):
    answer = door.call("PATCH", "/v1/assets/ast_1?updateMask=displayName,tags", {"displayName": "x"})
    assert (answer.json["assetId"], answer.json["storagePath"]) == ("ast_1", "display_name,tags")


def test_an_error_of_the_server_comes_back_whole(door: Door):
    answer = door.call("GET", "/v1/assets/missing")
    assert (answer.status, answer.json["code"], answer.reason) == (404, 5, "NOT_FOUND")
    assert answer.json["message"] == "No asset missing in this project."
    assert answer.json["details"][0]["metadata"] == {"asset_id": "missing"}


@pytest.mark.parametrize(
    ("method", "path", "status", "reason", "code"),
    [
        ("GET", "/v1/assets?nosuch=1", 400, "HTTP_REQUEST_INVALID", 3),
        ("GET", "/v1/assets?pageSize=many", 400, "HTTP_REQUEST_INVALID", 3),
        ("GET", "/v1/nosuch", 404, "METHOD_UNKNOWN", 5),
        ("GET", "/", 404, "METHOD_UNKNOWN", 5),
        ("GET", "/v1/assets/", 404, "METHOD_UNKNOWN", 5),
        ("GET", "/v1/assets/a/b", 404, "METHOD_UNKNOWN", 5),
        ("GET", "/v1/../etc/passwd", 404, "METHOD_UNKNOWN", 5),
        ("GET", "/blobs/x", 404, "METHOD_UNKNOWN", 5),
        ("POST", "/threed.v1.AssetService/GetAsset", 404, "METHOD_UNKNOWN", 5),
        ("DELETE", "/v1/assets", 405, "HTTP_METHOD_NOT_ALLOWED", 12),
        ("POST", "/v1/assets/x:watch", 405, "HTTP_METHOD_NOT_ALLOWED", 12),
        ("GET", "/v1/uploads/u/chunks/0", 405, "HTTP_METHOD_NOT_ALLOWED", 12),
        ("PUT", "/v1/uploads/u/chunks/many", 400, "HTTP_REQUEST_INVALID", 3),
    ],
)
def test_what_the_contract_does_not_have_is_refused(
    door: Door, method: str, path: str, status: int, reason: str, code: int
):
    answer = door.call(method, path)
    assert (answer.status, answer.reason, answer.json["code"]) == (status, reason, code)
    assert answer.headers["content-type"] == "application/json"


def test_the_allow_header_names_the_methods_of_a_path(door: Door):
    assert door.call("POST", "/v1/scenes/x").headers["allow"] == "DELETE, GET, PATCH, PUT"


def test_a_verb_that_the_contract_does_not_have_is_part_of_the_id(door: Door):
    assert door.call("GET", "/v1/assets/x:nosuch").json["assetId"] == "x:nosuch"


def test_an_escaped_slash_is_part_of_the_id(door: Door):
    assert door.call("GET", "/v1/assets/a%2Fb").json["assetId"] == "a/b"


def test_a_reply_carries_nothing_of_grpc(door: Door):
    for path in ("/v1/assets/ast_1", "/v1/assets/missing", "/v1/assets/x:watch", "/v1/nosuch"):
        headers = door.call("GET", path).headers
        assert not [name for name in headers if name.startswith(("grpc-", "x-envoy-"))]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"]


def test_who_calls_is_never_taken_from_a_header(door: Door):
    # Given a caller who says to be somebody else
    lies = {
        "x_forwarded_for": "203.0.113.9",
        "x_real_ip": "203.0.113.9",
        "forwarded": "for=203.0.113.9",
        "x_forwarded_user": "root",
        "x_jwt_sub": "root",
        "x_project": "other",
        "x_envoy_original_path": "/other",
        "x_forwarded_client_cert": "By=root",
    }
    # When the call arrives
    seen = door.call("GET", "/v1/assets/ast_1", **lies).json["metadata"]
    # Then nothing of it is left
    assert "203.0.113.9" not in str(seen) and "root" not in str(seen) and "other" not in str(seen)


def test_a_header_name_with_an_underscore_is_refused(door: Door):
    answer = door.curl("-o", "/dev/null", "-w", "%{http_code}", "-H", "x_jwt_sub: root", "/v1/assets/ast_1")
    assert answer == "400"


def test_a_whole_file_is_streamed_to_the_server(door: Door, server: StandIn):
    body = bytes(range(256)) * (5 * 4096 + 1)
    answer = door.call("POST", "/v1/assets/upload?filename=a.glb", body, content_type="model/gltf-binary")
    assert answer.json["sha256"] == hashlib.sha256(body).hexdigest()
    assert (answer.json["filename"], answer.json["fileFormat"]) == ("a.glb", "model/gltf-binary")
    assert len(server.assets.messages) > 1, "a stream, not one message"


def test_an_empty_file_still_arrives(door: Door):
    answer = door.call("POST", "/v1/assets/upload?filename=a.glb", b"", content_type="model/gltf-binary")
    assert (answer.status, answer.json["sizeBytes"], answer.json["filename"]) == (200, "0", "a.glb")


def test_bytes_that_look_like_json_are_not_read_as_json(door: Door):
    for path in ("/v1/assets/upload?filename=a.gltf", "/v1/uploads/u/chunks/0"):
        answer = door.call("POST" if "upload?" in path else "PUT", path, b'{"nosuch":', content_type="application/json")
        assert answer.status == 200, answer.body


def test_a_chunk_goes_in_one_message(door: Door):
    body = b"\x00\xff" * (4 << 20)
    answer = door.call("PUT", "/v1/uploads/upl_1/chunks/5?crc32c=4294967295", body)
    assert answer.json["committedSize"] == str(5 + len(body))
    assert answer.json["sha256"] == hashlib.sha256(body).hexdigest()
    assert answer.json["sizeBytes"] == "4294967295"


def test_a_chunk_larger_than_the_limit_is_refused(door: Door):
    answer = door.call("PUT", "/v1/uploads/upl_1/chunks/0", b"x" * (9 << 20))
    assert (answer.status, answer.reason) == (413, "BODY_TOO_LARGE")


def test_a_websocket_is_refused_in_words(door: Door):
    answer = door.call("GET", "/v1/assets/ast_1", upgrade="websocket", connection="upgrade")
    assert (answer.status, answer.reason) == (403, "HTTP_UPGRADE_UNKNOWN")


def test_http_1_0_is_refused_in_words(door: Door):
    answer = json.loads(door.curl("--http1.0", "/v1/assets/ast_1"))
    assert answer["details"][0]["reason"] == "HTTP_VERSION_UNKNOWN"


def test_headers_that_are_too_large_are_refused(door: Door):
    answer = door.call("GET", "/v1/assets/ast_1", x_large="x" * 70_000)
    assert (answer.status, answer.reason) == (431, "HEADERS_TOO_LARGE")


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_long_reply_is_compressed(door: Door, encoding: str):
    plain = door.call("GET", "/v1/assets?pageSize=100")
    packed = door.call("GET", "/v1/assets?pageSize=100", accept_encoding=encoding)
    assert packed.headers["content-encoding"] == encoding
    assert len(packed.body) < len(plain.body) / 5


def test_a_browser_may_call_from_an_allowed_origin(door: Door):
    asked = {"origin": "http://localhost:3000", "access_control_request_method": "PATCH"}
    answer = door.call("OPTIONS", "/v1/assets/ast_1", token=False, **asked)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "authorization" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize("path", ["/v1/assets/ast_1", "/v1/assets/missing", "/v1/nosuch", "/v1/assets?nosuch=1"])
def test_a_browser_can_read_replies_and_refusals(door: Door, path: str):
    answer = door.call("GET", path, origin="http://localhost:3000")
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "grpc-status-details-bin" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost.evil.example", "null"])
def test_another_origin_is_not_allowed(door: Door, origin: str):
    asked = {"origin": origin, "access_control_request_method": "PATCH"}
    assert door.call("OPTIONS", "/v1/assets/ast_1", token=False, **asked).status == 404
    assert "access-control-allow-origin" not in door.call("GET", "/v1/assets/ast_1", origin=origin).headers
