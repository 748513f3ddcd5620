"""The scripted server: connections, faults and the record of what it saw."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from conformance.server import cues
from conformance.server.accounts import Token, User
from conformance.server.faults import Fault, Faults
from conformance.server.http import CORS, Request, Response, read_request
from conformance.server.problems import Problem
from conformance.server.rest import Rest
from conformance.server.socket import Socket
from conformance.server.world import Event, World
from conformance.trace import Trace

HEARTBEAT = 25
PAGE = 200
LIST_LIMIT = 100
REPLACEMENT = 0.5
"""The seconds in which a client may still have the socket that a new one replaces."""
NAMES = {
    "POST /api/auth/login": "login",
    "POST /api/auth/refresh": "refresh",
    "POST /api/chat/send": "send",
}
"""Short names of calls, as points of faults."""


class Server:
    """Serves *world* at a port of the loopback address. Everything runs in one thread, so a case may look at all of it.

    *check* is called with the direction (`in`, `out`) and each frame. `page` is the number of messages in a page of `resumed`.
    """

    def __init__(self, world: World, trace: Trace, check: Callable[[str, dict[str, Any]], None] | None = None):
        self.world = world
        self.trace = trace
        self.faults = Faults()
        self.sockets: list[Socket] = []
        self.refused: dict[str, float] = {}
        """The access tokens that were answered with 401 or 4401, with the time of the first refusal, by the trace."""
        self.backup: Any = None
        self.most_sockets = 0
        """The highest number of sockets that were open at a time, for longer than it takes to replace one."""
        self.heartbeat, self.page, self.list_limit = HEARTBEAT, PAGE, LIST_LIMIT
        self.port = 0
        self.reversed: list[tuple[Socket, dict[str, Any]]] | None = None
        """Events that are kept back, to be sent in reversed order."""
        self._check = check
        self._rest = Rest(self)
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        world.subscribers.append(self._publish)
        self._subscribed: set[Socket] = set()
        self._number = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Listen, on the same port as before."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse connections, and end those that exist."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for socket in list(self.sockets):
            socket.cut()
        for writer in list(self._writers):
            writer.transport.abort()
        tasks = self._tasks - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def authenticate(self, text: str | None, *, allow_ticket: bool = False) -> Token:
        """The token of a call or a socket. Raises Problem."""
        try:
            return self.world.accounts.authenticate(text, allow_ticket=allow_ticket)
        except Problem:
            if text is not None:
                self.refuse(text)
            raise

    def refuse(self, text: str) -> None:
        """Note that the client now knows that this token is refused."""
        self.refused.setdefault(text, self.trace.now())

    def subscribe(self, socket: Socket) -> None:
        self._subscribed.add(socket)

    def leave(self, socket: Socket) -> None:
        self._subscribed.discard(socket)
        self.sockets.remove(socket)

    def emit(self, socket: Socket, frame: dict[str, Any]) -> None:
        """Send the frame of an event, or keep it back for the cue `deliver`."""
        if self.reversed is None:
            socket.send(frame)
        else:
            self.reversed.append((socket, frame))

    def record(self, direction: str, frame: dict[str, Any], **data: Any) -> None:
        self.trace.add(direction, frame=frame, **data)
        if self._check is not None:
            self._check(direction, frame)

    def carry_out(self, steps: list[dict[str, Any]]) -> None:
        """Carry out cues of a fault. Those that take time run on their own."""
        for step in steps:
            task = asyncio.get_running_loop().create_task(cues.carry_out(self, step))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def begin(self, points: list[str], user: User | None) -> Fault:
        """The fault for these points, after its cues and its delay."""
        fault = self.faults.take(points, user.username if user else None)
        for step in fault.before:
            await cues.carry_out(self, step)
        if fault.delay:
            await asyncio.sleep(fault.delay / 1000)
        return fault

    async def before_answer(self, fault: Fault) -> None:
        """Wait as *fault* says, before an answer is sent."""
        if fault.delay_answer:
            await asyncio.sleep(fault.delay_answer / 1000)
        if fault.hold_answer is not None:
            await self.faults.gate(fault.hold_answer).wait()

    def _publish(self, event: Event) -> None:
        for socket in list(self._subscribed):
            socket.receive_event(event)

    def _count_sockets(self) -> None:
        self.most_sockets = max(self.most_sockets, sum(not socket.is_hung for socket in self.sockets))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while (request := await read_request(reader)) is not None:
                if request.is_upgrade:
                    await self._upgrade(request, reader, writer)
                    break
                response = await self._answer(request)
                if response is None:
                    writer.transport.abort()
                    break
                writer.write(response.encode())
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, OSError):
                await writer.wait_closed()

    async def _answer(self, request: Request) -> Response | None:
        """The response to *request*; None to cut the connection."""
        if request.method == "OPTIONS":
            return Response(204, headers=CORS)
        call = f"{request.method} {request.path}"
        token = self.world.accounts.tokens.get(request.token or "")
        user = token.session.user if token else None
        entry = self.trace.add("request", call=call, query=request.query, token=request.token, body=_shown(request))
        fault = await self.begin([call, *([NAMES[call]] if call in NAMES else [])], user)
        if fault.lose == "request":
            return None
        try:
            if fault.refuse is not None:
                raise fault.problem()
            response = self._rest.answer(request)
        except Problem as problem:
            response = Response.of(problem)
        await self.before_answer(fault)
        self.trace.add(
            "response", call=call, status=response.status, body=response.body, took=self.trace.now() - entry.at
        )
        self.carry_out(fault.after)
        return None if fault.lose == "answer" else response

    async def _upgrade(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        text = request.token or request.query.get("token")
        client_id = request.path.removeprefix("/ws/")
        self._number += 1
        number = self._number
        self.trace.add("open", socket=number, client_id=client_id, token=text)
        fault = await self.begin(["upgrade"], None)
        if fault.refuse is not None or fault.lose is not None:
            self.trace.add("close", socket=number, reason="refused before the upgrade")
            if fault.refuse is not None:
                writer.write(Response.of(fault.problem()).encode())
            return
        try:
            token: Token | None = self.authenticate(text, allow_ticket=True)
        except Problem:
            token = None
        socket = Socket(self, writer, client_id, token, number)
        for other in list(self.sockets):
            if token is not None and (other.client_id, other.user) == (client_id, socket.user):
                other.close(4409)
        self.sockets.append(socket)
        asyncio.get_running_loop().call_later(REPLACEMENT, self._count_sockets)
        await socket.run(reader, request.head)


def _shown(request: Request) -> Any:
    """The body of *request* for the record."""
    try:
        return json.loads(request.body) if request.body else None
    except ValueError:
        return f"{len(request.body)} bytes"
