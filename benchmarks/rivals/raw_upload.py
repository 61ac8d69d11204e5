"""What a Python web service does with an upload: stream the raw body to disk, hash it, and say what came.

With `?durable=1` it promises what threed does: file and folder are flushed before it answers. Run by uvicorn.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import uuid
from pathlib import Path

from fastapi import FastAPI, Request

FOLDER = Path(os.environ["FOLDER"])
app = FastAPI()


@app.post("/upload")
async def upload(request: Request, filename: str, durable: bool = False) -> dict:
    path, digest, size = FOLDER / uuid.uuid4().hex, hashlib.sha256(), 0
    with path.with_suffix(".part").open("wb") as file:
        async for chunk in request.stream():
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        if durable:
            file.flush()
            await asyncio.to_thread(os.fdatasync, file.fileno())
    path.with_suffix(".part").rename(path)
    if durable:
        await asyncio.to_thread(_flush_folder)
    return {"filename": filename, "size": size, "sha256": digest.hexdigest()}


def _flush_folder() -> None:
    folder = os.open(FOLDER, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
