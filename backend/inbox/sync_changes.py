"""The changes of some conversations, up to a page for each. Answers to /sync and `resume` consist of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, BigInteger, ColumnElement, Row, String, and_, case, column, select, values

from backend.inbox.service import inbox_of
from backend.messages.fields import MESSAGE_COLUMNS
from backend.messages.serialise import messages_json
from backend.models import Conversation, Message, RoomMembership, User
from backend.models.base import db
from backend.models.conversation import room_conversation_id
from backend.users.serialise import users_json

_c, _m, _rm = (model.__table__.c for model in (Conversation, Message, RoomMembership))


@dataclass(frozen=True)
class Changes:
    """One conversation: the fields of its row, and its changed messages and members, both in the order of modseq.

    `is_truncated` is true if there are later changes.
    """

    head: dict[str, Any]
    messages: list[dict[str, Any]]
    members: list[dict[str, Any]]
    is_truncated: bool

    def ordered(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every change with its kind (`messages`, `members`), in the order of modseq."""
        both = [("messages", change) for change in self.messages] + [("members", change) for change in self.members]
        yield from sorted(both, key=lambda each: each[1]["modseq"])


def load_changes(user: User, since: Mapping[str, int], size: int, max_members: int | None = None) -> dict[str, Changes]:
    """The changes after the modseqs in *since* in those of its conversations that *user* may read.

    At most *size* messages and *max_members* members (by default *size*) of each. Takes a constant number of queries. The heads
    are read first, and later changes are not included.
    """
    rows = db.session.execute(inbox_of(user.id).where(_c.id.in_(since))).all()
    changed = [row for row in rows if row.last_modseq > since[row.id]]
    upto = _cutoffs(changed, since, size, max_members or size)
    reach = _reach(changed, since, upto)
    messages = _messages(user, reach) if changed else {}
    members = _members(user, reach) if any(row.room_id is not None for row in changed) else {}
    return {
        row.id: Changes(
            {
                "id": row.id,
                "last_seq": row.last_seq,
                "last_modseq": row.last_modseq,
                "last_read_seq": row.last_read_seq,
                "unread_count": row.unread_count,
            },
            messages.get(row.id, []),
            members.get(row.id, []),
            is_truncated=upto.get(row.id, row.last_modseq) < row.last_modseq,
        )
        for row in rows
    }


def _cutoffs(rows: Sequence[Row[Any]], since: Mapping[str, int], size: int, max_members: int) -> dict[str, int]:
    """The modseq up to which the changes of each conversation are included: its head, or the last change of its page."""
    upto = {row.id: row.last_modseq for row in rows}
    for of, name, limit in ((_m.conversation_id, _c.id, size), (_rm.room_id, _c.room_id, max_members)):
        # A conversation has no more changed messages or members than changes, so only a longer range can overflow its page.
        long = {row.id: since[row.id] for row in rows if row.last_modseq - since[row.id] > limit}
        if long:
            _cut(upto, long, of, name, limit)
    return upto


def _cut(
    upto: dict[str, int], long: Mapping[str, int], of: ColumnElement[Any], name: ColumnElement[Any], size: int
) -> None:
    """Lower *upto* to the modseq of change number *size* in the table of the column *of*, where there are more changes."""
    modseq_of = (_m if of is _m.conversation_id else _rm).modseq
    start = case(long, value=_c.id)
    changed = select(modseq_of).where(of == name, modseq_of > start).order_by(modseq_of).limit(1)
    last, following = (changed.offset(n).correlate(Conversation.__table__).scalar_subquery() for n in (size - 1, size))
    for id_, modseq, behind in db.session.execute(select(_c.id, last, following).where(_c.id.in_(long))):
        if behind is not None and behind <= upto[id_]:
            upto[id_] = modseq


def _reach(changed: Sequence[Row[Any]], since: Mapping[str, int], upto: Mapping[str, int]) -> CTE:
    """A table of the conversations with the ranges of modseqs to read. A join with it uses an index for each row."""
    columns = (
        column("id", String),
        column("room_id", BigInteger),
        column("since", BigInteger),
        column("upto", BigInteger),
    )
    rows = [(row.id, row.room_id, since[row.id], upto[row.id]) for row in changed]
    return values(*columns, name="reach").data(rows).cte("reach")


def _messages(user: User, reach: CTE) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    between = and_(_m.conversation_id == reach.c.id, _m.modseq > reach.c.since, _m.modseq <= reach.c.upto)
    statement = select(*MESSAGE_COLUMNS).join(reach, between).order_by(_m.conversation_id, _m.modseq)
    for message in messages_json(db.session.execute(statement).all(), user.id, db.session):
        grouped[message["conversation_id"]].append(message)
    return grouped


def _members(user: User, reach: CTE) -> dict[str, list[dict[str, Any]]]:
    """The memberships that changed in the same ranges, including those that ended (`left_at`)."""
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    between = and_(_rm.room_id == reach.c.room_id, _rm.modseq > reach.c.since, _rm.modseq <= reach.c.upto)
    statement = select(RoomMembership, User).join(User).join(reach, between).order_by(RoomMembership.modseq)
    found = db.session.execute(statement).all()
    people = {person["id"]: person for person in users_json([member for _, member in found], user)}
    for membership, member in found:
        grouped[room_conversation_id(membership.room_id)].append(
            {
                "user": people[member.id],
                "user_id": member.id,
                "room_id": membership.room_id,
                "modseq": membership.modseq,
                "is_admin": membership.is_admin,
                "joined_at": membership.joined_at,
                "left_at": membership.left_at,
            }
        )
    return grouped
