"""Stored recipes and their revisions, and which of them a derivative was made by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recipes",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), server_default="", nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
        sa.Column("recipe_revision", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("recipes_pkey")),
    )
    newest = ["project", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")]
    op.create_index("recipes_newest", "recipes", newest, unique=False)
    op.create_table(
        "recipe_revisions",
        sa.Column("recipe_id", sa.UUID(), nullable=False),
        sa.Column("recipe_revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("recipe", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["recipe_id"], ["recipes.id"], name=op.f("recipe_revisions_recipe_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recipe_id", "recipe_revision", name=op.f("recipe_revisions_pkey")),
    )
    op.add_column("derivatives", sa.Column("recipe_id", sa.UUID(), nullable=True))
    recipe_revision = sa.Column("recipe_revision", sa.BigInteger(), server_default="0", nullable=False)
    op.add_column("derivatives", recipe_revision)
