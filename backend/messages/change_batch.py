"""A transaction that changes messages: locking, loading and writing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, tuple_, update

from backend.attachments.removal import delete_for_messages
from backend.conversations.references import ConversationRef, has_lobby, resolve_conversation
from backend.errors import NotFound, TokenRevoked
from backend.events import Event, message_event
from backend.messages.change_types import Change, ChangeContext, Changed, LockedMessage
from backend.messages.fields import MESSAGE_COLUMNS
from backend.messages.indexing import index_changes
from backend.messages.mentions import find_named, visible_mentions
from backend.messages.send_context import find_blocks
from backend.messages.serialise import messages_and_rows
from backend.models import (
    Conversation,
    Message,
    MessageEdit,
    MessageMention,
    Pin,
    Reaction,
    Room,
    RoomMembership,
    User,
)
from backend.models.base import utcnow
from backend.users.access import is_directory_limited, visible_pairs

_messages = cast(Table, Message.__table__)
_m = _messages.c
_conversations = cast(Table, Conversation.__table__)
_edits, _mentions, _pins, _reactions = (
    cast(Table, model.__table__) for model in (MessageEdit, MessageMention, Pin, Reaction)
)

_UPDATED = ("content", "modseq", "edited_at", "deleted_at", "is_pinned", "mentions_room", "has_extras", "updated_at")
_UPDATE_MESSAGE = (
    update(_messages).where(_m.id == bindparam("of")).values({name: bindparam(f"new_{name}") for name in _UPDATED})
)
_UPDATE_HEAD = (
    update(_conversations)
    .where(_conversations.c.id == bindparam("of"))
    .values(last_modseq=bindparam("new_modseq"), updated_at=bindparam("now"))
)
_DELETE_REACTION = delete(_reactions).where(
    _reactions.c.message_id == bindparam("of"),
    _reactions.c.emoji == bindparam("which"),
    _reactions.c.user_id == bindparam("whose"),
)


@dataclass(frozen=True)
class _Access:
    """Permissions in the conversations of a batch."""

    members: dict[tuple[int, int], bool]
    """Whether a member is an admin, by (room, user)."""

    active_user_ids: set[int]
    blocks: set[tuple[int, int]]
    """(blocker, blocked) pairs."""

    visible: set[tuple[int, int]] | None
    """The (author, user) pairs of mentions in the lobby that the directory shows; None where it shows everybody."""


class ChangeBatch:
    """Messages whose conversations are locked until the end of the transaction. `events` has the changes' events, in order."""

    def __init__(
        self,
        connection: Connection,
        messages: dict[int, LockedMessage],
        heads: dict[str, int],
        access: _Access,
        named: dict[str, list[int]],
    ):
        self.events: list[Event] = []
        self._connection = connection
        self._messages = messages
        self._heads = heads
        self._access = access
        self._named = named
        self._now = utcnow()

    @classmethod
    def load(cls, connection: Connection, changes: Sequence[Change]) -> ChangeBatch:
        """Lock the conversations of *changes*, and read what they depend on. Takes a constant number of queries."""
        named = find_named(connection, (change.new_content for change in changes))
        ids = {change.message_id for change in changes}
        found = connection.execute(select(_m.id, _m.conversation_id).where(_m.id.in_(ids))).all()
        heads = _lock(connection, {row.conversation_id for row in found})
        messages = _load_messages(connection, [row.id for row in found])
        access = _load_access(connection, changes, messages, named)
        return cls(connection, messages, heads, access, named)

    def apply(self, change: Change) -> Changed:
        """Apply *change* to its message, and return the message as the user sees it. Raises ChatError."""
        message = self._messages.get(change.message_id)
        if message is None:
            raise NotFound
        if change.apply(message, self._context(change, message)):
            self._number(message)
        key = message.client_message_id if message.json["sender_id"] == change.user_id else None
        return Changed(message.json | {"client_message_id": key}, message.may_leave_files)

    def _context(self, change: Change, message: LockedMessage) -> ChangeContext:
        """The context of *change*. Raises NotFound if the user may not see the message."""
        user_id, access = change.user_id, self._access
        if user_id not in access.active_user_ids:
            raise TokenRevoked
        place = resolve_conversation(user_id, message.json["conversation_id"])
        if place.kind == "lobby" and not has_lobby():
            raise NotFound
        is_admin = False
        if place.room_id is not None:
            if (place.room_id, user_id) not in access.members:
                raise NotFound
            is_admin = access.members[place.room_id, user_id]
        is_blocked = place.peer_id is not None and (place.peer_id, user_id) in access.blocks
        named = self._named.get(change.new_content, [])
        mentions = tuple(visible_mentions(place, user_id, named, access.members, access.visible))
        return ChangeContext(self._now, place.kind, is_admin, is_blocked, mentions)

    def _number(self, message: LockedMessage) -> None:
        """Give the change the next modseq, and record its event."""
        conversation_id = message.json["conversation_id"]
        self._heads[conversation_id] += 1
        message.is_changed = True
        message.json = message.json | {"modseq": self._heads[conversation_id]}
        type_ = "message.deleted" if message.is_deleted else "message.updated"
        self.events.append(message_event(type_, message.json, message.client_message_id))

    # -- writing

    def write(self) -> None:
        """Write the results of the changes."""
        changed = {id_: message for id_, message in self._messages.items() if message.is_changed}
        wiped = [id_ for id_, message in self._messages.items() if message.is_wiped]
        self._write_reactions(changed)
        self._write_mentions(changed)
        self._write_pins(changed)
        self._write_history(changed, wiped)
        values = [self._row(id_, message) for id_, message in changed.items()]
        if values:
            self._connection.execute(_UPDATE_MESSAGE, values)
        if wiped:
            blank = update(_messages).where(_m.id.in_(wiped)).values(content="", request_hash=None)
            self._connection.execute(blank)
        removed = {id_ for id_, message in changed.items() if message.is_deleted}.union(wiped)
        delete_for_messages(self._connection, removed)
        index_changes(self._connection, changed, removed)
        names = {message.json["conversation_id"] for message in changed.values()}
        heads = [{"of": name, "new_modseq": self._heads[name], "now": self._now} for name in sorted(names)]
        if heads:
            self._connection.execute(_UPDATE_HEAD, heads)

    def _row(self, id_: int, message: LockedMessage) -> dict[str, Any]:
        json = message.json
        extras = bool(json["reactions"] or json["mentions"] or json["attachments"])
        values = {**json, "content": message.content, "has_extras": extras, "updated_at": self._now}
        return {"of": id_, **{f"new_{name}": values[name] for name in _UPDATED}}

    def _write_reactions(self, messages: dict[int, LockedMessage]) -> None:
        removed = [
            {"of": id_, "which": emoji, "whose": user_id}
            for id_, message in messages.items()
            for emoji, user_id in sorted(message.removed_reactions)
        ]
        added = [
            {"message_id": id_, "user_id": user_id, "emoji": emoji}
            for id_, message in messages.items()
            for emoji, user_id in message.added_reactions
        ]
        if removed:
            self._connection.execute(_DELETE_REACTION, removed)
        if added:
            self._connection.execute(insert(_reactions), added)

    def _write_mentions(self, messages: dict[int, LockedMessage]) -> None:
        renamed = {id_: message for id_, message in messages.items() if message.mentions is not None}
        if not renamed:
            return
        self._connection.execute(delete(_mentions).where(_mentions.c.message_id.in_(renamed)))
        rows = [
            {"message_id": id_, "user_id": user_id} | {name: message.json[name] for name in ("conversation_id", "seq")}
            for id_, message in renamed.items()
            for user_id in message.mentions or ()
        ]
        if rows:
            self._connection.execute(insert(_mentions), rows)

    def _write_pins(self, messages: dict[int, LockedMessage]) -> None:
        self._delete(_pins, [id_ for id_, message in messages.items() if message.is_pin_changed])
        rows = [
            {"message_id": id_, "conversation_id": m.json["conversation_id"], "pinned_by_id": m.pinned_by_id}
            for id_, m in messages.items()
            if m.is_pin_changed and m.json["is_pinned"]
        ]
        if rows:
            self._connection.execute(insert(_pins), rows)

    def _write_history(self, messages: dict[int, LockedMessage], wiped: Collection[int]) -> None:
        rows = [
            {"message_id": id_, "content": content, "edited_at": edited_at}
            for id_, message in messages.items()
            for content, edited_at in message.former_contents
        ]
        if rows:
            self._connection.execute(insert(_edits), rows)
        self._delete(_edits, wiped)

    def _delete(self, table: Table, message_ids: Collection[int]) -> None:
        if message_ids:
            self._connection.execute(delete(table).where(table.c.message_id.in_(message_ids)))


def _lock(connection: Connection, names: Collection[str]) -> dict[str, int]:
    """Lock conversations in the order of their ids, as every writer does, and return their last modseqs."""
    c = _conversations.c
    statement = select(c.id, c.last_modseq).where(c.id.in_(names)).order_by(c.id).with_for_update(key_share=True)
    return dict(connection.execute(statement).all()) if names else {}


def _load_messages(connection: Connection, ids: Sequence[int]) -> dict[int, LockedMessage]:
    if not ids:
        return {}
    rows = connection.execute(select(*MESSAGE_COLUMNS).where(_m.id.in_(ids))).all()
    shown, found = messages_and_rows(rows, None, connection)
    reactions = {
        id_: dict.fromkeys((emoji, user_id) for emoji, user_id in own) for id_, own in found["reactions"].items()
    }
    return {
        row.id: LockedMessage(message, row.content, row.client_message_id, reactions.get(row.id, {}))
        for row, message in zip(rows, shown, strict=True)
    }


def _load_access(
    connection: Connection,
    changes: Sequence[Change],
    messages: dict[int, LockedMessage],
    named: dict[str, list[int]],
) -> _Access:
    user_ids = {change.user_id for change in changes}
    pairs: set[tuple[int, int]] = set()
    peers: set[tuple[int, int]] = set()
    in_lobby: set[tuple[int, int]] = set()
    for change, place in _places(changes, messages):
        if place.room_id is not None:
            users = (change.user_id, *named.get(change.new_content, ()))
            pairs.update((place.room_id, user_id) for user_id in users)
        elif place.peer_id is not None:
            peers.add((place.peer_id, change.user_id))
        else:
            in_lobby.update((change.user_id, user_id) for user_id in named.get(change.new_content, ()))
    active = select(User.id).where(User.id.in_(user_ids), User.is_active, User.deleted_at.is_(None))
    return _Access(
        members=_members(connection, pairs),
        active_user_ids=set(connection.execute(active).scalars()),
        blocks=find_blocks(connection, peers),
        visible=visible_pairs(connection, in_lobby) if is_directory_limited() else None,
    )


def _places(changes: Iterable[Change], messages: dict[int, LockedMessage]) -> Iterable[tuple[Change, ConversationRef]]:
    """The changes whose message exists and is not in other people's direct conversation, with its conversation."""
    for change in changes:
        message = messages.get(change.message_id)
        if message is not None:
            try:
                yield change, resolve_conversation(change.user_id, message.json["conversation_id"])
            except NotFound:
                continue


def _members(connection: Connection, pairs: Collection[tuple[int, int]]) -> dict[tuple[int, int], bool]:
    m = RoomMembership
    statement = (
        select(m.room_id, m.user_id, m.is_admin)
        .join(Room, Room.id == m.room_id)
        .where(tuple_(m.room_id, m.user_id).in_(pairs), m.left_at.is_(None), Room.deleted_at.is_(None))
    )
    found = connection.execute(statement).all() if pairs else []
    return {(room_id, user_id): is_admin for room_id, user_id, is_admin in found}
