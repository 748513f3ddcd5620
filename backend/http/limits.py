"""Rate limits: on by default, shared through Redis where there is one, in memory where there is none or it is away.

A view that nobody needs to sign in for says how often it may be called: `@limited(Limit(...))`, above what reads its body, so
that malformed calls count too. What is left counts against the signed-in user (`backend.auth.access`), or else the address.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, g, request

from backend.errors import RateLimited
from backend.http.windows import MemoryWindows, RedisWindows, SturdyWindows, Windows

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Limit:
    """At most *amount* in *seconds* for each key. Routes that give the same *name* share one count."""

    name: str
    amount: int
    seconds: int = 60


ALL_ELSE = Limit("all-else", 600)
PASSWORD = Limit("password", 10)
"""How often a signed-in user may say its password: a stolen access token must not help to guess it."""


@dataclass(frozen=True)
class _State:
    limit: Limit
    remaining: int
    closes_in: float


def init_app(app: Flask) -> None:
    """Make the counters. `RATE_LIMITS=off` leaves them out, and `take` then does nothing."""
    config = app.config["CONFAB"]
    if not config.rate_limits:
        return
    windows: Windows = SturdyWindows(RedisWindows(config.redis_url)) if config.redis_url else MemoryWindows()
    app.extensions["confab-limits"] = windows
    app.before_request(_limit_the_rest)
    app.after_request(_tell)


def take(limit: Limit, key: str) -> None:
    """Count a call of *key* against *limit*. Raises RateLimited, with Retry-After, where that is one too many."""
    windows: Windows | None = current_app.extensions.get("confab-limits")
    if windows is None:
        return
    count, closes_in = windows.count(f"{limit.name}:{key}", limit.seconds)
    state = _State(limit, max(limit.amount - count, 0), closes_in)
    told: _State | None = g.get("rate_limit")
    if told is None or state.remaining <= told.remaining:
        g.rate_limit = state
    if count > limit.amount:
        g.rate_limit = state
        raise RateLimited(headers={"Retry-After": str(max(math.ceil(closes_in), 1))})


def limited(limit: Limit) -> Callable[[View], View]:
    """Let each address call the view as often as *limit* says."""

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(*args: Any, **kwargs: Any) -> Any:
            take(limit, address())
            return view(*args, **kwargs)

        cast(Any, counted).is_limited = True
        return cast(View, counted)

    return decorate


def address() -> str:
    """Where this request comes from, as limits count it. Of IPv6 the first half: the other half is the caller's to choose."""
    return _network(request.remote_addr or "unknown")


@lru_cache(maxsize=10_000)
def _network(remote: str) -> str:
    try:
        parsed = ip_address(remote.partition("%")[0])
    except ValueError:
        return remote[:64]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))


def _limit_the_rest() -> None:
    """Count calls of the API that neither a user nor a limit of their own accounts for. Health is never limited."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or getattr(view, "is_guarded", False) or getattr(view, "is_limited", False):
        return
    if request.path.startswith("/api/") and not request.path.startswith("/api/health"):
        take(ALL_ELSE, address())


def _tell(response: Response) -> Response:
    state: _State | None = g.get("rate_limit")
    if state is not None:
        response.headers["X-RateLimit-Limit"] = str(state.limit.amount)
        response.headers["X-RateLimit-Remaining"] = str(state.remaining)
        response.headers["X-RateLimit-Reset"] = str(math.ceil(time.time() + state.closes_in))
    return response
