"""The door with TLS."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator

import grpc
import pytest
from tests.envoy.doors import Door, opened
from tests.envoy.standin import StandIn
from tests.envoy.test_configuration import certificate

from threed.local.ports import free_ports
from threed.v1 import assets_pb2, assets_pb2_grpc


@pytest.fixture(scope="module", params=[False, True], ids=["both doors", "redirecting"])
def secure(server: StandIn, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("tls")
    ports = free_ports(2)
    settings = certificate(folder) | {"redirect_to_tls": ports[1] if request.param else None}
    with opened(folder, (server.address,), ports, **settings) as door:
        yield door


@pytest.mark.parametrize(("option", "version"), [("--http1.1", "1.1"), ("--http2", "2")])
def test_calls_pass_over_both_versions(secure: Door, option: str, version: str):
    certificate = str(secure.gateway.tls_certificate)
    answer = secure.curl(option, "--cacert", certificate, "-w", "\n%{http_version}", "/v1/assets/ast_1", tls=True)
    body, seen = answer.rsplit("\n", 1)
    assert (json.loads(body)["assetId"], seen) == ("ast_1", version)
    assert json.loads(body)["metadata"]["x-forwarded-proto"] == "https"


def test_the_same_port_takes_grpc(secure: Door):
    credentials = grpc.ssl_channel_credentials(secure.gateway.tls_certificate.read_bytes())
    with grpc.secure_channel(f"localhost:{secure.gateway.tls_port}", credentials) as channel:
        asset = assets_pb2_grpc.AssetServiceStub(channel).GetAsset(assets_pb2.GetAssetRequest(asset_id="ast_1"))
    assert asset.asset_id == "ast_1"


def test_old_versions_of_tls_are_refused(secure: Door):
    context = ssl.create_default_context(cafile=secure.gateway.tls_certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", secure.gateway.tls_port)) as raw, pytest.raises(ssl.SSLError):
        context.wrap_socket(raw, server_hostname="localhost")


def test_the_plain_door_redirects_when_told(secure: Door):
    answer = secure.call("POST", "/v1/scenes?validateOnly=true", {}, authorization="Bearer of no use")
    if secure.gateway.redirect_to_tls:
        there = f"https://127.0.0.1:{secure.gateway.tls_port}/v1/scenes?validateOnly=true"
        assert (answer.status, answer.headers["location"]) == (308, there)
    else:
        assert answer.status == 401
    assert secure.call("GET", "/healthz").status == 200, "health needs no TLS"
