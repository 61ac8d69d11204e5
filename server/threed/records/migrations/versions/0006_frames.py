"""Jobs of parts, the history of what callers see of a job, frames, previews, and several outputs a job."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_EMPTY = sa.text("'[]'::jsonb")
_JSONB = postgresql.JSONB(astext_type=sa.Text())

_STATUS = """
    CREATE FUNCTION job_status(state text, paused boolean, parts integer, started_at timestamptz) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
      SELECT CASE WHEN paused AND state IN ('PENDING', 'WAITING') THEN 'PAUSED'
                  WHEN state = 'WAITING' AND started_at IS NULL THEN 'PENDING'
                  WHEN state = 'WAITING' OR state = 'PENDING' AND parts > 0 AND started_at IS NOT NULL THEN 'PROCESSING'
                  ELSE state END $$"""

# The last hundred; a job that is retried again and again does not grow without end.
_HISTORY = """
    CREATE FUNCTION job_history() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE status text := job_status(NEW.state, NEW.paused, NEW.parts, NEW.started_at);
    BEGIN
      IF NEW.parent IS NULL AND NEW.history -> -1 ->> 'status' IS DISTINCT FROM status THEN
        NEW.history := CASE WHEN jsonb_array_length(NEW.history) < 100 THEN NEW.history ELSE NEW.history - 0 END
          || jsonb_build_object('status', status, 'sequence', NEW.sequence, 'at', now());
      END IF;
      RETURN NEW;
    END $$"""


def upgrade() -> None:
    _give_jobs_parts()
    _keep_several_outputs()
    op.create_table(
        "render_frames",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("keys", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("result", _JSONB, nullable=False),
        sa.ForeignKeyConstraint(["id"], ["jobs.id"], name=op.f("render_frames_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("render_frames_pkey")),
    )
    op.create_index("render_frames_keys", "render_frames", ["keys"], unique=False, postgresql_using="gin")
    op.create_table(
        "previews",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column("samples_done", sa.Integer(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["jobs.id"], name=op.f("previews_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("previews_pkey")),
        prefixes=["UNLOGGED"],
    )


def _give_jobs_parts() -> None:
    op.execute(_STATUS)
    op.add_column("jobs", sa.Column("parent", sa.UUID(), nullable=True))
    op.create_foreign_key(op.f("jobs_parent_fkey"), "jobs", "jobs", ["parent"], ["id"], ondelete="CASCADE")
    for name in ("ordinal", "parts", "parts_open", "parts_done", "parts_failed"):
        op.add_column("jobs", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    op.add_column("jobs", sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    status = sa.Computed("job_status(state, paused, parts, started_at)", persisted=True)
    op.add_column("jobs", sa.Column("status", sa.Text(), status, nullable=True))
    op.add_column("jobs", sa.Column("history", _JSONB, server_default=_EMPTY, nullable=False))
    op.drop_constraint(op.f("jobs_state_check"), "jobs")
    states = "state IN ('PENDING','WAITING','PROCESSING','COMPLETED','FAILED','CANCELLED')"
    op.create_check_constraint(op.f("jobs_state_check"), "jobs", states)
    op.drop_index("jobs_ready", "jobs")
    ready = ["project", sa.literal_column("priority DESC"), "run_after", "ordinal"]
    op.create_index("jobs_ready", "jobs", ready, postgresql_where=sa.text("state = 'PENDING' AND NOT paused"))
    op.create_index("jobs_parent", "jobs", ["parent", "ordinal"], postgresql_where=sa.text("parent IS NOT NULL"))
    op.execute(_HISTORY)
    op.execute("CREATE TRIGGER job_history BEFORE INSERT OR UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION job_history()")


def _keep_several_outputs() -> None:
    op.add_column("render_jobs", sa.Column("preset", sa.Text(), server_default="", nullable=False))
    op.add_column("render_jobs", sa.Column("frame_count", sa.Integer(), server_default="1", nullable=False))
    op.add_column("render_jobs", sa.Column("outputs", _JSONB, server_default=_EMPTY, nullable=False))
    op.add_column("render_jobs", sa.Column("cache_key", sa.Text(), nullable=True))
    op.add_column("render_jobs", sa.Column("cached", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute("""
        UPDATE render_jobs SET outputs = jsonb_build_array(output || jsonb_build_object('key', output_key,
          'name', 'picture.' || CASE output ->> 'media_type' WHEN 'image/png' THEN 'png' WHEN 'image/jpeg' THEN 'jpg'
                                ELSE 'webp' END))
        WHERE output IS NOT NULL""")
    op.drop_index("render_jobs_output_key", "render_jobs")
    op.drop_column("render_jobs", "output_key")
    op.drop_column("render_jobs", "output")
    op.create_index("render_jobs_cache_key", "render_jobs", ["project", "cache_key"], unique=False)
    op.create_index(
        "render_jobs_outputs",
        "render_jobs",
        ["outputs"],
        postgresql_using="gin",
        postgresql_ops={"outputs": "jsonb_path_ops"},
    )
