"""Brings the database to the schema of this version, once, however many processes start together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
# Any fixed number: who holds this advisory lock migrates, the others wait.
_LOCK = 0x746872656564


def newest() -> str:
    """The revision that this version needs: files of migrations are named by it, and count upwards."""
    return max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def migrate(url: str) -> None:
    """Run all missing migrations in one transaction. Raises OperationalError when `url` (SQLAlchemy's) is away."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"connect_timeout": 10})
    try:
        with engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            if _revision(connection) != newest():
                _upgrade(connection)
    finally:
        engine.dispose()


def configuration(connection: sa.Connection) -> Config:
    """Alembic's configuration, without an ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: sa.Connection) -> None:
    # Imported here: it costs a sixth of a server's start, and nearly every start has nothing to migrate.
    from alembic import command

    command.upgrade(configuration(connection), "head")
