"""The texts of a message that search covers, and the filters of a search."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, exists, select

from backend.models import Attachment, Message

_m = Message.__table__.c
_a = Attachment.__table__.c


class Document(NamedTuple):
    """The searchable texts of a message that is not deleted."""

    message_id: int
    conversation_id: str
    content: str
    filenames: Sequence[str] = ()
    """The filenames of its attachments."""

    @property
    def texts(self) -> list[str]:
        """The content and the filenames."""
        return [self.content, *self.filenames]


class Candidates(NamedTuple):
    """Messages that may match a query."""

    message_ids: list[int]
    has_terms: bool
    """True if all of them contain the terms of the query."""


@dataclass(frozen=True)
class Scope:
    """The messages that a search covers."""

    conversation_ids: Collection[str]
    sender_id: int | None = None
    before: datetime | None = None
    after: datetime | None = None
    has_attachment: bool = False

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions on a message, besides its conversation. Empty if no filter was given."""
        wanted: list[ColumnElement[bool]] = []
        if self.sender_id is not None:
            wanted.append(_m.sender_id == self.sender_id)
        if self.before is not None:
            wanted.append(_m.created_at < self.before)
        if self.after is not None:
            wanted.append(_m.created_at > self.after)
        if self.has_attachment:
            own = Attachment.__table__.alias()
            wanted.append(exists().where(own.c.message_id == _m.id))
        return wanted


def read_documents(connection: Connection, *where: ColumnElement[bool], limit: int | None = None) -> list[Document]:
    """Return the documents of the messages that fulfil *where*, ordered by id."""
    rows = connection.execute(
        select(_m.id, _m.conversation_id, _m.content)
        .where(_m.deleted_at.is_(None), *where)
        .order_by(_m.id)
        .limit(limit)
    ).all()
    if not rows:
        return []
    names = filenames_of(connection, _m.id.between(rows[0].id, rows[-1].id), *where)
    return [Document(*row, names.get(row.id, ())) for row in rows]


def filenames_of(executor: Any, *where: ColumnElement[bool]) -> dict[int, list[str]]:
    """Return the filenames of the attachments of the messages that fulfil *where*, by message id."""
    names: dict[int, list[str]] = defaultdict(list)
    statement = select(_a.message_id, _a.filename).join_from(
        Attachment.__table__, Message.__table__, _m.id == _a.message_id
    )
    for message_id, filename in executor.execute(statement.where(*where).order_by(_a.id)):
        names[message_id].append(filename)
    return names
