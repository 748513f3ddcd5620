"""Decorators with which a view declares who may call it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from flask import Response, after_this_request, g, request
from werkzeug.local import LocalProxy

from backend.concurrency import LARGE_ANSWERS
from backend.errors import ChatError, Forbidden, InsufficientScope, Unauthorized
from backend.http import rate_limits
from backend.http.blueprint import Blueprint
from backend.http.json import read_json
from backend.http.view_metadata import View, annotate, metadata_of
from backend.identity.authenticate import identify
from backend.identity.identity import Identity, check_session, need_fresh
from backend.models import User

current_identity: Identity = cast(Identity, LocalProxy(lambda: g.identity))
current_user: User = cast(User, LocalProxy(lambda: g.identity.user))


def login_required(view: View) -> View:
    """Require a valid token with the scope `read` for GET and HEAD, and `write` for all other methods."""
    return _guard(view, _need_scope_of_method)


def scope_required(scope: str) -> Callable[[View], View]:
    """Require a valid token with *scope*, whatever the method of the request."""
    return lambda view: _guard(view, lambda identity: _need_scope(identity, scope))


def superuser(view: View) -> View:
    """Require a superuser. An API token also needs the scope `admin`, and for GET and HEAD the scope `read`."""

    def check(identity: Identity) -> None:
        _need_superuser(identity)
        if _is_reading():
            _need_scope(identity, "read")

    return _guard(view, check)


def superuser_or_scope(scope: str) -> Callable[[View], View]:
    """Require a superuser as above, or an API token with *scope* of any user: only superusers grant such scopes."""

    def check(identity: Identity) -> None:
        if identity.api_token_id is None or identity.user.has_admin_power:
            _need_superuser(identity)
        else:
            _need_scope(identity, scope)

    return lambda view: _guard(view, check)


def session_required(view: View) -> View:
    """Like `login_required`, but refuse API tokens, whatever their scopes.

    It guards the views that decide who can sign in to an account, and which sessions it has.
    """

    def check(identity: Identity) -> None:
        _need_scope_of_method(identity)
        check_session(identity)

    return _guard(view, check)


def fresh_session_required(view: View) -> View:
    """Like `login_required`, but require a fresh session: its user signed in or confirmed their identity within 10 minutes.

    It guards the views with which a stolen access token could gain lasting access to an account.
    """

    def check(identity: Identity) -> None:
        _need_scope_of_method(identity)
        need_fresh(identity)

    return _guard(view, check)


def own_answer(view: View) -> View:
    """Declare that *view* answers with the caller's own data, or with nobody's, so that a token without `read` sees it.

    Of any other answer, such a token sees the id and the values that it sent itself. Put it below the guard.
    """
    return annotate(view, is_own_answer=True)


def _is_reading() -> bool:
    return request.method in ("GET", "HEAD")


def _need_scope_of_method(identity: Identity) -> None:
    _need_scope(identity, "read" if _is_reading() else "write")


def _need_superuser(identity: Identity) -> None:
    if not identity.user.is_superuser:
        raise Forbidden("Only a superuser may do that.")
    _need_scope(identity, "admin")


def _need_scope(identity: Identity, scope: str) -> None:
    if scope not in identity.scopes:
        raise InsufficientScope


def _guard(view: View, check: Callable[[Identity], None]) -> View:
    is_shown = metadata_of(view).is_own_answer
    documented = Blueprint.doc(security=[{"bearer": []}, {"password": []}])(view)

    @wraps(documented)  # and not called: it only carries the documentation, and would add a call to each request
    def guarded(*args: Any, **kwargs: Any) -> Any:
        identity = _identify_caller(check)
        answer = view(*args, **kwargs)
        return answer if is_shown or identity.user.may_read or _is_reading() else _without_reading(answer)

    return cast(View, annotate(guarded, is_guarded=True))


def _without_reading(answer: Any) -> Any:
    """The part of the answer to a write that a token without `read` may see: the id, and the values that it sent itself."""
    if not isinstance(answer, dict):
        return None
    try:
        sent = read_json(request)
    except ChatError:  # the view reads no body, so that its body was not checked
        sent = {}
    known = sent if isinstance(sent, dict) else {}
    return {name: value for name, value in answer.items() if name == "id" or (name in known and known[name] == value)}


def large_answer(view: View) -> View:
    """Limit how many large answers a user has in progress. Each counts until it is written or its client is gone.

    Put it below the guard.
    """

    @wraps(view)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        user_id = g.identity.user.id
        LARGE_ANSWERS.acquire(user_id)
        try:
            answer = view(*args, **kwargs)
        except BaseException:
            LARGE_ANSWERS.release(user_id)
            raise

        @after_this_request
        def hold(response: Response) -> Response:
            response.call_on_close(lambda: LARGE_ANSWERS.release(user_id))
            return response

        return answer

    return cast(View, bounded)


def identity_if_any() -> Identity | None:
    """The caller of a view that needs no token; None without Authorization header. Raises Unauthorized for an invalid token."""
    if "Authorization" not in request.headers:
        return None
    return _identify_caller(lambda identity: _need_scope(identity, "write"))


def _identify_caller(check: Callable[[Identity], None]) -> Identity:
    """The identity of the caller, if *check* accepts it. Raises Unauthorized, and what *check* raises.

    The call counts against the user, or against the address if the token is invalid. A call that an API token may not
    make counts against the token, so that it does not use up the calls of its owner.
    """
    try:
        identity = identify(bearer_token())
    except Unauthorized:
        rate_limits.count_for_address()
        raise
    try:
        check(identity)
    except Forbidden:
        if identity.api_token_id is None:
            rate_limits.count_for_user(identity.user.id)
        else:
            rate_limits.enforce(rate_limits.DEFAULT, f"token:{identity.api_token_id}")
        raise
    rate_limits.count_for_user(identity.user.id)
    g.identity = identity
    return identity


def bearer_token() -> str:
    """The token of this request's `Authorization: Bearer` header (RFC 6750). Raises Unauthorized if there is none."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Unauthorized
    return token.strip()
