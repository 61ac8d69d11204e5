"""The keys of one machine's stack, made on first start, and the tokens that they sign.

    <folder>/signing-0001.pem ...   private keys (ES256); the highest number signs, all are accepted
    <folder>/jwks.json              their public halves, for Envoy and the server
    <folder>/secret                 for page tokens and download URLs (HMAC-SHA256), 32 random bytes

The folder is 0700 and every file 0600. To rotate: `rotate()`, wait until the longest token has expired, then remove the
old key and `publish()`.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode

from threed.local import files

ALGORITHM = "ES256"
ISSUER = "threed"
AUDIENCE = "threed-api"
ROLES = ("viewer", "editor", "admin")


@dataclass(frozen=True)
class Keys:
    """The keys in a folder that `open_keys` has filled."""

    folder: Path

    @property
    def jwks_file(self) -> Path:
        return self.folder / "jwks.json"

    @property
    def secret_file(self) -> Path:
        return self.folder / "secret"

    @property
    def secret(self) -> bytes:
        """The 32 bytes that page tokens and download URLs are signed with."""
        return self.secret_file.read_bytes()

    def mint(self, role: str, project: str, subject: str = "local", lifetime_s: int = 3600) -> str:
        """A token for that role in that project, signed by the newest key. `lifetime_s` is in seconds.

        Raises ValueError for a role that is not in ROLES, or an empty project or lifetime.
        """
        if role not in ROLES:
            raise ValueError(f"The role must be one of {', '.join(ROLES)}; got {role!r}.")
        if not project or not subject or lifetime_s <= 0:
            raise ValueError("A token needs a project, a subject and a lifetime of at least one second.")
        key = _load(self._private_files()[-1])
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "project": project,
            "role": role,
            "iat": now,
            "exp": now + lifetime_s,
        }
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": _public(key)["kid"]})

    def rotate(self) -> str:
        """Make a new key, publish it, and sign with it from now on. Returns its id."""
        newest = int(self._private_files()[-1].stem.removeprefix("signing-"))
        pem = _make_private(self.folder / f"signing-{newest + 1:04d}.pem")
        self.publish()
        return _public(_load(pem))["kid"]

    def publish(self) -> None:
        """Write jwks.json from the private keys that are there, newest first, in one step."""
        keys = [_public(_load(path)) for path in reversed(self._private_files())]
        files.write(self.jwks_file, json.dumps({"keys": keys}, indent=2).encode())

    def _private_files(self) -> list[Path]:
        return sorted(self.folder.glob("signing-*.pem"))


def open_keys(folder: Path) -> Keys:
    """The keys in that folder; what is missing is made. Two processes that do so at once end up with the same keys."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    keys = Keys(folder)
    files.write_once(keys.secret_file, lambda: secrets.token_bytes(32))
    if not keys._private_files():
        _make_private(folder / "signing-0001.pem")
    if not keys.jwks_file.exists():
        keys.publish()
    return keys


def _make_private(path: Path) -> Path:
    """A new private key in that file, unless another process was faster."""

    def pem() -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        plain = serialization.NoEncryption()
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)

    files.write_once(path, pem)
    return path


def _load(path: Path) -> ec.EllipticCurvePrivateKey:
    return serialization.load_pem_private_key(path.read_bytes(), password=None)


def _public(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """The public half as a JWK. Its id is its thumbprint (RFC 7638), so the same key always has the same id."""
    jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    digest = sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest()
    return members | {"kid": base64url_encode(digest).decode(), "alg": ALGORITHM, "use": "sig"}
