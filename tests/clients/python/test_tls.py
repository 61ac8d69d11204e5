"""TLS: a certificate of one's own is trusted when it is named, and only then."""

from __future__ import annotations

import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.clients.python import standin

from threed_client import Client
from threed_client.errors import Unavailable


@pytest.fixture(scope="module")
def certificate() -> tuple[bytes, bytes]:
    """A self-signed certificate for 127.0.0.1, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "threed test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem), private


def test_a_named_authority_is_trusted(certificate, tmp_path):
    (tmp_path / "ca.pem").write_bytes(certificate[0])
    with standin.running(certificate) as server:
        assert server.url.startswith("https://")
        with Client(server.url, standin.TOKEN, ca=tmp_path / "ca.pem") as client:
            assert client.system.capabilities().version == "0.1.0"


def test_an_unknown_authority_is_not(certificate):
    with standin.running(certificate) as server, Client(server.url, standin.TOKEN, patience=0.1) as client:
        with pytest.raises(Unavailable, match="does not answer"):
            client.system.capabilities()
