"""The stack with the parts of production: blobs in S3, hints over RabbitMQ, several servers and workers."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Iterator

import grpc
import pytest
from tests.servers.folder import short_folder
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.s3 import Bucket
from tests.stack import RunningStack, running_stack

from threed.v1 import assets_pb2, assets_pb2_grpc, render_jobs_pb2, render_jobs_pb2_grpc
from threed_workers.samples import animated_model


@pytest.fixture
def production(bucket: Bucket, rabbitmq_url: str) -> Iterator[RunningStack]:
    """Two servers, two workers, an S3 server and a broker."""
    access = bucket.access
    environment = {
        "THREED_S3_ENDPOINT": access.endpoint,
        "THREED_S3_BUCKET": bucket.name,
        "THREED_S3_ACCESS_KEY": access.access_key,
        "THREED_S3_SECRET_KEY": access.secret_key,
        "THREED_S3_REGION": access.region,
        "THREED_S3_SECURE": "false",
        "THREED_BROKER_URL": rabbitmq_url,
    }
    with short_folder() as folder, running_stack(folder, "--servers", "2", "--workers", "2", **environment) as stack:
        stack.wait_until_able()
        yield stack


def test_the_main_job_runs_on_s3_and_rabbitmq(production: RunningStack, rabbitmq: RabbitMQ):
    model = animated_model()
    metadata = [("authorization", f"Bearer {production.token()}")]
    with grpc.insecure_channel(production.address) as channel:
        assets = assets_pb2_grpc.AssetServiceStub(channel)
        renders = render_jobs_pb2_grpc.RenderServiceStub(channel)

        # Given a model that was uploaded and checked
        messages = [
            assets_pb2.UploadAssetRequest(filename="a.glb" if not i else "", media={"data": model[i : i + (1 << 18)]})
            for i in range(0, len(model), 1 << 18)
        ]
        asset = assets.UploadAsset(iter(messages), metadata=metadata)
        for change in assets.WatchAsset(assets_pb2.WatchAssetRequest(asset_id=asset.asset_id), metadata=metadata):
            asset = change.asset
        assert asset.status == assets_pb2.Asset.VALIDATED, asset.error

        # When it is rendered
        job = renders.CreateRenderJob(
            render_jobs_pb2.CreateRenderJobRequest(
                render_job={"asset_id": asset.asset_id, "resolution": {"width": 128, "height": 96}}
            ),
            metadata=metadata,
        )
        for change in renders.WatchRenderJob(
            render_jobs_pb2.WatchRenderJobRequest(job_id=job.job_id), metadata=metadata
        ):
            job = change.render_job
        assert job.status == render_jobs_pb2.RenderJob.COMPLETED, job.error

        # Then the picture and the original come through the gateway, in parts too
        url = renders.GetRenderJobDownloadUrl(
            render_jobs_pb2.GetRenderJobDownloadUrlRequest(job_id=job.job_id), metadata=metadata
        )
        original = assets.GetAssetDownloadUrl(
            assets_pb2.GetAssetDownloadUrlRequest(asset_id=asset.asset_id), metadata=metadata
        )
    assert url.url.startswith(production.url)
    with urllib.request.urlopen(url.url) as reply:
        picture = reply.read()
    assert picture.startswith(b"\x89PNG") and hashlib.sha256(picture).hexdigest() == url.sha256
    part = urllib.request.Request(original.url, headers={"range": "bytes=0-3"})
    with urllib.request.urlopen(part) as reply:
        assert (reply.status, reply.read()) == (206, b"glTF")
    # And the hints went over the broker: every kind of job has its queue there
    names = {queue["name"] for queue in rabbitmq.manage("GET", "/api/queues")}
    assert {"ingest", "render", "probe"} <= names
