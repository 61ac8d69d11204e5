"""What recipes make of models (DerivativeService)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from threed_client._downloading import Downloader, Progress
from threed_client._gen.threed.v1 import (
    CancelDerivativeRequest,
    CreateDerivativeRequest,
    DeleteDerivativeRequest,
    Derivative,
    DerivativeServiceSyncStub,
    DerivativeStatus,
    DownloadUrl,
    ExportFormat,
    GetDerivativeDownloadUrlRequest,
    GetDerivativeRequest,
    ListDerivativesRequest,
    RetryDerivativeRequest,
    WatchDerivativeRequest,
    WatchDerivativeResponse,
)
from threed_client._pages import every
from threed_client._watching import follow
from threed_client._wire import Wire

FINAL = frozenset({DerivativeStatus.COMPLETED, DerivativeStatus.FAILED, DerivativeStatus.CANCELLED})
EVERY_ASSET = "-"


class Derivatives:
    """`client.derivatives`."""

    def __init__(self, wire: Wire, downloader: Downloader):
        self._wire = wire
        self._stub = DerivativeServiceSyncStub(wire)
        self._downloader = downloader

    def create(
        self, asset_id: str, derivative: Derivative, *, validate_only: bool = False, no_cache: bool = False
    ) -> Derivative:
        """Ask for a derivative: `Derivative(preset="web")`, or with `recipe=Recipe(...)` or `recipe_id="rcp_..."`.

        Returns it at once, PENDING, or COMPLETED when the same was made before. With `validate_only`, nothing is made:
        the answer has the recipe that would be carried out, and in `plan` the memory and the time that takes.
        """
        request = CreateDerivativeRequest(
            asset_id=asset_id,
            derivative=derivative,
            request_id=str(uuid.uuid4()),
            validate_only=validate_only,
            no_cache=no_cache,
        )
        return self._stub.create_derivative(request)

    def get(self, asset_id: str, derivative_id: str) -> Derivative:
        """One derivative as it is now."""
        return self._stub.get_derivative(GetDerivativeRequest(asset_id=asset_id, derivative_id=derivative_id))

    def list(
        self, asset_id: str = EVERY_ASSET, *, filter: str = "", order_by: str = "", page_size: int = 0
    ) -> Iterator[Derivative]:
        """Every derivative of an asset, or of all, that fits the filter (AIP-160), newest first by default."""
        request = ListDerivativesRequest(asset_id=asset_id, filter=filter, order_by=order_by, page_size=page_size)
        return every(self._stub.list_derivatives, request, lambda page: page.derivatives)

    def cancel(self, asset_id: str, derivative_id: str) -> Derivative:
        """Stop it. A finished one stays as it is."""
        return self._stub.cancel_derivative(CancelDerivativeRequest(asset_id=asset_id, derivative_id=derivative_id))

    def retry(self, asset_id: str, derivative_id: str) -> Derivative:
        """Put a FAILED or CANCELLED one back to PENDING."""
        request = RetryDerivativeRequest(asset_id=asset_id, derivative_id=derivative_id)
        return DerivativeServiceSyncStub(self._wire.once()).retry_derivative(request)

    def watch(
        self, asset_id: str, derivative_id: str, *, timeout: float | None = None
    ) -> Iterator[WatchDerivativeResponse]:
        """Every change until it is COMPLETED, FAILED or CANCELLED, across broken connections; the present first.

        `timeout` is for the whole watch, in seconds; DeadlineExceeded after it. None: as long as it takes.
        """
        request = WatchDerivativeRequest(asset_id=asset_id, derivative_id=derivative_id)
        return follow(
            self._wire,
            lambda wire: DerivativeServiceSyncStub(wire).watch_derivative(request),
            lambda change: change.derivative is not None and change.derivative.status in FINAL,
            timeout,
        )

    def wait(self, asset_id: str, derivative_id: str, timeout: float | None = None) -> Derivative:
        """It, once it is COMPLETED, FAILED or CANCELLED: look at `status`, and at `error` when it FAILED."""
        *_, last = self.watch(asset_id, derivative_id, timeout=timeout)
        return last.derivative

    def download_url(
        self,
        asset_id: str,
        derivative_id: str,
        format: ExportFormat = ExportFormat.EXPORT_FORMAT_UNSPECIFIED,
        *,
        lod_level: int = 0,
    ) -> DownloadUrl:
        """A URL that anyone may read one of its files with, until it expires; the first file by default."""
        request = GetDerivativeDownloadUrlRequest(
            asset_id=asset_id, derivative_id=derivative_id, format=format, lod_level=lod_level
        )
        return self._stub.get_derivative_download_url(request)

    def download(
        self,
        asset_id: str,
        derivative_id: str,
        path: str | os.PathLike[str],
        format: ExportFormat = ExportFormat.EXPORT_FORMAT_UNSPECIFIED,
        *,
        lod_level: int = 0,
        progress: Progress | None = None,
    ) -> Path:
        """Write one of its files to `path`, which appears when it is whole and its SHA-256 is right."""

        def url() -> DownloadUrl:
            return self.download_url(asset_id, derivative_id, format, lod_level=lod_level)

        return self._downloader.fetch(url, Path(path), progress)

    def delete(self, asset_id: str, derivative_id: str) -> None:
        """Delete a finished one and its files for good."""
        self._stub.delete_derivative(DeleteDerivativeRequest(asset_id=asset_id, derivative_id=derivative_id))
