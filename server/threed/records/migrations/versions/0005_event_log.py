"""The event log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UUID7 = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
  substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
  52, 1), 53, 1), 'hex')::uuid"""


def upgrade() -> None:
    op.create_table(
        "event_log",
        sa.Column("id", sa.UUID(), server_default=sa.text(_UUID7), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("asset_id", sa.UUID(), nullable=True),
        sa.Column("derivative_id", sa.UUID(), nullable=True),
        sa.Column("render_job_id", sa.UUID(), nullable=True),
        sa.Column("scene_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("event_log_pkey")),
    )
    newest = ["project", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")]
    op.create_index("event_log_newest", "event_log", newest, unique=False)
    op.create_index("event_log_created_at", "event_log", ["created_at"], unique=False)
    for name in ("asset_id", "derivative_id", "render_job_id"):
        where = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"event_log_{name}", "event_log", [name], unique=False, postgresql_where=where)
