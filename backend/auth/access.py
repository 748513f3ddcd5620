"""How a view says who may call it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from typing import Any, TypeVar, cast

from flask import g, request
from werkzeug.local import LocalProxy

from backend.auth.identity import Identity, identify
from backend.errors import Forbidden, InsufficientScope, Unauthorized
from backend.http import limits
from backend.models import User

View = TypeVar("View", bound=Callable[..., Any])

current_identity: Identity = cast(Identity, LocalProxy(lambda: g.identity))
current_user: User = cast(User, LocalProxy(lambda: g.identity.user))


def signed_in(view: View) -> View:
    """Only for a signed-in user, whose token has the scope `read` (GET, HEAD) or `write` (all else)."""
    return _guard(view, lambda: "read" if request.method in ("GET", "HEAD") else "write")


def superuser(view: View) -> View:
    """Only for a superuser; an API token needs the scope `admin` besides."""

    def check(identity: Identity) -> None:
        if not identity.user.is_superuser:
            raise Forbidden("Only a superuser may do that.")

    return _guard(view, lambda: "admin", check)


def _guard(view: View, scope: Callable[[], str], check: Callable[[Identity], None] | None = None) -> View:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        g.identity = identity = _identify_caller()
        if check is not None:
            check(identity)
        if scope() not in identity.scopes:
            raise InsufficientScope
        return view(*args, **kwargs)

    documented = cast(Any, guarded)
    documented._apidoc = deepcopy(getattr(view, "_apidoc", {}))
    documented._apidoc.setdefault("manual_doc", {})["security"] = [{"bearer": []}, {"password": []}]
    documented.is_guarded = True
    return cast(View, guarded)


def identity_if_any() -> Identity | None:
    """Who calls, where the view serves strangers too; a token that is no good is refused all the same."""
    if "Authorization" not in request.headers:
        return None
    g.identity = identity = _identify_caller()
    if "write" not in identity.scopes:
        raise InsufficientScope
    return identity


def _identify_caller() -> Identity:
    """Who calls. Counts the call against the user, or against the address of someone who is none."""
    try:
        identity = identify(bearer_token())
    except Unauthorized:
        limits.take(limits.ALL_ELSE, limits.address())
        raise
    limits.take(limits.ALL_ELSE, f"user:{identity.user.id}")
    return identity


def bearer_token() -> str:
    """The token of this request's `Authorization: Bearer` header (RFC 6750). Raises Unauthorized where there is none."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Unauthorized
    return token.strip()
