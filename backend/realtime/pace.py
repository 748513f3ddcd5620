"""How fast one client may send frames."""

from __future__ import annotations

BURST, PER_SECOND = 200, 50


class Pace:
    """A bucket of 200 frames that fills by 50 a second."""

    __slots__ = ("_at", "_tokens")

    def __init__(self, now: float):
        self._tokens = float(BURST)
        self._at = now

    def allows(self, now: float) -> bool:
        """Count a frame. Whether it may come already."""
        self._tokens = min(BURST, self._tokens + (now - self._at) * PER_SECOND)
        self._at = now
        self._tokens -= 1
        return self._tokens >= 0
