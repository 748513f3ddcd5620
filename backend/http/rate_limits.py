"""Rate limits: on by default, shared through Redis where there is one, in memory where there is none or it is away.

A view that nobody needs to sign in for says how often it may be called: `@limited(Limit(...))`, above what reads its body, so
that malformed calls count too. What is left counts against the signed-in user (`backend.identity.guards`), or else the address.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from flask import Flask, Response, current_app, g, request

from backend.budgets import Count, Limit, count
from backend.errors import RateLimited
from backend.http.view_metadata import View, annotate, metadata_of
from backend.http.windows import MemoryWindows, RedisWindows, SturdyWindows
from backend.request_context import network_of
from backend.state import Windows
from config import Config

ALL_ELSE = Limit("all-else", 600)
PASSWORD = Limit("password", 10)
"""How often a signed-in user may say its password: a stolen access token must not help to guess it."""


def make_windows(config: Config) -> Windows | None:
    """The counters. None with `RATE_LIMITS=off`: `take` then does nothing."""
    if not config.rate_limits:
        return None
    return SturdyWindows(RedisWindows(config.redis_url)) if config.redis_url else MemoryWindows()


def init_app(app: Flask) -> None:
    """Register the hooks, unless `RATE_LIMITS=off`."""
    if not app.config["CONFAB"].rate_limits:
        return
    app.before_request(_limit_the_rest)
    app.after_request(_tell)


def take(limit: Limit, key: str) -> None:
    """Count a call of *key* against *limit*, and show the caller what is left. Raises RateLimited, with Retry-After.

    What is shown must not depend on whether an account exists: count what does with `backend.budgets.count`.
    """
    counted = count(limit, key)
    show(counted)
    counted.check()


def show(counted: Count) -> None:
    """Tell the caller of *counted* in the headers of this answer, unless another count leaves it less."""
    shown: Count | None = g.get("rate_limit")
    if shown is None or counted.is_over or counted.remaining <= shown.remaining:
        g.rate_limit = counted


def take_for_user(user_id: int) -> None:
    """Count one more call of a user against what it may do in a minute, over REST and all its sockets together.

    Raises RateLimited. Needs an application context, and no request.
    """
    take(ALL_ELSE, _key_of(user_id))


def allow_user(user_id: int, amount: int) -> tuple[int, RateLimited | None]:
    """Count *amount* more calls of a user as `take_for_user` does. How many of them it may make, and what the others are told.

    Needs an application context, and no request.
    """
    counted = count(ALL_ELSE, _key_of(user_id), amount)
    allowed = max(amount - max(counted.used - counted.limit.amount, 0), 0)
    return allowed, counted.refusal() if allowed < amount else None


def _key_of(user_id: int) -> str:
    return f"user:{user_id}"


def limited(limit: Limit) -> Callable[[View], View]:
    """Let each address call the view as often as *limit* says."""

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(*args: Any, **kwargs: Any) -> Any:
            take(limit, address())
            return view(*args, **kwargs)

        return cast(View, annotate(counted, is_limited=True))

    return decorate


def address() -> str:
    """Where this request comes from, as limits count it."""
    return network_of(request.remote_addr or "unknown")


def _limit_the_rest() -> None:
    """Count calls of the API that neither a user nor a limit of their own accounts for. Health is never limited."""
    view = current_app.view_functions.get(request.endpoint or "")
    metadata = metadata_of(view)
    if view is None or metadata.is_guarded or metadata.is_limited:
        return
    if request.path.startswith("/api/") and not request.path.startswith("/api/health"):
        take(ALL_ELSE, address())


def _tell(response: Response) -> Response:
    shown: Count | None = g.get("rate_limit")
    if shown is not None:
        response.headers["X-RateLimit-Limit"] = str(shown.limit.amount)
        response.headers["X-RateLimit-Remaining"] = str(shown.remaining)
        response.headers["X-RateLimit-Reset"] = str(math.ceil(time.time() + shown.closes_in))
    return response
