"""The inbox of the reference client. Its counts depend on messages that are not here, so the server counts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from conformance.adapters.calls import Refused, Unreachable
from conformance.adapters.tokens import SignedOut

if TYPE_CHECKING:
    from conformance.adapters.client import Client


class Inbox:
    """The rows of the account that *client* has open: which must be read again, and which read marks the server must get."""

    def __init__(self, client: Client):
        self.client = client
        self._stale: set[str] = set()
        self._marks: dict[str, int] = {}
        self._changed = asyncio.Event()

    def read(self, conversation: str, seq: int) -> None:
        """Set the read mark, as soon as the server accepts it."""
        self._marks[conversation] = seq
        self.note_change(conversation)

    def note_change(self, conversation: str, modseq: int = 0) -> None:
        """An event changed *conversation*. Its modseq is seen only if nothing before it can be missing."""
        if self.client.status == "live":
            self.client.account.note_modseq(conversation, modseq)
        self._stale.add(conversation)
        self._changed.set()

    def clear(self) -> None:
        """Another account was opened."""
        self._stale.clear()
        self._marks.clear()

    async def load(self) -> None:
        """Read all rows, and the last page of each conversation that is new here."""
        rows: dict[str, Any] = {}
        while page := await self.client.api("GET", f"/api/chat/conversations?limit=100&skip={len(rows)}"):
            rows |= {row["id"]: row for row in page}
        self.client.account.rows = rows
        for row in rows.values():
            if row["id"] not in self.client.account.seen:
                await self._load_conversation(row)

    async def run(self) -> None:
        """Read the rows of conversations in which something changed, as long as the client runs."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._stale:
                account, id_ = self.client.account, self._stale.pop()
                try:
                    account.rows[id_] = await self._read_row(id_)
                except SignedOut:
                    self._stale.clear()
                except (Refused, Unreachable) as error:
                    if getattr(error, "code", None) == "not_found":
                        account.leave(id_)
                        continue
                    self._stale.add(id_)
                    await asyncio.sleep(error.retry_after or 1)
            self.client.account.save()

    async def _load_conversation(self, row: dict[str, Any]) -> None:
        """Load the last page and the members of a conversation that is new here. `resume` brings what changes from now on."""
        await self.client.load_before(row["id"])
        if row["kind"] == "room":
            for member in await self.client.api("GET", f"/api/rooms/{row['room']['id']}/members?limit=100"):
                known = {"user_id": member["user"]["id"], "modseq": row["last_modseq"]}
                self.client.account.merge_member(row["id"], known)
        self.client.account.note_modseq(row["id"], row["last_modseq"])

    async def _read_row(self, conversation: str) -> Any:
        """The row as the server answers it, to the read mark if there is one to set."""
        path = f"/api/chat/conversations/{conversation}"
        mark = self._marks.get(conversation)
        if mark is None:
            return await self.client.api("GET", path)
        row = await self.client.api("POST", f"{path}/read", {"seq": mark})
        if self._marks.get(conversation) == mark:
            del self._marks[conversation]
        return row
