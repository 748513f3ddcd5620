"""Edits of messages, and the history of their versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from backend.errors import Conflict, Forbidden, ValidationFailed
from backend.messages.access import get_message_for
from backend.messages.change_types import Change, ChangeContext, LockedMessage
from backend.messages.changes import change_message
from backend.messages.mentions import names_room
from backend.models import MessageEdit, User
from backend.models.base import db
from backend.pagination import Page, PageRequest


class EditConflict(Conflict):
    code = "edit_conflict"
    detail = "The message has changed after the version that you edited. Load it again."


@dataclass(frozen=True)
class Edit(Change):
    """A new content. *modseq* is that of the version that was edited, or None if that does not matter."""

    content: str
    modseq: int | None = None

    @property
    def new_content(self) -> str:
        return self.content

    def apply(self, message: LockedMessage, context: ChangeContext) -> bool:
        """Replace the content. The same content again has no effect.

        Also raises EditConflict, and ValidationFailed for blank content.
        """
        if message.json["sender_id"] != self.user_id:
            raise Forbidden("Only the sender of a message may edit it.")
        message.check_not_deleted()
        context.check_not_blocked()
        if self.modseq is not None and self.modseq != message.json["modseq"]:
            raise EditConflict
        if not self.content.strip() and not message.json["attachments"]:
            raise ValidationFailed.of("content", "A message needs content. To remove the message, delete it.")
        if self.content == message.content:
            return False
        message.former_contents.append((message.content, context.now))
        message.content, message.mentions = self.content, list(context.mentions)
        message.json = message.json | {
            "content": self.content,
            "edited_at": context.now,
            "mentions": list(context.mentions),
            "mentions_room": context.is_admin and names_room(self.content),
        }
        return True


def edit_message(user: User, message_id: int, *, content: str, modseq: int | None = None) -> dict[str, Any]:
    """Replace the content of *user*'s own message, and return the message. Earlier versions stay in its history.

    Raises EditConflict if *modseq* is not that of the message. Raises NotFound, Forbidden for another user's message,
    MessageDeleted, Blocked, and ValidationFailed for blank content without attachments.
    """
    return change_message(Edit(user.id, message_id, content, modseq))


def list_history(user: User, message_id: int, page_request: PageRequest) -> Page[dict[str, Any]]:
    """The earlier versions of a message that *user* may see, oldest first: `content` until `edited_at`.

    A deleted message has none. Raises NotFound.
    """
    message = get_message_for(user, message_id)
    if message.deleted_at is not None:
        return Page([], {})
    e = MessageEdit
    statement = select(e.content, e.edited_at).where(e.message_id == message_id).order_by(e.id)
    rows = db.session.execute(statement.offset(page_request.skip).limit(page_request.limit + 1)).all()
    page = Page.from_rows(rows, page_request)
    return Page([{"content": content, "edited_at": edited_at} for content, edited_at in page.items], page.next)
