"""`threed events`."""

from __future__ import annotations

import json

import pytest
from tests.clients.python import standin

from threed import errors as served
from threed.v1 import events_pb2

ASSET, JOB = standin.new_id("asset"), standin.new_id("render_job")


@pytest.fixture
def logged(server) -> list[events_pb2.Event]:
    """Two events of one asset, the newest first."""
    failed = events_pb2.Event(type="render_job_failed", job_id=JOB, status="FAILED")
    failed.error.CopyFrom(standin.status_of(served.JobTimedOut("It ran for 600 s.")))
    server.events = [failed, events_pb2.Event(type="asset_ready", status="VALIDATED")]
    for event in server.events:
        event.event_id, event.asset_id = standin.new_id("event"), ASSET
        event.created_at.FromJsonString("2026-11-21T10:00:00Z")
    return server.events


def test_events_are_listed_with_what_they_are_of_and_why(threed, logged):
    code, out, err = threed("events")
    head, *rows = (line.split() for line in out.splitlines())
    assert (code, err) == (0, "")
    assert head == ["ID", "WHEN", "TYPE", "OF", "STATUS", "WHY"]
    failed, ready = (event.event_id for event in logged)
    assert rows == [
        [failed, "2026-11-21", "10:00:00", "render_job_failed", JOB, "FAILED", "JOB_TIMED_OUT"],
        [ready, "2026-11-21", "10:00:00", "asset_ready", ASSET, "VALIDATED", "-"],
    ]


def test_events_as_json_are_a_line_each(threed, logged):
    lines = threed("events", "--json", "--limit", 1)[1].splitlines()
    assert [json.loads(line)["eventId"] for line in lines] == [logged[0].event_id]


def test_what_is_asked_for_becomes_one_filter(threed, server):
    assert threed("events")[:2] == (0, "No events.\n")
    threed("events", "--asset", ASSET, "--type", "asset_ready", "--type", 'asset_"failed', "--limit", 7)
    threed("events", "--filter", "status=FAILED OR status=CANCELLED", "--asset", ASSET)
    bare, both, filtered = server.called("ListEvents")
    assert (bare.filter, bare.page_size) == ("", 50)
    assert both.filter == f'asset_id="{ASSET}" AND (type="asset_ready" OR type="asset_\\"failed")'
    assert both.page_size == 7
    assert filtered.filter == f'(status=FAILED OR status=CANCELLED) AND asset_id="{ASSET}"'


def test_a_page_is_followed_by_the_next(threed, server, logged):
    server.events = logged * 600
    assert len(threed("events", "--limit", 0)[1].splitlines()) == 1 + 1200


def test_a_type_cannot_move_the_cursor(threed, logged):
    logged[0].type = "evil\x1b[2J\u202e\r\n"
    assert not {"\x1b", "\r", "\u202e"} & set(threed("events")[1])


def test_what_the_server_refuses_is_told(threed, server):
    server.faults["ListEvents"] = [served.FilterInvalid("It is compared with one of asset_ready.")]
    code, out, err = threed("events", "--type", "asset_redy")
    assert (code, out) == (1, "")
    assert "one of asset_ready. (FILTER_INVALID)" in err
