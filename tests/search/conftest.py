"""Databases of a test's own, as the tests of the schema have them."""

from tests.schema.conftest import database, postgresql_database, sqlite_database

__all__ = ["database", "postgresql_database", "sqlite_database"]
