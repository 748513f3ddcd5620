"""Sending and listing messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, bindparam, select

from backend.conversations.references import ConversationRef, resolve_conversation
from backend.errors import ValidationFailed
from backend.messages.access import authorize, get_message_for, visible_conversation_ids
from backend.messages.append import append_message
from backend.messages.drafts import Draft, Sent
from backend.messages.fields import MESSAGE_COLUMNS
from backend.messages.serialise import messages_json
from backend.models import Conversation, Pin, User
from backend.models.base import db
from backend.models.message import Message
from backend.pagination import Page, PageRequest

MAX_SEQ = 2**63 - 1
"""Larger than the seq of any message."""

_m = Message.__table__.c
_paged = (
    select(*MESSAGE_COLUMNS)
    .where(_m.conversation_id == bindparam("conversation"))
    .offset(bindparam("skip"))
    .limit(bindparam("max_rows"))
)
# Built once, because building it takes longer than reading a page.
_OLDER = _paged.where(_m.seq < bindparam("seq")).order_by(_m.seq.desc())
_NEWER = _paged.where(_m.seq > bindparam("seq")).order_by(_m.seq)


def send_message(
    user: User,
    *,
    content: str,
    conversation_id: str | None = None,
    room_id: int | None = None,
    recipient_id: int | None = None,
    parent_id: int | None = None,
    client_message_id: str | None = None,
    attachment_ids: Sequence[int] = (),
) -> Sent:
    """Send a message to a conversation. Without an address it goes to the lobby. Returns after the commit.

    Repeating the call with the same *client_message_id* returns the first message. Raises NotFound, NotAMember, Blocked,
    IdempotencyConflict, and ValidationFailed if the parent is in another conversation or an attachment was sent before.
    """
    place = resolve_conversation(user.id, conversation_id, room_id, recipient_id)
    return append_message(Draft(user.id, place, content, parent_id, client_message_id, tuple(attachment_ids)))


def get_message(user: User, message_id: int) -> dict[str, Any]:
    """One message that *user* may see. Raises NotFound."""
    return messages_json([get_message_for(user, message_id)], user.id, db.session)[0]


def list_messages(
    user: User,
    page_request: PageRequest,
    *,
    conversation_id: str | None = None,
    room_id: int | None = None,
    recipient_id: int | None = None,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
    pinned: bool = False,
) -> Page[dict[str, Any]]:
    """The messages of one conversation, or all that *user* may see, newest first. With *pinned*, only the pinned ones.

    *before*, *after* and *around* are seqs of a conversation. With *after* the oldest come first. Raises NotFound, NotAMember,
    and ValidationFailed for a seq without a conversation.
    """
    if conversation_id is None and room_id is None and recipient_id is None:
        if before is not None or after is not None or around is not None:
            raise ValidationFailed(
                "before, after and around need a conversation_id, because a seq is a number within a conversation."
            )
        return _pinned_of_all(user, page_request) if pinned else _of_all(user, page_request)
    place = resolve_conversation(user.id, conversation_id, room_id, recipient_id)
    authorize(user, place)
    found = _pinned_in(place.conversation_id) if pinned else _in(place)
    if around is not None:
        return _around(user, found, around, page_request.limit)
    if pinned:
        return _by_seq(user, found, page_request, before, after)
    return _of_one(user, place, page_request, before, after)


def list_replies(
    user: User, message_id: int, page_request: PageRequest, *, before: int | None = None, after: int | None = None
) -> Page[dict[str, Any]]:
    """The replies to a message that *user* may see, newest first. With *after* the oldest come first. Raises NotFound."""
    get_message_for(user, message_id)
    return _by_seq(user, select(*MESSAGE_COLUMNS).where(_m.parent_id == message_id), page_request, before, after)


def _of_one(
    user: User, place: ConversationRef, page_request: PageRequest, before: int | None, after: int | None
) -> Page[dict[str, Any]]:
    values = {"conversation": place.conversation_id, "skip": page_request.skip, "max_rows": page_request.limit + 1}
    if after is not None:
        rows = db.session.execute(_NEWER, values | {"seq": after}).all()
    else:
        rows = db.session.execute(_OLDER, values | {"seq": MAX_SEQ if before is None else before}).all()
    return _page(user, rows, page_request, is_ascending=after is not None)


def _by_seq(
    user: User, found: Select[Any], page_request: PageRequest, before: int | None, after: int | None
) -> Page[dict[str, Any]]:
    """A page of the messages that *found* selects in one conversation."""
    if after is not None:
        found = found.where(_m.seq > after).order_by(_m.seq)
    else:
        found = found.where(_m.seq < (MAX_SEQ if before is None else before)).order_by(_m.seq.desc())
    rows = db.session.execute(found.offset(page_request.skip).limit(page_request.limit + 1)).all()
    return _page(user, rows, page_request, is_ascending=after is not None)


def _page(
    user: User, rows: Sequence[Row[Any]], page_request: PageRequest, *, is_ascending: bool
) -> Page[dict[str, Any]]:
    shown = rows[: page_request.limit]
    cursor = {"after" if is_ascending else "before": shown[-1].seq} if len(rows) > page_request.limit else {}
    return Page(messages_json(shown, user.id, db.session), cursor)


def _around(user: User, found: Select[Any], seq: int, limit: int) -> Page[dict[str, Any]]:
    """The *limit* messages around *seq*, with *seq* in the middle if there are enough on both sides. The next page is older."""
    newer = db.session.execute(found.where(_m.seq >= seq).order_by(_m.seq).limit(limit)).all()
    older = db.session.execute(found.where(_m.seq < seq).order_by(_m.seq.desc()).limit(limit + 1)).all()
    wanted_newer = max(limit - len(older), (limit + 1) // 2)
    wanted_older = limit - min(len(newer), wanted_newer)
    shown = [*reversed(newer[:wanted_newer]), *older[:wanted_older]]
    cursor = {"before": shown[-1].seq} if len(older) > wanted_older else {}
    return Page(messages_json(shown, user.id, db.session), cursor)


def _of_all(user: User, page_request: PageRequest) -> Page[dict[str, Any]]:
    """The messages that *user* may see in all conversations.

    Seqs have no gaps, so the newest n messages of a conversation are those with seq > last_seq - n. Ids are allocated under the
    lock of the conversation too, so the order of ids agrees with the order of each conversation.
    """
    depth = page_request.skip + page_request.limit + 1
    statement = (
        select(*MESSAGE_COLUMNS)
        .join(Conversation, (Conversation.id == _m.conversation_id) & (_m.seq > Conversation.last_seq - depth))
        .where(Conversation.id.in_(visible_conversation_ids(user.id)))
    )
    return _newest(user, statement, page_request)


def _pinned_of_all(user: User, page_request: PageRequest) -> Page[dict[str, Any]]:
    """The pinned messages that *user* may see in all conversations."""
    pinned = select(*MESSAGE_COLUMNS).join(Pin, Pin.message_id == _m.id)
    return _newest(user, pinned.where(Pin.conversation_id.in_(visible_conversation_ids(user.id))), page_request)


def _newest(user: User, found: Select[Any], page_request: PageRequest) -> Page[dict[str, Any]]:
    """A page of the messages that *found* selects in any conversations, newest first."""
    newest = found.order_by(_m.id.desc()).offset(page_request.skip).limit(page_request.limit + 1)
    page = Page.from_rows(db.session.execute(newest).all(), page_request)
    return Page(messages_json(page.items, user.id, db.session), page.next)


def _pinned_in(conversation_id: str) -> Select[Any]:
    pinned = select(*MESSAGE_COLUMNS).join(Pin, Pin.message_id == _m.id)
    return pinned.where(Pin.conversation_id == conversation_id, _m.conversation_id == conversation_id)


def _in(place: ConversationRef) -> Select[Any]:
    return select(*MESSAGE_COLUMNS).where(_m.conversation_id == place.conversation_id)
