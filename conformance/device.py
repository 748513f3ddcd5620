"""An adapter process: one device with its storage."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.failure import Failure
from conformance.trace import Trace

ANSWER_SECONDS = 15
LINE_LIMIT = 64 * 1024 * 1024


class Device:
    """The process of *command*, which keeps its data in the folder *storage*.

    *token_for* answers `token_wanted`: it returns the token to give, or None.
    """

    def __init__(self, name: str, command: str, storage: Path, trace: Trace, token_for: Callable[[], str | None]):
        self.name = name
        self.storage = storage
        self.trace = trace
        self.capabilities: set[str] = set()
        self.statuses: dict[str, str] = {}
        """The last status that each tab reported."""
        self._command = command
        self._token_for = token_for
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._hello: asyncio.Future[None] | None = None
        self._errors: list[str] = []
        self._next_id = 1

    @property
    def is_running(self) -> bool:
        return self._process is not None

    async def launch(self) -> None:
        """Start the process, and wait until it has told its capabilities. Raises Failure."""
        self.storage.mkdir(exist_ok=True)
        self.statuses.clear()
        self._hello = asyncio.get_running_loop().create_future()
        parts = shlex.split(self._command)
        self._process = await asyncio.create_subprocess_exec(
            *parts, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=LINE_LIMIT, start_new_session=True
        )
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]
        await self._in_time(self._hello, "say hello")

    async def call(self, do: str, **arguments: Any) -> Any:
        """Give a command, and return the answer. Raises Failure for an error or no answer."""
        id_, self._next_id = self._next_id, self._next_id + 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[id_] = future
        if do not in READING:
            self.trace.add("do", device=self.name, do=do, **arguments)
        self._write({"id": id_, "do": do, **arguments})
        answer: dict[str, Any] = await self._in_time(future, do)
        if "error" in answer:
            raise Failure(f"The adapter answers {do} with an error: {answer['error']}")
        return answer.get("ok")

    async def kill(self) -> None:
        """End the process with SIGKILL."""
        if self._process is None:
            return
        self.trace.add("do", device=self.name, do="kill -9")
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        await asyncio.gather(*self._tasks)  # they end with the pipes
        if self._process.stdin is not None:
            self._process.stdin.close()
            with contextlib.suppress(ConnectionError):
                await self._process.stdin.wait_closed()
        self._process = None

    def _write(self, line: dict[str, Any]) -> None:
        if self._process is None or self._process.stdin is None or self._process.returncode is not None:
            raise Failure(f"The adapter process has ended. {self._last_errors()}")
        self._process.stdin.write(json.dumps(line).encode() + b"\n")

    async def _in_time(self, future: asyncio.Future[Any], do: str) -> Any:
        try:
            return await asyncio.wait_for(future, ANSWER_SECONDS)
        except TimeoutError:
            text = f"The adapter did not answer {do} within {ANSWER_SECONDS} s. {self._last_errors()}"
            raise Failure(text) from None

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            try:
                message = json.loads(line)
            except ValueError:
                self.trace.add("event", device=self.name, text=line.decode(errors="replace"))
                continue
            self._receive(message)
        for future in self._answers.values():
            if not future.done():
                future.set_result({"error": f"the process has ended. {self._last_errors()}"})

    def _receive(self, message: dict[str, Any]) -> None:
        if "id" in message and "event" not in message:
            future = self._answers.pop(message["id"], None)
            if future is not None and not future.done():
                future.set_result(message)
            return
        self.trace.add("event", device=self.name, **message)
        match message.get("event"):
            case "hello":
                self.capabilities = set(message.get("capabilities", []))
                if self._hello is not None and not self._hello.done():
                    self._hello.set_result(None)
            case "state":
                self.statuses[message.get("tab", "1")] = message["status"]
            case "token_wanted":
                token = self._token_for()
                self._next_id += 1
                self._write({"id": self._next_id, "do": "token", "for": message.get("for"), "token": token})

    async def _read_errors(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            text = line.decode(errors="replace").rstrip()
            self._errors.append(text)
            self.trace.add("stderr", device=self.name, text=text)

    def _last_errors(self) -> str:
        return " | ".join(self._errors[-3:])


READING = {"messages", "inbox", "outbox", "members"}
"""Commands that are repeated until the answer is as expected, and therefore not recorded."""
