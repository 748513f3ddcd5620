"""A message on its way in, and what came of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from backend.conversations.references import ConversationRef


@dataclass(frozen=True)
class Draft:
    """A message that someone wants to send. Its fields are checked for form, not yet for right."""

    sender_id: int
    place: ConversationRef
    content: str
    parent_id: int | None = None
    client_message_id: str | None = None
    attachment_ids: tuple[int, ...] = ()

    @property
    def request_hash(self) -> str:
        """What a repeated send must equal: everything that the message is made of."""
        made_of: list[Any] = [self.place.conversation_id, self.content, self.parent_id]
        if self.attachment_ids:  # appended only then: the hashes of earlier releases stay the same
            made_of.append(self.attachment_ids)
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


@dataclass(frozen=True)
class Sent:
    """A message that is committed, as its sender sees it; `is_new` is False for a repeated send."""

    message: dict[str, Any]
    is_new: bool
