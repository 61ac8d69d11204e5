"""Tokens at the gateway: a bad one never reaches the server, a missing one is the server's business."""

from __future__ import annotations

import contextlib
import http.server
import json
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm
from tests.envoy.doors import Door, Signer, opened
from tests.envoy.standin import StandIn
from tests.envoy.test_configuration import certificate

CLAIMS = {"iss": "threed", "aud": "threed-api", "sub": "mallory", "role": "admin", "project": "p"}


def unsigned(door: Door) -> str:
    return jwt.encode(CLAIMS | {"exp": time.time() + 60}, None, algorithm="none")


def signed_with_the_public_key(door: Door) -> str:
    """The classical confusion: the published key as the secret of an HMAC."""
    public = door.signer.key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return jwt.encode(CLAIMS | {"exp": time.time() + 60}, public, algorithm="HS256", headers={"kid": "one"})


def altered(door: Door) -> str:
    head, _, signature = door.signer.token().split(".")
    forged = jwt.utils.base64url_encode(json.dumps(CLAIMS | {"exp": 4102444800}).encode()).decode()
    return f"{head}.{forged}.{signature}"


BAD = {
    "expired": lambda door: door.signer.token(exp=int(time.time()) - 120),
    "without expiry": lambda door: door.signer.token(exp=None),
    "not valid yet": lambda door: door.signer.token(nbf=int(time.time()) + 300),
    "for another audience": lambda door: door.signer.token(aud="other"),
    "without audience": lambda door: door.signer.token(aud=None),
    "of another issuer": lambda door: door.signer.token(iss="other"),
    "signed by another key of the same name": lambda door: Signer().token(),
    "signed by an unknown key": lambda door: Signer("two").token(),
    "unsigned": unsigned,
    "signed with the public key": signed_with_the_public_key,
    "altered": altered,
    "rubbish": lambda door: "rubbish",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_token_is_refused(door: Door, kind: str):
    answer = door.call("GET", "/v1/assets/ast_1", authorization=f"Bearer {BAD[kind](door)}")
    assert (answer.status, answer.reason, answer.json["code"]) == (401, "TOKEN_INVALID", 16)
    assert "Get a new one" in answer.json["message"]


def test_a_good_token_reaches_the_server(door: Door):
    token = door.signer.token()
    seen = door.call("GET", "/v1/assets/ast_1", authorization=f"Bearer {token}").json["metadata"]
    assert seen["authorization"] == f"Bearer {token}"


def test_an_audience_may_be_one_of_several(door: Door):
    token = door.signer.token(aud=["other", "threed-api"])
    assert door.call("GET", "/v1/assets/ast_1", authorization=f"Bearer {token}").status == 200


def test_a_call_without_a_token_is_left_to_the_server(door: Door):
    answer = door.call("GET", "/v1/assets/ast_1", token=False)
    assert answer.status == 200
    assert "authorization" not in answer.json["metadata"]


def test_a_bad_token_is_refused_on_every_path(door: Door):
    for path in ("/v1/capabilities", "/v1/nosuch", "/threed.v1.AssetService/GetAsset", "/grpc.health.v1.Health/Check"):
        assert door.call("POST", path, authorization="Bearer bad").status == 401


def test_rsa_and_edwards_keys_are_good_too(server: StandIn, tmp_path: Path):
    # Given keys of the other two kinds
    keys = {"RS256": rsa.generate_private_key(65537, 2048), "EdDSA": ed25519.Ed25519PrivateKey.generate()}
    kinds = {"RS256": RSAAlgorithm, "EdDSA": OKPAlgorithm}
    published = [
        kinds[name].to_jwk(key.public_key(), as_dict=True) | {"kid": name, "alg": name} for name, key in keys.items()
    ]
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": published}))
    # When each signs a token
    with opened(tmp_path, (server.address,), jwks_file=tmp_path / "jwks.json") as door:
        for name, key in keys.items():
            token = jwt.encode(CLAIMS | {"exp": time.time() + 60}, key, algorithm=name, headers={"kid": name})
            # Then it is good
            assert door.call("GET", "/v1/assets/ast_1", authorization=f"Bearer {token}").status == 200, name


class _Published(http.server.BaseHTTPRequestHandler):
    jwks: dict

    def do_GET(self) -> None:
        body = json.dumps(self.jwks).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def published(signer: Signer, tls: dict[str, Path] | None = None) -> Iterator[str]:
    """The address of a server that publishes the key, with TLS when it gets a certificate."""
    handler = type("Handler", (_Published,), {"jwks": {"keys": [signer.jwk]}})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls["tls_certificate"], tls["tls_key"])
            site.socket = context.wrap_socket(site.socket, server_side=True)
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
        yield f"{scheme}://{host}:{site.server_address[1]}/keys.json"
        site.shutdown()
        thread.join()


def test_keys_come_from_a_url(server: StandIn, tmp_path: Path):
    signer = Signer("remote")
    with published(signer) as url, opened(tmp_path, (server.address,), jwks_file=None, jwks_url=url) as door:
        assert door.call("GET", "/v1/assets/x", authorization=f"Bearer {signer.token()}").status == 200
        assert door.call("GET", "/v1/assets/x", authorization=f"Bearer {Signer('remote').token()}").status == 401


def test_keys_come_from_a_url_with_tls_that_is_vouched_for(server: StandIn, tmp_path: Path):
    signer, tls = Signer("remote"), certificate(tmp_path)
    # Given a server whose certificate one gateway trusts, and another does not
    with published(signer, tls) as url:
        for folder, authorities, status in (("a", tls["tls_certificate"], 200), ("b", None, 401)):
            (tmp_path / folder).mkdir()
            settings = {"jwks_file": None, "jwks_url": url, "jwks_authorities": authorities}
            with opened(tmp_path / folder, (server.address,), **settings) as door:
                answer = door.call("GET", "/v1/assets/x", authorization=f"Bearer {signer.token()}")
                # Then only the first has keys
                assert answer.status == status


def test_the_log_tells_who_called_what_and_never_a_token(server: StandIn, tmp_path: Path):
    with opened(tmp_path, (server.address,)) as door:
        token = door.signer.token()
        # Given calls of every kind that carry the token
        door.call("GET", "/v1/assets/ast_1?nosuch=secret", authorization=f"Bearer {token}")
        door.call("GET", f"/v1/assets/x:watch?access_token={token}", token=False, accept="text/event-stream")
        door.call("GET", f"/v1/assets/x?access_token={token}", token=False)
        door.call("GET", f"/v1/nosuch?access_token={token}", token=False)
        door.call("GET", "/v1/assets/missing", authorization=f"Bearer {token}")
        door.call("GET", "/v1/assets/x:watch?access_token=bad", token=False, accept="text/event-stream")
        # When the log is written
        log = door.log()
    # Then every line says who and what
    calls = [(line["method"], line["path"], line["code"]) for line in log]
    assert calls == [
        ("GET", "/v1/assets/ast_1", 400),
        ("GET", "/v1/assets/x:watch", 200),
        ("GET", "/v1/assets/x", 400),
        ("GET", "/v1/nosuch", 404),
        ("GET", "/v1/assets/missing", 404),
        ("GET", "/v1/assets/x:watch", 401),
    ]
    assert (log[-2]["subject"], log[-2]["project"]) == ("ada", "p")
    # And none has a token, or anything else of a query
    text = json.dumps(log)
    assert token.rpartition(".")[2] not in text and token.split(".")[1] not in text and "secret" not in text
