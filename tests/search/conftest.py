"""Separate databases for single tests, from the tests of the schema, and a storage."""

from tests.attachments.conftest import folder
from tests.schema.conftest import database, databases, kind, migrated, migrated_sqlite

__all__ = ["database", "databases", "folder", "kind", "migrated", "migrated_sqlite"]
