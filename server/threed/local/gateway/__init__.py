"""The gateway's configuration: `render(Gateway(...))` gives the text that Envoy starts with. See envoy/README.md."""

from threed.local.gateway.configuration import render
from threed.local.gateway.settings import Gateway, RateLimit

__all__ = ["Gateway", "RateLimit", "render"]
