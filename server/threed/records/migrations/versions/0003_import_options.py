"""Import options: how uploads are read and judged."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("assets", "uploads"):
        op.add_column(table, sa.Column("import_options", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
