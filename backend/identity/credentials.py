"""The credentials that a request or a socket was opened with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """A session or an API token of a user, with its scopes.

    Exactly one of `session_id` and `api_token_id` is set. `expires_at` is the end of the token itself, in UTC; None where only
    its session or API token ends it.
    """

    user_id: int
    scopes: frozenset[str]
    session_id: int | None = None
    api_token_id: int | None = None
    expires_at: datetime | None = None
