"""How often something may happen, counted for requests, sockets and mails. `backend.http.rate_limits` shows callers the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

from backend.errors import RateLimited
from backend.state import confab_state


@dataclass(frozen=True)
class Limit:
    """At most *amount* in *seconds* for each key. Whoever gives the same *name* shares one count."""

    name: str
    amount: int
    seconds: int = 60


@dataclass(frozen=True)
class Count:
    """What a key has used of a limit, and the seconds until its window closes."""

    limit: Limit
    used: int
    closes_in: float

    @property
    def remaining(self) -> int:
        return max(self.limit.amount - self.used, 0)

    @property
    def is_over(self) -> bool:
        return self.used > self.limit.amount

    def check(self) -> None:
        """Raises RateLimited, with Retry-After, where the last call was one too many."""
        if self.is_over:
            raise self.refusal()

    def refusal(self) -> RateLimited:
        """What a caller is told whose call was one too many."""
        seconds = max(math.ceil(self.closes_in), 1)
        unit = "second" if seconds == 1 else "seconds"
        return RateLimited(f"Too many requests. Try again in {seconds} {unit}.", headers={"Retry-After": str(seconds)})


def count(limit: Limit, key: str, amount: int = 1) -> Count:
    """Count *amount* calls of *key* against *limit*.

    With `RATE_LIMITS=off` nothing is counted, and nothing is ever over.
    """
    windows = confab_state().limits
    if windows is None:
        return Count(limit, 0, 0.0)
    return Count(limit, *windows.count(f"{limit.name}:{key}", limit.seconds, amount))
