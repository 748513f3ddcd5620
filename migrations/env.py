"""How Alembic reaches the database: Flask-Migrate's application, on a connection whose statements may take their time."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from backend.models.base import UtcDateTime
from backend.schema.drift import comparison

OURS = ("render_as_batch", "compare_type", "compare_server_default")
database = current_app.extensions["migrate"].db


def render_item(kind: str, item: object, autogen_context: object) -> str | bool:
    """Write our own types as the plain ones that they are in the database: migrations must not import models."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    """Run the migrations over *connection*, each in a transaction of its own, on SQLite too."""
    options = {k: v for k, v in current_app.extensions["migrate"].configure_args.items() if k not in OURS}
    context.configure(
        connection=connection,
        target_metadata=database.metadata,
        render_item=render_item,
        transactional_ddl=True,
        transaction_per_migration=True,
        render_as_batch=True,
        **comparison(connection.dialect.name),
        **options,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    """Open a connection that fits a migration, run, and put it back as it was."""
    engine = database.engine
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql("SET idle_in_transaction_session_timeout = 0")
            connection.commit()
            run(connection)
            connection.invalidate()
        else:
            # SQLite rebuilds a table to change it; the foreign keys that point there must not cascade meanwhile.
            driver.execute("PRAGMA foreign_keys=OFF")
            try:
                run(connection)
            finally:
                connection.rollback()
                driver.execute("PRAGMA foreign_keys=ON")


main()
