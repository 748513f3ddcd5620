"""The outbox of the reference client: kept on disk, and sent in order."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

from conformance.adapters.calls import Refused, Unreachable, upload

if TYPE_CHECKING:
    from conformance.adapters.client import Client

NOT_FINAL = {"unavailable", "rate_limited", "internal_error", "unauthorized", "token_expired", "token_revoked"}
"""Errors after which a message is sent again. Any other is final for it."""

SENT = ("content", "parent_id", "attachment_ids", "client_message_id")
"""The fields of an item that the server gets."""


class Outbox:
    """What is not sent yet, of the account that *client* has open."""

    def __init__(self, client: Client):
        self.client = client
        self._changed = asyncio.Event()

    def add(self, message: dict[str, Any]) -> str:
        """Put a message into the outbox, and return its client_message_id."""
        item = {"client_message_id": uuid.uuid4().hex, "state": "queued", **message}
        self.client.account.outbox.append(item)
        self.client.account.save()
        self.wake()
        return str(item["client_message_id"])

    def retry(self, client_message_id: str) -> None:
        """Send a failed message again. Raises StopIteration where there is none."""
        self.client.account.item(client_message_id)["state"] = "queued"
        self.wake()

    def cancel(self, client_message_id: str) -> None:
        """Give a message up. Raises StopIteration where there is none."""
        self.client.account.outbox.remove(self.client.account.item(client_message_id))
        self.client.account.save()

    def wake(self) -> None:
        """Something may be sent now."""
        self._changed.set()

    async def run(self) -> None:
        """Send what is queued, one after the other, so that none overtakes another. Runs as long as a socket is open."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self.client.status == "live" and (item := self._next()) is not None:
                try:
                    await self._send(item)
                except (Refused, Unreachable) as error:
                    code = getattr(error, "code", "unavailable")
                    if code in NOT_FINAL:
                        await asyncio.sleep(error.retry_after or 1)
                    else:
                        item |= {"state": "failed", "code": code}
                self.client.account.save()

    def _next(self) -> dict[str, Any] | None:
        return next((item for item in self.client.account.outbox if item["state"] != "failed"), None)

    async def _send(self, item: dict[str, Any]) -> None:
        """Send a message, and take it out of the outbox when it is acknowledged. Raises Refused and Unreachable."""
        account, tokens = self.client.account, self.client.tokens
        item["state"] = "sending"
        if "attachment" in item and "attachment_ids" not in item:
            item["attachment_ids"] = [await upload(self.client.url, await tokens.current(), **item["attachment"])]
            account.save()
        frame = {"type": "send", "conversation_id": item["conversation"]}
        answer = await self.client.request(frame | {name: item[name] for name in SENT if name in item})
        account.merge_message(answer["message"])
        account.outbox.remove(item)
        self.client.inbox.note_change(item["conversation"])
