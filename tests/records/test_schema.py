"""The migrations make the tables that the code believes in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from threed.records.schema import configuration, migrate, newest
from threed.records.tables import metadata


def test_the_migrations_make_exactly_the_tables(database_url: str):
    migrate(database_url)
    migrate(database_url)
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_the_newest_revision_is_the_head_of_the_migrations(database_url: str):
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        scripts = ScriptDirectory.from_config(configuration(connection))
    engine.dispose()
    assert scripts.get_current_head() == newest()
