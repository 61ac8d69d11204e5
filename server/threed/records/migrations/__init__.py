"""Alembic migrations of the tables, run at start under a lock: see `threed.records.schema`."""
