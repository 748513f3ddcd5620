"""The index of full-text search. It is derived from the messages, and can be rebuilt from them."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, BigInt

DERIVED = {"info": {"is_derived": True}}
"""Tables that are not copied to another database, but rebuilt there."""


class MessageSearch(Base):
    """The terms of a message, on PostgreSQL. Empty on SQLite, which has `search_blocks`."""

    __tablename__ = "message_search"
    __table_args__ = (Index("ix_message_search_terms", "terms", postgresql_using="gin"), DERIVED)

    message_id: Mapped[int] = mapped_column(
        BigInt, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    conversation_id: Mapped[str] = mapped_column(String(100))
    terms: Mapped[str] = mapped_column(TSVECTOR().with_variant(Text(), "sqlite"))


class SearchBlock(Base):
    """The messages in a block of ids that have a term, on SQLite. Empty on PostgreSQL, which has `message_search`."""

    __tablename__ = "search_blocks"
    __table_args__ = (
        Index("ix_search_blocks_block", "block", sqlite_where=text("term = ''")),
        DERIVED | {"sqlite_with_rowid": False},
    )

    block: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    term: Mapped[str] = mapped_column(Text, primary_key=True)
    members: Mapped[bytes] = mapped_column(LargeBinary)


class SearchVersion(Base):
    """Which tokenizer built the whole index: one row."""

    __tablename__ = "search_version"
    __table_args__ = (DERIVED,)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tokenizer: Mapped[str] = mapped_column(String(40))
