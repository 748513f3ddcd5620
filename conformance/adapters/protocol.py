"""The protocol of an adapter: commands on stdin, answers and events on stdout, one JSON object a line. See docs/clients.md."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any, Protocol

LONGEST_LINE = 2**24


class Adapter(Protocol):
    async def perform(self, do: str, arguments: dict[str, Any]) -> Any:
        """The answer to a command."""


def write(message: dict[str, Any]) -> None:
    """Write an answer or an event."""
    print(json.dumps(message), flush=True)


async def serve(adapter: Adapter, capabilities: Sequence[str], errors: tuple[type[Exception], ...]) -> None:
    """Answer commands until the end of stdin, several at a time. An exception of the kinds *errors* is an answer."""
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    write({"event": "hello", "capabilities": capabilities})
    tasks: set[asyncio.Task[None]] = set()
    while line := await reader.readline():
        task = asyncio.create_task(_answer(adapter, json.loads(line), errors))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def _answer(adapter: Adapter, command: dict[str, Any], errors: tuple[type[Exception], ...]) -> None:
    id_, do = command.pop("id"), command.pop("do")
    try:
        write({"id": id_, "ok": await adapter.perform(do, command)})
    except errors as error:
        write({"id": id_, "error": f"{type(error).__name__}: {error}"})
