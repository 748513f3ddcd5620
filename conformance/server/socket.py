"""A socket of the scripted server (section 6 of the contract), over the sans-I/O protocol of `websockets`."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.protocol import State
from websockets.server import ServerProtocol

from conformance.server import changes, cues
from conformance.server.accounts import Token
from conformance.server.problems import Problem
from conformance.server.world import Event

if TYPE_CHECKING:
    from conformance.server.server import Server

MAX_FRAME = 64 * 1024
TYPING_EXPIRES = 6
EXPIRED = 4401


class Socket:
    """One connection. `is_hung` makes it deaf and silent, as a connection whose network is gone."""

    def __init__(self, server: Server, writer: asyncio.StreamWriter, client_id: str, token: Token | None, number: int):
        self.server = server
        self.world = server.world
        self.client_id = client_id
        self.token = token
        self.number = number
        self.is_hung = False
        self.is_open = True
        self._protocol = ServerProtocol(max_size=MAX_FRAME)
        self._writer = writer
        self._withheld: dict[str, list[dict[str, Any]]] = {}
        self._corked: list[dict[str, Any]] | None = None
        self._last_heard = asyncio.get_running_loop().time()
        self._frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @property
    def user(self) -> Any:
        return None if self.token is None else self.token.session.user

    async def run(self, reader: asyncio.StreamReader, head: bytes) -> None:
        """Answer the handshake in *head*, and serve the socket until it ends."""
        self._protocol.receive_data(head)
        handshake = next(e for e in self._protocol.events_received() if isinstance(e, Handshake))
        self._protocol.send_response(self._protocol.accept(handshake))
        self._flush()
        tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._watch())]
        try:
            while self._protocol.state is not State.CLOSED and (data := await reader.read(65536)):
                if not self.is_hung:
                    self._receive(data)
        except ConnectionError:
            pass
        finally:
            self.end("the client is gone")
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def send(self, frame: dict[str, Any]) -> None:
        """Send *frame*, unless the socket has ended."""
        if self.is_open and self._protocol.state is State.OPEN:
            self.server.record("out", frame, socket=self.number)
            if not self.is_hung:
                self._protocol.send_text(json.dumps(frame).encode())
                self._flush()

    def close(self, code: int) -> None:
        """Close the socket with *code*."""
        if self.is_open and self._protocol.state is State.OPEN and not self.is_hung:
            self._protocol.send_close(code, "")
            self._flush()
            if code == EXPIRED and self.token is not None:
                self.server.refuse(self.token.text)
        self.end(code)

    def cut(self) -> None:
        """End the connection without a close frame."""
        self.end("cut")
        self._writer.transport.abort()

    def end(self, reason: object) -> None:
        """Stop serving. The connection itself ends when the client has answered the close frame."""
        if self.is_open:
            self.is_open = False
            self.server.leave(self)
            self.server.trace.add("close", socket=self.number, reason=reason)

    def receive_event(self, event: Event) -> None:
        """Send *event*, if it is for this user: after the pages of its conversation, and after the answer to a frame."""
        if self.user.id not in event.to or event.except_socket is self:
            return
        frame = event.frame(self.user.id)
        if event.conversation_id in self._withheld:
            self._withheld[event.conversation_id].append(frame)
        elif self._corked is not None:
            self._corked.append(frame)
        else:
            self.server.emit(self, frame)

    def _receive(self, data: bytes) -> None:
        self._last_heard = asyncio.get_running_loop().time()
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._frames.put_nowait(self._parse(bytes(event.data)))
            elif isinstance(event, Frame) and event.opcode is Opcode.BINARY:
                self.close(1003)
            elif isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                self.end(self._protocol.close_rcvd.code if self._protocol.close_rcvd else 1005)
        self._flush()

    def _parse(self, data: bytes) -> dict[str, Any]:
        try:
            frame = json.loads(data)
        except ValueError:
            frame = None
        return frame if isinstance(frame, dict) else {"type": None}

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._writer.write(data)
            elif self._writer.can_write_eof():
                with contextlib.suppress(OSError):
                    self._writer.write_eof()

    async def _work(self) -> None:
        """Send `ready`, then process the frames one by one."""
        if self.token is None:
            self.close(EXPIRED)
            return
        fault = await self.server.begin(["ready"], self.user)
        if fault.close is not None:
            self.close(fault.close)
            return
        self.send(self._ready())
        self.server.subscribe(self)
        self.server.carry_out(fault.after)
        while True:
            await self._process(await self._frames.get())

    def _ready(self) -> dict[str, Any]:
        assert self.token is not None
        online = sorted({s.user.id for s in self.server.sockets if s.user is not None and s.is_open})
        return {
            "type": "ready",
            "user": self.user.json(self.user.id),
            "session_id": self.token.session.id,
            "heartbeat": self.server.heartbeat,
            "typing_expires": TYPING_EXPIRES,
            "online": online,
        }

    async def _watch(self) -> None:
        """Ping, and close after two beats without a sign of the client or when the token expires."""
        loop = asyncio.get_running_loop()
        next_ping = loop.time() + self.server.heartbeat
        while self.is_open and self.token is not None:
            await asyncio.sleep(0.05)
            if self.token.expires_at <= self.world.accounts.now() or self.token.session.has_ended:
                self.close(EXPIRED)
            elif loop.time() - self._last_heard > 2 * self.server.heartbeat:
                self.close(4408)
            elif loop.time() >= next_ping and self._protocol.state is State.OPEN and not self.is_hung:
                next_ping += self.server.heartbeat
                self._protocol.send_ping(b"beat")
                self._flush()

    async def _process(self, frame: dict[str, Any]) -> None:
        self.server.record("in", frame, socket=self.number)
        type_, id_ = frame.get("type"), frame.get("id")
        fault = await self.server.begin([f"frame {type_}", *(["send"] if type_ == "send" else [])], self.user)
        if fault.lose == "request":
            self.cut()
            return
        self._corked = []
        try:
            if fault.refuse is not None:
                raise fault.problem()
            if type_ == "resume":
                self._uncork()
                await self._resume(frame)
                return
            answer = self._perform(frame)
        except Problem as problem:
            answer = problem.frame(id_)
        if id_ is not None:
            answer["id"] = id_
        if fault.lose == "answer":
            self._corked = None
            self.cut()
        elif fault.close is not None:
            self._corked = None
            self.close(fault.close)
        else:
            if fault.event_first is not None:
                self._uncork()
                await asyncio.sleep(fault.event_first / 1000)
            await self.server.before_answer(fault)
            self.send(answer)
            self._uncork()
        self.server.carry_out(fault.after)

    def _uncork(self) -> None:
        events, self._corked = self._corked or [], None
        for event in events:
            self.server.emit(self, event)

    def _perform(self, frame: dict[str, Any]) -> dict[str, Any]:
        """Do what *frame* asks for, and return the answer. Raises Problem."""
        self._check_token()
        body = {name: value for name, value in frame.items() if name not in ("type", "id")}
        user = self.user
        match frame.get("type"):
            case "send":
                message, _ = self.world.send(user, body)
            case "edit":
                message = self.world.edit(user, body.get("message_id"), body.get("content"), body.get("modseq"))
            case "react" | "unreact":
                adds = frame["type"] == "react"
                message = self.world.react(user, body.get("message_id"), body.get("emoji", ""), adds=adds)
            case "delete":
                self.world.delete(user, body.get("message_id"))
                return {"type": "ok"}
            case "read":
                self.world.read(user, body.get("conversation_id"), body.get("seq"), self)
                return {"type": "ok"}
            case "typing":
                self.world.typing(user, body.get("conversation_id"), body.get("is_typing", True))
                return {"type": "ok"}
            case "auth":
                return self._authenticate(body)
            case "ping":
                return {"type": "pong"}
            case _:
                raise Problem("validation_failed")
        return {"type": "ack", "message": message.json(user.id, self.world.conversations[message.conversation_id])}

    def _check_token(self) -> None:
        assert self.token is not None
        if self.token.session.has_ended:
            raise Problem("token_revoked")

    def _authenticate(self, body: dict[str, Any]) -> dict[str, Any]:
        try:
            token = self.world.accounts.authenticate(body.get("token"), allow_ticket=True)
            if token.session.user is not self.user:
                raise Problem("unauthorized")
        except Problem:
            asyncio.get_running_loop().call_soon(self.close, EXPIRED)
            raise
        self.token = token
        return {"type": "ok"}

    async def _resume(self, frame: dict[str, Any]) -> None:
        """Answer with pages. Live events of a conversation follow its last page."""
        seen = frame.get("conversations", {})
        self._withheld = {id_: [] for id_ in self.world.conversations}
        missing = changes.gone(self.world, self.user, seen)
        for number, (rows, is_last) in enumerate(changes.pages(self.world, self.user, seen, self.server.page), start=1):
            fault = await self.server.begin([f"page {number}", *(["last page"] if is_last else [])], self.user)
            if fault.close is not None:
                self.close(fault.close)
                return
            if fault.lose is not None:
                self.cut()
                return
            await self.server.before_answer(fault)
            page = {"type": "resumed", "conversations": rows, "gone": missing if number == 1 else [], "done": is_last}
            self.send(page | ({"id": frame["id"]} if "id" in frame else {}))
            self._continue({row["id"]: row["last_modseq"] for row in rows if not row["truncated"]}, is_last)
            for step in fault.after:
                await cues.carry_out(self.server, step)

    def _continue(self, complete: dict[str, int], is_last: bool) -> None:
        """Send the events that came after the pages of the conversations in *complete*, or of all after the last page."""
        for id_ in list(self._withheld) if is_last else list(complete):
            for frame in self._withheld.pop(id_, []):
                if frame.get("modseq", complete.get(id_, 0) + 1) > complete.get(id_, 0):
                    self.server.emit(self, frame)
