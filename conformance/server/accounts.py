"""The accounts of the scripted server: users, sessions, access tokens, refresh tokens and tickets."""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from conformance.server.problems import Problem

PASSWORD = "correct horse battery"
"""The password of every user."""

GRACE = 10
"""The seconds after its first use in which a refresh token still works."""

START = datetime(2026, 1, 1, tzinfo=UTC).isoformat().replace("+00:00", "Z")


@dataclass
class User:
    """A user. Their email is `<username>@example.org`."""

    id: int
    username: str

    @property
    def email(self) -> str:
        return f"{self.username}@example.org"

    def json(self, viewer_id: int) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": self.id,
            "username": self.username,
            "full_name": None,
            "first_name": None,
            "last_name": None,
            "bio": None,
            "avatar_url": None,
            "is_active": True,
            "roles": [],
            "created_at": START,
            "last_seen_at": None,
        }
        if viewer_id == self.id:
            shown |= {"email": self.email, "mobile": None, "is_superuser": False}
            shown |= {"email_verified": True, "mobile_verified": False}
        return shown


@dataclass
class Session:
    """A session of a user. `refresh_tokens` has each of its refresh tokens, with the time of its first use or None."""

    id: int
    user: User
    refresh_tokens: dict[str, float | None] = field(default_factory=dict)
    has_ended: bool = False


@dataclass
class Token:
    """An access token or a ticket. `expires_at` is in seconds since 1970, by the server's clock."""

    text: str
    session: Session
    expires_at: float
    is_ticket: bool = False


class Accounts:
    """All users with their sessions. Access tokens live for *token_seconds*."""

    def __init__(self, names: list[str], token_seconds: float = 900):
        self.users = {id_: User(id_, name) for id_, name in enumerate(names, start=1)}
        self.token_seconds = token_seconds
        self.clock_offset = 0.0
        self.sessions: list[Session] = []
        self.tokens: dict[str, Token] = {}

    def now(self) -> float:
        """The server's time, in seconds since 1970. The cue `advance` moves it."""
        return time.time() + self.clock_offset

    def find(self, name: str | None) -> User | None:
        """The user with this username or email."""
        return next((user for user in self.users.values() if name in (user.username, user.email)), None)

    def named(self, name: str) -> User:
        user = self.find(name)
        if user is None:
            raise ValueError(f"the case has no user {name}")
        return user

    def login(self, name: str | None, password: str) -> dict[str, Any]:
        """A new session's token answer. Raises Problem."""
        user = self.find(name)
        if user is None or password != PASSWORD:
            raise Problem("invalid_credentials")
        session = Session(len(self.sessions) + 1, user)
        self.sessions.append(session)
        return self._token_answer(session)

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        """A new pair. A token that was used more than `GRACE` seconds ago ends its session. Raises Problem."""
        session = next((each for each in self.sessions if refresh_token in each.refresh_tokens), None)
        if session is None:
            raise Problem("unauthorized")
        if session.has_ended:
            raise Problem("token_revoked")
        first_use = session.refresh_tokens[refresh_token]
        if first_use is not None and self.now() - first_use > GRACE:
            session.has_ended = True
            raise Problem("token_reused")
        if first_use is None:
            session.refresh_tokens[refresh_token] = self.now()
        return self._token_answer(session)

    def issue(self, session: Session) -> Token:
        """A new access token: a JWT (RFC 7519), whose signature nobody can check."""
        now = int(self.now())
        claims = {"iss": "confab", "aud": "confab", "sub": str(session.user.id), "sid": session.id, "type": "access"}
        claims |= {"iat": now, "exp": int(now + self.token_seconds), "jti": secrets.token_hex(8)}
        text = ".".join((_segment({"alg": "HS256", "typ": "JWT"}), _segment(claims), secrets.token_urlsafe(32)))
        self.tokens[text] = token = Token(text, session, self.now() + self.token_seconds)
        return token

    def issue_ticket(self, session: Session) -> dict[str, Any]:
        token = Token(_secret("ticket"), session, self.now() + 30, is_ticket=True)
        self.tokens[token.text] = token
        return {"ticket": token.text, "expires_in": 30}

    def authenticate(self, text: str | None, *, allow_ticket: bool = False) -> Token:
        """The valid token with this *text*; a ticket is used up. Raises Problem."""
        token = self.tokens.get(text or "")
        if token is None or (token.is_ticket and not allow_ticket):
            raise Problem("unauthorized")
        if token.session.has_ended:
            raise Problem("token_revoked")
        if token.expires_at <= self.now():
            raise Problem("token_expired")
        if token.is_ticket:
            del self.tokens[token.text]
        return token

    def expire(self, user: User) -> None:
        """Let all access tokens of *user* expire now."""
        for token in self.tokens.values():
            if token.session.user is user:
                token.expires_at = min(token.expires_at, self.now())

    def _token_answer(self, session: Session) -> dict[str, Any]:
        refresh_token = _secret("refresh")
        session.refresh_tokens[refresh_token] = None
        return {
            "access_token": self.issue(session).text,
            "refresh_token": refresh_token,
            "token_type": "bearer",
            "expires_in": int(self.token_seconds),
            "user": session.user.json(session.user.id),
        }


def _secret(kind: str) -> str:
    return f"{kind}-{secrets.token_urlsafe(24)}"


def _segment(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
