"""Rate limits of the API: on by default, shared through Redis where there is one.

A view that needs no sign-in names its own limit for each address: `@limited(RateLimit(...))`, above what reads its body, so that
malformed calls count too. `backend.identity.guards` counts the calls of signed-in users. Every other call of the API counts
against its address.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, cast

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limit, Limiter, RateLimitExceeded, RouteLimit

from backend.errors import RateLimited
from backend.http.errors import chat_error
from backend.http.view_metadata import View, annotate, metadata_of
from backend.rate_limiting.limits import RateLimit, Usage, count, rate_limited
from backend.request_context import network_of
from backend.state import confab_state

DEFAULT = RateLimit("default", "600 per minute")
"""What a user may do over REST and all its sockets together, and an address without signing in."""

PASSWORD = RateLimit("password", "10 per minute")
"""How often a signed-in user may say its password: a stolen access token must not help to guess it."""


class _ParsedOnce:
    """A limit of Flask-Limiter that does not parse its text again for each request."""

    def __iter__(self: Any) -> Iterator[Any]:
        text = self.limit_provider() if callable(self.limit_provider) else self.limit_provider
        parsed = self.__dict__.setdefault("parsed", {})
        if text not in parsed:
            parsed[text] = tuple(super().__iter__())  # type: ignore[misc]
        return iter(parsed[text])


class _Default(_ParsedOnce, Limit):
    pass


class _Route(_ParsedOnce, RouteLimit):
    pass


def address() -> str:
    """Where this request comes from, as limits count it."""
    return network_of(request.remote_addr or "unknown")


def _is_outside_of_api() -> bool:
    """True for pages, sockets and health, which no default limit holds."""
    return not request.path.startswith("/api/") or request.path.startswith("/api/health")


limiter = Limiter(
    address,
    default_limits=[_Default(lambda: DEFAULT.text, scope=DEFAULT.name, shared=True, exempt_when=_is_outside_of_api)],
    storage_uri="confab://",  # backend.rate_limiting.storage.CurrentAppStorage
    strategy="fixed-window",
    headers_enabled=False,  # `_write_headers` also knows the limits that Flask-Limiter does not
)
"""Holds the limits of routes, for every application of this process."""


@limiter.request_filter
def _is_counted_elsewhere() -> bool:
    """True where Flask-Limiter has nothing to count: limits are off, or the guard counts the call of a user."""
    if confab_state().rate_limiter is None:
        return True
    view = current_app.view_functions.get(request.endpoint or "")
    metadata = metadata_of(view)
    return metadata.is_guarded and not metadata.is_limited


def init_app(app: Flask) -> None:
    """Apply the limits to *app*, unless `RATE_LIMITS=off`."""
    if not app.config["CONFAB"].rate_limits:
        return
    limiter.init_app(app)
    app.register_error_handler(RateLimitExceeded, _refuse)
    app.after_request(_write_headers)


def limited(limit: RateLimit) -> Callable[[View], View]:
    """Let each address call the view as often as *limit* says."""
    decorate = _Route(limit_provider=limit.text, limiter=limiter, scope=limit.name, shared=True, override_defaults=True)

    def mark(view: View) -> View:
        return cast(View, annotate(decorate(view), is_limited=True))

    return mark


def enforce(limit: RateLimit, key: str) -> None:
    """Count a call of *key* against *limit*, and show the caller what is left. Raises RateLimited, with Retry-After.

    What is shown must not depend on whether an account exists: count what does with `backend.rate_limiting.limits.count`.
    """
    usage = count(limit, key)
    show(usage)
    usage.check()


def show(usage: Usage) -> None:
    """Tell the caller of *usage* in the headers of this answer, unless another limit leaves it less."""
    shown: Usage | None = g.get("rate_limit")
    if shown is None or usage.is_exceeded or usage.remaining <= shown.remaining:
        g.rate_limit = usage


def count_for_address() -> None:
    """Count a call against what the address of this request may do without signing in. Raises RateLimited."""
    enforce(DEFAULT, address())


def count_for_user(user_id: int) -> None:
    """Count a call against what a user may do in a minute, over REST and all its sockets together.

    Raises RateLimited. Needs an application context, and no request.
    """
    enforce(DEFAULT, _key_of(user_id))


def allow_user(user_id: int, amount: int) -> tuple[int, RateLimited | None]:
    """Count *amount* calls as `count_for_user` does. Return how many of them are allowed, and the error for the others.

    Needs an application context, and no request.
    """
    usage = count(DEFAULT, _key_of(user_id), amount)
    allowed = max(amount - max(usage.used - usage.amount, 0), 0)
    return allowed, rate_limited(usage.closes_at) if allowed < amount else None


def _key_of(user_id: int) -> str:
    return f"user:{user_id}"


def _refuse(error: RateLimitExceeded) -> Response:
    exceeded = cast(Usage, _usage_of_route())  # there is one: Flask-Limiter notes what it counts before it raises
    return chat_error(rate_limited(exceeded.closes_at))


def _usage_of_route() -> Usage | None:
    """What this request has used of the limit that Flask-Limiter applied to it, if any."""
    current = limiter.current_limit
    if current is None:
        return None
    closes_at, remaining = current.window
    amount = current.limit.amount
    return Usage(amount, amount + 1 if current.breached else amount - remaining, closes_at)


def _write_headers(response: Response) -> Response:
    shown: Usage | None = g.get("rate_limit")
    of_route = _usage_of_route()
    if of_route is not None and (shown is None or of_route.remaining < shown.remaining):
        shown = of_route
    if shown is not None:
        response.headers["X-RateLimit-Limit"] = str(shown.amount)
        response.headers["X-RateLimit-Remaining"] = str(shown.remaining)
        response.headers["X-RateLimit-Reset"] = str(math.ceil(shown.closes_at))
    return response
