"""GET as a plain client does it."""

from __future__ import annotations

import urllib.error
import urllib.request


def fetch_url(url: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """(status, headers with names in lower case, body), whatever the status. `_` in a header's name means `-`."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()
