"""Calls in a thread of their own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_thread(call: Callable[[], T]) -> T:
    """Make a call in another thread, and return its result.

    The browser of an earlier test keeps an event loop running in this thread, so that `asyncio.run` would refuse to start one.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()
