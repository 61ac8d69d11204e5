"""The birth of an asset: its row and the job that looks at it, in one transaction."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from google.protobuf import json_format
from sqlalchemy.ext.asyncio import AsyncConnection

from threed import ids
from threed.blobs import Blob
from threed.records import assets, jobs
from threed.v1 import jobs_pb2


async def begin(
    connection: AsyncConnection, *, id: uuid.UUID, project: str, blob: Blob, max_attempts: int, **values: Any
) -> sa.Row:
    """Insert an UPLOADED asset whose bytes are `blob`, and its ingest job. `values` are further columns."""
    job_id = ids.uuid7()
    row = await assets.create(
        connection,
        id=id,
        project=project,
        blob_key=blob.key,
        sha256=blob.sha256,
        size_bytes=blob.size,
        status="UPLOADED",
        asset_type="TYPE_UNSPECIFIED",
        job_id=job_id,
        **values,
    )
    source = jobs_pb2.BlobRef(key=blob.key, sha256=blob.sha256, size_bytes=blob.size)
    spec = jobs_pb2.IngestSpec(asset_id=ids.write("asset", id), source=source, filename=row.filename)
    if row.import_options is not None:
        json_format.ParseDict(row.import_options, spec.import_options)
    job = json_format.MessageToDict(jobs_pb2.Job(ingest=spec))
    await connection.execute(jobs.create(job_id, project, "ingest", id, job, priority=0, max_attempts=max_attempts))
    return row
