"""Limits, and the counting of calls against them: for requests, sockets and mails."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from limits import RateLimitItem, parse

from backend.errors import RateLimited
from backend.state import confab_state


@dataclass(frozen=True)
class RateLimit:
    """A number of calls that each key may make in a window of time. Limits with the same *name* and *text* share their counts.

    *text* has the notation of the library `limits`, such as `10 per minute`. Raises ValueError for any other text.
    """

    name: str
    text: str
    item: RateLimitItem = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "item", parse(self.text))  # here, so that requests do not parse

    @property
    def amount(self) -> int:
        return self.item.amount


@dataclass(frozen=True)
class Usage:
    """The calls that a key made in the open window of a limit of *amount* calls. *closes_at* is in seconds since 1970."""

    amount: int
    used: int
    closes_at: float

    @property
    def remaining(self) -> int:
        return max(self.amount - self.used, 0)

    @property
    def is_exceeded(self) -> bool:
        return self.used > self.amount

    def check(self) -> None:
        """Raise RateLimited, with Retry-After, if there were more calls than the limit allows."""
        if self.is_exceeded:
            raise rate_limited(self.closes_at)


def rate_limited(closes_at: float) -> RateLimited:
    """Return the error for a call that a limit refuses until *closes_at*, in seconds since 1970."""
    seconds = max(math.ceil(closes_at - time.time()), 1)
    unit = "second" if seconds == 1 else "seconds"
    return RateLimited(f"Too many requests. Try again in {seconds} {unit}.", headers={"Retry-After": str(seconds)})


def count(limit: RateLimit, key: str, cost: int = 1) -> Usage:
    """Count *cost* calls of *key* against *limit*. Calls beyond the limit count too.

    With `RATE_LIMITS=off` nothing is counted, and no limit is ever exceeded. Needs an application context, and no request.
    """
    limiter = confab_state().rate_limiter
    if limiter is None:
        return Usage(limit.amount, 0, 0.0)
    # The order of Flask-Limiter: its default limit and `backend.http.rate_limits` share the counts of addresses.
    return Usage(limit.amount, *limiter.count(limit.item, key, limit.name, cost=cost))
