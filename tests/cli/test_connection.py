"""Which server a command finds, and which token it brings."""

from __future__ import annotations

import json

import jwt
import pytest

from threed.cli import connection
from threed.local.keys import open_keys


@pytest.fixture
def keys(tmp_path):
    return open_keys(tmp_path / "data" / "keys")


def test_without_a_server_the_ways_to_name_one_are_said(threed):
    code, _, err = threed("assets")
    assert code == 1
    assert "`threed up`" in err and "--url" in err and "THREED_URL" in err


def test_a_running_stack_is_found_and_gets_a_token_of_its_own(threed, server, keys, tmp_path, monkeypatch):
    # Given a stack that says where it is, and no variables
    connection.endpoint_file(tmp_path / "data").write_text(json.dumps({"url": server.url}))
    monkeypatch.delenv("THREED_URL")
    monkeypatch.delenv("THREED_TOKEN")
    seen = []

    async def enter(method, request, context):
        seen.append(dict(context.invocation_metadata())["authorization"])

    monkeypatch.setattr(server, "enter", enter)
    # When a command runs, Then its token is an editor's, signed with the stack's key, and short
    assert threed("assets")[0] == 0
    claims = jwt.decode(seen[0].removeprefix("Bearer "), options={"verify_signature": False})
    assert (claims["role"], claims["project"]) == ("editor", "default")
    assert claims["exp"] - claims["iat"] == 3600


def test_a_token_of_our_own_never_leaves_this_machine(threed, keys, monkeypatch):
    code, _, err = threed("assets", "--url", "https://assets.example.com")
    assert code == 1
    assert "There is no token for https://assets.example.com" in err


def test_keys_that_are_missing_are_said(threed, monkeypatch):
    monkeypatch.setenv("THREED_URL", "http://127.0.0.1:1")
    assert "has no keys that this user can read" in threed("assets")[2]


def test_a_target_that_cannot_be_read_is_said(threed):
    assert "http://host:port" in threed("assets", "--url", "nonsense")[2]


def test_a_token_is_printed(threed, keys):
    code, out, _ = threed("token", "--role", "viewer", "--project", "museum", "--subject", "ada", "--lifetime", "2d")
    claims = jwt.decode(out.strip(), options={"verify_signature": False})
    assert code == 0
    assert (claims["role"], claims["project"], claims["sub"]) == ("viewer", "museum", "ada")
    assert claims["exp"] - claims["iat"] == 2 * 86400


def test_no_keys_are_made_for_a_stack_that_never_ran(threed, tmp_path):
    code, out, err = threed("token", "--role", "editor", "--data", tmp_path / "typo")
    assert (code, out) == (1, "")
    assert "has no keys" in err and not (tmp_path / "typo").exists()


def test_a_lifetime_that_is_no_time_is_refused(threed, keys):
    assert threed("token", "--role", "editor", "--lifetime", "forever")[0] == 2
