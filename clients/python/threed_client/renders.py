"""Pictures and films of scenes and assets (RenderService)."""

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
    ListRenderFramesRequest,
    ListRenderJobsRequest,
    PauseRenderJobRequest,
    RenderFrame,
    RenderJob,
    RenderJobStatus,
    RenderServiceSyncStub,
    ResumeRenderJobRequest,
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

    def create(self, job: RenderJob, *, validate_only: bool = False, no_cache: bool = False) -> RenderJob:
        """Ask for pictures: `RenderJob(asset_id=...)` or `RenderJob(scene_id=...)`, and all that is not default.

        Returns the PENDING job at once; when an equal one was drawn before, COMPLETED and `cached`, unless `no_cache`.
        With `validate_only`, nothing is made: the answer has the defaults filled in, and `plan`, what it would take.
        """
        request = CreateRenderJobRequest(
            render_job=job, request_id=str(uuid.uuid4()), validate_only=validate_only, no_cache=no_cache
        )
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

    def pause(self, job_id: str) -> RenderJob:
        """Begin no more frames of a job; those under way are finished. A finished job stays as it is."""
        return self._stub.pause_render_job(PauseRenderJobRequest(job_id=job_id))

    def resume(self, job_id: str) -> RenderJob:
        """Go on with a paused job. Another stays as it is."""
        return self._stub.resume_render_job(ResumeRenderJobRequest(job_id=job_id))

    def frames(self, job_id: str, *, filter: str = "", page_size: int = 0) -> Iterator[RenderFrame]:
        """The frames of a job in their order, those that fit the filter (AIP-160); `error` says why one FAILED."""
        request = ListRenderFramesRequest(job_id=job_id, filter=filter, page_size=page_size)
        return every(self._stub.list_render_frames, request, lambda page: page.frames)

    def watch(
        self, job_id: str, *, previews: bool = False, timeout: float | None = None
    ) -> Iterator[WatchRenderJobResponse]:
        """Every change until the job is COMPLETED, FAILED or CANCELLED, across broken connections; the present first.

        No status is missed: after a break it goes on from the last message that came. With `previews`, some messages
        have a `preview`: a small picture of how far the newest frame is. `timeout` is for the whole watch, in seconds;
        DeadlineExceeded after it. None: as long as it takes.
        """
        request = WatchRenderJobRequest(job_id=job_id, previews=previews)

        def start(wire: Wire) -> Iterator[WatchRenderJobResponse]:
            for change in RenderServiceSyncStub(wire).watch_render_job(request):
                request.resume_token = change.resume_token
                yield change

        return follow(
            self._wire,
            start,
            lambda change: change.render_job is not None and change.render_job.status in FINAL,
            timeout,
        )

    def wait(self, job_id: str, timeout: float | None = None) -> RenderJob:
        """The job once it is COMPLETED, FAILED or CANCELLED: look at `status`, and at `error` when it FAILED."""
        *_, last = self.watch(job_id, timeout=timeout)
        return last.render_job

    def download_url(self, job_id: str, output: str = "") -> DownloadUrl:
        """A URL that anyone may read an output with, until it expires. `output` is its name; "" means the first."""
        return self._stub.get_render_job_download_url(GetRenderJobDownloadUrlRequest(job_id=job_id, output=output))

    def download(
        self, job_id: str, path: str | os.PathLike[str], *, output: str = "", progress: Progress | None = None
    ) -> Path:
        """Write an output of a COMPLETED job to `path`, which appears when it is whole and its SHA-256 is right."""
        return self._downloader.fetch(lambda: self.download_url(job_id, output), Path(path), progress)

    def download_all(self, job_id: str, folder: str | os.PathLike[str]) -> list[Path]:
        """Write every output of a COMPLETED job into `folder`, under its own name: `camera0.png`, `camera1.png` ...

        The folder is made if it is not there.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        names = [output.name for output in self.get(job_id).outputs]
        return [self.download(job_id, folder / Path(name).name, output=name) for name in names]

    def delete(self, job_id: str) -> None:
        """Delete a finished job and its outputs for good."""
        self._stub.delete_render_job(DeleteRenderJobRequest(job_id=job_id))
