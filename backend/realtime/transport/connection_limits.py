"""Limits on the number of open sockets of a user and of an address in this worker."""

from __future__ import annotations

from collections import Counter

from backend.errors import RateLimited

MAX_OF_USER, MAX_OF_ADDRESS = 20, 1_000
"""Open sockets in one worker; RATE_LIMITS=off lifts both."""

RETRY = {"Retry-After": "30"}


class ConnectionLimits:
    """Counts the open sockets of one worker.

    A slot is held from the check on, so that simultaneous openings cannot exceed the limits together.
    """

    def __init__(self, is_limited: bool):
        self.is_limited = is_limited
        self.addresses: Counter[str] = Counter()
        self.users: dict[int, Counter[str]] = {}

    def acquire(self, address: str) -> ConnectionSlot:
        """A slot for a socket from *address*; the caller must release it. Raises RateLimited."""
        if self.is_limited and self.addresses[address] >= MAX_OF_ADDRESS:
            raise RateLimited("Too many sockets from this address. Close some, or come back later.", headers=RETRY)
        return ConnectionSlot(self, address)


class ConnectionSlot:
    """One socket's share in the counts of its address and, once it is known, of its user.

    `address` is the client's address as limits count it: of IPv6 the first 64 bits.
    """

    __slots__ = ("_client_id", "_limits", "_user_id", "address")

    def __init__(self, limits: ConnectionLimits, address: str):
        self._limits: ConnectionLimits | None = limits
        self.address = address
        self._user_id: int | None = None
        self._client_id = ""
        limits.addresses[address] += 1

    def assign(self, user_id: int, client_id: str) -> None:
        """Count the slot for this user too. A socket that replaces another of the same client needs no further slot.

        Raises RateLimited.
        """
        limits = self._limits
        if limits is None:
            return
        clients = limits.users.get(user_id, Counter())
        if limits.is_limited and client_id not in clients and len(clients) >= MAX_OF_USER:
            raise RateLimited("Too many sockets of this user. Close some, or come back later.", headers=RETRY)
        limits.users[user_id] = clients
        clients[client_id] += 1
        self._user_id, self._client_id = user_id, client_id

    def release(self) -> None:
        """Return the slot. Safe to repeat."""
        limits, self._limits = self._limits, None
        if limits is None:
            return
        _decrement(limits.addresses, self.address)
        if self._user_id is not None:
            clients = limits.users[self._user_id]
            _decrement(clients, self._client_id)
            if not clients:
                del limits.users[self._user_id]


def _decrement(counts: Counter[str], key: str) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
