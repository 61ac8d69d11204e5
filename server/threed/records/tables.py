"""The tables: the one truth about every resource and job. Times are the database's clock.

A resource's id is the bare UUIDv7; `threed.ids` writes it for callers. `revision` counts changes of what a caller can
see and makes the etag; a job's `sequence` counts the messages that a watcher can see.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

metadata = sa.MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

_NOW = sa.func.now()
_EMPTY_LIST = sa.text("'[]'::jsonb")
_EMPTY_TEXTS = sa.text("'{}'::text[]")
# A UUIDv7 (RFC 9562 section 5.7) without the function of PostgreSQL 18: a version 4, with the milliseconds as its first
# 48 bits and the version 4 (0100) made 7 (0111).
_UUID7 = sa.text("""encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
  substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
  52, 1), 53, 1), 'hex')::uuid""")


def _time(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), **options)


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


assets = sa.Table(
    "assets",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    _text("display_name"),
    _text("filename"),
    sa.Column("asset_type", sa.Text, nullable=False),  # Asset.Type by name
    _text("file_format"),
    sa.Column("media_type", sa.Text, nullable=False, server_default="application/octet-stream"),
    sa.Column("blob_key", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False),  # Asset.Status by name
    sa.Column("error", JSONB),  # google.rpc.Status as JSON
    sa.Column("metadata", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.Column("tags", ARRAY(sa.Text), nullable=False, server_default=_EMPTY_TEXTS),
    sa.Column("model", JSONB),  # Model as JSON, proto field names
    sa.Column("picture", JSONB),  # Picture as JSON, proto field names
    sa.Column("validation", JSONB),  # Validation as JSON, proto field names
    sa.Column("losses", JSONB, nullable=False, server_default=_EMPTY_LIST),
    # AssetFile as JSON with proto field names, and `key` in the object store. Without the original.
    sa.Column("files", JSONB, nullable=False, server_default=_EMPTY_LIST),
    sa.Column("import_options", JSONB),  # ImportOptions as JSON, proto field names; NULL: by default
    sa.Column("job_id", UUID),
    _text("created_by"),
    _time("upload_timestamp", nullable=False, server_default=_NOW),
    _time("update_time", nullable=False, server_default=_NOW),
    _time("delete_time"),
    _time("purge_time"),
    sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
    sa.Index("assets_newest", "project", sa.text("upload_timestamp DESC"), sa.text("id DESC")),
    sa.Index("assets_tags", "tags", postgresql_using="gin"),
    sa.Index("assets_metadata", "metadata", postgresql_using="gin", postgresql_ops={"metadata": "jsonb_path_ops"}),
    sa.Index("assets_blob_key", "blob_key"),
    sa.Index("assets_files", "files", postgresql_using="gin", postgresql_ops={"files": "jsonb_path_ops"}),
    sa.Index("assets_purge", "purge_time", postgresql_where=sa.text("purge_time IS NOT NULL")),
)

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False, server_default="0"),  # declared; 0: not
    _text("sha256"),  # declared; "": not
    _text("display_name"),
    sa.Column("tags", ARRAY(sa.Text), nullable=False, server_default=_EMPTY_TEXTS),
    sa.Column("metadata", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.Column("committed_size", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("status", sa.Text, nullable=False, server_default="OPEN"),  # Upload.Status by name
    # Who writes: each WriteUpload takes the next number, and a writer with an older one has lost the upload.
    sa.Column("writer", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("import_options", JSONB),  # ImportOptions as JSON, proto field names; NULL: by default
    sa.Column("asset_id", UUID),
    sa.Column("error", JSONB),
    _text("created_by"),
    _time("created_at", nullable=False, server_default=_NOW),
    _time("expire_time", nullable=False),
    sa.Index("uploads_newest", "project", sa.text("created_at DESC"), sa.text("id DESC")),
    sa.Index("uploads_expire", "expire_time", postgresql_where=sa.text("status = 'OPEN'")),
)

scenes = sa.Table(
    "scenes",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    _text("display_name"),
    sa.Column("tags", ARRAY(sa.Text), nullable=False, server_default=_EMPTY_TEXTS),
    sa.Column("content", JSONB, nullable=False),  # Scene as JSON: nodes, environment, background
    sa.Column("asset_ids", ARRAY(UUID), nullable=False),  # every asset that the content names
    _text("created_by"),
    _time("created_at", nullable=False, server_default=_NOW),
    _time("update_time", nullable=False, server_default=_NOW),
    _time("delete_time"),
    _time("purge_time"),
    sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
    sa.Index("scenes_newest", "project", sa.text("created_at DESC"), sa.text("id DESC")),
    sa.Index("scenes_asset_ids", "asset_ids", postgresql_using="gin"),
    sa.Index("scenes_purge", "purge_time", postgresql_where=sa.text("purge_time IS NOT NULL")),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # a field of Job.spec
    sa.Column("subject", UUID, nullable=False),  # the resource that it makes or checks
    sa.Column("state", sa.Text, nullable=False, server_default="PENDING"),  # RenderJob.Status by name
    sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("max_attempts", sa.Integer, nullable=False),
    # Grows with every claim. Whoever writes about a running job must hold the current one.
    sa.Column("fence", sa.BigInteger, nullable=False, server_default="0"),
    _time("lease_until"),
    sa.Column("worker", sa.Text),
    _time("run_after", nullable=False, server_default=_NOW),
    _time("hinted_at"),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("progress", sa.Float, nullable=False, server_default="0"),
    sa.Column("phase", sa.Text, nullable=False, server_default="queued"),
    sa.Column("sequence", sa.BigInteger, nullable=False, server_default="1"),
    sa.Column("spec", JSONB, nullable=False),  # Job as JSON
    sa.Column("error", JSONB),  # google.rpc.Status as JSON
    _time("created_at", nullable=False, server_default=_NOW),
    _time("started_at"),
    _time("finished_at"),
    # Of a part: the job that it is a part of, and its place among the parts.
    sa.Column("parent", UUID, sa.ForeignKey("jobs.id", ondelete="CASCADE")),
    sa.Column("ordinal", sa.Integer, nullable=False, server_default="0"),
    # Of a whole: how many parts it has, how many are not final, COMPLETED, FAILED.
    sa.Column("parts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("parts_open", sa.Integer, nullable=False, server_default="0"),
    sa.Column("parts_done", sa.Integer, nullable=False, server_default="0"),
    sa.Column("parts_failed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("paused", sa.Boolean, nullable=False, server_default=sa.false()),
    # What callers see: a whole is PROCESSING from its first part's begin on.
    sa.Column("status", sa.Text, sa.Computed("job_status(state, paused, parts, started_at)", persisted=True)),
    # Every status that it had, [{"status", "sequence", "at"}], oldest first: written by a trigger.
    sa.Column("history", JSONB, nullable=False, server_default=_EMPTY_LIST),
    sa.CheckConstraint("state IN ('PENDING','WAITING','PROCESSING','COMPLETED','FAILED','CANCELLED')", name="state"),
    sa.Index(
        "jobs_ready",
        "project",
        sa.text("priority DESC"),
        "run_after",
        "ordinal",
        postgresql_where=sa.text("state = 'PENDING' AND NOT paused"),
    ),
    sa.Index("jobs_lease", "lease_until", postgresql_where=sa.text("state = 'PROCESSING'")),
    sa.Index("jobs_subject", "subject"),
    sa.Index("jobs_parent", "parent", "ordinal", postgresql_where=sa.text("parent IS NOT NULL")),
)

# The primary key makes a second published result of one job impossible.
outputs = sa.Table(
    "outputs",
    metadata,
    sa.Column("job_id", UUID, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("keys", ARRAY(sa.Text), nullable=False),  # of the blobs that the job published
    sa.Index("outputs_keys", "keys", postgresql_using="gin"),
)

render_jobs = sa.Table(
    "render_jobs",
    metadata,
    sa.Column("id", UUID, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("scene_id", UUID),
    sa.Column("asset_id", UUID),
    sa.Column("scene_revision", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("request", JSONB, nullable=False),  # RenderJob as JSON, its input fields with defaults filled in
    sa.Column("output_format", sa.Text, nullable=False),
    _text("preset"),
    sa.Column("engine_used", sa.Text, nullable=False, server_default=""),
    sa.Column("frame_count", sa.Integer, nullable=False, server_default="1"),
    # RenderOutput as JSON, proto field names, and the blob's key.
    sa.Column("outputs", JSONB, nullable=False, server_default=_EMPTY_LIST),
    sa.Column("cache_key", sa.Text),  # SHA-256 of what is drawn and by what: equal ones are equal; NULL: not known
    sa.Column("cached", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("losses", JSONB, nullable=False, server_default=_EMPTY_LIST),
    _text("created_by"),
    _time("created_at", nullable=False, server_default=_NOW),
    sa.Index("render_jobs_newest", "project", sa.text("created_at DESC"), sa.text("id DESC")),
    sa.Index("render_jobs_cache_key", "project", "cache_key"),
    sa.Index("render_jobs_outputs", "outputs", postgresql_using="gin", postgresql_ops={"outputs": "jsonb_path_ops"}),
)

# What a finished part of a render job has drawn.
render_frames = sa.Table(
    "render_frames",
    metadata,
    sa.Column("id", UUID, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("keys", ARRAY(sa.Text), nullable=False),  # of the blobs of its pictures, as long as they are kept
    # engine_used, render_s, samples, losses; outputs as in render_jobs.
    sa.Column("result", JSONB, nullable=False),
    sa.Index("render_frames_keys", "keys", postgresql_using="gin"),
)

# The newest small picture of each running render job. Worth nothing after a crash.
previews = sa.Table(
    "previews",
    metadata,
    sa.Column("id", UUID, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),  # of the whole
    sa.Column("number", sa.BigInteger, nullable=False),  # grows
    sa.Column("frame", sa.Integer, nullable=False),
    sa.Column("samples_done", sa.Integer, nullable=False),
    sa.Column("samples", sa.Integer, nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("width_px", sa.Integer, nullable=False),
    sa.Column("height_px", sa.Integer, nullable=False),
    sa.Column("image", sa.LargeBinary, nullable=False),
    prefixes=["UNLOGGED"],
)

derivatives = sa.Table(
    "derivatives",
    metadata,
    sa.Column("id", UUID, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("asset_id", UUID, nullable=False),
    sa.Column("request", JSONB, nullable=False),  # Derivative as JSON, its input fields with the recipe filled in
    _text("preset"),
    sa.Column("recipe_id", UUID),  # of `recipes`; it stays when that row goes
    sa.Column("recipe_revision", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("source_sha256", sa.Text, nullable=False),
    sa.Column("recipe_sha256", sa.Text, nullable=False),
    sa.Column("cache_key", sa.Text, nullable=False),  # SHA-256 of source, recipe and version: equal ones are equal
    sa.Column("cached", sa.Boolean, nullable=False, server_default=sa.false()),
    # DerivativeFile as JSON, proto field names, and the blob's key.
    sa.Column("files", JSONB, nullable=False, server_default=_EMPTY_LIST),
    sa.Column("result", JSONB),  # loss_report, validation, provenance as JSON, proto field names
    _text("created_by"),
    _time("created_at", nullable=False, server_default=_NOW),
    sa.Index("derivatives_newest", "project", sa.text("created_at DESC"), sa.text("id DESC")),
    sa.Index("derivatives_asset_id", "asset_id", sa.text("created_at DESC"), sa.text("id DESC")),
    sa.Index("derivatives_cache_key", "project", "cache_key"),
    sa.Index("derivatives_files", "files", postgresql_using="gin", postgresql_ops={"files": "jsonb_path_ops"}),
)

recipes = sa.Table(
    "recipes",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    _text("display_name"),
    sa.Column("tags", ARRAY(sa.Text), nullable=False, server_default=_EMPTY_TEXTS),
    # The latest of recipe_revisions; `revision` counts changes of the name and the tags too.
    sa.Column("recipe_revision", sa.BigInteger, nullable=False, server_default="1"),
    _text("created_by"),
    _time("created_at", nullable=False, server_default=_NOW),
    _time("update_time", nullable=False, server_default=_NOW),
    sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
    sa.Index("recipes_newest", "project", sa.text("created_at DESC"), sa.text("id DESC")),
)

# Rows are inserted, and go with their recipe; none is ever changed.
recipe_revisions = sa.Table(
    "recipe_revisions",
    metadata,
    sa.Column("recipe_id", UUID, sa.ForeignKey("recipes.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("recipe_revision", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("recipe", JSONB, nullable=False),  # Recipe as JSON, with its defaults filled in
)

# What became of the resources above; the rows outlive them. Their ids are made here, because statements on many rows
# record them.
event_log = sa.Table(
    "event_log",
    metadata,
    sa.Column("id", UUID, primary_key=True, server_default=_UUID7),
    sa.Column("sequence", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),  # one of event_log.TYPES
    sa.Column("status", sa.Text, nullable=False),  # of the resource: Asset.Status, Derivative.Status ... by name
    sa.Column("error", JSONB),  # google.rpc.Status as JSON
    sa.Column("asset_id", UUID),
    sa.Column("derivative_id", UUID),
    sa.Column("render_job_id", UUID),
    sa.Column("scene_id", UUID),
    _time("created_at", nullable=False, server_default=_NOW),
    sa.Index("event_log_newest", "project", sa.text("created_at DESC"), sa.text("id DESC")),
    sa.Index("event_log_created_at", "created_at"),
    *(
        sa.Index(f"event_log_{name}", name, postgresql_where=sa.text(f"{name} IS NOT NULL"))
        for name in ("asset_id", "derivative_id", "render_job_id")
    ),
)

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False),  # SHA-256 of method and content
    sa.Column("resource", UUID, nullable=False),
    _time("created_at", nullable=False, server_default=_NOW),
    sa.Index("requests_created_at", "created_at"),
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("capabilities", JSONB, nullable=False),  # Capabilities as JSON: formats, engines, environments
    _time("seen_at", nullable=False, server_default=_NOW),
)
