"""Separate databases for single tests, from the tests of the schema, and a storage."""

from tests.attachments.conftest import folder
from tests.schema.conftest import database, postgresql_database, sqlite_database

__all__ = ["database", "folder", "postgresql_database", "sqlite_database"]
