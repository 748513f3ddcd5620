"""How many sockets a user and an address have in this worker, counted from the moment that an opening is let in."""

from __future__ import annotations

from collections import Counter

from backend.errors import RateLimited

MAX_OF_USER, MAX_OF_ADDRESS = 20, 1_000
"""Open sockets in one worker; RATE_LIMITS=off lifts both."""

RETRY = {"Retry-After": "30"}


class Places:
    """The places of one worker. Each is held from the check on, so that openings at once cannot pass the limits together."""

    def __init__(self, is_limited: bool):
        self.is_limited = is_limited
        self.addresses: Counter[str] = Counter()
        self.users: dict[int, Counter[str]] = {}

    def take(self, address: str) -> ConversationRef:
        """A place for an opening from *address*, which whoever holds it must release. Raises RateLimited."""
        if self.is_limited and self.addresses[address] >= MAX_OF_ADDRESS:
            raise RateLimited("Too many sockets from this address. Close some, or come back later.", headers=RETRY)
        return ConversationRef(self, address)


class ConversationRef:
    """One socket's part of the numbers of its address and, once it is known, of its user."""

    __slots__ = ("_address", "_client_id", "_places", "_user_id")

    def __init__(self, places: Places, address: str):
        self._places: Places | None = places
        self._address = address
        self._user_id: int | None = None
        self._client_id = ""
        places.addresses[address] += 1

    def give_to(self, user_id: int, client_id: str) -> None:
        """Count the place for this user too. One that replaces a socket of the same client takes no more room.

        Raises RateLimited.
        """
        places = self._places
        if places is None:
            return
        clients = places.users.get(user_id, Counter())
        if places.is_limited and client_id not in clients and len(clients) >= MAX_OF_USER:
            raise RateLimited("Too many sockets of this user. Close some, or come back later.", headers=RETRY)
        places.users[user_id] = clients
        clients[client_id] += 1
        self._user_id, self._client_id = user_id, client_id

    def release(self) -> None:
        """Give the place back. Safe to repeat."""
        places, self._places = self._places, None
        if places is None:
            return
        _one_less(places.addresses, self._address)
        if self._user_id is not None:
            clients = places.users[self._user_id]
            _one_less(clients, self._client_id)
            if not clients:
                del places.users[self._user_id]


def _one_less(counts: Counter[str], key: str) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
