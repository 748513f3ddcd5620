"""Rate limits of the API: on by default, shared through Redis where there is one.

A view that does not need a signed-in user has its own limit for each address: `@limited(RateLimit(...))`, above the decorator
that reads the body, so that malformed calls count too. `backend.identity.guards` counts the calls of signed-in users. All other
calls of the API count against their address.
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
from backend.rate_limiting.storage import CurrentAppStorage
from backend.request_context import network_of
from backend.state import confab_state

DEFAULT = RateLimit("default", "600 per minute")
"""The calls of a user over REST and all its sockets together, and of an address without a signed-in user."""

PASSWORD = RateLimit("password", "10 per minute")
"""The tries of a signed-in user's own password, so that a stolen access token does not help to guess it."""


class _ParsedOnce:
    """Keeps the parsed text of a limit. Flask-Limiter parses it for each request."""

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
    """True for pages, sockets and health, to which the default limit does not apply."""
    return not request.path.startswith("/api/") or request.path.startswith("/api/health")


limiter = Limiter(
    address,
    default_limits=[_Default(lambda: DEFAULT.text, scope=DEFAULT.name, shared=True, exempt_when=_is_outside_of_api)],
    storage_uri=f"{CurrentAppStorage.SCHEME}://",
    strategy="fixed-window",
    headers_enabled=False,  # `_write_headers` writes those of all limits
)
"""The limits of routes, in all applications of this process."""


@limiter.request_filter
def _is_counted_elsewhere() -> bool:
    """True if Flask-Limiter has nothing to count: limits are off, or the guard of the view counts the call."""
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
    """Limit the calls that each address makes to the view."""
    decorate = _Route(limit_provider=limit.text, limiter=limiter, scope=limit.name, shared=True, override_defaults=True)

    def mark(view: View) -> View:
        return cast(View, annotate(decorate(view), is_limited=True))

    return mark


def enforce(limit: RateLimit, key: str) -> None:
    """Count a call of *key* against *limit*, and show the rest in the headers of the answer.

    Raises RateLimited, with Retry-After. The headers must not reveal whether an account exists: use
    `backend.rate_limiting.limits.count` where they would.
    """
    usage = count(limit, key)
    show(usage)
    usage.check()


def show(usage: Usage) -> None:
    """Show *usage* in the headers of this answer, unless another limit leaves the caller less."""
    shown: Usage | None = g.get("rate_limit")
    if shown is None or usage.is_exceeded or usage.remaining <= shown.remaining:
        g.rate_limit = usage


def count_for_address() -> None:
    """Count a call of this request's address without a signed-in user. Raises RateLimited."""
    enforce(DEFAULT, address())


def count_for_user(user_id: int) -> None:
    """Count a call of a user. REST and all its sockets share the count.

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
    exceeded = cast(Usage, _usage_of_route())  # not None: it is noted before the error is raised
    return chat_error(rate_limited(exceeded.closes_at))


def _usage_of_route() -> Usage | None:
    """The usage of the limit that Flask-Limiter applied to this request, if any."""
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
