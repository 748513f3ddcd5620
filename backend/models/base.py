"""What all tables share: key, times, and column types that behave the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Identity, Integer, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.types import TypeDecorator

from backend.extensions import Base, db

__all__ = ["Base", "BigInt", "Keyed", "Timestamped", "UtcDateTime", "db", "insert_on_conflict", "utcnow"]

BigInt = BigInteger().with_variant(Integer(), "sqlite")


def utcnow() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def insert_on_conflict(table: Any) -> Any:
    """An INSERT in the dialect of this database, with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return postgresql.insert(table) if db.engine.dialect.name == "postgresql" else sqlite.insert(table)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite stores no time zone, so it is added when a value is read. Naive times raise ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the time is naive; an aware time is needed")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Timestamped:
    """When the row was created and last changed."""

    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, server_default=func.current_timestamp())
    updated_at: Mapped[datetime] = mapped_column(
        UtcDateTime, default=utcnow, onupdate=utcnow, server_default=func.current_timestamp()
    )


class Keyed(Timestamped):
    """A table with a numeric key. A key is never used again, not even after its row was deleted."""

    id: Mapped[int] = mapped_column(BigInt, Identity(), primary_key=True, sort_order=-1)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805  # SQLAlchemy calls it on the class
        return (*getattr(cls, "table_constraints", ()), {"sqlite_autoincrement": True})
