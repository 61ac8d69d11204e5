"""Alembic's entry: `threed.records.schema` hands it a connection."""

from alembic import context

from threed.records.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
