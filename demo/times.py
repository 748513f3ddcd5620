"""Moves what the services wrote from now to the time at which it happened in the scripts.

The services take no times, so this is the one place that writes to the database without them. The order of times agrees with the
order of ids and seqs, as the search requires.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, update

from backend.messages import search
from backend.models import (
    Attachment,
    AuditEvent,
    Conversation,
    ConversationEntry,
    Message,
    MessageEdit,
    MessageMention,
    Pin,
    Reaction,
    Report,
    Role,
    Room,
    RoomMembership,
    User,
    UserRole,
)
from backend.models.base import db
from demo.accounts import Directory
from demo.calendar import Calendar
from demo.script import Line
from demo.team import FIRST_DAY, Team

MORNING = 9 * 60.0
EDITED_AFTER, REACTED_AFTER = timedelta(minutes=2), timedelta(minutes=4)


def move_times(
    team: Team, directory: Directory, message_ids: Mapping[Line, int], calendar: Calendar, now: datetime
) -> None:
    """Set all times, and commit. The index of search notes the times of messages, so it is rebuilt."""
    _move_messages({message_ids[line]: calendar.at(line.day, line.minute) for line in message_ids}, now)
    _move_accounts(team, directory, calendar)
    _move_rooms(calendar.at(FIRST_DAY, MORNING + 60))
    db.session.commit()
    for _ in search.reindex():
        pass


def _move_messages(times: Mapping[int, datetime], now: datetime) -> None:
    """Set the times of messages, of what belongs to them, and of their conversations."""
    _set(Message, times, "created_at", "updated_at")
    after = {message_id: min(at + EDITED_AFTER, now) for message_id, at in times.items()}
    _set(Message, after, "edited_at", "updated_at", only=Message.edited_at.is_not(None))
    _set(Message, after, "deleted_at", "updated_at", only=Message.deleted_at.is_not(None))
    _set(MessageEdit, after, "created_at", "edited_at", key="message_id")
    _set(MessageMention, times, "created_at", key="message_id")
    _set(Attachment, times, "created_at", key="message_id")
    later = {message_id: min(at + REACTED_AFTER, now) for message_id, at in times.items()}
    for model in (Reaction, Pin, Report):
        _set(model, later, "created_at", key="message_id")
    last = select(func.max(Message.created_at)).where(Message.conversation_id == Conversation.id).scalar_subquery()
    first = select(func.min(Message.created_at)).where(Message.conversation_id == Conversation.id).scalar_subquery()
    spoken = update(Conversation).where(Conversation.last_seq > 0)
    db.session.execute(spoken.values(created_at=first, last_message_at=last, updated_at=last))


def _move_accounts(team: Team, directory: Directory, calendar: Calendar) -> None:
    """Set when accounts were made, confirmed their address, got their roles and joined their rooms."""
    since = {directory.user_ids[p.username]: calendar.at(p.since, MORNING) for p in team.people.values()}
    verified = {user_id: at + timedelta(minutes=6) for user_id, at in since.items()}
    _set(User, since, "created_at", "updated_at")
    _set(User, verified, "email_verified_at")
    _set(UserRole, verified, "created_at", key="user_id")
    _set(RoomMembership, verified, "created_at", "joined_at", key="user_id")
    _set(ConversationEntry, verified, "created_at", key="user_id")
    events = {f"user:{user_id}": at for user_id, at in since.items()}
    _set(AuditEvent, events, "created_at", key="target")
    start = calendar.at(FIRST_DAY, MORNING - 60)
    db.session.execute(update(Role).values(created_at=start, updated_at=start))
    db.session.execute(update(AuditEvent).where(AuditEvent.action == "role.created").values(created_at=start))


def _move_rooms(at: datetime) -> None:
    db.session.execute(update(Room).values(created_at=at, updated_at=at))


def _set(model: Any, times: Mapping[Any, datetime], *columns: str, key: str = "id", only: Any = True) -> None:
    """Set *columns* of the rows of *model* to the time that their *key* has in *times*."""
    table = model.__table__
    statement = update(table).where(table.c[key] == bindparam("the_key"), only)
    rows = [{"the_key": value, "the_time": at} for value, at in times.items()]
    db.session.connection().execute(statement.values({name: bindparam("the_time") for name in columns}), rows)
