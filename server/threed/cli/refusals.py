"""What can go wrong in a command, as one sentence. Imports nothing: an error's module is loaded when it was raised."""

from __future__ import annotations

import sys

from threed.cli.terminal import plain


def sentence(error: Exception) -> str | None:
    """The sentence to print, or None for an error that is ours and deserves its traceback."""
    client = sys.modules.get("threed_client.errors")
    local = sys.modules.get("threed.local.errors")
    if client and isinstance(error, client.ThreedError):
        return told(error.message, error.reason, [(found.field, found.description) for found in error.violations])
    if local and isinstance(error, local.StartRefused):
        return plain(str(error))
    if isinstance(error, OSError):
        return plain(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
    if isinstance(error, ValueError):
        return plain(str(error))
    return None


def told(message: str, reason: str, violations: list[tuple[str, str]] = ()) -> str:
    """A sentence of the API with its reason, and a line for each field that it does not name itself."""
    lines = [f"{plain(message)} ({reason})" if reason else plain(message)]
    lines += [f"  {plain(field)}: {plain(text)}" for field, text in violations if text not in message]
    return "\n".join(lines)
