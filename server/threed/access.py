"""Who is calling, and what they may: tokens, roles, and the policy that each rpc declares in the contract.

Envoy checks tokens at the edge; everything is checked here again, because the gRPC port may be reached without it.
"""

from __future__ import annotations

import contextvars
import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from google.protobuf.descriptor import FileDescriptor
from jwt import PyJWKClient, PyJWKSet

from threed.errors import RoleTooLow, TokenInvalid, TokenMissing
from threed.v1 import access_pb2

ALGORITHMS = ("RS256", "ES256", "EdDSA")
Role = access_pb2.Role
# Rpcs outside the contract. Health and reflection tell nothing that is secret; channelz shows callers' addresses.
_FOREIGN = {
    "/grpc.health.v1.Health/": None,
    "/grpc.reflection.v1.ServerReflection/": None,
    "/grpc.reflection.v1alpha.ServerReflection/": None,
    "/grpc.channelz.v1.Channelz/": access_pb2.ADMIN,
}
_CACHE_SIZE = 10_000
_LEEWAY_S = 5


@dataclass(frozen=True)
class Caller:
    """What a token says. `expires` is in Unix seconds."""

    subject: str
    project: str
    role: int
    expires: float

    def require(self, role: int) -> None:
        """Raises RoleTooLow."""
        if self.role < role:
            have, need = Role.Name(self.role), Role.Name(role)
            sentence = f"This needs the role {need}; the token's is {have}. Ask for a token with a higher role."
            raise RoleTooLow(sentence, role=have, required_role=need)


_caller: contextvars.ContextVar[Caller] = contextvars.ContextVar("caller")


def caller() -> Caller:
    """Who makes the call that is being handled."""
    return _caller.get()


def enter(who: Caller) -> None:
    """Say who makes the call, in this call's context."""
    _caller.set(who)


class Policy:
    """The lowest role of each method, read from the contract."""

    def __init__(self, files: list[FileDescriptor]):
        self._roles: dict[str, int] = {}
        for file in files:
            for service in file.services_by_name.values():
                for method in service.methods:
                    role = method.GetOptions().Extensions[access_pb2.role]
                    if role == access_pb2.ROLE_UNSPECIFIED:
                        raise ValueError(f"{method.full_name} declares no role: add `option (role) = ...;` to it.")
                    self._roles[f"/{service.full_name}/{method.name}"] = role

    def role(self, method: str) -> int | None:
        """The role that a method needs; None: no token. A method that nobody declared needs ADMIN."""
        if method in self._roles:
            return self._roles[method]
        for prefix, role in _FOREIGN.items():
            if method.startswith(prefix):
                return role
        return access_pb2.ADMIN


class Tokens:
    """Verifies tokens, and remembers the good ones until they expire."""

    def __init__(self, jwks: str, issuer: str, audience: str):
        """`jwks` is a file or an https URL with the issuer's public keys."""
        self._keys = _RemoteKeys(jwks) if "://" in jwks else _FileKeys(Path(jwks))
        self._issuer = issuer
        self._audience = audience
        self._cache: OrderedDict[bytes, Caller] = OrderedDict()

    def authenticate(self, metadata: Mapping[str, str]) -> Caller:
        """The caller of a request with this metadata. Raises TokenMissing, TokenInvalid."""
        scheme, _, token = str(metadata.get("authorization", "")).partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenMissing("Send a token: `authorization: Bearer ...`. `threed token --role editor` makes one.")
        return self.verify(token.strip())

    def verify(self, token: str) -> Caller:
        """Raises TokenInvalid."""
        fingerprint = hashlib.sha256(token.encode()).digest()
        known = self._cache.get(fingerprint)
        if known is not None and known.expires > time.time():
            return known
        who = self._decode(token)
        self._cache[fingerprint] = who
        if len(self._cache) > _CACHE_SIZE:
            self._cache.popitem(last=False)
        return who

    def _decode(self, token: str) -> Caller:
        try:
            key = self._keys.find(jwt.get_unverified_header(token).get("kid"))
            claims = jwt.decode(
                token,
                key=key,
                algorithms=ALGORITHMS,
                issuer=self._issuer,
                audience=self._audience,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
            return _caller_of(claims)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise TokenInvalid(f"The token does not verify: {error}. Get a new one.") from error


def _caller_of(claims: dict[str, Any]) -> Caller:
    project, role = claims.get("project"), str(claims.get("role", "")).upper()
    if not isinstance(project, str) or not project or len(project) > 128:
        raise ValueError("the claim `project` is missing")
    if role not in Role.keys() or Role.Value(role) == access_pb2.ROLE_UNSPECIFIED:
        raise ValueError("the claim `role` must be viewer, editor or admin")
    return Caller(str(claims["sub"]), project, Role.Value(role), float(claims["exp"]))


class _FileKeys:
    """A JWKS file, read again when it changes."""

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()
        self._read_at: tuple[int, int] | None = None
        self._set: PyJWKSet | None = None

    def find(self, kid: str | None) -> jwt.PyJWK:
        with self._lock:
            stat = self._path.stat()
            if self._set is None or self._read_at != (stat.st_mtime_ns, stat.st_size):
                self._set = PyJWKSet.from_dict(json.loads(self._path.read_text()))
                self._read_at = (stat.st_mtime_ns, stat.st_size)
        for key in self._set.keys:
            if key.key_id == kid or (kid is None and len(self._set.keys) == 1):
                return key
        raise ValueError(f"no key {kid!r} is known")


class _RemoteKeys:
    """A JWKS URL, cached for five minutes."""

    def __init__(self, url: str):
        self._client = PyJWKClient(url, cache_jwk_set=True, lifespan=300, timeout=5)

    def find(self, kid: str | None) -> jwt.PyJWK:
        if kid is None:
            raise ValueError("the token names no key (kid)")
        return self._client.get_signing_key(kid)
