"""What must hold for a send, looked up for a whole batch at once, under the locks of its conversations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, select, tuple_

from backend.conversations.references import ConversationRef
from backend.errors import ChatError, Conflict, Forbidden, NotFound, TokenRevoked, ValidationFailed
from backend.messages.batch_sql import Batch, Key, is_member
from backend.messages.drafts import Draft
from backend.messages.fields import MESSAGE_COLUMNS
from backend.messages.loaders import Executor
from backend.messages.mentions import find_mentioned, mentioned_ids
from backend.models import Block, Message, Room, User
from backend.models.base import db
from backend.models.conversation import dm_peer
from backend.rooms.access import NotAMember


class Blocked(Forbidden):
    code = "blocked"
    detail = "This user does not take direct messages from you."


class IdempotencyConflict(Conflict):
    code = "idempotency_conflict"
    detail = "Another message was sent under this client_message_id. Use a new one for each message."


def check_not_blocked(user_id: int, place: ConversationRef) -> None:
    """Raise Blocked where *place* is a direct conversation with somebody who takes nothing from *user_id*."""
    if place.peer_id is not None and _find_blocks(db.session, {(place.peer_id, user_id)}):
        raise Blocked


class Checks:
    """The facts about a batch of drafts, which this opens. A constant number of queries, each only where a draft needs it."""

    def __init__(self, batch: Batch, drafts: Sequence[Draft]):
        self.connection = connection = batch.connection
        known = find_mentioned(connection, (draft.content for draft in drafts))
        self.named = {draft.content: mentioned_ids(draft.content, known) for draft in drafts} if known else {}
        names = {draft.place.conversation_id for draft in drafts}
        keys = {(draft.sender_id, draft.client_message_id) for draft in drafts if draft.client_message_id}
        facts = batch.open(names, self._pairs(drafts), keys, len(drafts))
        self.heads, self.members, self.ids = facts.heads, facts.members, facts.ids
        self.earlier = _find_earlier(connection, keys) if facts.has_repeats else {}
        self.active_user_ids = self._active_user_ids(drafts)
        self.blocks = self._blocks(drafts)
        self.parents = self._parents({draft.parent_id for draft in drafts if draft.parent_id is not None})

    def check(self, draft: Draft) -> None:
        """Raise NotFound, NotAMember, Blocked or ValidationFailed where *draft* may not be sent.

        TokenRevoked, where the sender was erased since it was identified; in a room they are no member any more.
        """
        self.check_access(draft)
        place = draft.place
        if place.peer_id is not None:
            if place.peer_id not in self.active_user_ids:
                raise NotFound("There is no such user.")
            if (place.peer_id, draft.sender_id) in self.blocks:
                raise Blocked
        if draft.parent_id is not None:
            self._check_parent(draft, draft.parent_id)

    def check_access(self, draft: Draft) -> None:
        """Raise NotFound, NotAMember or TokenRevoked where the sender may not see the conversation.

        A repeated send needs nothing else: it sends nothing.
        """
        place = draft.place
        if place.room_id is not None and (place.room_id, draft.sender_id) not in self.members:
            raise self._why_not_in(place.room_id)
        if place.room_id is None and draft.sender_id not in self.active_user_ids:
            raise TokenRevoked

    def is_allowed(self, draft: Draft) -> bool:
        """Whether `check` would let *draft* pass."""
        try:
            self.check(draft)
        except ChatError:
            return False
        return True

    def mentions(self, draft: Draft) -> list[int]:
        """The users whom *draft* names and who can see it, in the order of their first mention."""
        named = self.named.get(draft.content, [])
        place = draft.place
        if named and place.room_id is not None:
            return [user_id for user_id in named if (place.room_id, user_id) in self.members]
        if named and place.peer_id is not None:
            return [user_id for user_id in named if user_id in (draft.sender_id, place.peer_id)]
        return named

    def _why_not_in(self, room_id: int) -> ChatError:
        statement = select(Room.is_public).where(Room.id == room_id, Room.deleted_at.is_(None))
        return NotAMember() if self.connection.execute(statement).scalar() else NotFound()

    def _check_parent(self, draft: Draft, parent_id: int) -> None:
        of = self.parents.get(parent_id)
        if of == draft.place.conversation_id:
            return
        if of is None or not self._sees(draft.sender_id, of):
            raise NotFound("There is no such message to reply to.")
        raise ValidationFailed.of("parent_id", "The parent is in another conversation.")

    def _sees(self, user_id: int, conversation_id: str) -> bool:
        if conversation_id.startswith("room:"):
            room_id = int(conversation_id.removeprefix("room:"))
            return is_member(self.connection, room_id, user_id)
        return conversation_id == "lobby" or dm_peer(conversation_id, user_id) is not None

    def _pairs(self, drafts: Sequence[Draft]) -> set[tuple[int, int]]:
        """Whose memberships matter: the senders', and of those whom they name."""
        pairs = {(draft.place.room_id, draft.sender_id) for draft in drafts if draft.place.room_id is not None}
        for draft in drafts if self.named else ():
            if (room_id := draft.place.room_id) is not None:
                pairs.update((room_id, user_id) for user_id in self.named[draft.content])
        return pairs

    def _active_user_ids(self, drafts: Sequence[Draft]) -> set[int]:
        """Which senders and recipients there are; erasing an account waits for the lock that we hold."""
        elsewhere = [draft for draft in drafts if draft.place.room_id is None]
        user_ids = {user_id for d in elsewhere for user_id in (d.sender_id, d.place.peer_id) if user_id is not None}
        if not user_ids:
            return set()
        statement = select(User.id).where(User.id.in_(user_ids), User.deleted_at.is_(None))
        return set(self.connection.execute(statement).scalars())

    def _blocks(self, drafts: Sequence[Draft]) -> set[tuple[int, int]]:
        pairs = {(d.place.peer_id, d.sender_id) for d in drafts if d.place.peer_id not in (None, d.sender_id)}
        return _find_blocks(self.connection, pairs) if pairs else set()

    def _parents(self, ids: set[Any]) -> dict[int, str]:
        if not ids:
            return {}
        statement = select(Message.id, Message.conversation_id).where(Message.id.in_(ids))
        return dict(self.connection.execute(statement).all())


def _find_blocks(executor: Executor, pairs: set[tuple[Any, int]]) -> set[tuple[int, int]]:
    """Which of *pairs* are blocks: who does not want messages, and of whom."""
    statement = select(Block.user_id, Block.blocked_id).where(tuple_(Block.user_id, Block.blocked_id).in_(pairs))
    return set(executor.execute(statement).all())


def _find_earlier(connection: Connection, keys: Collection[Key]) -> dict[Key, Any]:
    """The messages that were sent under *keys* before, by their keys."""
    c = Message.__table__.c
    statement = select(*MESSAGE_COLUMNS, c.request_hash).where(tuple_(c.sender_id, c.client_message_id).in_(keys))
    return {(row.sender_id, row.client_message_id): row for row in connection.execute(statement)}
