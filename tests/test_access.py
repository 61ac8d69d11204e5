"""Who may call what: every rpc of the contract, for every kind of caller, straight at the server and through Envoy."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from jwt.algorithms import ECAlgorithm
from tests.end_to_end.contract import METHODS, http_rule, request_class, role_of
from tests.end_to_end.doors import Grpc, Refused, Rest
from tests.end_to_end.job import model, ready
from tests.stack import RunningStack

from threed.access import Policy
from threed.app import CONTRACT
from threed.ids import PREFIXES
from threed.v1 import access_pb2

ROLES = {"viewer": access_pb2.VIEWER, "editor": access_pb2.EDITOR, "admin": access_pb2.ADMIN}
KINDS = {"asset_id": "asset", "scene_id": "scene", "job_id": "render_job", "upload_id": "upload"}
KINDS |= {"derivative_id": "derivative", "recipe_id": "recipe", "event_id": "event"}
# The resource that a request carries, and the field of it that says which one it is.
CARRIED = {"asset": "asset_id", "scene": "scene_id", "saved_recipe": "recipe_id"}
every_method = pytest.mark.parametrize(
    "method", METHODS, ids=lambda method: method.full_name.removeprefix("threed.v1.")
)


@pytest.fixture(scope="module")
def server_address(stack: RunningStack) -> str:
    """Where the gRPC server itself listens, behind the gateway."""
    return re.findall(r"serving on (\S+),", (stack.data / "logs/server-0.log").read_text())[-1]


@pytest.fixture(params=["server", "gateway", "rest"])
def caller(request: pytest.FixtureRequest, stack: RunningStack, server_address: str) -> Iterator[Callable]:
    """`caller(token)` is a door: straight at the server, through Envoy as gRPC, or as REST."""
    with contextlib.ExitStack() as opened:

        def open_with(token: str | None) -> Grpc | Rest:
            if request.param == "rest":
                return Rest(stack.address, token)
            address = server_address if request.param == "server" else stack.address
            return opened.enter_context(contextlib.closing(Grpc(address, token)))

        yield open_with


def outcome(door: Grpc | Rest, method: MethodDescriptor, request: Message) -> str:
    """The reason that a call is refused with, or nothing."""
    try:
        if method.client_streaming and method.server_streaming:
            list(door.talk(method.name, [request]))
        elif method.server_streaming:
            fields = {field.name: value for field, value in request.ListFields()}
            list(door.watch(method.name, **fields))
        else:
            door(method.name, request)
    except Refused as refusal:
        return refusal.reason
    return ""


def naming(method: MethodDescriptor, ids: dict[str, str]) -> Message:
    """A request that names resources where the path does, and says nothing else."""
    request = request_class(method)()
    resource = next((f for f in method.input_type.fields if f.name in CARRIED and f.message_type), None)
    for field in method.input_type.fields:
        if field.name in KINDS:
            setattr(request, field.name, ids[field.name])
    if resource is not None and method.name.startswith(("Update", "Replace")):
        field = CARRIED[resource.name]
        setattr(getattr(request, resource.name), field, ids[field])
    if method.name == "UploadChunk":
        request.media.data = b"glTF"
    if method.name == "CreateDerivative":
        request.derivative.preset = "web"
    return request


NOBODYS = {field: PREFIXES[kind] + "0" * 26 for field, kind in KINDS.items()}


@every_method
def test_every_caller_may_do_what_the_contract_says_and_no_more(method, caller, stack):
    if http_rule(method) is None and isinstance(caller(None), Rest):
        return  # the bidirectional stream has no REST form
    request = naming(method, NOBODYS)
    # Who is nobody is told so, before anything else is looked at
    assert outcome(caller(None), method, request) == "TOKEN_MISSING"
    for token in (forged(stack), expired(stack)):
        assert outcome(caller(token), method, request) == "TOKEN_INVALID"
    # Who has a role may do what the contract declares; whether the request is any good comes after that
    for name, role in ROLES.items():
        answered = outcome(caller(stack.token(name)), method, request)
        if role < role_of(method):
            assert answered == "ROLE_TOO_LOW", name
        else:
            assert answered not in ("TOKEN_MISSING", "TOKEN_INVALID", "ROLE_TOO_LOW"), name


@pytest.fixture(scope="module")
def theirs(stack: RunningStack) -> dict[str, str]:
    """The ids of one of each resource in the project `theirs`."""
    door = Rest(stack.address, stack.token("editor", "theirs"))
    asset = ready(door, model())
    job = door("CreateRenderJob", render_job={"asset_id": asset.asset_id})
    scene = door("CreateScene", scene={"display_name": "theirs"})
    upload = door("CreateUpload", upload={"filename": "theirs.glb"})
    derivative = door("CreateDerivative", asset_id=asset.asset_id, derivative={"recipe": {}})
    recipe = door("CreateSavedRecipe", saved_recipe={"recipe": {}})
    (event,) = door("ListEvents", filter=f"type=asset_ready AND asset_id={asset.asset_id}").events
    return {
        "asset_id": asset.asset_id,
        "job_id": job.job_id,
        "scene_id": scene.scene_id,
        "upload_id": upload.upload_id,
        "derivative_id": derivative.derivative_id,
        "recipe_id": recipe.recipe_id,
        "event_id": event.event_id,
    }


@every_method
def test_nobody_reaches_what_is_anothers(method, theirs, stack, server_address):
    request, nobodys = naming(method, theirs), naming(method, NOBODYS)
    if request == nobodys:
        return  # it names no resource
    with contextlib.closing(Grpc(server_address, stack.token("admin", "mine"))) as stranger:
        # Another project's resource answers as one that never was
        assert outcome(stranger, method, request) == outcome(stranger, method, nobodys) == "NOT_FOUND"


def test_a_method_without_a_role_does_not_start():
    policy = Policy(CONTRACT)
    assert {policy.role(f"/{m.containing_service.full_name}/{m.name}") for m in METHODS} <= set(ROLES.values())
    assert policy.role("/threed.v1.AssetService/NotThere") == access_pb2.ADMIN
    assert policy.role("/grpc.channelz.v1.Channelz/GetServers") == access_pb2.ADMIN


# ---------------------------------------------------------------- forged tokens


def claims(**changes: Any) -> dict[str, Any]:
    """What a good token says; a change to None leaves the claim out."""
    now = int(time.time())
    said = {"iss": "threed", "aud": "threed-api", "sub": "mallory", "project": "default", "role": "admin"}
    said |= {"iat": now, "exp": now + 600} | changes
    return {name: value for name, value in said.items() if value is not None}


def real_key(stack: RunningStack) -> tuple[ec.EllipticCurvePrivateKey, str]:
    """The key that the stack signs with, and its id."""
    folder: Path = stack.data / "keys"
    key = serialization.load_pem_private_key((folder / "signing-0001.pem").read_bytes(), None)
    return key, json.loads((folder / "jwks.json").read_text())["keys"][0]["kid"]


def signed(stack: RunningStack, **changes: Any) -> str:
    key, kid = real_key(stack)
    return jwt.encode(claims(**changes), key, algorithm="ES256", headers={"kid": kid})


def forged(stack: RunningStack, **headers: Any) -> str:
    """Signed by a key of one's own, under the name of the real one."""
    headers = {"kid": real_key(stack)[1]} | headers
    return jwt.encode(claims(), ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers=headers)


def expired(stack: RunningStack) -> str:
    # Envoy forgives a minute of clocks that differ
    return signed(stack, iat=int(time.time()) - 1000, exp=int(time.time()) - 300)


def with_own_jwk(stack: RunningStack) -> str:
    """It brings the key that it wants to be checked by."""
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return jwt.encode(claims(), key, algorithm="ES256", headers={"kid": real_key(stack)[1], "jwk": jwk})


def hmac_with_public_key(stack: RunningStack) -> str:
    """The classical confusion: the published key as the secret of an HMAC."""
    key, kid = real_key(stack)
    encoding = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    return jwt.encode(claims(), key.public_key().public_bytes(*encoding), algorithm="HS256", headers={"kid": kid})


def altered(stack: RunningStack) -> str:
    head, _, signature = stack.token("viewer").split(".")
    return f"{head}.{jwt.utils.base64url_encode(json.dumps(claims()).encode()).decode()}.{signature}"


def without_signature(stack: RunningStack) -> str:
    return stack.token("admin").rpartition(".")[0] + "."


FORGED = {
    "unsigned": lambda stack: jwt.encode(claims(), None, algorithm="none"),
    "without its signature": without_signature,
    "signed with the public key": hmac_with_public_key,
    "with other claims than signed": altered,
    "for another audience": lambda stack: signed(stack, aud="other"),
    "without audience": lambda stack: signed(stack, aud=None),
    "of another issuer": lambda stack: signed(stack, iss="other"),
    "without issuer": lambda stack: signed(stack, iss=None),
    "expired": expired,
    "without expiry": lambda stack: signed(stack, exp=None),
    "not valid yet": lambda stack: signed(stack, nbf=int(time.time()) + 600),
    "signed by another key": forged,
    "with its own key inside": with_own_jwk,
    "with an address of its own keys": lambda stack: forged(stack, jku="http://127.0.0.1:9/keys.json"),
    "with a key id that is a path": lambda stack: forged(stack, kid="../../../../dev/null"),
    "with a key id that is a query": lambda stack: forged(stack, kid="x' or '1'='1"),
    "of no shape": lambda stack: "rubbish",
    "of three empty parts": lambda stack: "..",
}
# Well signed, for us, and of no use: what only the server looks at.
USELESS = {
    "without a project": {"project": None},
    "with an empty project": {"project": ""},
    "with a project that is a list": {"project": ["default"]},
    "without a role": {"role": None},
    "with an unknown role": {"role": "root"},
    "with no role": {"role": "role_unspecified"},
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_token_opens_nothing(kind, caller, stack):
    with pytest.raises(Refused) as refusal:
        caller(FORGED[kind](stack))("GetCapabilities")
    assert (refusal.value.reason, refusal.value.code) == ("TOKEN_INVALID", 16)


@pytest.mark.parametrize("kind", USELESS)
def test_a_token_that_says_too_little_opens_nothing(kind, caller, stack):
    with pytest.raises(Refused) as refusal:
        caller(signed(stack, **USELESS[kind]))("GetCapabilities")
    assert (refusal.value.reason, refusal.value.code) == ("TOKEN_INVALID", 16)


def test_the_same_token_unforged_is_good(caller, stack):
    assert caller(signed(stack))("GetCapabilities").version


def test_a_watch_ends_with_its_token(stack, theirs):
    # Given a token with a second left, and something that will not end before
    busy = Rest(stack.address, stack.token("editor", "theirs"))
    asked = {"asset_id": theirs["asset_id"], "resolution": {"width": 4096, "height": 4096}}
    jobs = [busy("CreateRenderJob", render_job=asked) for _ in range(4)]
    with contextlib.closing(Grpc(stack.address, stack.token("viewer", "theirs", lifetime_s=1))) as door:
        # When it is watched
        with pytest.raises(Refused) as refusal:
            list(door.watch("WatchRenderJob", job_id=jobs[-1].job_id))
    for job in jobs:
        busy("CancelRenderJob", job_id=job.job_id)
    # Then the stream ends by saying so
    assert refusal.value.reason == "TOKEN_INVALID"
    assert "Call again" in refusal.value.message
