"""A check of every row: sequence numbers without gaps, and right unread counts. It may run while the server is in use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import func, or_, select

from backend.inbox.service import unread_by_rows, unread_count
from backend.models import Conversation, ConversationEntry, Message, Room
from backend.models.base import db

PAGE = 200
_c, _e, _m = Conversation.__table__.c, ConversationEntry.__table__.c, Message.__table__.c


def check_consistency() -> Iterator[tuple[int, list[str]]]:
    """Check all conversations. Yields for each page the number of conversations, and a line for each fault.

    Each statement reads one snapshot, so concurrent sends cause no faults.
    """
    last = ""
    while ids := _page_after(last):
        yield len(ids), _numbering_of(ids) + _unread_of(ids)
        last = ids[-1]


def _page_after(last: str) -> Sequence[str]:
    """The next conversations by id. Deleted rooms are left out, because their messages are being deleted."""
    statement = (
        select(_c.id).outerjoin(Room, Room.id == _c.room_id).where(_c.id > last, Room.deleted_at.is_(None))
    )  # fmt: skip
    return db.session.scalars(statement.order_by(_c.id).limit(PAGE)).all()


def _numbering_of(ids: Sequence[str]) -> list[str]:
    count, seq, modseq = func.count(_m.id), func.coalesce(func.max(_m.seq), 0), func.coalesce(func.max(_m.modseq), 0)
    statement = (
        select(_c.id, _c.last_seq, count, seq, modseq, _c.last_modseq)
        .outerjoin(Message, _m.conversation_id == _c.id)
        .where(_c.id.in_(ids))
        .group_by(_c.id, _c.last_seq, _c.last_modseq)
        .having(or_(count != _c.last_seq, seq != _c.last_seq, modseq > _c.last_modseq))
        .order_by(_c.id)
    )
    return [
        f"{name}: last seq {last_seq}, last modseq {last_modseq}, but {held} messages up to seq {seq}, modseq {modseq}"
        for name, last_seq, held, seq, modseq, last_modseq in db.session.execute(statement)
    ]


def _unread_of(ids: Sequence[str]) -> list[str]:
    shown, counted = unread_count(_e.user_id), unread_by_rows(_e.user_id)
    statement = (
        select(_c.id, _e.user_id, shown, counted)
        .join(ConversationEntry, _e.conversation_id == _c.id)
        .where(_c.id.in_(ids), shown != counted)
        .order_by(_c.id, _e.user_id)
    )
    return [
        f"{name}: user {user_id} is shown {shown} unread messages, but has {counted}"
        for name, user_id, shown, counted in db.session.execute(statement)
    ]
