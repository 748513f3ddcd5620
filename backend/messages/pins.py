"""Pinned messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backend.errors import Forbidden
from backend.messages.change_types import Change, ChangeContext, LockedMessage
from backend.messages.changes import change_message
from backend.models import User


@dataclass(frozen=True)
class SetPin(Change):
    """Pins a message, or unpins it."""

    is_pinned: bool

    def apply(self, message: LockedMessage, context: ChangeContext) -> bool:
        """Set the pin. Setting it again has no effect."""
        if context.kind != "dm" and not context.is_admin:
            raise Forbidden("Only an admin of the room may pin its messages.")
        message.check_not_deleted()
        context.check_not_blocked()
        if message.json["is_pinned"] == self.is_pinned:
            return False
        message.is_pin_changed, message.pinned_by_id = True, self.user_id
        message.json = message.json | {"is_pinned": self.is_pinned}
        return True


def pin_message(user: User, message_id: int) -> dict[str, Any]:
    """Pin a message, as an admin of its room or as either side of a direct conversation. Safe to repeat.

    Raises NotFound, Forbidden, MessageDeleted and Blocked.
    """
    return change_message(SetPin(user.id, message_id, is_pinned=True))


def unpin_message(user: User, message_id: int) -> dict[str, Any]:
    """Unpin a message. Safe to repeat. Raises as `pin_message`."""
    return change_message(SetPin(user.id, message_id, is_pinned=False))
