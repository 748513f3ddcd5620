"""The tokens of the reference client: one refresh at a time, before they expire, and none after signing out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from conformance.adapters.account import Storage
from conformance.adapters.calls import Refused, Unreachable, call

LIFETIME_PART = 0.75
"""The part of an access token's lifetime after which it is renewed."""


class SignedOut(Exception):
    """There is no token, and none to be had."""


class Tokens:
    """The session that *storage* has, or that *get_token* gives if the host application signs in."""

    def __init__(self, url: str, storage: Storage, get_token: Callable[[str], Awaitable[str | None]] | None = None):
        self.clock_offset = 0.0
        self._url = url
        self._storage = storage
        self._get_token = get_token
        self._session: dict[str, Any] = (None if get_token else storage.load("session")) or {}
        self._refused: str | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._not_before = 0.0

    @property
    def user_id(self) -> int | None:
        return self._session.get("user_id")

    @property
    def exist(self) -> bool:
        return bool(self._session) or self._get_token is not None

    async def sign_in(self, email: str, password: str) -> None:
        """Raises Refused and Unreachable."""
        body = {"email": email, "password": password}
        self._keep(await call(self._url, "POST", "/api/auth/login", None, body))

    def sign_out(self) -> str | None:
        """Forget the session, and return its last access token."""
        token, self._session = self._session.get("access_token"), {}
        self._storage.save("session", {})
        return token

    async def current(self) -> str:
        """A token that is valid as far as this client knows. Raises SignedOut and Unreachable."""
        if self._get_token is not None:
            return await self._ask(self._get_token)
        if self._session and (self._session["access_token"] == self._refused or self.seconds_left() <= 0):
            await self._refresh()
        if not self._session:
            raise SignedOut("no account")
        return str(self._session["access_token"])

    def refuse(self, token: str) -> None:
        """The server refused *token*: it is not used again."""
        self._refused = token

    def seconds_left(self) -> float:
        """The seconds until the token should be renewed."""
        return float(self._session.get("renew_at", 0)) - self._now()

    def _now(self) -> float:
        return time.time() + self.clock_offset

    async def _ask(self, get_token: Callable[[str], Awaitable[str | None]]) -> str:
        token = self._session.get("access_token")
        if token is None or token == self._refused:
            token = await get_token("expired" if self._refused else "start")
            if token is None or token == self._refused:
                raise SignedOut("the application gives no new token")
            self._session = {"access_token": token}
        return str(token)

    async def _refresh(self) -> None:
        """Exchange the refresh token, once for all who wait, even if they stop waiting. Raises SignedOut and Unreachable."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._exchange())
        await asyncio.shield(self._refreshing)

    async def _exchange(self) -> None:
        """An answer that comes after signing out is thrown away."""
        session = self._session
        if (wait := self._not_before - time.monotonic()) > 0:
            raise Unreachable(wait)
        try:
            body = {"refresh_token": session["refresh_token"]}
            answer = await call(self._url, "POST", "/api/auth/refresh", None, body)
        except Refused as refused:
            if refused.status != 401:
                self._not_before = time.monotonic() + (refused.retry_after or 0)
                raise Unreachable(refused.retry_after) from refused
            if self._session is session:
                self.sign_out()
            raise SignedOut(refused.code) from refused
        if self._session is session:
            self._keep(answer)

    def _keep(self, answer: dict[str, Any]) -> None:
        """Keep a token answer. Its lifetime counts from now, by the clock of this device, so a wrong clock does no harm."""
        self._session = {name: answer[name] for name in ("access_token", "refresh_token")}
        self._session["renew_at"] = self._now() + LIFETIME_PART * answer["expires_in"]
        self._session["user_id"] = answer["user"]["id"]
        self._storage.save("session", self._session)
