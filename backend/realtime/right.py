"""By what right a socket is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Right:
    """By what right a socket is open. It ends with its session or API token, or at `expires_at` unless renewed."""

    user_id: int
    session_id: int | None
    api_token_id: int | None
    scopes: frozenset[str]
    expires_at: datetime | None
