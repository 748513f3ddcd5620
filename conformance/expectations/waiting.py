"""Waiting until something is so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from conformance.failure import Failure

if TYPE_CHECKING:
    from conformance.case import Run

WITHIN = 6_000
"""The milliseconds that an expectation waits, unless the case says otherwise."""

POLL = 0.04


async def until(run: Run, found: Callable[[], Awaitable[tuple[bool, str]]], within: int) -> None:
    """Wait until *found* returns True. Raises Failure with its text after *within* milliseconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + run.patience * within / 1000
    while True:
        is_so, text = await found()
        if is_so:
            return
        if loop.time() > end:
            raise Failure(text)
        await asyncio.sleep(POLL)


def short(value: Any) -> str:
    """*value* as it stands in a failure."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 300 else f"{text[:300]}…"
