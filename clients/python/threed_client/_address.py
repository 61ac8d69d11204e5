"""Where a server is: reads `http://host:port`, `https://host`, `host:port`."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """A server's host and port, and whether it speaks TLS. `authority` is what gRPC dials."""

    host: str
    port: int
    tls: bool

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether it is this machine, where no proxy can be meant."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse(target: str, tls: bool | None = None) -> Address:
    """Read a target. Without a scheme, `tls` says whether it speaks TLS (None: no), and the port must be there.

    Raises ValueError for another scheme, a path, a missing port, or a `tls` that contradicts the scheme.
    """
    scheme, _, rest = target.partition("://") if "://" in target else ("", "", target)
    if scheme not in ("", *_PORTS):
        raise ValueError(f"A server's address begins with http:// or https://; got {target!r}.")
    parts = urlsplit(f"//{rest}")
    try:
        port = parts.port or _PORTS.get(scheme, 0)
    except ValueError:
        raise ValueError(f"The port in {target!r} is not a number from 1 to 65535.") from None
    if not parts.hostname or not port:
        raise ValueError(f"Give a server as http://host:port, https://host or host:port; got {target!r}.")
    if parts.path.strip("/") or parts.query or parts.username:
        raise ValueError(f"A server's address ends after the port; got {target!r}.")
    if scheme and tls is not None and tls != (scheme == "https"):
        raise ValueError(f"{target!r} says {scheme}, but tls={tls}. Leave one of them out.")
    return Address(parts.hostname, port, scheme == "https" if scheme else bool(tls))
