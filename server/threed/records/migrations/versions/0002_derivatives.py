"""Derivatives: what recipes make of assets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "derivatives",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.UUID(), nullable=False),
        sa.Column("request", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("preset", sa.Text(), server_default="", nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("recipe_sha256", sa.Text(), nullable=False),
        sa.Column("cache_key", sa.Text(), nullable=False),
        sa.Column("cached", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "files", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["jobs.id"], name=op.f("derivatives_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("derivatives_pkey")),
    )
    for name, first in (("derivatives_newest", "project"), ("derivatives_asset_id", "asset_id")):
        newest = [first, sa.literal_column("created_at DESC"), sa.literal_column("id DESC")]
        op.create_index(name, "derivatives", newest, unique=False)
    op.create_index("derivatives_cache_key", "derivatives", ["project", "cache_key"], unique=False)
    op.create_index(
        "derivatives_files",
        "derivatives",
        ["files"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"files": "jsonb_path_ops"},
    )
