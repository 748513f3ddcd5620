"""Limits how many calls with large responses a worker runs at once for one user."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from backend.errors import RateLimited

WAIT_SECONDS = 5.0
"""How long a call waits for a slot. Devices of one user that reconnect together take turns."""


class Slots:
    """Gives each key *at_once* slots. Further calls wait for a slot."""

    def __init__(self, at_once: int):
        self._at_once = at_once
        self._lock = threading.Lock()
        self._held: dict[int, tuple[threading.BoundedSemaphore, int]] = {}

    def acquire(self, key: int, seconds: float = WAIT_SECONDS) -> None:
        """Take a slot of *key*; `release` returns it. Raises RateLimited if none is free within *seconds*."""
        with self._lock:
            semaphore, users = self._held.get(key) or (threading.BoundedSemaphore(self._at_once), 0)
            self._held[key] = semaphore, users + 1
        if not semaphore.acquire(timeout=seconds):
            self._forget(key)
            detail = f"A user may make at most {self._at_once} calls of this kind at once. Wait until the others are answered."
            raise RateLimited(detail, headers={"Retry-After": "1"})

    def release(self, key: int) -> None:
        """Return a slot."""
        self._held[key][0].release()
        self._forget(key)

    @contextmanager
    def held(self, key: int) -> Iterator[None]:
        """A context that holds a slot of *key*. Raises RateLimited."""
        self.acquire(key)
        try:
            yield
        finally:
            self.release(key)

    @property
    def is_idle(self) -> bool:
        """True if no slot is taken."""
        return not self._held

    def _forget(self, key: int) -> None:
        with self._lock:
            semaphore, users = self._held[key]
            if users == 1:
                del self._held[key]
            else:
                self._held[key] = semaphore, users - 1


LARGE_ANSWERS = Slots(4)
"""For /sync, exports and lists of members over REST, until they are sent, and for pages of `resumed` while they are made."""
