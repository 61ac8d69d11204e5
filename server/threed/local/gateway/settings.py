"""What an operator can say about the gateway. Every size is in bytes, every time in seconds."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20


@dataclass(frozen=True)
class RateLimit:
    """A token bucket: `per_second` calls in the long run, `burst` at once."""

    per_second: int
    burst: int


@dataclass(frozen=True)
class Gateway:
    """Addresses are `host:port`, `[v6]:port` or `unix:/absolute/path`. Only loopback is opened by default."""

    # The server's gRPC addresses; calls go to the one with the fewest under way.
    grpc: tuple[str, ...] = ("127.0.0.1:50051",)
    # Where signed downloads of the disk store are served. None: no /blobs/ route.
    blobs: str | None = None
    # An S3 server whose presigned addresses come through this gateway, and the bucket they name. Host is kept: SigV4
    # signs it.
    s3: str | None = None
    s3_bucket: str = ""

    # The public door: HTTP/1.1 and h2c on one port.
    address: str = "127.0.0.1"
    port: int = 8080
    # With both files, a second door with TLS (h2 and HTTP/1.1) opens. Read at start.
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_port: int = 8443
    # The port that callers know the TLS door by, when the plain door shall send everybody there. None: both serve.
    redirect_to_tls: int | None = None
    # Proxies in front of this one whose X-Forwarded-For is believed. 0: the header is dropped.
    trusted_proxies: int = 0

    # Who signs tokens: a file, read at start; or a URL, asked every five minutes.
    jwks_file: Path | None = None
    jwks_url: str | None = None
    # Certificate authorities that vouch for an https jwks_url. None: those of this machine.
    jwks_authorities: Path | None = None
    issuer: str = "threed"
    audience: str = "threed-api"

    # Web origins that may call, as full regular expressions (RE2).
    cors_origins: tuple[str, ...] = (r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?",)
    # Calls of everybody together, and of one address. None: no limit.
    rate_limit: RateLimit | None = RateLimit(per_second=20_000, burst=40_000)
    rate_limit_per_address: RateLimit | None = RateLimit(per_second=5_000, burst=10_000)
    # Open connections of callers; further ones are closed.
    max_connections: int = 20_000
    # Memory of the gateway: at 90 % it gives back what it holds in reserve, at 95 % new calls are UNAVAILABLE.
    max_heap_bytes: int = 1024 * MIB

    # Largest JSON body, and largest body that is bytes and fits one message (UploadChunk). Keep the second below the
    # server's grpc.max_receive_message_length.
    max_json_bytes: int = 4 * MIB
    max_chunk_bytes: int = 8 * MIB + 64 * 1024
    # Longest unary call; longest silence of an upload or a download. Watches may be silent as long as nothing happens.
    call_timeout_s: int = 60
    upload_idle_s: int = 300

    # The admin socket (0600), never a port; and the log, /dev/stdout when None.
    admin_socket: Path = Path("envoy-admin.sock")
    access_log: Path | None = None

    def __post_init__(self) -> None:
        _require(bool(self.grpc), "grpc: name at least one address of the server.")
        for each in (*self.grpc, *filter(None, (self.blobs, self.s3))):
            split_address(each)
        _require(
            (self.jwks_file is None) != (self.jwks_url is None),
            "jwks_file, jwks_url: give exactly one. Without keys the gateway cannot tell a good token from a bad one.",
        )
        _require(
            self.jwks_url is None or self.jwks_url.startswith(("http://", "https://")),
            f"jwks_url: {self.jwks_url!r} is not an http or https address.",
        )
        _require(
            (self.tls_certificate is None) == (self.tls_key is None),
            "tls_certificate, tls_key: give both for TLS, or neither.",
        )
        _require(
            self.redirect_to_tls is None or self.tls_certificate is not None,
            "redirect_to_tls: there is no TLS door to go to. Give tls_certificate and tls_key.",
        )
        _require(
            (self.s3 is None) == (not self.s3_bucket),
            "s3, s3_bucket: give both, so that only addresses of that bucket pass, or neither.",
        )
        ipaddress.ip_address(self.address)


def split_address(address: str) -> tuple[str, int]:
    """Host and port; ("unix:/path", 0) for a socket. Raises ValueError."""
    if address.startswith("unix:/"):
        return address, 0
    host, _, port = address.rpartition(":")
    _require(
        bool(host) and port.isascii() and port.isdecimal() and 0 < int(port) < 65536,
        f"{address!r} is not an address. Write host:port or unix:/absolute/path.",
    )
    return host.removeprefix("[").removesuffix("]"), int(port)


def _require(truth: bool, otherwise: str) -> None:
    if not truth:
        raise ValueError(otherwise)
