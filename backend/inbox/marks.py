"""Settings of an inbox row: the read mark, and whether the conversation is muted or pinned."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from backend.conversations.direct import insert_missing
from backend.conversations.references import resolve_conversation
from backend.conversations.sequence import allocate_modseq
from backend.errors import NotFound, ValidationFailed
from backend.events import inbox_event, publish_on_commit, read_event
from backend.inbox.service import inbox_row
from backend.messages.access import authorize
from backend.models import Conversation, ConversationEntry, Message, User
from backend.models.base import db, utcnow
from backend.users.blocks import is_blocked

_e, _m = ConversationEntry.__table__.c, Message.__table__.c


def update_conversation(user: User, conversation_id: str, **flags: bool) -> dict[str, Any]:
    """Set `is_muted` or `is_pinned` for *user*, and return the inbox row.

    If that changed something, the user's sockets get `inbox.updated`. Raises NotFound and NotAMember.
    """
    entry = _lock_entry(user, conversation_id)
    if any(getattr(entry, name) != value for name, value in flags.items()):
        _set(entry, None, **flags)
    return _commit(user, conversation_id)


def mark_read(user: User, conversation_id: str, seq: int, source_connection: str | None = None) -> dict[str, Any]:
    """Move *user*'s read mark forward to *seq*, and return the inbox row. A smaller *seq* changes nothing.

    Direct messages up to the mark become `is_read`. If *user* blocks the other side, the other side gets no `read` event.
    *source_connection* names the socket that gets no event. Raises NotFound, NotAMember, and ValidationFailed if *seq* is past
    the end of the conversation.
    """
    entry = _lock_entry(user, conversation_id)
    _check_end(conversation_id, seq)
    if seq > entry.last_read_seq:
        received = (_m.conversation_id == conversation_id, _m.seq > entry.last_read_seq, _m.seq <= seq)
        db.session.execute(update(Message).where(*received, _m.recipient_id == user.id).values(is_read=True))
        _set(entry, source_connection, last_read_seq=seq)
        peer_id = resolve_conversation(user.id, conversation_id).peer_id
        is_hidden = peer_id is not None and is_blocked(peer_id, by_id=user.id)
        publish_on_commit(read_event(conversation_id, user.id, seq, source_connection, to_reader_only=is_hidden))
    return _commit(user, conversation_id)


def mark_unread(user: User, conversation_id: str, seq: int) -> dict[str, Any]:
    """Mark the message *seq* and all later ones as unread, and return the inbox row.

    The read mark moves back to the message before. If it is there already or further back, nothing changes. Only the user's own
    sockets get events, and `is_read` stays as it is. Raises NotFound, NotAMember, and ValidationFailed if *seq* is past the end
    of the conversation.
    """
    entry = _lock_entry(user, conversation_id)
    _check_end(conversation_id, seq)
    if seq <= entry.last_read_seq:
        _set(entry, None, last_read_seq=seq - 1)
        publish_on_commit(read_event(conversation_id, user.id, seq - 1, to_reader_only=True))
    return _commit(user, conversation_id)


def _lock_entry(user: User, conversation_id: str) -> ConversationEntry:
    """Lock the inbox row. It is created for an imported account that has none. Raises NotFound and NotAMember.

    The end of a membership deletes the row, and so waits for this lock or comes before it.
    """
    place = resolve_conversation(user.id, conversation_id)
    authorize(user, place)
    entry = _find_entry_locked(user, conversation_id)
    if entry is not None:
        return entry
    # The membership may have ended since it was checked. Its end and a new beginning lock the conversation.
    allocate_modseq(conversation_id, 0)  # NotFound: a direct conversation in which nothing was ever sent
    authorize(user, place)
    values = {"user_id": user.id, "conversation_id": conversation_id}
    insert_missing(db.session.connection(), ConversationEntry.__table__, [values])
    entry = _find_entry_locked(user, conversation_id)
    if entry is None:
        raise NotFound
    return entry


def _find_entry_locked(user: User, conversation_id: str) -> ConversationEntry | None:
    statement = select(ConversationEntry).where(_e.user_id == user.id, _e.conversation_id == conversation_id)
    return db.session.scalars(statement.with_for_update().execution_options(populate_existing=True)).one_or_none()


def _check_end(conversation_id: str, seq: int) -> None:
    last_seq = db.session.scalars(select(Conversation.last_seq).where(Conversation.id == conversation_id)).one()
    if seq > last_seq:
        raise ValidationFailed.of("seq", f"The conversation ends at {last_seq}.")


def _set(entry: ConversationEntry, source_connection: str | None, **values: Any) -> None:
    for name, value in values.items():
        setattr(entry, name, value)
    entry.updated_at = utcnow()
    db.session.flush()
    publish_on_commit(inbox_event(entry, source_connection))


def _commit(user: User, conversation_id: str) -> dict[str, Any]:
    row = inbox_row(user, conversation_id)
    db.session.commit()
    return row
