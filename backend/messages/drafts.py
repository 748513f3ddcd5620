"""Messages before and after they are sent."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from backend.conversations.references import ConversationRef


@dataclass(frozen=True)
class Draft:
    """A message to send. The schema has validated its fields; permissions are not checked yet."""

    sender_id: int
    place: ConversationRef
    content: str
    parent_id: int | None = None
    client_message_id: str | None = None
    attachment_ids: tuple[int, ...] = ()

    @property
    def request_hash(self) -> str:
        """A hash of everything that a repeated send has to have in common with the first."""
        made_of: list[Any] = [self.place.conversation_id, self.content, self.parent_id]
        if self.attachment_ids:  # only then, so that hashes of earlier releases stay the same
            made_of.append(self.attachment_ids)
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


@dataclass(frozen=True)
class Sent:
    """A committed message, as its sender sees it. `is_new` is False for a repeated send."""

    message: dict[str, Any]
    is_new: bool
