"""What the reference client keeps: the session, and the data of each account, in files of their own."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any


class Storage:
    """JSON files in *folder*. With `is_full` nothing is written: a full disk costs the cache, and nothing else."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.is_full = False

    def load(self, name: str) -> Any:
        """The content of a file, or None."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self.folder / f"{name}.json").read_text())
        return None

    def save(self, name: str, content: Any) -> None:
        if self.is_full:
            return
        with contextlib.suppress(OSError):
            path = self.folder / f"{name}.new"
            path.write_text(json.dumps(content))
            path.replace(self.folder / f"{name}.json")

    def forget(self) -> None:
        """Remove all files."""
        for path in self.folder.iterdir():
            path.unlink()


class Account:
    """The conversations and the outbox of one user: nobody else sees or sends them."""

    def __init__(self, user_id: int, storage: Storage):
        self.user_id = user_id
        self._storage = storage
        data = storage.load(f"account-{user_id}") or {}
        self.seen: dict[str, int] = data.get("seen", {})
        """The highest modseq of each conversation."""
        self.rows: dict[str, Any] = data.get("rows", {})
        self.messages: dict[str, Any] = data.get("messages", {})
        self.members: dict[str, Any] = data.get("members", {})
        self.outbox: list[dict[str, Any]] = data.get("outbox", [])

    def save(self) -> None:
        names = ("seen", "rows", "messages", "members", "outbox")
        self._storage.save(f"account-{self.user_id}", {name: getattr(self, name) for name in names})

    def merge_message(self, message: dict[str, Any]) -> None:
        """The same id: the higher modseq wins."""
        key = str(message["id"])
        if key not in self.messages or self.messages[key]["modseq"] < message["modseq"]:
            self.messages[key] = message

    def merge_member(self, conversation: str, member: dict[str, Any]) -> None:
        every = self.members.setdefault(conversation, {})
        key = str(member["user_id"])
        if key not in every or every[key]["modseq"] < member["modseq"]:
            every[key] = member

    def merge_row(self, row: dict[str, Any]) -> bool:
        """Merge a row of `resumed`. Returns False if the conversation went back: then it is dropped, to be read anew."""
        if row["last_modseq"] < self.seen.get(row["id"], 0):
            self.drop(row["id"])
            return False
        for message in row["messages"]:
            self.merge_message(message)
        for member in row["members"]:
            self.merge_member(row["id"], member)
        changed = [item["modseq"] for item in [*row["messages"], *row["members"]]]
        self.note_modseq(row["id"], max(changed) if row["truncated"] else row["last_modseq"])
        return True

    def note_modseq(self, conversation: str, modseq: int) -> None:
        self.seen[conversation] = max(self.seen.get(conversation, 0), modseq)

    def drop(self, conversation: str) -> None:
        """Forget the messages and members of *conversation*."""
        self.messages = {k: m for k, m in self.messages.items() if m["conversation_id"] != conversation}
        self.seen.pop(conversation, None)
        self.members.pop(conversation, None)

    def leave(self, conversation: str) -> None:
        """Forget *conversation*, because the user is no longer in it."""
        self.drop(conversation)
        self.rows.pop(conversation, None)

    def messages_of(self, conversation: str) -> list[dict[str, Any]]:
        found = [m for m in self.messages.values() if m["conversation_id"] == conversation]
        return sorted(found, key=lambda m: m["seq"])

    def inbox(self) -> list[dict[str, Any]]:
        """The rows, last activity first: the last message, or joining the room."""
        return sorted(self.rows.values(), key=_activity, reverse=True)

    def members_of(self, conversation: str) -> list[int]:
        return [m["user_id"] for m in self.members.get(conversation, {}).values() if not m.get("left_at")]

    def item(self, client_message_id: str) -> dict[str, Any]:
        """A message of the outbox. Raises StopIteration."""
        return next(item for item in self.outbox if item["client_message_id"] == client_message_id)


def _activity(row: dict[str, Any]) -> str:
    joined_at: str = row.get("room", {}).get("joined_at", "")
    return row["last_message"]["created_at"] if row["last_message"] else joined_at
