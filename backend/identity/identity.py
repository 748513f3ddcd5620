"""The identity of a caller: the user and the scopes of the token behind a request or a socket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.identity.errors import ReauthenticationRequired, SessionRequired
from backend.models import User
from backend.models.base import utcnow

FRESH_FOR = timedelta(minutes=10)
"""How long a session is fresh after its user proved who they are."""

SESSION_SCOPES = frozenset({"read", "write", "admin", "health"})
"""The scopes of every session. What a scope allows still depends on the user."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A session or an API token of a user, with its scopes. Exactly one of `session_id` and `api_token_id` is set.

    `expires_at` is the end of the token itself, in UTC; None where only its session or API token ends it.
    """

    user_id: int
    scopes: frozenset[str]
    session_id: int | None = None
    api_token_id: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Identity:
    """Who calls, and with which credentials. `user` is a detached snapshot of its row, to read from; it has the same scopes."""

    user: User
    credentials: Credentials
    authenticated_at: datetime | None = None

    def __post_init__(self) -> None:
        self.user.scopes = self.scopes

    @property
    def scopes(self) -> frozenset[str]:
        return self.credentials.scopes

    @property
    def session_id(self) -> int | None:
        return self.credentials.session_id

    @property
    def api_token_id(self) -> int | None:
        return self.credentials.api_token_id


def check_session(caller: Identity) -> None:
    """Raise SessionRequired for an API token: one that leaks must not be able to outlive its own deletion."""
    if caller.session_id is None:
        raise SessionRequired


def need_fresh(caller: Identity) -> None:
    """Raise ReauthenticationRequired unless the caller's session is fresh. An API token has no session and is never fresh.

    Without this, whoever steals an access token could turn it into lasting access to the account.
    """
    if caller.session_id is None:
        raise ReauthenticationRequired("An API token may not do this. Sign in to do it.")
    if caller.authenticated_at is None or caller.authenticated_at <= utcnow() - FRESH_FOR:
        raise ReauthenticationRequired
