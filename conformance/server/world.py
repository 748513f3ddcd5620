"""The rules of the scripted server: what users may do in conversations, and the events that follow."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from conformance.server.accounts import START, Accounts, User
from conformance.server.model import Conversation, Member, Message, timestamp
from conformance.server.problems import Problem

MAX_CONTENT = 4_000
BODY = {
    "content",
    "conversation_id",
    "room_id",
    "recipient_id",
    "parent_id",
    "attachment_ids",
    "client_message_id",
    "metadata",
}


@dataclass(frozen=True)
class Event:
    """What sockets of the users *to* receive. `frame` is called with the id of each of them."""

    type: str
    conversation_id: str
    to: frozenset[int]
    frame: Callable[[int], dict[str, Any]]
    except_socket: object = None


class World:
    """All conversations and accounts. Each public method checks that the user may do it, and raises Problem otherwise."""

    def __init__(self, accounts: Accounts):
        self.accounts = accounts
        self.conversations: dict[str, Conversation] = {}
        self.attachments: dict[int, dict[str, Any]] = {}
        self.subscribers: list[Callable[[Event], None]] = []
        self.next_message_id = 1
        self.add_conversation("lobby", list(accounts.users))

    def add_conversation(self, id_: str, members: Iterable[int], admins: Iterable[int] = (), name: str = "") -> None:
        conversation = self.conversations[id_] = Conversation(id_, name)
        joined_at = START if id_ == "lobby" else timestamp()
        for user_id in members:
            modseq = conversation.take_modseq() if conversation.kind == "room" else 0
            conversation.members[user_id] = Member(user_id, modseq, joined_at, user_id in admins)

    def save(self) -> Any:
        """A backup, for `restore`."""
        return copy.deepcopy((self.conversations, self.next_message_id))

    def restore(self, backup: Any) -> None:
        """Go back to *backup*: modseqs, seqs and ids go back too."""
        self.conversations, self.next_message_id = copy.deepcopy(backup)

    def conversation(self, user: User, id_: Any) -> Conversation:
        """The conversation that *user* may see."""
        found = self.conversations.get(id_)
        if found is None and isinstance(id_, str) and id_.startswith("dm:"):
            first, second = (int(part) for part in id_.split(":")[1:])
            if user.id in (first, second) and {first, second} <= self.accounts.users.keys() and first <= second:
                self.add_conversation(id_, {first, second})
                found = self.conversations[id_]
        if found is None or not found.is_open_to(user.id):
            raise Problem("not_found")
        return found

    def conversations_of(self, user: User) -> list[Conversation]:
        """The inbox of *user*: last activity first. A direct conversation is in it from its first message."""
        found = [c for c in self.conversations.values() if c.is_open_to(user.id) and (c.kind != "dm" or c.messages)]
        return sorted(sorted(found, key=lambda c: c.id), key=lambda c: c.activity(user.id), reverse=True)

    def message(self, user: User, message_id: Any) -> tuple[Conversation, Message]:
        for conversation in self.conversations.values():
            for message in conversation.messages:
                if message.id == message_id and conversation.is_open_to(user.id):
                    return conversation, message
        raise Problem("not_found")

    def send(self, user: User, body: dict[str, Any]) -> tuple[Message, bool]:
        """The new message and True, or the first one that was sent under the same `client_message_id` and False."""
        if unknown := body.keys() - BODY:
            raise Problem("validation_failed", f"Unknown fields: {sorted(unknown)}")
        key = body.get("client_message_id")
        if key is not None and (first := self._sent(user, key)) is not None:
            if first.sent_body != body:
                raise Problem("idempotency_conflict")
            return first, False
        content, attachment_ids = body.get("content", ""), body.get("attachment_ids", [])
        if not isinstance(content, str) or len(content) > MAX_CONTENT or not (content.strip() or attachment_ids):
            raise Problem("validation_failed")
        if any(id_ not in self.attachments for id_ in attachment_ids):
            raise Problem("not_found")
        conversation = self.conversation(user, self._target(user, body))
        message = Message(
            self.next_message_id,
            conversation.id,
            conversation.last_seq + 1,
            conversation.take_modseq(),
            user.id,
            content,
            timestamp(),
            key,
            body,
            body.get("parent_id"),
            [self.attachments[id_] for id_ in attachment_ids],
        )
        self.next_message_id += 1
        conversation.find_mentions(message, self._names())
        conversation.messages.append(message)
        self.publish_message("message.created", conversation, message)
        if message.parent_id is not None:
            _, parent = self.message(user, message.parent_id)
            parent.reply_count += 1
            self._touch(conversation, parent)
        return message, True

    def edit(self, user: User, message_id: Any, content: Any, modseq: int | None = None) -> Message:
        conversation, message = self._own(user, message_id)
        if not isinstance(content, str) or not content.strip():
            raise Problem("validation_failed")
        if modseq is not None and modseq != message.modseq:
            raise Problem("edit_conflict")
        if content != message.content:
            message.content, message.edited_at = content, timestamp()
            conversation.find_mentions(message, self._names())
            self._touch(conversation, message)
        return message

    def delete(self, user: User, message_id: Any) -> None:
        conversation, message = self.message(user, message_id)
        if message.sender_id != user.id and not conversation.members[user.id].is_admin:
            raise Problem("forbidden")
        if message.deleted_at is None:
            message.content, message.deleted_at = "", timestamp()
            message.reactions, message.mentions, message.mentions_room, message.attachments = {}, [], False, []
            self._touch(conversation, message, "message.deleted")

    def react(self, user: User, message_id: Any, emoji: str, *, adds: bool) -> Message:
        conversation, message = self.message(user, message_id)
        if message.deleted_at is not None:
            raise Problem("message_deleted")
        ids = message.reactions.setdefault(emoji, [])
        if adds != (user.id in ids):
            message.reactions[emoji] = [*ids, user.id] if adds else [id_ for id_ in ids if id_ != user.id]
            self._touch(conversation, message)
        return message

    def read(self, user: User, conversation_id: Any, seq: Any, source: object = None) -> Conversation:
        """Move the read mark forward."""
        conversation = self.conversation(user, conversation_id)
        member = conversation.members[user.id]
        if not isinstance(seq, int) or not 0 <= seq <= conversation.last_seq:
            raise Problem("validation_failed")
        if seq > member.last_read_seq:
            member.last_read_seq = seq
            self._publish_read(conversation, user, conversation.present(), source)
            self.publish_settings(conversation, user, source)
        return conversation

    def unread(self, user: User, conversation_id: Any, seq: Any) -> Conversation:
        """Move the read mark back to the message before *seq*."""
        conversation = self.conversation(user, conversation_id)
        if not isinstance(seq, int) or not 1 <= seq <= conversation.last_seq:
            raise Problem("validation_failed")
        member = conversation.members[user.id]
        if seq <= member.last_read_seq:
            member.last_read_seq = seq - 1
            self._publish_read(conversation, user, [user.id], None)
            self.publish_settings(conversation, user)
        return conversation

    def configure(self, user: User, conversation_id: Any, **settings: bool) -> Conversation:
        """Mute or pin a conversation."""
        conversation = self.conversation(user, conversation_id)
        member = conversation.members[user.id]
        member.is_muted = settings.get("is_muted", member.is_muted)
        member.is_pinned = settings.get("is_pinned", member.is_pinned)
        self.publish_settings(conversation, user)
        return conversation

    def join(self, user: User, conversation_id: str) -> None:
        conversation = self.conversations[conversation_id]
        conversation.members[user.id] = Member(user.id, conversation.take_modseq(), timestamp())
        conversation.members[user.id].last_read_seq = conversation.last_seq

        def frame(viewer: int) -> dict[str, Any]:
            room = conversation.room_json(viewer)
            return {"type": "room.created", "conversation_id": conversation.id, "room": room}

        self.publish(Event("room.created", conversation.id, frozenset([user.id]), frame))
        self._publish_member("member.joined", conversation, conversation.members[user.id], conversation.present())

    def leave(self, user: User, conversation_id: str) -> None:
        """Take *user* out of the room. Their own sockets hear it too."""
        conversation = self.conversations[conversation_id]
        member, hearers = conversation.members[user.id], conversation.present()
        member.modseq, member.left_at = conversation.take_modseq(), timestamp()
        self._publish_member("member.left", conversation, member, hearers)

    def typing(self, user: User, conversation_id: Any, is_typing: bool) -> None:
        conversation = self.conversation(user, conversation_id)
        frame = {"type": "typing", "conversation_id": conversation.id, "user_id": user.id, "is_typing": is_typing}
        to = frozenset(conversation.present()) - {user.id}
        self.publish(Event("typing", conversation.id, to, lambda _viewer: frame))

    def member_json(self, conversation: Conversation, member: Member, viewer_id: int) -> dict[str, Any]:
        """A membership as `resumed` has it."""
        return {
            "user": self.accounts.users[member.user_id].json(viewer_id),
            "user_id": member.user_id,
            "room_id": conversation.room_id,
            "modseq": member.modseq,
            "is_admin": member.is_admin,
            "joined_at": member.joined_at,
            "left_at": member.left_at,
        }

    def publish_message(self, type_: str, conversation: Conversation, message: Message) -> None:
        # The frame has the state of this moment, whenever it is sent.
        state, modseq = copy.deepcopy(message), message.modseq

        def frame(viewer: int) -> dict[str, Any]:
            shown = state.json(viewer, conversation)
            return {"type": type_, "conversation_id": conversation.id, "modseq": modseq, "message": shown}

        self.publish(Event(type_, conversation.id, frozenset(conversation.present()), frame))

    def publish_settings(self, conversation: Conversation, user: User, source: object = None) -> None:
        member = conversation.members[user.id]
        frame = {"type": "inbox.updated", "conversation_id": conversation.id, "is_muted": member.is_muted}
        frame |= {"is_pinned": member.is_pinned, "last_read_seq": member.last_read_seq}
        event = Event("inbox.updated", conversation.id, frozenset([user.id]), lambda _viewer: frame, source)
        self.publish(event)

    def publish(self, event: Event) -> None:
        for subscriber in list(self.subscribers):
            subscriber(event)

    def _publish_read(self, conversation: Conversation, user: User, to: list[int], source: object) -> None:
        seq = conversation.members[user.id].last_read_seq
        frame = {"type": "read", "conversation_id": conversation.id, "user_id": user.id, "seq": seq}
        self.publish(Event("read", conversation.id, frozenset(to), lambda _viewer: frame, source))

    def _publish_member(self, type_: str, conversation: Conversation, member: Member, to: list[int]) -> None:
        frame = {"type": type_, "conversation_id": conversation.id, "modseq": member.modseq}
        frame |= {"room_id": conversation.room_id, "user_id": member.user_id, "is_admin": member.is_admin}
        self.publish(Event(type_, conversation.id, frozenset(to), lambda _viewer: frame))

    def _touch(self, conversation: Conversation, message: Message, type_: str = "message.updated") -> None:
        message.modseq = conversation.take_modseq()
        self.publish_message(type_, conversation, message)

    def _own(self, user: User, message_id: Any) -> tuple[Conversation, Message]:
        conversation, message = self.message(user, message_id)
        if message.sender_id != user.id:
            raise Problem("forbidden")
        if message.deleted_at is not None:
            raise Problem("message_deleted")
        return conversation, message

    def _sent(self, user: User, key: str) -> Message | None:
        every = (m for c in self.conversations.values() for m in c.messages)
        return next((m for m in every if m.sender_id == user.id and m.client_message_id == key), None)

    def _names(self) -> dict[str, int]:
        return {user.username: user.id for user in self.accounts.users.values()}

    def _target(self, user: User, body: dict[str, Any]) -> str:
        if body.get("room_id") is not None:
            return f"room:{body['room_id']}"
        if body.get("recipient_id") is not None:
            first, second = sorted((user.id, body["recipient_id"]))
            return f"dm:{first}:{second}"
        return body.get("conversation_id") or "lobby"
