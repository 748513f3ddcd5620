"""Catching up: everything that changed since a client last looked (RFC 7162, CONDSTORE and QRESYNC, in spirit)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, and_, case, or_, select

from backend.messages.inbox import inbox_of
from backend.messages.serialise import MESSAGE_COLUMNS, messages_json
from backend.models import Conversation, Message, RoomMembership, User
from backend.models.base import db
from backend.models.conversation import room_conversation_id
from backend.users.serialise import users_json

PAGE = 200
"""The most messages of one conversation in an answer."""

TOTAL = 4_000
"""About how many messages an answer holds in all: with many conversations each gets a smaller page, and is truncated."""

_c, _m = Conversation.__table__.c, Message.__table__.c


def sync(user: User, seen: Mapping[str, int], only: Collection[str] | None = None) -> dict[str, Any]:
    """What changed in *user*'s conversations since the modseqs in *seen*; a conversation that it lacks was never seen.

    With *only*, nothing but these conversations is looked at: the further pages of an answer that was truncated.

    The heads are read first and nothing behind them is answered, so a change that comes meanwhile is found by the next
    call. Names in *seen* that the user may not read (any more) come back as `gone`.
    """
    statement = inbox_of(user.id)
    if only is not None:
        statement = statement.where(_c.id.in_(only))
    rows = db.session.execute(statement).all()
    since = {row.id: min(seen.get(row.id, 0), row.last_modseq) for row in rows}
    changed = [row for row in rows if row.last_modseq > since[row.id]]
    size = max(10, min(PAGE, TOTAL // max(1, len(changed))))
    upto = _cutoffs(changed, since, size)
    messages = _messages(user, since, upto)
    members = _members(user, changed, since, upto)
    return {
        "conversations": [
            {
                "id": row.id,
                "last_seq": row.last_seq,
                "last_modseq": row.last_modseq,
                "last_read_seq": row.last_read_seq,
                "unread_count": row.unread_count,
                "messages": messages[row.id],
                "members": members[row.id],
                "truncated": upto.get(row.id, row.last_modseq) < row.last_modseq,
            }
            for row in rows
        ],
        "gone": sorted(seen.keys() - since.keys()),
    }


def _cutoffs(rows: Sequence[Row[Any]], since: Mapping[str, int], size: int) -> dict[str, int]:
    """For each conversation the modseq up to which it is answered now: its head, or its page's last message."""
    upto = {row.id: row.last_modseq for row in rows}
    # There cannot be more changed messages than changes, so only a longer reach can overflow its page.
    long = {row.id: since[row.id] for row in rows if row.last_modseq - since[row.id] > size}
    if long:
        start = case(long, value=_c.id)
        changed = select(_m.modseq).where(_m.conversation_id == _c.id, _m.modseq > start).order_by(_m.modseq).limit(1)
        last, following = (
            changed.offset(n).correlate(Conversation.__table__).scalar_subquery() for n in (size - 1, size)
        )
        for id_, modseq, behind in db.session.execute(select(_c.id, last, following).where(_c.id.in_(long))):
            if behind is not None and behind <= upto[id_]:
                upto[id_] = modseq
    return upto


def _messages(user: User, since: Mapping[str, int], upto: Mapping[str, int]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    if not upto:
        return grouped
    reach = [and_(_m.conversation_id == id_, _m.modseq > since[id_], _m.modseq <= upto[id_]) for id_ in upto]
    statement = select(*MESSAGE_COLUMNS).where(or_(*reach)).order_by(_m.conversation_id, _m.modseq)
    for message in messages_json(db.session.execute(statement).all(), user.id, db.session):
        grouped[message["conversation_id"]].append(message)
    return grouped


def _members(
    user: User, rows: Sequence[Row[Any]], since: Mapping[str, int], upto: Mapping[str, int]
) -> dict[str, list[dict[str, Any]]]:
    """The memberships that changed in the same reach, those that ended among them (`left_at`)."""
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    reach = [
        and_(
            RoomMembership.room_id == row.room_id,
            RoomMembership.modseq > since[row.id],
            RoomMembership.modseq <= upto[row.id],
        )
        for row in rows
        if row.room_id is not None
    ]
    if not reach:
        return grouped
    statement = select(RoomMembership, User).join(User).where(or_(*reach)).order_by(RoomMembership.modseq)
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
