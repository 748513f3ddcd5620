"""The adapter of the reference client: `python -m conformance.adapters.reference`. docs/clients.md describes the protocol."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from conformance.adapters.calls import Refused, Unreachable
from conformance.adapters.client import Client
from conformance.adapters.protocol import serve, write
from conformance.adapters.tokens import SignedOut

CAPABILITIES = ["storage", "clock", "storage_full", "wake", "get_token", "tabs", "attachments", "members"]


class Adapter:
    """Answers commands. Its tabs are windows of one application, which share one client."""

    def __init__(self) -> None:
        self.client: Client | None = None
        self.tabs: set[str] = set()
        self._tokens: dict[str, asyncio.Future[str | None]] = {}

    async def perform(self, do: str, arguments: dict[str, Any]) -> Any:
        """The answer to a command. Raises AttributeError for one that is not defined."""
        tab = arguments.pop("tab", "1")
        if do == "start":
            return self.start(tab, **arguments)
        if do == "close_tab":
            self.tabs.discard(tab)
            return None if self.tabs else await self._started().stop()
        if do == "token":
            self._tokens.pop(arguments["for"]).set_result(arguments["token"])
            return None
        return await getattr(self, do)(self._started(), **arguments)

    def start(self, tab: str, url: str, storage: str, mode: str, clock_offset: float = 0) -> None:
        self.tabs.add(tab)
        if self.client is not None:
            write({"event": "state", "tab": tab, "status": self.client.status})
            return
        get_token = self._get_token if mode == "get_token" else None
        self.client = Client(url, Path(storage), self._report, get_token)
        self.client.tokens.clock_offset = clock_offset
        self.client.start()

    async def sign_in(self, client: Client, email: str, password: str) -> None:
        await client.sign_in(email, password)

    async def sign_out(self, client: Client, forget: bool = False) -> None:
        await client.sign_out(forget=forget)

    async def stop(self, client: Client) -> None:
        await client.stop()

    async def open(self, client: Client, conversation: str) -> None:
        """The client keeps all conversations."""

    async def messages(self, client: Client, conversation: str) -> Any:
        return client.account.messages_of(conversation)

    async def inbox(self, client: Client) -> Any:
        return client.account.inbox()

    async def members(self, client: Client, conversation: str) -> Any:
        return client.account.members_of(conversation)

    async def outbox(self, client: Client) -> Any:
        names = ("client_message_id", "state", "code")
        return [{name: item.get(name) for name in names} for item in client.account.outbox]

    async def send(self, client: Client, **message: Any) -> Any:
        return {"client_message_id": client.outbox.add(message)}

    async def retry(self, client: Client, client_message_id: str) -> None:
        client.outbox.retry(client_message_id)

    async def cancel(self, client: Client, client_message_id: str) -> None:
        client.outbox.cancel(client_message_id)

    async def edit(self, client: Client, conversation: str, message_id: int, content: str) -> None:
        await client.api("PATCH", f"/api/chat/messages/{message_id}", {"content": content})

    async def remove(self, client: Client, conversation: str, message_id: int) -> None:
        await client.api("DELETE", f"/api/chat/messages/{message_id}")

    async def read(self, client: Client, conversation: str, seq: int) -> None:
        client.inbox.read(conversation, seq)

    async def load_before(self, client: Client, conversation: str) -> None:
        await client.load_before(conversation)

    async def wake(self, client: Client) -> None:
        await client.wake()

    async def jump(self, client: Client, seconds: float) -> None:
        client.tokens.clock_offset += seconds

    async def fill_storage(self, client: Client) -> None:
        client.storage.is_full = True

    def _started(self) -> Client:
        if self.client is None:
            raise LookupError("there is no client before start")
        return self.client

    def _report(self, status: str, reason: str | None) -> None:
        for tab in sorted(self.tabs):
            write({"event": "state", "tab": tab, "status": status, "reason": reason})

    async def _get_token(self, reason: str) -> str | None:
        name = str(len(self._tokens) + 1)
        future = self._tokens[name] = asyncio.get_running_loop().create_future()
        write({"event": "token_wanted", "for": name, "reason": reason})
        return await future


ERRORS = (Refused, Unreachable, SignedOut, LookupError, AttributeError, TypeError, StopIteration)

if __name__ == "__main__":
    asyncio.run(serve(Adapter(), CAPABILITIES, ERRORS))
