"""What a batch of drafts depends on, read under the locks of its conversations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, tuple_

from backend.messages.batch_sql import Batch, ConversationHead, Key, Pair, find_members
from backend.messages.drafts import Draft
from backend.messages.fields import MESSAGE_COLUMNS
from backend.messages.mentions import find_named, names_room
from backend.models import Attachment, Block, Message, Room, RoomMembership, User
from backend.models.conversation import room_of
from backend.models.message import AttachmentState
from backend.users.access import is_directory_limited, visible_pairs


@dataclass(frozen=True)
class SendContext:
    """The state of the database that decides about the drafts of a batch. It holds until the end of the transaction."""

    heads: list[ConversationHead]
    """The heads of the conversations that exist."""

    ids: list[int]
    """An id for each message that the batch may write, ascending."""

    members: set[Pair]
    """Which (room, user) pairs are memberships: of the senders, and of those whom the drafts name."""

    room_admins: set[Pair]
    """Which (room, sender) pairs of drafts with `@room` are admins."""

    public_room_ids: set[int]
    """Which of the rooms that a sender is not a member of are public."""

    active_user_ids: set[int]
    """Which senders and recipients outside of rooms exist. Erasing an account waits for the locks of this batch."""

    blocks: set[Pair]
    """The (blocker, sender) pairs of the direct conversations."""

    visible: set[Pair] | None
    """The (sender, user) pairs of direct conversations and of mentions in the lobby whose user the sender may see. None where
    the directory shows everybody.
    """

    parents: Mapping[int, str]
    """The conversation of each message that a draft replies to."""

    earlier: Mapping[Key, Any]
    """The rows (`MESSAGE_COLUMNS` and `request_hash`) of the messages that were sent under the drafts' keys before."""

    named: Mapping[str, list[int]]
    """The ids of the users whom a content names."""

    attachments: Mapping[int, Row[Any]]
    """The attachments of the senders that a draft names, sent ones included. They are locked."""


def load_send_context(batch: Batch, drafts: Sequence[Draft]) -> SendContext:
    """Lock the conversations of *drafts*, and read what decides about them.

    Takes a constant number of queries, each only where a draft needs it.
    """
    connection = batch.connection
    named = find_named(connection, (draft.content for draft in drafts))
    conversation_ids = {draft.place.conversation_id for draft in drafts}
    keys = {(draft.sender_id, draft.client_message_id) for draft in drafts if draft.client_message_id}
    locked = batch.open(conversation_ids, _room_pairs(drafts, named), keys, len(drafts))
    parents = _find_parents(connection, {draft.parent_id for draft in drafts if draft.parent_id is not None})
    return SendContext(
        heads=locked.heads,
        ids=locked.ids,
        members=locked.members | find_members(connection, _parent_pairs(drafts, parents)),
        room_admins=_find_room_admins(connection, drafts),
        public_room_ids=_find_public_rooms(connection, drafts, locked.members),
        active_user_ids=_find_active_users(connection, drafts),
        blocks=find_blocks(connection, _direct_pairs(drafts)),
        visible=_find_visible(connection, drafts, named, locked.heads),
        parents=parents,
        earlier=_find_earlier(connection, keys) if locked.has_repeats else {},
        named=named,
        attachments=_lock_attachments(connection, drafts),
    )


def _room_pairs(drafts: Sequence[Draft], named: Mapping[str, list[int]]) -> set[Pair]:
    """The (room, user) pairs of the senders and of those whom they name."""
    return {
        (draft.place.room_id, user_id)
        for draft in drafts
        if draft.place.room_id is not None
        for user_id in (draft.sender_id, *named.get(draft.content, ()))
    }


def _parent_pairs(drafts: Sequence[Draft], parents: Mapping[int, str]) -> set[Pair]:
    """The (room, sender) pairs of the parents that are in another room than the reply."""
    pairs = set()
    for draft in drafts:
        conversation_id = parents.get(draft.parent_id or 0)
        if conversation_id is not None and conversation_id != draft.place.conversation_id:
            room_id = room_of(conversation_id)
            if room_id is not None:
                pairs.add((room_id, draft.sender_id))
    return pairs


def _direct_pairs(drafts: Sequence[Draft]) -> set[Pair]:
    """The (recipient, sender) pairs of the direct messages, but for notes to self."""
    pairs = ((draft.place.peer_id, draft.sender_id) for draft in drafts)
    return {(peer_id, sender_id) for peer_id, sender_id in pairs if peer_id is not None and peer_id != sender_id}


def _find_visible(
    connection: Connection,
    drafts: Sequence[Draft],
    named: Mapping[str, list[int]],
    heads: Sequence[ConversationHead],
) -> set[Pair] | None:
    if not is_directory_limited():
        return None
    existing = {head[0] for head in heads}
    open_pairs: set[Pair] = set()
    others: set[Pair] = set()
    for draft in drafts:
        if draft.place.peer_id is not None:
            pairs = open_pairs if draft.place.conversation_id in existing else others
            pairs.add((draft.sender_id, draft.place.peer_id))
        elif draft.place.kind == "lobby":
            others.update((draft.sender_id, user_id) for user_id in named.get(draft.content, ()))
    return open_pairs | visible_pairs(connection, others)


def _find_active_users(connection: Connection, drafts: Sequence[Draft]) -> set[int]:
    outside = [draft for draft in drafts if draft.place.room_id is None]
    user_ids = {user_id for d in outside for user_id in (d.sender_id, d.place.peer_id) if user_id is not None}
    statement = select(User.id).where(User.id.in_(user_ids), User.deleted_at.is_(None))
    return set(connection.execute(statement).scalars()) if user_ids else set()


def _find_public_rooms(connection: Connection, drafts: Sequence[Draft], members: Collection[Pair]) -> set[int]:
    pairs = {(draft.place.room_id, draft.sender_id) for draft in drafts if draft.place.room_id is not None}
    room_ids = {room_id for room_id, _ in pairs.difference(members)}
    statement = select(Room.id).where(Room.id.in_(room_ids), Room.is_public, Room.deleted_at.is_(None))
    return set(connection.execute(statement).scalars()) if room_ids else set()


def _find_room_admins(connection: Connection, drafts: Sequence[Draft]) -> set[Pair]:
    pairs = {(d.place.room_id, d.sender_id) for d in drafts if d.place.room_id is not None and names_room(d.content)}
    if not pairs:
        return set()
    m = RoomMembership
    statement = select(m.room_id, m.user_id).where(
        tuple_(m.room_id, m.user_id).in_(pairs), m.is_admin, m.left_at.is_(None)
    )
    return {(room_id, user_id) for room_id, user_id in connection.execute(statement)}


def _find_parents(connection: Connection, message_ids: Collection[int]) -> dict[int, str]:
    if not message_ids:
        return {}
    statement = select(Message.id, Message.conversation_id).where(Message.id.in_(message_ids))
    return dict(connection.execute(statement).all())


def _find_earlier(connection: Connection, keys: Collection[Key]) -> dict[Key, Any]:
    c = Message.__table__.c
    statement = select(*MESSAGE_COLUMNS, c.request_hash).where(tuple_(c.sender_id, c.client_message_id).in_(keys))
    return {(row.sender_id, row.client_message_id): row for row in connection.execute(statement)}


def _lock_attachments(connection: Connection, drafts: Sequence[Draft]) -> dict[int, Row[Any]]:
    """Lock them in the order of their ids, so that two batches that name the same attachments cannot deadlock."""
    wanted = {id_ for draft in drafts for id_ in draft.attachment_ids}
    owners = {draft.sender_id for draft in drafts}
    c = Attachment.__table__.c
    own = (c.id.in_(wanted), c.user_id.in_(owners), c.state == AttachmentState.READY)
    statement = select(*c).where(*own).order_by(c.id).with_for_update(key_share=True)
    rows = connection.execute(statement).all() if wanted else []
    return {row.id: row for row in rows}


def find_blocks(connection: Connection, pairs: Collection[Pair]) -> set[Pair]:
    """Which (user, other) pairs are blocks: *user* blocks *other*."""
    if not pairs:
        return set()
    statement = select(Block.user_id, Block.blocked_id).where(tuple_(Block.user_id, Block.blocked_id).in_(pairs))
    return {(user_id, blocked_id) for user_id, blocked_id in connection.execute(statement)}
