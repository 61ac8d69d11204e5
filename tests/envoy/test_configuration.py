"""What `render` writes is what Envoy takes, in every variant; and nothing of the contract is kept by hand."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.envoy.doors import Signer, validate

from threed.local.gateway import Gateway, RateLimit, render
from threed.local.gateway.configuration import FILES
from threed.local.gateway.document import fill
from threed.local.gateway.rest import Contract, Kind, lua_pattern, path_regex

CONTRACT = Contract.read(FILES / "descriptors.binpb")


def certificate(folder: Path) -> dict[str, Path]:
    """A self-signed certificate for localhost, as settings."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "tls.crt").write_bytes(signed.public_bytes(pem))
    (folder / "tls.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return {"tls_certificate": folder / "tls.crt", "tls_key": folder / "tls.key"}


VARIANTS = {
    "as it comes": {},
    "all addresses": {"address": "0.0.0.0", "port": 80},
    "IPv6": {"address": "::1", "grpc": ("[::1]:50051",)},
    "several servers": {"grpc": ("10.0.0.1:50051", "10.0.0.2:50051", "unix:/run/threed/grpc.sock")},
    "servers by name": {"grpc": ("server:50051", "other.example:50051")},
    "the disk store": {"blobs": "unix:/run/threed/blobs.sock"},
    "S3": {"s3": "127.0.0.1:8333", "s3_bucket": "assets"},
    "keys by http": {"jwks_file": None, "jwks_url": "http://127.0.0.1:9000/jwks.json"},
    "keys by https": {"jwks_file": None, "jwks_url": "https://login.example/.well-known/jwks.json"},
    "behind two proxies": {"trusted_proxies": 2},
    "no limits": {"rate_limit": None, "rate_limit_per_address": None},
    "only a limit of all": {"rate_limit": RateLimit(10, 10), "rate_limit_per_address": None},
    "the log on a terminal": {"access_log": None},
    "names that YAML would misread": {
        "issuer": "yes: #1 'x'",
        "audience": "[a, *b]",
        "cors_origins": (r"https://a\.b",),
    },
}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return Signer().publish(tmp_path / "jwks.json")


@pytest.mark.parametrize("variant", VARIANTS)
def test_envoy_takes_the_configuration(variant: str, keys: Path, tmp_path: Path):
    gateway = Gateway(**{"jwks_file": keys, "admin_socket": tmp_path / "admin"} | VARIANTS[variant])
    warnings = validate(gateway, tmp_path).splitlines()
    # Without servers behind it, a validating Envoy cannot fetch keys, and says so.
    assert [line for line in warnings if "jwks" not in line] == []


@pytest.mark.parametrize("redirect", [None, 443])
def test_envoy_takes_the_configuration_with_tls(redirect: int | None, keys: Path, tmp_path: Path):
    gateway = Gateway(jwks_file=keys, redirect_to_tls=redirect, **certificate(tmp_path))
    assert validate(gateway, tmp_path) == "", "no warnings either"


def test_every_rest_line_of_the_contract_has_its_route(keys: Path):
    text = render(Gateway(jwks_file=keys))
    names = re.findall(r'"name": "(threed\.v1\.\w+\.\w+)"', text)
    assert sorted(names) == sorted(binding.method for binding in CONTRACT.bindings)
    for service in CONTRACT.services:
        assert f'"prefix": "/{service.full_name}/"' in text


def test_the_kinds_of_the_contract_are_told_apart():
    kinds = {binding.method.rpartition(".")[2]: binding.kind for binding in CONTRACT.bindings}
    assert kinds["UploadAsset"] is Kind.UPLOAD
    assert kinds["UploadChunk"] is Kind.BYTES
    assert kinds["WatchAsset"] is Kind.STREAM
    assert kinds["CreateScene"] is Kind.JSON
    assert kinds["GetScene"] is Kind.PLAIN


def test_admin_is_never_a_port(keys: Path):
    admin = re.search(r"^admin:\n.*$", render(Gateway(jwks_file=keys)), re.MULTILINE)[0]
    assert "pipe" in admin and "socket_address" not in admin and "384" in admin


def test_only_loopback_is_opened_by_default(keys: Path):
    listeners = re.findall(r'address: \{socket_address: \{address: "([^"]+)"', render(Gateway(jwks_file=keys)))
    assert listeners == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({}, "jwks_file, jwks_url: give exactly one"),
        ({"jwks_file": Path("a"), "jwks_url": "http://a"}, "give exactly one"),
        ({"jwks_url": "file:///etc/passwd"}, "is not an http or https address"),
        ({"jwks_file": Path("a"), "grpc": ()}, "at least one"),
        ({"jwks_file": Path("a"), "grpc": ("localhost",)}, "Write host:port"),
        ({"jwks_file": Path("a"), "grpc": ("localhost:99999",)}, "Write host:port"),
        ({"jwks_file": Path("a"), "tls_key": Path("k")}, "give both for TLS"),
        ({"jwks_file": Path("a"), "redirect_to_tls": 443}, "no TLS door"),
        ({"jwks_file": Path("a"), "s3": "127.0.0.1:1"}, "s3, s3_bucket"),
        ({"jwks_file": Path("a"), "address": "localhost"}, "does not appear to be an IPv4 or IPv6 address"),
    ],
)
def test_settings_that_contradict_are_refused(wrong: dict, sentence: str):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Gateway(**wrong)


@pytest.mark.parametrize(
    ("template", "regex", "lua"),
    [
        ("/v1/scenes", "/v1/scenes", "^/v1/scenes$"),
        ("/v1/scenes/{scene.scene_id}:copy", "/v1/scenes/[^/]+:copy", "^/v1/scenes/([^/]+):copy$"),
        ("/v1/{name=shelves/*}/a-b", "/v1/shelves/[^/]+/a-b", "^/v1/(.+)/a%-b$"),
        ("/v1/files/{path=**}", "/v1/files/.+", "^/v1/files/(.+)$"),
    ],
)
def test_a_path_template_becomes_patterns(template: str, regex: str, lua: str):
    assert (path_regex(template), lua_pattern(template)) == (regex, lua)


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("${nosuch}", "asks for nosuch"),
        ("# [nosuch", "asks for nosuch"),
        ("# [truth", "never closes truth"),
        ("# truth]", "not the last one opened"),
        ("a: 1", "does not use truth, value"),
    ],
)
def test_a_template_with_a_mark_that_does_not_fit_is_refused(template: str, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        fill(template, {"truth": True}, {"value": 1})


def test_a_template_keeps_what_holds_and_writes_values_as_json():
    template = "a: ${text}\n  # [yes\n  b: ${number}\n  # yes]\n  # [no\n  c: 1\n  # no]\n  d:\n  ${items}"
    values = {"text": 'x: "y"', "number": 3, "items": [{"e": 1}, {"f": [2]}]}
    filled = fill(template, {"yes": True, "no": False}, values)
    assert filled == 'a: "x: \\"y\\""\n  b: 3\n  d:\n  - {"e": 1}\n  - {"f": [2]}\n'
    assert json.loads(filled.splitlines()[0].removeprefix("a: ")) == 'x: "y"'
