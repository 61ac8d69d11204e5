"""Queries as browsers and Python write them."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.stack import RunningStack


def test_a_plus_in_a_query_is_a_space(stack: RunningStack):
    query = urlencode({"filter": 'display_name = "two words" AND size_bytes > 1', "orderBy": "size_bytes desc"})
    assert "+" in query and "%20" not in query
    status, answer = stack.rest("GET", f"/v1/assets?{query}", token=stack.token(project="queries"))
    assert (status, answer) == (200, {"assets": [], "nextPageToken": ""})
