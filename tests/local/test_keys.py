from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from threed.local.keys import AUDIENCE, ISSUER, ROLES, open_keys


def verified(token: str, jwks: dict) -> dict:
    """The claims, checked as the server and Envoy check them: by the key that the header names."""
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(jwks).keys}
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["ES256"], audience=AUDIENCE, issuer=ISSUER)


def test_a_token_verifies_with_the_published_keys_and_says_who_may_do_what(tmp_path):
    keys = open_keys(tmp_path / "keys")
    claims = verified(keys.mint("editor", "lamps", "ada", lifetime_s=60), json.loads(keys.jwks_file.read_text()))
    assert (claims["sub"], claims["project"], claims["role"]) == ("ada", "lamps", "editor")
    assert claims["exp"] - claims["iat"] == 60


def test_keys_stay_the_same_at_the_second_start(tmp_path):
    token, secret = open_keys(tmp_path).mint("viewer", "p"), open_keys(tmp_path).secret
    again = open_keys(tmp_path)
    assert verified(token, json.loads(again.jwks_file.read_text()))["role"] == "viewer"
    assert again.secret == secret and len(secret) == 32


def test_only_the_owner_reads_the_keys_and_nothing_private_is_published(tmp_path):
    keys = open_keys(tmp_path / "keys")
    assert stat.S_IMODE(keys.folder.stat().st_mode) == 0o700
    files = list(keys.folder.iterdir())
    assert {file.name for file in files} == {"signing-0001.pem", "jwks.json", "secret"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert not any("d" in key for key in json.loads(keys.jwks_file.read_text())["keys"])


def test_after_a_rotation_the_new_key_signs_and_old_tokens_still_verify(tmp_path):
    keys = open_keys(tmp_path)
    old = keys.mint("viewer", "p")
    new_id = keys.rotate()
    new = keys.mint("viewer", "p")
    jwks = json.loads(keys.jwks_file.read_text())
    assert jwt.get_unverified_header(new)["kid"] == new_id != jwt.get_unverified_header(old)["kid"]
    assert jwks["keys"][0]["kid"] == new_id
    assert verified(old, jwks) and verified(new, jwks)


def test_a_key_that_is_removed_no_longer_verifies(tmp_path):
    keys = open_keys(tmp_path)
    old = keys.mint("viewer", "p")
    keys.rotate()
    (keys.folder / "signing-0001.pem").unlink()
    keys.publish()
    with pytest.raises(KeyError):
        verified(old, json.loads(keys.jwks_file.read_text()))


def test_a_token_of_another_folder_does_not_verify(tmp_path):
    ours, theirs = open_keys(tmp_path / "a"), open_keys(tmp_path / "b")
    kid = json.loads(ours.jwks_file.read_text())["keys"][0]["kid"]
    forged = json.loads(theirs.jwks_file.read_text())
    forged["keys"][0]["kid"] = kid
    with pytest.raises(jwt.InvalidSignatureError):
        verified(ours.mint("admin", "p"), forged)


def test_starts_at_the_same_time_agree_on_the_keys(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: open_keys(tmp_path / "keys"), range(8)))
    assert len({keys.secret for keys in opened}) == 1
    assert len(list((tmp_path / "keys").glob("signing-*.pem"))) == 1


@pytest.mark.parametrize(
    ("role", "project", "subject", "lifetime_s"),
    [
        ("owner", "p", "s", 60),
        ("", "p", "s", 60),
        ("viewer", "", "s", 60),
        ("viewer", "p", "", 60),
        ("viewer", "p", "s", 0),
    ],
)
def test_a_token_that_could_not_be_used_is_not_made(tmp_path, role, project, subject, lifetime_s):
    with pytest.raises(ValueError, match=r"role must be|needs a project"):
        open_keys(tmp_path).mint(role, project, subject, lifetime_s)


def test_every_role_has_tokens(tmp_path):
    assert ROLES == ("viewer", "editor", "admin")
    keys = open_keys(tmp_path)
    jwks = json.loads(keys.jwks_file.read_text())
    assert [verified(keys.mint(role, "p"), jwks)["role"] for role in ROLES] == list(ROLES)
