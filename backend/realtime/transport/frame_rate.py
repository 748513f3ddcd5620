"""The limit on how fast one client may send frames."""

from __future__ import annotations

BURST, PER_SECOND = 200, 50


class TokenBucket:
    """A token bucket of 200 frames that refills at 50 a second. Times are seconds of a monotonic clock."""

    __slots__ = ("_tokens", "_updated_at")

    def __init__(self, now: float):
        self._tokens = float(BURST)
        self._updated_at = now

    def take(self, now: float) -> bool:
        """Take a token for one frame. False where the bucket is empty."""
        self._tokens = min(BURST, self._tokens + (now - self._updated_at) * PER_SECOND)
        self._updated_at = now
        self._tokens -= 1
        return self._tokens >= 0
