"""Reactions to messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backend.errors import Conflict
from backend.messages.change_types import Change, ChangeContext, LockedMessage
from backend.messages.changes import change_message
from backend.messages.emojis import parse_emoji
from backend.models import User

MAX_EMOJI = 50
"""The number of different emoji that a message can have."""


class TooManyReactions(Conflict):
    code = "too_many_reactions"
    detail = f"A message can have {MAX_EMOJI} different emoji. Use one that it has already."


@dataclass(frozen=True)
class AddReaction(Change):
    """A user's reaction with *emoji*, which is fully qualified."""

    emoji: str

    def apply(self, message: LockedMessage, context: ChangeContext) -> bool:
        """Add the reaction. The same one again has no effect. Also raises TooManyReactions."""
        message.check_not_deleted()
        context.check_not_blocked()
        if (self.emoji, self.user_id) in message.reactions:
            return False
        emoji = {emoji for emoji, _ in message.reactions}
        if self.emoji not in emoji and len(emoji) >= MAX_EMOJI:
            raise TooManyReactions
        message.add_reaction(self.emoji, self.user_id)
        return True


@dataclass(frozen=True)
class RemoveReaction(Change):
    """The removal of a user's reaction with *emoji*."""

    emoji: str

    def apply(self, message: LockedMessage, context: ChangeContext) -> bool:
        """Remove the reaction. If there is none, this has no effect."""
        message.check_not_deleted()
        if (self.emoji, self.user_id) not in message.reactions:
            return False
        message.remove_reaction(self.emoji, self.user_id)
        return True


def add_reaction(user: User, message_id: int, emoji: str) -> dict[str, Any]:
    """Record that *user* reacted to a message with *emoji*, and return the message. Safe to repeat.

    Raises NotFound, MessageDeleted, Blocked, TooManyReactions, and ValidationFailed if *emoji* is not one emoji.
    """
    return change_message(AddReaction(user.id, message_id, parse_emoji(emoji)))


def remove_reaction(user: User, message_id: int, emoji: str) -> dict[str, Any]:
    """Remove *user*'s reaction, and return the message. Safe to repeat. Raises as `add_reaction`."""
    return change_message(RemoveReaction(user.id, message_id, parse_emoji(emoji)))
