"""Pictures of scenes and assets (RenderService)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from threed_client._downloading import Downloader, Progress
from threed_client._gen.threed.v1 import (
    CancelRenderJobRequest,
    CreateRenderJobRequest,
    DeleteRenderJobRequest,
    DownloadUrl,
    GetRenderJobDownloadUrlRequest,
    GetRenderJobRequest,
    ListRenderJobsRequest,
    RenderJob,
    RenderJobStatus,
    RenderServiceSyncStub,
    RetryRenderJobRequest,
    WatchRenderJobRequest,
    WatchRenderJobResponse,
)
from threed_client._pages import every
from threed_client._watching import follow
from threed_client._wire import Wire

FINAL = frozenset({RenderJobStatus.COMPLETED, RenderJobStatus.FAILED, RenderJobStatus.CANCELLED})


class Renders:
    """`client.renders`."""

    def __init__(self, wire: Wire, downloader: Downloader):
        self._wire = wire
        self._stub = RenderServiceSyncStub(wire)
        self._downloader = downloader

    def create(self, job: RenderJob, *, validate_only: bool = False) -> RenderJob:
        """Ask for a picture: `RenderJob(asset_id=...)` or `RenderJob(scene_id=...)`, and all that is not default.

        Returns the PENDING job at once. With `validate_only`, nothing is made: the answer has the defaults filled in.
        """
        request = CreateRenderJobRequest(render_job=job, request_id=str(uuid.uuid4()), validate_only=validate_only)
        return self._stub.create_render_job(request)

    def get(self, job_id: str) -> RenderJob:
        """One job as it is now."""
        return self._stub.get_render_job(GetRenderJobRequest(job_id=job_id))

    def list(self, *, filter: str = "", order_by: str = "", page_size: int = 0) -> Iterator[RenderJob]:
        """Every job that fits the filter (AIP-160), newest first unless `order_by` says otherwise."""
        request = ListRenderJobsRequest(filter=filter, order_by=order_by, page_size=page_size)
        return every(self._stub.list_render_jobs, request, lambda page: page.render_jobs)

    def cancel(self, job_id: str) -> RenderJob:
        """Stop a job. A finished one stays as it is."""
        return self._stub.cancel_render_job(CancelRenderJobRequest(job_id=job_id))

    def retry(self, job_id: str) -> RenderJob:
        """Put a FAILED or CANCELLED job back to PENDING."""
        return RenderServiceSyncStub(self._wire.once()).retry_render_job(RetryRenderJobRequest(job_id=job_id))

    def watch(self, job_id: str, *, timeout: float | None = None) -> Iterator[WatchRenderJobResponse]:
        """Every change until the job is COMPLETED, FAILED or CANCELLED, across broken connections; the present first.

        `timeout` is for the whole watch, in seconds; DeadlineExceeded after it. None: as long as it takes.
        """
        request = WatchRenderJobRequest(job_id=job_id)
        return follow(
            self._wire,
            lambda wire: RenderServiceSyncStub(wire).watch_render_job(request),
            lambda change: change.render_job is not None and change.render_job.status in FINAL,
            timeout,
        )

    def wait(self, job_id: str, timeout: float | None = None) -> RenderJob:
        """The job once it is COMPLETED, FAILED or CANCELLED: look at `status`, and at `error` when it FAILED."""
        *_, last = self.watch(job_id, timeout=timeout)
        return last.render_job

    def download_url(self, job_id: str) -> DownloadUrl:
        """A URL that anyone may read the picture with, until it expires."""
        return self._stub.get_render_job_download_url(GetRenderJobDownloadUrlRequest(job_id=job_id))

    def download(self, job_id: str, path: str | os.PathLike[str], *, progress: Progress | None = None) -> Path:
        """Write the picture of a COMPLETED job to `path`, which appears when it is whole and its SHA-256 is right."""
        return self._downloader.fetch(lambda: self.download_url(job_id), Path(path), progress)

    def delete(self, job_id: str) -> None:
        """Delete a finished job and its picture for good."""
        self._stub.delete_render_job(DeleteRenderJobRequest(job_id=job_id))
