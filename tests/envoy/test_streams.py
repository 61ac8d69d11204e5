"""Streams: watches as NDJSON and server-sent events, large uploads, and how both treat time and memory."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.envoy.doors import Door, eventually, opened
from tests.envoy.standin import StandIn

MIB = 1 << 20


def lines(answer_body: bytes) -> list[dict]:
    return [json.loads(line) for line in answer_body.splitlines()]


def events(body: bytes) -> list[dict]:
    parts = body.decode().strip().split("\n\n")
    assert all(part.startswith("data: ") for part in parts)
    return [json.loads(part.removeprefix("data: ")) for part in parts]


def test_a_watch_is_ndjson(door: Door):
    answer = door.call("GET", "/v1/assets/x:watch")
    assert answer.headers["content-type"] == "application/json"
    assert [each["asset"]["sizeBytes"] for each in lines(answer.body)] == ["0", "1", "2"]


def test_a_watch_is_server_sent_events_when_asked(door: Door):
    answer = door.call("GET", "/v1/assets/x:watch", accept="text/event-stream")
    assert answer.headers["content-type"] == "text/event-stream"
    assert [each["asset"]["sizeBytes"] for each in events(answer.body)] == ["0", "1", "2"]


def test_an_event_source_brings_its_token_in_the_query(door: Door):
    # Given a browser's EventSource, which can set no headers
    path = f"/v1/assets/x:watch?access_token={door.signer.token()}"
    answer = door.call("GET", path, token=False, accept="text/event-stream")
    # Then the server sees an ordinary token, and the query is cut
    seen = events(answer.body)[0]["asset"]["metadata"]
    assert seen["authorization"].startswith("Bearer ey")
    assert seen["x-envoy-original-path"] == "/v1/assets/x:watch"


def test_a_bad_token_in_the_query_is_refused(door: Door):
    answer = door.call("GET", "/v1/assets/x:watch?access_token=bad", token=False, accept="text/event-stream")
    assert (answer.status, answer.reason) == (401, "TOKEN_INVALID")


def test_a_token_in_the_query_of_anything_else_is_refused(door: Door):
    answer = door.call("GET", f"/v1/assets/x?access_token={door.signer.token()}", token=False)
    assert (answer.status, answer.reason) == (400, "HTTP_REQUEST_INVALID")


def test_validation_holds_for_events_too(door: Door):
    answer = door.call("GET", "/v1/assets/x:watch?nosuch=1", accept="text/event-stream")
    assert (answer.status, answer.reason) == (400, "HTTP_REQUEST_INVALID")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_an_event_comes_when_it_happens_not_when_a_block_is_full(door: Door, accept: str):
    # Given a client that would take compressed data
    connection = http.client.HTTPConnection("127.0.0.1", door.gateway.port, timeout=20)
    headers = door.bearer | {"accept": accept, "accept-encoding": "gzip, br"}
    connection.request("GET", "/v1/assets/quiet-3:watch", headers=headers)
    response = connection.getresponse()
    # When the stream goes quiet after two messages
    started = time.monotonic()
    first, second = read_message(response), read_message(response)
    # Then both are there long before it ends
    assert time.monotonic() - started < 2.5
    assert (first["asset"]["sizeBytes"], second["asset"]["sizeBytes"]) == ("0", "1")
    connection.close()


def read_message(response: http.client.HTTPResponse) -> dict:
    while not (line := response.readline().strip()):
        pass
    return json.loads(line.removeprefix(b"data: "))


@pytest.fixture(scope="module")
def impatient(server: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A gateway that gives unary calls one second, and uploads two of silence."""
    folder = tmp_path_factory.mktemp("impatient")
    with opened(folder, (server.address,), call_timeout_s=1, upload_idle_s=2) as door:
        yield door


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_watch_may_be_silent_as_long_as_nothing_happens(impatient: Door, accept: str):
    answer = impatient.call("GET", "/v1/assets/quiet-5:watch", accept=accept)
    assert answer.body.count(b'"sizeBytes"') == 3


def test_a_call_that_takes_too_long_is_refused(impatient: Door):
    answer = impatient.call("GET", "/v1/assets/slow")
    assert (answer.status, answer.reason, answer.json["code"]) == (504, "DEADLINE_EXCEEDED", 4)


def test_an_upload_that_falls_silent_ends(impatient: Door):
    with socket.create_connection(("127.0.0.1", impatient.gateway.port), timeout=20) as raw:
        raw.sendall(upload_head(impatient, "silent").encode() + b"x" * MIB)
        answer = raw.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"REQUEST_TIMEOUT" in answer


def upload_head(door: Door, filename: str) -> str:
    """The head of an upload of 3 MiB, as it goes over the wire."""
    first = f"POST /v1/assets/upload?filename={filename} HTTP/1.1\r\nHost: t\r\nContent-Length: {3 * MIB}\r\n"
    return f"{first}Authorization: {door.bearer['authorization']}\r\n\r\n"


@pytest.fixture
def apart(server: StandIn, tmp_path: Path) -> Iterator[Door]:
    """A gateway of its own, for what is measured."""
    with opened(tmp_path, (server.address,)) as door:
        yield door


@pytest.mark.parametrize("protocol", ["--http1.1", "--http2-prior-knowledge"])
def test_a_large_upload_takes_little_memory(apart: Door, tmp_path: Path, protocol: str):
    # Given a file of 1 GiB that takes no room
    file = tmp_path / "large.bin"
    with file.open("wb") as hole:
        hole.truncate(1 << 30)
    # When it is sent
    sent = apart.curl(protocol, "-T", str(file), "-X", "POST", "/v1/assets/upload?filename=large.bin")
    # Then all of it arrived, and the gateway held little of it
    assert json.loads(sent)["sizeBytes"] == str(1 << 30)
    assert apart.peak_memory() < 120 * MIB


def test_a_slow_server_slows_the_sender_and_fills_no_memory(apart: Door):
    """The stand-in takes 1 MiB in 20 ms: what does not fit the windows must stay with the sender."""
    before = apart.peak_memory()
    authorization = f"authorization: {apart.bearer['authorization']}"
    url = f"http://{apart.address}/v1/assets/upload?filename=slow&displayName=slow"
    uploads = [
        subprocess.Popen(
            ["curl", "-sS", "-T", "/dev/zero", "-X", "POST", "--max-time", "3", "-H", authorization, url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(4)
    ]
    for upload in uploads:
        assert upload.wait(20) == 28, "curl's word for its own time limit: the stream was still going"
    assert apart.peak_memory() - before < 60 * MIB


def test_an_upload_that_breaks_off_does_not_look_whole(door: Door, server: StandIn):
    # Given an upload of which the server has seen the beginning
    with socket.create_connection(("127.0.0.1", door.gateway.port)) as raw:
        raw.sendall(upload_head(door, "broken-off").encode() + b"x" * MIB)
        assert eventually(lambda: "broken-off" in server.assets.uploads)
    # When its connection ends, then the server sees a cancelled stream, not the end of one
    assert eventually(lambda: server.assets.uploads["broken-off"] != "open")
    assert server.assets.uploads["broken-off"] == "cut"
