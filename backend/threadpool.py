"""Work that takes a processor for long: done beside the loop under gevent, a little at once, with a bounded line before it.

Each kind of work has threads and a line of its own, so that pictures do not hold up sign-ins. Work waits in a queue for each
key (who caused it), and the queues take turns: whoever sends a hundred wrong passwords waits for them alone. In a queue the
newest goes first, for under a flood the oldest has been given up by its sender. Where the line is full, the oldest work of the
longest queue is refused, and its caller told to come back.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import gevent.monkey
from gevent.threadpool import ThreadPool

from backend.errors import Unavailable

Result = TypeVar("Result")


class Busy(Unavailable):
    detail = "The server has too much to do at this moment. Nothing was changed. Try again shortly."


@dataclass(eq=False)
class _Place:
    """A caller's place in the line. `is_admitted` says what the call was: to work, or to go away."""

    key: str
    is_admitted: bool = False
    called: threading.Event = field(default_factory=threading.Event)

    def call(self, is_admitted: bool) -> None:
        self.is_admitted = is_admitted
        self.called.set()


class FairLine:
    """Lets *at_once* callers work and at most *most* wait; the keys take turns."""

    def __init__(self, at_once: int, most: int):
        self.at_once, self.most = at_once, most
        self._lock = threading.Lock()
        self._queues: dict[str, deque[_Place]] = {}  # in the order of their turns
        self._working = self._waiting = 0

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """Wait for a turn, and hold it. Raises Busy."""
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
            if self._working < self.at_once:
                self._working += 1
                place.call(is_admitted=True)
            else:
                if self._waiting >= self.most:
                    self._refuse_one(key)
                self._queues.setdefault(key, deque()).append(place)
                self._waiting += 1
        return place

    def _refuse_one(self, key: str) -> None:
        """Make room: the longest queue loses its oldest place. Where all are of one, whoever comes last is refused."""
        longest = max(self._queues, key=lambda each: len(self._queues[each]))
        if len(self._queues[longest]) == 1 and key not in self._queues:
            raise Busy
        self._take_out(longest, self._queues[longest][0]).call(is_admitted=False)

    def _leave(self, place: _Place) -> None:
        with self._lock:
            if place.is_admitted:
                self._hand_on()
            elif not place.called.is_set():  # the caller was ended while it waited
                self._take_out(place.key, place)

    def _hand_on(self) -> None:
        if not self._queues:
            self._working -= 1
            return
        key = next(iter(self._queues))
        place = self._take_out(key, self._queues[key][-1])
        if key in self._queues:
            self._queues[key] = self._queues.pop(key)  # to the end of the turns
        place.call(is_admitted=True)

    def _take_out(self, key: str, place: _Place) -> _Place:
        self._queues[key].remove(place)
        self._waiting -= 1
        if not self._queues[key]:
            del self._queues[key]
        return place


class Offload:
    """One kind of work, with *threads* of its own, before which at most *waiting* callers wait."""

    def __init__(self, threads: int, waiting: int):
        self.threads, self.waiting = threads, waiting

    def run(self, key: str, function: Callable[..., Result], *args: Any) -> Result:
        """Run *function* in a thread under gevent, else here, in the turn of *key*. Raises Busy.

        It is of use where *function* lets go of the GIL: bcrypt, Pillow.
        """
        with self._line.turn(key):
            if gevent.monkey.is_module_patched("socket"):
                done: Result = self._pool.apply(_behind_others, (function, *args))
                return done
            return function(*args)

    # Made with the first work, in the worker that does it: what is made before a fork serves only one side of it.

    @cached_property
    def _line(self) -> FairLine:
        return FairLine(self.threads, self.waiting)

    @cached_property
    def _pool(self) -> ThreadPool:
        return ThreadPool(self.threads)


PASSWORDS = Offload(threads=2, waiting=100)
"""Two threads: ten, all hashing, leave the loop a tenth of its core. An office that signs in at once is served, in some 12 s."""

PICTURES = Offload(threads=1, waiting=8)


def _behind_others(function: Callable[..., Result], *args: Any) -> Result:
    """Run *function* in a thread that stands back behind the loop, yet moves on a machine that is busy with other things."""
    if sys.platform == "linux":  # elsewhere threads have no priority of their own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    return function(*args)
