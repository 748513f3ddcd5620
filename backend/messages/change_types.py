"""The base of changes of messages, with the data that they read and write."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.errors import Conflict
from backend.messages.loaders import group_reactions
from backend.messages.validation import Blocked


class MessageDeleted(Conflict):
    code = "message_deleted"
    detail = "The message was deleted. A deleted message cannot be changed."


@dataclass(frozen=True)
class ChangeContext:
    """Facts about the user of a change and the conversation. The user may see the message."""

    now: datetime
    kind: str
    """The kind of the conversation: `lobby`, `room` or `dm`."""

    is_admin: bool = False
    """Whether the user is an admin of the room."""

    is_blocked: bool = False
    """Whether the other side of a direct conversation blocks the user."""

    mentions: tuple[int, ...] = ()
    """The users that the change's `new_content` mentions and who may see it."""

    def check_not_blocked(self) -> None:
        """Raise Blocked if the other side of a direct conversation blocks the user."""
        if self.is_blocked:
            raise Blocked


@dataclass
class LockedMessage:
    """A message whose conversation is locked, with the changes that this batch makes to it.

    `json` is the message as users other than its sender see it. The other fields hold what the object does not show.
    """

    json: dict[str, Any]
    content: str
    client_message_id: str | None
    reactions: dict[tuple[str, int], None] = field(default_factory=dict)
    """The pairs (emoji, user), in the order in which they were added."""

    added_reactions: dict[tuple[str, int], None] = field(default_factory=dict)
    removed_reactions: set[tuple[str, int]] = field(default_factory=set)
    former_contents: list[tuple[str, datetime]] = field(default_factory=list)
    """The versions that edits of this batch replaced, with the time of the edit."""

    mentions: list[int] | None = None
    """The new mentions, if an edit changed them."""

    is_pin_changed: bool = False
    pinned_by_id: int | None = None
    """Who pinned the message, if this batch did."""

    is_changed: bool = False
    is_wiped: bool = False
    """Whether content and history are to be removed from the database."""

    may_leave_files: bool = False
    """Whether there may be files of deleted attachments, which are to be removed after the commit."""

    @property
    def is_deleted(self) -> bool:
        return self.json["deleted_at"] is not None

    def add_reaction(self, emoji: str, user_id: int) -> None:
        """Add a reaction that does not exist."""
        self.reactions[emoji, user_id] = self.added_reactions[emoji, user_id] = None
        self._show_reactions()

    def remove_reaction(self, emoji: str, user_id: int) -> None:
        """Remove a reaction that exists."""
        del self.reactions[emoji, user_id]
        if (emoji, user_id) in self.added_reactions:
            del self.added_reactions[emoji, user_id]
        else:
            self.removed_reactions.add((emoji, user_id))
        self._show_reactions()

    def _show_reactions(self) -> None:
        self.json = self.json | {"reactions": group_reactions(self.reactions)}

    def check_not_deleted(self) -> None:
        """Raise MessageDeleted for a tombstone."""
        if self.is_deleted:
            raise MessageDeleted


@dataclass(frozen=True, slots=True)
class Changed:
    """A message after a change, as its user sees it. `may_leave_files` tells to call `remove_files` after the commit."""

    message: dict[str, Any]
    may_leave_files: bool


@dataclass(frozen=True)
class Change(ABC):
    """A change that *user_id* wants to make to a message."""

    user_id: int
    message_id: int

    @abstractmethod
    def apply(self, message: LockedMessage, context: ChangeContext) -> bool:
        """Change *message*, and return whether this had an effect that others can see.

        Raises Forbidden if the user lacks the permission, MessageDeleted for a tombstone, and what the subclass documents.
        """

    @property
    def wipes_content(self) -> bool:
        """Whether it may delete content that the database must not keep a trace of."""
        return False

    @property
    def new_content(self) -> str:
        """The content that the change sets, in which users may be mentioned."""
        return ""
