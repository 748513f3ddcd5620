"""What the server must hold of a message, according to what it acknowledged."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

from tests.realtime.client import Frame

CHANGES = {"edit": 4, "react": 4, "unreact": 2, "delete": 1, "pin": 4, "unpin": 2}
"""The changes of messages, and how often each is chosen in relation to the others."""


@dataclass
class Expected:
    """What the last acknowledged change made of a message. Its author *user_id* changes it, and the owner of the room pins it."""

    user_id: int
    message_id: int
    key: str
    content: str = ""
    is_reacted: bool = False
    is_pinned: bool = False
    is_deleted: bool = False
    attachments: list[Frame] = field(default_factory=list)
    is_uncertain: bool = False
    """Whether a change was sent and never answered."""

    def __post_init__(self) -> None:
        self.content = self.content or self.key

    def change(self, chance: random.Random) -> tuple[dict[str, Any], Expected]:
        """A frame that changes the message, and what is expected once it is acknowledged."""
        kind = chance.choices(list(CHANGES), list(CHANGES.values()))[0]
        frame: dict[str, Any] = {"type_": kind, "message_id": self.message_id}
        if kind == "edit":
            content = f"{self.key} {chance.random()}"
            return frame | {"content": content}, replace(self, content=content)
        if kind == "delete":
            is_hard = chance.random() < 0.5
            content = "" if is_hard else self.content
            deleted = replace(self, content=content or " ", is_reacted=False, is_pinned=False, is_deleted=True)
            return frame | {"hard": is_hard}, replace(deleted, attachments=[])
        if kind in ("pin", "unpin"):
            return frame, replace(self, is_pinned=kind == "pin")
        return frame | {"emoji": "👍"}, replace(self, is_reacted=kind == "react")

    def matches(self, row: Any) -> bool:
        """Whether the database holds what was acknowledged."""
        found = (row.content, row.is_reacted, row.is_pinned, row.deleted_at is not None)
        wanted = (self.content.strip(), self.is_reacted, self.is_pinned, self.is_deleted)
        return self.is_uncertain or found == wanted
