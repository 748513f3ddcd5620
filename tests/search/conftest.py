"""Separate databases for single tests, from the tests of the schema; databases with messages for a module; and a storage."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.attachments.conftest import folder
from tests.schema.conftest import database, databases, kind, migrated, migrated_sqlite
from tests.search.corpus import Corpus

__all__ = ["database", "databases", "folder", "kind", "migrated", "migrated_sqlite"]


@pytest.fixture(scope="module")
def corpora(make_app: Callable[..., Flask], new_migrated_database: Callable[..., str]) -> list[Corpus]:
    """On SQLite and on PostgreSQL. Each has a database of its own: the rows of the others are deleted after each test."""
    return [Corpus(make_app({"DATABASE_URL": new_migrated_database(kind)})) for kind in ("sqlite", "postgresql")]
