"""Files from signed URLs: resumed by Range, checked by SHA-256, in place only when whole."""

from __future__ import annotations

import hashlib
import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from threed_client import _address
from threed_client._gen.threed.v1 import DownloadUrl
from threed_client._patience import Patience
from threed_client.errors import DataLoss, PermissionDenied, ThreedError, Unavailable

Progress = Callable[[int, int | None], None]

_BLOCK = 1 << 20
# How long a connection may be silent, in seconds.
_SILENCE_S = 60.0


class Downloader:
    """Fetches signed URLs of one server. `origin` completes a URL that is only a path; `ca` is a PEM file or None."""

    def __init__(self, origin: str, ca: Path | None, patience_s: float):
        self._origin = origin
        self._patience_s = patience_s
        self._context = ssl.create_default_context(cafile=str(ca) if ca else None)

    def fetch(self, sign: Callable[[], DownloadUrl], path: Path, progress: Progress | None) -> Path:
        """Write the file that `sign` gives a URL for to `path`. What an earlier attempt has left is used.

        Bytes go to `<path>.<digest>.part` beside it, so that a part never meets the bytes of another file.
        Raises DataLoss when the bytes are not those that the server declared.
        """
        signed = sign()
        part = path.with_name(f"{path.name}.{signed.sha256[:12]}.part")
        patience = Patience(self._patience_s)
        while True:
            kept = part.stat().st_size if part.exists() else 0
            try:
                self._append(signed, part, progress)
            except ThreedError as error:
                if not isinstance(error, Unavailable | PermissionDenied):
                    raise
                if part.exists() and part.stat().st_size > kept:
                    patience.reset()
                patience.wait(error)
                signed = sign()
                continue
            digest = _sha256(part)
            if digest == signed.sha256:
                part.replace(path)
                return path
            part.unlink()
            if not kept:
                raise DataLoss(
                    f"The bytes of {path.name} have SHA-256 {digest}, not {signed.sha256}. Nothing was written.",
                    reason="DOWNLOAD_DIGEST_MISMATCH",
                    metadata={"sha256": digest, "declared_sha256": signed.sha256},
                )

    def _append(self, signed: DownloadUrl, part: Path, progress: Progress | None) -> None:
        """Bring `part` to its full size. Raises Unavailable when the connection breaks, PermissionDenied when the URL
        has expired; what came until then stays."""
        have = part.stat().st_size if part.exists() else 0
        if have > signed.size_bytes:
            part.unlink()
            have = 0
        if have == signed.size_bytes and part.exists():
            return
        with self._open(signed.url, have) as answer, open(part, "ab") as file:
            if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
                have = 0
                file.truncate(0)
            while block := _read(answer, have):
                file.write(block)
                have += len(block)
                if progress:
                    progress(have, signed.size_bytes)
        if have < signed.size_bytes:
            raise Unavailable(f"The download broke after {have} of {signed.size_bytes} bytes.")

    def _open(self, url: str, offset: int) -> http.client.HTTPResponse:
        url = urljoin(self._origin, url)
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=self._context)]
        parts = urlsplit(url)
        if _address.parse(f"{parts.scheme}://{parts.netloc}").loopback:
            handlers.append(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(url, headers=headers)
        try:
            return urllib.request.build_opener(*handlers).open(request, timeout=_SILENCE_S)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{parts.netloc} does not answer the download: {error}") from None


def _read(answer: http.client.HTTPResponse, have: int) -> bytes:
    try:
        return answer.read(_BLOCK)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"The download broke after {have} bytes: {error!r}") from None


def _refusal(error: urllib.error.HTTPError) -> ThreedError:
    if error.code in (401, 403):
        return PermissionDenied(f"The download URL was refused: {error.code} {error.reason}.")
    if error.code in (429, 502, 503, 504):
        return Unavailable(f"The server cannot send the file now: {error.code} {error.reason}.")
    return ThreedError(f"The server answered the download with {error.code} {error.reason}.")


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
