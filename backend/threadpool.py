"""Work that needs much CPU time runs in threads beside gevent's loop, a few pieces at once, with a bounded waiting line.

Each kind of work has its own threads and its own line, so that pictures do not delay sign-ins. A line has a queue for each key
(the client that caused the work), and the queues take turns: a client that sends a hundred wrong passwords delays only itself. In
a queue the newest work goes first: in a flood the clients of the oldest work have given up already. When the line is full, the
oldest work of the longest queue is refused with 503.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

import gevent.monkey
from gevent.threadpool import ThreadPool

from backend.errors import Unavailable

Result = TypeVar("Result")


class Busy(Unavailable):
    detail = "The server has too much to do at this moment. Nothing was changed. Try again shortly."


@dataclass(eq=False)
class _Place:
    """A caller's place in the line. When `called` is set, `is_admitted` tells whether the caller may work or is refused."""

    key: str
    is_admitted: bool = False
    called: threading.Event = field(default_factory=threading.Event)

    def call(self, is_admitted: bool) -> None:
        self.is_admitted = is_admitted
        self.called.set()


class FairLine:
    """Lets *max_working* callers work and at most *max_waiting* wait. The keys take turns."""

    def __init__(self, max_working: int, max_waiting: int):
        self.max_working, self.max_waiting = max_working, max_waiting
        self._lock = threading.Lock()
        self._queues: dict[str, deque[_Place]] = {}  # in the order of their turns
        self.working = self.waiting = 0

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Wait for a turn, and hold it for the `with` block. Raises Busy if the line is full."""
        place = self._enter(key)
        try:
            place.called.wait()
            if not place.is_admitted:
                raise Busy
            yield
        finally:
            self._leave(place)

    def _enter(self, key: str) -> _Place:
        place = _Place(key)
        with self._lock:
            if self.working < self.max_working:
                self.working += 1
                place.call(is_admitted=True)
            else:
                if self.waiting >= self.max_waiting:
                    self._refuse_one(key)
                self._queues.setdefault(key, deque()).append(place)
                self.waiting += 1
        return place

    def _refuse_one(self, key: str) -> None:
        """Make room: refuse the oldest place of the longest queue. Raises Busy if each queue has one place and *key* has none."""
        longest = max(self._queues, key=lambda each: len(self._queues[each]))
        if len(self._queues[longest]) == 1 and key not in self._queues:
            raise Busy
        self._take_out(longest, self._queues[longest][0]).call(is_admitted=False)

    def _leave(self, place: _Place) -> None:
        with self._lock:
            if place.is_admitted:
                self._hand_on()
            elif not place.called.is_set():  # the caller was killed while it waited
                self._take_out(place.key, place)

    def _hand_on(self) -> None:
        if not self._queues:
            self.working -= 1
            return
        key = next(iter(self._queues))
        place = self._take_out(key, self._queues[key][-1])
        if key in self._queues:
            self._queues[key] = self._queues.pop(key)  # its next turn comes after all others
        place.call(is_admitted=True)

    def _take_out(self, key: str, place: _Place) -> _Place:
        self._queues[key].remove(place)
        self.waiting -= 1
        if not self._queues[key]:
            del self._queues[key]
        return place


class Offload:
    """One kind of work. *threads* run it, and at most *max_waiting* callers wait for them."""

    def __init__(self, threads: int, max_waiting: int):
        self.threads, self.max_waiting = threads, max_waiting

    def run(self, key: str, function: Callable[..., Result], *args: Any) -> Result:
        """Run *function* in a thread under gevent, otherwise in this one, in the turn of *key*. Raises Busy.

        This helps functions that release the GIL, such as those of bcrypt and Pillow.
        """
        with self.line.turn(key):
            if gevent.monkey.is_module_patched("socket"):
                done, error = self._pool.apply(_at_low_priority, (function, *args))
                if error is not None:
                    raise error
                return cast(Result, done)
            return function(*args)

    # Made with the first work, in the worker that does it: a pool that was made before a fork works in one process only.

    @cached_property
    def line(self) -> FairLine:
        """The waiting line before the threads."""
        return FairLine(self.threads, self.max_waiting)

    @cached_property
    def _pool(self) -> ThreadPool:
        return ThreadPool(self.threads)


PASSWORDS = Offload(threads=2, max_waiting=100)
"""Two threads, because ten that hash leave the loop a tenth of its core. A hundred sign-ins at once take about 12 s."""

PICTURES = Offload(threads=1, max_waiting=24)
"""A client may send the ten pictures of a message at once, and others send theirs meanwhile."""

DISK = Offload(threads=4, max_waiting=200)
"""Writing, deleting and listing files: a busy disk delays only the request that waits for it."""

READS = Offload(threads=4, max_waiting=10_000)
"""Reading files, one piece at a time. As many may wait as a worker has connections: no download is refused after it began."""


def _at_low_priority(function: Callable[..., Result], *args: Any) -> tuple[Result | None, Exception | None]:
    """Run *function* with a low priority (nice 10): after the loop, but before idle work of the machine.

    Returns its result, and what it raised: gevent would print an exception that leaves the thread, even one that is expected.
    """
    if sys.platform == "linux":  # elsewhere threads have no priority of their own
        # A sandbox may refuse it, and so does the kernel if the process already has a lower priority.
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    try:
        return function(*args), None
    except Exception as error:  # noqa: BLE001  # the caller raises it
        return None, error
