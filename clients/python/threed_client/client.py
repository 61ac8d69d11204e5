"""The one object that everything hangs on."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from types import TracebackType

from threed_client import _address, _wire
from threed_client._downloading import Downloader
from threed_client.assets import Assets
from threed_client.derivatives import Derivatives
from threed_client.events import Events
from threed_client.renders import Renders
from threed_client.saved_recipes import SavedRecipes
from threed_client.scenes import Scenes
from threed_client.system import System
from threed_client.uploads import Uploads

DEFAULT_TARGET = "127.0.0.1:8080"


class Client:
    """A connection to a threed server. Safe to share between threads; close it, or use it in a `with`.

    `target` is `http://host:port`, `https://host` or `host:port`; default THREED_URL, else 127.0.0.1:8080.
    `token` is a JWT, or a function that gives one for each call; default THREED_TOKEN.
    `tls` says whether a target without a scheme speaks TLS; `ca` is a PEM file of authorities to trust instead of the
    usual ones. `timeout` bounds each unary call, retries included, in seconds; uploads, downloads and watches are not
    bounded by it. `patience` is how long a server that is away (UNAVAILABLE) is tried again, in seconds.

    Nothing is sent before the first call. Raises ValueError for a target that cannot be read.
    """

    assets: Assets
    derivatives: Derivatives
    saved_recipes: SavedRecipes
    uploads: Uploads
    scenes: Scenes
    renders: Renders
    events: Events
    system: System

    def __init__(
        self,
        target: str | None = None,
        token: _wire.Token = None,
        *,
        tls: bool | None = None,
        ca: str | os.PathLike[str] | None = None,
        timeout: float = 30.0,
        patience: float = 10.0,
    ):
        address = _address.parse(target or os.environ.get("THREED_URL") or DEFAULT_TARGET, tls)
        authorities = Path(ca) if ca is not None else None
        self._channel = _wire.connect(address, authorities)
        self._origin = f"{'https' if address.tls else 'http'}://{address.authority}"
        self._downloader = Downloader(self._origin, authorities, max(patience, 30.0))
        token = token or os.environ.get("THREED_TOKEN") or None
        self._attach(_wire.Wire(self._channel, self._origin, token, timeout, patience))

    def within(self, seconds: float) -> Client:
        """The same client, where every call and every stream ends after that time. It shares the connection."""
        other = copy.copy(self)
        other._attach(self._wire.within(seconds))
        return other

    def close(self) -> None:
        """End the connection and every call on it."""
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _attach(self, wire: _wire.Wire) -> None:
        self._wire = wire
        self.uploads = Uploads(wire)
        self.assets = Assets(wire, self.uploads, self._downloader, self._origin)
        self.derivatives = Derivatives(wire, self._downloader)
        self.saved_recipes = SavedRecipes(wire)
        self.scenes = Scenes(wire)
        self.renders = Renders(wire, self._downloader)
        self.events = Events(wire)
        self.system = System(wire)
