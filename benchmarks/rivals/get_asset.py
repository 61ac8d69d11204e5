"""The twin of GetAsset in FastAPI: the same token, row and answer, from the same PostgreSQL. Run by uvicorn.

`/v1/assets/{id}` remembers verified tokens as threed does; `/plain/v1/assets/{id}` verifies each time, as most do.
The answer's parts from JSON columns pass as they are, without a model: the cheapest way that FastAPI has.
"""

from __future__ import annotations

import datetime
import json
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import jwt
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=8, max_overflow=0)
keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(json.loads(Path(os.environ["JWKS"]).read_text())).keys}
metadata = sa.MetaData()
known: dict[str, dict] = {}


class Asset(BaseModel):
    asset_id: uuid.UUID
    display_name: str
    filename: str
    asset_type: str
    file_format: str
    storage_path: str
    upload_timestamp: datetime.datetime
    size_bytes: int
    sha256: str
    status: str
    error: dict[str, Any] | None
    metadata: dict[str, Any]
    tags: list[str]
    model: dict[str, Any] | None
    picture: dict[str, Any] | None
    validation: dict[str, Any] | None
    losses: list[Any]
    files: list[dict[str, Any]]
    etag: str
    created_by: str
    project: str
    update_time: datetime.datetime
    delete_time: datetime.datetime | None
    purge_time: datetime.datetime | None


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: metadata.reflect(sync, only=["assets"]))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


def verified(authorization: str) -> dict:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise HTTPException(401)
    try:
        key = keys[jwt.get_unverified_header(token)["kid"]]
        options = {"require": ["exp", "iat", "iss", "aud", "sub"]}
        claims = jwt.decode(token, key, ["ES256"], audience="threed-api", issuer="threed", options=options)
    except (jwt.PyJWTError, KeyError) as error:
        raise HTTPException(401) from error
    return claims


async def each_time(authorization: Annotated[str, Header()]) -> dict:
    return verified(authorization)


async def remembered(authorization: Annotated[str, Header()]) -> dict:
    claims = known.get(authorization)
    if claims is None or claims["exp"] < time.time():
        claims = known[authorization] = verified(authorization)
    return claims


@app.get("/v1/assets/{id}")
async def get(id: uuid.UUID, claims: Annotated[dict, Depends(remembered)]) -> Asset:
    return await read(id, claims["project"])


@app.get("/plain/v1/assets/{id}")
async def get_plain(id: uuid.UUID, claims: Annotated[dict, Depends(each_time)]) -> Asset:
    return await read(id, claims["project"])


async def read(id: uuid.UUID, project: str) -> Asset:
    table = metadata.tables["assets"]
    async with engine.connect() as connection:
        connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
        statement = sa.select(table).where(table.c.id == id, table.c.project == project)
        row = (await connection.execute(statement)).first()
    if row is None:
        raise HTTPException(404)
    original = {"kind": "ORIGINAL", "media_type": row.media_type, "size_bytes": row.size_bytes, "sha256": row.sha256}
    files = [{name: value for name, value in file.items() if name != "key"} for file in row.files]
    return Asset(
        asset_id=row.id,
        display_name=row.display_name,
        filename=row.filename,
        asset_type=row.asset_type,
        file_format=row.file_format,
        storage_path=row.blob_key,
        upload_timestamp=row.upload_timestamp,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        status=row.status,
        error=row.error,
        metadata=row.metadata,
        tags=row.tags,
        model=row.model,
        picture=row.picture,
        validation=row.validation,
        losses=row.losses,
        files=[original, *files],
        etag=f'"{row.revision}"',
        created_by=row.created_by,
        project=row.project,
        update_time=row.update_time,
        delete_time=row.delete_time,
        purge_time=row.purge_time,
    )
