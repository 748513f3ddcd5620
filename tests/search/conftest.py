"""Separate databases for single tests, from the tests of the schema."""

from tests.schema.conftest import database, postgresql_database, sqlite_database

__all__ = ["database", "postgresql_database", "sqlite_database"]
