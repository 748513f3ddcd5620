"""The conversations of the scripted server, with seq and modseq as section 4 of the contract counts them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from conformance.server.accounts import START

_MENTION = re.compile(r"(?<![\w@.+/-])@(\w+)")


_counter = itertools.count(1)


def timestamp() -> str:
    """The present time. No two are the same, so that they give an order."""
    now = datetime.now(UTC).replace(microsecond=next(_counter) % 1_000_000)
    return now.isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass
class Message:
    """A message in its present state. `sent_body` is the body that it was sent with, to compare repetitions."""

    id: int
    conversation_id: str
    seq: int
    modseq: int
    sender_id: int
    content: str
    created_at: str
    client_message_id: str | None
    sent_body: dict[str, Any]
    parent_id: int | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)
    edited_at: str | None = None
    deleted_at: str | None = None
    reactions: dict[str, list[int]] = field(default_factory=dict)
    reply_count: int = 0
    mentions: list[int] = field(default_factory=list)
    mentions_room: bool = False

    def json(self, viewer_id: int, conversation: Conversation) -> dict[str, Any]:
        """The message as the user *viewer_id* sees it."""
        recipient = conversation.peer_id(self.sender_id)
        read_to = conversation.members[recipient].last_read_seq if recipient in conversation.members else 0
        return {
            "id": self.id,
            "conversation_id": self.conversation_id,
            "seq": self.seq,
            "modseq": self.modseq,
            "sender_id": self.sender_id,
            "room_id": conversation.room_id,
            "recipient_id": recipient,
            "parent_id": self.parent_id,
            "content": self.content,
            "timestamp": self.created_at,
            "created_at": self.created_at,
            "edited_at": self.edited_at,
            "deleted_at": self.deleted_at,
            "is_read": recipient is not None and self.seq <= read_to,
            "reactions": [
                {"emoji": emoji, "count": len(ids), "user_ids": ids} for emoji, ids in self.reactions.items() if ids
            ],
            "attachments": self.attachments,
            "reply_count": self.reply_count,
            "mentions": self.mentions,
            "mentions_room": self.mentions_room,
            "is_pinned": False,
            "client_message_id": self.client_message_id if viewer_id == self.sender_id else None,
        }


@dataclass
class Member:
    """A user's place in a conversation: the membership, the read mark and the settings."""

    user_id: int
    modseq: int
    joined_at: str
    is_admin: bool = False
    left_at: str | None = None
    last_read_seq: int = 0
    is_muted: bool = False
    is_pinned: bool = False


@dataclass
class Conversation:
    """One ordered stream of messages."""

    id: str
    name: str = ""
    members: dict[int, Member] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    last_modseq: int = 0

    @property
    def kind(self) -> str:
        return self.id.split(":")[0]

    @property
    def room_id(self) -> int | None:
        return int(self.id.split(":")[1]) if self.kind == "room" else None

    @property
    def last_seq(self) -> int:
        return len(self.messages)

    def peer_id(self, user_id: int) -> int | None:
        """The other side of a direct conversation."""
        if self.kind != "dm":
            return None
        first, second = (int(part) for part in self.id.split(":")[1:])
        return second if user_id == first else first

    def is_open_to(self, user_id: int) -> bool:
        member = self.members.get(user_id)
        return member is not None and member.left_at is None

    def activity(self, user_id: int) -> str:
        """The time of the last message, or of joining: the order of the inbox."""
        return self.messages[-1].created_at if self.messages else self.members[user_id].joined_at

    def present(self) -> list[int]:
        """The ids of those who are in it."""
        return [user_id for user_id in self.members if self.is_open_to(user_id)]

    def take_modseq(self) -> int:
        self.last_modseq += 1
        return self.last_modseq

    def unread(self, user_id: int) -> list[Message]:
        """The messages above the user's read mark that others sent and that are not deleted."""
        mark = self.members[user_id].last_read_seq
        return [m for m in self.messages if m.seq > mark and m.sender_id != user_id and m.deleted_at is None]

    def counts(self, user_id: int) -> dict[str, int]:
        unread = self.unread(user_id)
        mentions = [m for m in unread if user_id in m.mentions or m.mentions_room]
        return {"unread_count": len(unread), "mention_count": len(mentions)}

    def find_mentions(self, message: Message, names: dict[str, int]) -> None:
        """Set the mentions of *message* from its content. *names* has the ids of all users."""
        named = [names[name] for name in _MENTION.findall(message.content) if name in names]
        message.mentions = [user_id for user_id in dict.fromkeys(named) if self.is_open_to(user_id)]
        sender = self.members[message.sender_id]
        message.mentions_room = self.kind == "room" and sender.is_admin and "room" in _MENTION.findall(message.content)

    def room_json(self, viewer_id: int) -> dict[str, Any]:
        """The room as the user *viewer_id* sees it."""
        shown: dict[str, Any] = {
            "id": self.room_id,
            "name": self.name,
            "description": None,
            "is_public": True,
            "owner_id": next(iter(self.members)),
            "member_count": len(self.present()),
            "conversation_id": self.id,
            "created_at": START,
            "updated_at": START,
        }
        if self.is_open_to(viewer_id):
            shown |= {"is_admin": self.members[viewer_id].is_admin, "joined_at": self.members[viewer_id].joined_at}
        return shown
