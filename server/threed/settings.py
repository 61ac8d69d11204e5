"""Every setting of server and workers, from the environment: `THREED_` and the field's name in capitals.

The documentation page docs/settings.md is written from this class, and a test keeps them the same.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MIB = 1024 * 1024


def setting(default: Any, doc: str) -> Any:
    """A field with its sentence of documentation."""
    return dataclasses.field(default=default, metadata={"doc": doc})


@dataclasses.dataclass(frozen=True)
class Settings:
    """What an operator can set. Sizes are in bytes, times in seconds."""

    data_dir: str = setting(
        "~/.local/share/threed", "Where the embedded stack keeps its database, blobs, keys and logs."
    )
    database_url: str = setting("", "PostgreSQL 15 to 18, as `postgresql://user:password@host/database`.")
    listen: str = setting("127.0.0.1:50051", "Where the gRPC server listens. Several processes may share the port.")
    blobs_listen: str = setting("127.0.0.1:50052", "Where downloads of the disk store are served, behind Envoy.")
    public_url: str = setting(
        "http://127.0.0.1:8080", "What callers reach the gateway by; download URLs begin with it."
    )
    broker_url: str = setting("", "RabbitMQ, as `amqp://user:password@host/vhost`. Empty: queues live in PostgreSQL.")
    blobs_dir: str = setting("", "Folder of the disk store. Empty: `blobs` in data_dir.")
    scratch_dir: str = setting("", "Folder of the workers' private job folders. Empty: `scratch` in data_dir.")
    s3_endpoint: str = setting("", "`host:port` of an S3 server. Set: blobs live there instead of on disk.")
    s3_public_endpoint: str = setting("", "`host:port` that callers reach the S3 server by. Empty: that of public_url.")
    s3_bucket: str = setting("threed", "The bucket of the blobs; must exist.")
    s3_access_key: str = setting("", "Access key of the S3 server.")
    s3_secret_key: str = setting("", "Secret key of the S3 server.")
    s3_region: str = setting("us-east-1", "Region of the bucket.")
    s3_secure: bool = setting(True, "Whether the S3 server is reached by TLS.")
    jwks: str = setting(
        "", "Public keys of the tokens' issuer: a file, or an https URL. Empty: `keys/jwks.json` in data_dir."
    )
    jwt_issuer: str = setting("threed", "The `iss` that tokens must have.")
    jwt_audience: str = setting("threed-api", "The `aud` that tokens must have.")
    secret_file: str = setting(
        "", "File with 32 or more random bytes that sign page tokens and URLs. Empty: in data_dir/keys."
    )
    max_upload_bytes: int = setting(20 * 1024 * MIB, "Largest upload.")
    max_chunk_bytes: int = setting(8 * MIB, "Largest chunk of UploadChunk.")
    upload_idle_timeout_s: float = setting(7 * 86400.0, "How long an upload waits for its next chunk.")
    download_url_lifetime_s: float = setting(900.0, "How long a download URL works.")
    delete_retention_s: float = setting(30 * 86400.0, "How long a soft-deleted resource can be undeleted.")
    event_retention_s: float = setting(30 * 86400.0, "How long events can be listed.")
    request_id_retention_s: float = setting(86400.0, "How long a request_id is remembered.")
    max_watchers: int = setting(5000, "Most watch streams of one server process.")
    max_message_bytes: int = setting(16 * MIB, "Largest gRPC message.")
    shutdown_grace_s: float = setting(10.0, "How long a stopping server lets calls finish.")
    database_pool_size: int = setting(8, "Database connections of one server process.")
    job_threads: int = setting(2, "Jobs that one worker runs at once.")
    job_lease_s: float = setting(10.0, "How long a silent worker keeps its job.")
    job_max_attempts: int = setting(5, "How often a job is tried when its worker is lost or its process crashes.")
    job_timeout_s: float = setting(600.0, "Longest run of a job's process, by the wall clock.")
    thumbnail_timeout_s: float = setting(
        60.0, "Longest drawing of thumbnails; an asset that needs more has none, and a warning."
    )
    job_cpu_s: float = setting(1200.0, "Most processor time of a job's process, over all its threads.")
    job_memory_bytes: int = setting(4096 * MIB, "Most memory of a job's process.")
    job_disk_bytes: int = setting(16 * 1024 * MIB, "Most disk of a job's private folder.")
    warm_engines: int = setting(4, "Idle engine processes that one worker keeps for the next render job. 0: none.")
    warm_engine_jobs: int = setting(200, "Render jobs after which an engine's process is replaced.")
    warm_engine_memory_bytes: int = setting(1024 * MIB, "An engine's process that holds more after a job is ended.")
    warm_engine_disk_bytes: int = setting(1024 * MIB, "Most files of earlier jobs that each of them keeps.")
    warm_engine_idle_s: float = setting(120.0, "How long an idle engine's process is kept.")
    max_render_pixels: int = setting(
        8192 * 4096, "Most pixels of a rendered picture. 8192 x 8192 needs 3 GiB of job_memory_bytes."
    )
    max_render_frames: int = setting(10_000, "Most frames of a render job.")
    project_max_running_jobs: int = setting(
        0, "Most jobs of one project that run at once, films counting by their frames. 0: any number."
    )
    max_image_pixels: int = setting(16384 * 16384, "Most pixels of an image in an upload, before it is decoded.")
    sweep_interval_s: float = setting(0.5, "How often each server looks for lost leases and unsent hints.")
    collect_interval_s: float = setting(
        600.0, "How often expired uploads, purged resources and orphaned blobs are removed."
    )
    orphan_age_s: float = setting(3600.0, "How old an unreferenced blob must be before it is removed.")
    log_level: str = setting("info", "debug, info, warning or error.")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the THREED_ variables. Raises ValueError naming a variable that does not parse."""
        environment = os.environ if environment is None else environment
        fields = {f"THREED_{field.name.upper()}": field for field in dataclasses.fields(cls)}
        values = {}
        for name, text in environment.items():
            if name in fields:
                values[fields[name].name] = _parse(name, text, fields[name].type)
        return cls(**values)

    @property
    def data(self) -> Path:
        return Path(self.data_dir).expanduser()

    @property
    def blobs(self) -> Path:
        return Path(self.blobs_dir) if self.blobs_dir else self.data / "blobs"

    @property
    def scratch(self) -> Path:
        return Path(self.scratch_dir) if self.scratch_dir else self.data / "scratch"

    @property
    def jwks_source(self) -> str:
        return self.jwks or str(self.data / "keys" / "jwks.json")

    def secret(self) -> bytes:
        """The bytes that sign page tokens and download URLs. Raises ValueError when there are too few."""
        path = Path(self.secret_file) if self.secret_file else self.data / "keys" / "secret"
        secret = path.read_bytes()
        if len(secret) < 32:
            raise ValueError(f"{path} has {len(secret)} bytes. Make one with `head -c 32 /dev/urandom > {path}`.")
        return secret

    def sqlalchemy_url(self) -> str:
        """database_url with the driver named. Raises ValueError when it is empty."""
        if not self.database_url:
            raise ValueError("THREED_DATABASE_URL is not set. `threed up` brings a database of its own.")
        scheme, _, rest = self.database_url.partition("://")
        return f"postgresql+psycopg://{rest}" if scheme in ("postgresql", "postgres") else self.database_url

    def libpq_url(self) -> str:
        """database_url as libpq reads it, for LISTEN and the embedded queue."""
        return self.sqlalchemy_url().replace("postgresql+psycopg://", "postgresql://", 1)


def _parse(name: str, text: str, kind: Any) -> Any:
    try:
        if kind == "bool":
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]
        return {"int": int, "float": float, "str": str}[kind](text)
    except (KeyError, ValueError):
        raise ValueError(f"{name} must be a {kind}; got {text!r}.") from None
