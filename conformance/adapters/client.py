"""A small and correct client in Python: an example for authors of clients, and the proof that the cases can be passed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from conformance.adapters.account import Account, Storage
from conformance.adapters.calls import Refused, Unreachable, call
from conformance.adapters.inbox import Inbox
from conformance.adapters.outbox import Outbox
from conformance.adapters.tokens import SignedOut, Tokens

UNAUTHORISED, REPLACED = 4401, 4409
MAX_PAUSE = 30
PONG_SECONDS = 2


class Client:
    """A client of the server at *url*, with its data in *folder*. *report* is called with each status and its reason.

    *get_token* is given where the host application signs in. Without it the client signs in itself, and refreshes.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        report: Callable[[str, str | None], None],
        get_token: Callable[[str], Awaitable[str | None]] | None = None,
    ):
        self.url = url
        self.report = report
        self.storage = Storage(folder)
        self.tokens = Tokens(url, self.storage, get_token)
        self.account = Account(self.tokens.user_id or 0, self.storage)
        self.inbox = Inbox(self)
        self.outbox = Outbox(self)
        self.client_id = uuid.uuid4().hex
        self.status = ""
        self._socket: ClientConnection | None = None
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._attempt = 0
        self._retry_after = 0.0
        self._went_back = False
        self._awake, self._pong = asyncio.Event(), asyncio.Event()
        self._running: list[asyncio.Task[None]] = []

    # What the application calls

    def start(self) -> None:
        self._running = [asyncio.create_task(self._run()), asyncio.create_task(self.inbox.run())]

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._tell("offline", "stopped")

    async def sign_in(self, email: str, password: str) -> None:
        """Raises Refused and Unreachable."""
        await self.tokens.sign_in(email, password)
        self._open_account(self.tokens.user_id or 0)
        self._awake.set()

    async def sign_out(self, *, forget: bool) -> None:
        token = self.tokens.sign_out()
        if self._socket is not None:
            await self._socket.close()
        if forget:
            self.storage.forget()
        self.account = Account(0, self.storage)
        self._tell("signed-out", "signed out")
        with contextlib.suppress(Refused, Unreachable):
            await call(self.url, "POST", "/api/auth/logout", token)

    async def api(self, method: str, path: str, body: Any = None) -> Any:
        """A call, repeated once if its token was refused. Raises Refused, Unreachable and SignedOut."""
        token = await self.tokens.current()
        try:
            return await call(self.url, method, path, token, body)
        except Refused as refused:
            if refused.status != 401:
                raise
        self.tokens.refuse(token)
        return await call(self.url, method, path, await self.tokens.current(), body)

    async def request(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Send a frame over the socket, and return its answer. Raises Refused, and ConnectionClosed."""
        assert self._socket is not None
        id_ = uuid.uuid4().hex
        answer = self._answers[id_] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({**frame, "id": id_}))
        found = await answer
        if found["type"] == "error":
            raise Refused(found["code"], found.get("retry_after"))
        return found

    async def load_before(self, conversation: str) -> None:
        """Load the messages before the first one that is here."""
        first = min((m["seq"] for m in self.account.messages_of(conversation)), default=0)
        before = f"&before={first}" if first else ""
        for message in await self.api("GET", f"/api/chat/messages?conversation_id={conversation}{before}"):
            self.account.merge_message(message)

    async def wake(self) -> None:
        """The device was asleep: renew the token if it has expired, then see whether the socket is alive."""
        with contextlib.suppress(Unreachable, SignedOut):
            await self.tokens.current()
        if self._socket is not None:
            self._pong.clear()
            try:
                await self._socket.send(json.dumps({"type": "ping"}))
                await asyncio.wait_for(self._pong.wait(), PONG_SECONDS)
            except (ConnectionClosed, TimeoutError):
                if self._socket is not None:
                    self._socket.transport.abort()
        self._attempt = 0
        self._awake.set()

    # The connection

    async def _run(self) -> None:
        while True:
            self._awake.clear()
            try:
                await self._connect(await self.tokens.current())
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                if code == REPLACED:
                    self._tell("offline", "replaced")
                    return
            except (Unreachable, InvalidHandshake, OSError, Refused) as error:
                self._retry_after = getattr(error, "retry_after", None) or 0
            except SignedOut as ended:
                self._tell("signed-out", str(ended))
                await self._awake.wait()
                continue
            await self._pause()

    async def _pause(self) -> None:
        """Wait 1 to 30 seconds at random, longer after each failure, or as long as the server said; less after a wake."""
        if self.tokens.exist:
            self._tell("offline", "the connection ended")
        seconds = max(min(MAX_PAUSE, 2**self._attempt * random.uniform(1, 1.5)), self._retry_after)
        self._attempt, self._retry_after = self._attempt + 1, 0.0
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._awake.wait(), seconds)

    async def _connect(self, token: str) -> None:
        """Open a socket, catch up, and serve it until it ends. Raises what ended it."""
        self._tell("connecting")
        address = f"{self.url.replace('http', 'ws', 1)}/ws/{self.client_id}?token={token}"
        tasks: list[asyncio.Task[None]] = []
        async with connect(address, compression=None, proxy=None) as socket:
            try:
                ready = json.loads(await socket.recv())
                self._socket = socket
                self._open_account(ready["user"]["id"])
                self._tell("catching-up")
                await self.inbox.load()
                await self._resume()
                tasks = [asyncio.create_task(work()) for work in (self.outbox.run, self._renew)]
                while True:
                    await self._receive(json.loads(await socket.recv()))
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code == UNAUTHORISED:
                    self.tokens.refuse(token)
                raise
            finally:
                self._socket = None
                for task in tasks:
                    task.cancel()
                self._answers.clear()

    async def _resume(self) -> None:
        assert self._socket is not None
        self._went_back = False
        frame = {"type": "resume", "id": f"resume-{uuid.uuid4().hex}", "conversations": self.account.seen}
        await self._socket.send(json.dumps(frame))

    async def _receive(self, frame: dict[str, Any]) -> None:
        account = self.account
        match frame["type"]:
            case "resumed":
                await self._receive_page(frame)
            case "message.created" | "message.updated" | "message.deleted":
                account.merge_message(frame["message"])
                self.inbox.note_change(frame["conversation_id"], frame["modseq"])
            case "member.left" if frame["user_id"] == account.user_id:
                account.leave(frame["conversation_id"])
            case "member.joined" | "member.updated" | "member.left":
                account.merge_member(frame["conversation_id"], frame | {"left_at": frame["type"] == "member.left"})
                self.inbox.note_change(frame["conversation_id"], frame["modseq"])
            case "room.deleted":
                account.leave(frame["conversation_id"])
            case "room.created" | "room.updated" | "read" | "inbox.updated":
                self.inbox.note_change(frame["conversation_id"])
            case "pong":
                self._pong.set()
            case "error" if frame.get("id", "").startswith("resume-"):
                await asyncio.sleep(frame.get("retry_after", 1))
                await self._resume()
            case "ack" | "ok" | "error" if frame.get("id") in self._answers:
                self._answers.pop(frame["id"]).set_result(frame)
        account.save()

    async def _receive_page(self, frame: dict[str, Any]) -> None:
        """Merge a page. After the last one the client is live, unless a conversation must be read anew."""
        for id_ in frame["gone"]:
            self.account.leave(id_)
        for row in frame["conversations"]:
            if self.account.merge_row(row):
                self.inbox.note_change(row["id"])
            else:
                self._went_back = True
        if frame["done"] and self._went_back:
            await self._resume()
        elif frame["done"]:
            self._attempt = 0
            self._tell("live")
            self.outbox.wake()

    async def _renew(self) -> None:
        """Give the socket a new token before the old one expires."""
        while self.tokens.user_id is not None:
            await asyncio.sleep(max(0.1, self.tokens.seconds_left()))
            with contextlib.suppress(Unreachable, SignedOut, ConnectionClosed):
                token = await self.tokens.current()
                if self._socket is not None:
                    await self._socket.send(json.dumps({"type": "auth", "token": token}))

    def _open_account(self, user_id: int) -> None:
        """Use the data of this account, and of no other."""
        if self.account.user_id != user_id:
            self.account = Account(user_id, self.storage)
            self.inbox.clear()

    def _tell(self, status: str, reason: str | None = None) -> None:
        if status != self.status:
            self.status = status
            self.report(status, reason)
