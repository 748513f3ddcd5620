"""Deletion of messages. A deleted message stays in lists as a tombstone, so that numbers have no gap."""

from __future__ import annotations

from dataclasses import dataclass

from backend.errors import Forbidden
from backend.messages.change_types import Change, ChangeContext, LockedMessage
from backend.messages.changes import change_message
from backend.models import User


@dataclass(frozen=True)
class Deletion(Change):
    """Makes a tombstone of a message. A *hard* deletion also wipes its content and history from the database."""

    is_hard: bool = False

    @property
    def wipes_content(self) -> bool:
        return self.is_hard

    def apply(self, message: LockedMessage, context: ChangeContext) -> bool:
        """Delete the message. Repeating it has no effect. A hard deletion of a tombstone wipes what a soft one has kept."""
        if message.json["sender_id"] != self.user_id and not context.is_admin:
            raise Forbidden("Only the sender of a message or an admin of the room may delete it.")
        message.is_wiped = message.is_wiped or self.is_hard
        if message.is_deleted:
            # A tombstone does not tell whether it had files, and its soft deletion may have been unable to remove them.
            message.may_leave_files = message.may_leave_files or self.is_hard
            return False
        message.may_leave_files = bool(message.json["attachments"])
        for pair in list(message.reactions):
            message.remove_reaction(*pair)
        message.mentions = []
        message.is_pin_changed = message.is_pin_changed or message.json["is_pinned"]
        message.json = message.json | {
            "content": "",
            "deleted_at": context.now,
            "reactions": [],
            "attachments": [],
            "mentions": [],
            "mentions_room": False,
            "is_pinned": False,
        }
        return True


def delete_message(user: User, message_id: int, *, is_hard: bool) -> None:
    """Delete a message, as its sender or an admin of its room. Safe to repeat.

    A soft deletion keeps content and history in the database, but the API does not show them. A hard one wipes them. Raises
    NotFound, and Forbidden for other users who may see the message.
    """
    change_message(Deletion(user.id, message_id, is_hard))
