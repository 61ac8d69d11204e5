"""h2load as the load: the same C client for gRPC and for JSON over HTTP/1.1, in a closed loop."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence

from measuring.stacks import need

AT_ONCE = 32  # calls under way: 4 connections of 8 streams for gRPC, 32 connections for HTTP/1.1


def grpc_calls(address: str, method: str, request: bytes, metadata: Sequence[tuple[str, str]], count: int) -> float:
    """Call a unary method `count` times; calls per second. `method` is `/package.Service/Method`."""
    with tempfile.NamedTemporaryFile() as body:
        body.write(b"\0" + len(request).to_bytes(4, "big") + request)
        body.flush()
        headers = [("content-type", "application/grpc"), ("te", "trailers"), *metadata]
        return _run(["-c", "4", "-m", "8", "-d", body.name], f"http://{address}{method}", headers, count)


def json_calls(url: str, headers: Sequence[tuple[str, str]], count: int) -> float:
    """GET a URL `count` times over HTTP/1.1; calls per second."""
    return _run(["--h1", "-c", str(AT_ONCE)], url, headers, count)


def _run(options: list[str], url: str, headers: Sequence[tuple[str, str]], count: int) -> float:
    given = [argument for name, value in headers for argument in ("-H", f"{name}: {value}")]
    command = [need("h2load", "nghttp2-client"), *options, "-n", str(count), *given, url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"finished in [^,]+, ([\d.]+) req/s", said)
    if not rate or f"status codes: {count} 2xx" not in said:
        raise RuntimeError(f"not every call of {url} succeeded:\n{said}")
    return float(rate[1])
