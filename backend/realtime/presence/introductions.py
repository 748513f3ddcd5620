"""Presence between users who have just come to share a conversation: each learns at once which of the others are online."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeVar

from sqlalchemy import func, select

from backend.conversations.contacts import blocks_of, shared_since
from backend.models import ConversationEntry
from backend.models.base import db
from backend.realtime.runtime import Runtime
from backend.realtime.transport.connection import Connection
from backend.realtime.transport.frames import presence_frame
from backend.realtime.transport.registry import Registry

SENT_SECONDS = 5.0
"""For so long it is known which presence was sent. A join and the subscription that belongs to it are less than this apart.

Where a failure of the database delays one of them for longer, the presence is sent again, which changes nothing for a client.
"""


Watching = Mapping[int, Collection[int]]
"""For each of some users, the users who may see whether they are online."""

Item = TypeVar("Item")


class Recent(Generic[Item]):
    """The items that were added in the last `SENT_SECONDS`. Adding one drops those that are older."""

    def __init__(self) -> None:
        self._items: deque[tuple[float, Item]] = deque()

    def add(self, item: Item) -> None:
        self._expire()
        self._items.append((time.monotonic(), item))

    def items(self) -> list[Item]:
        self._expire()
        return [item for _, item in self._items]

    def _expire(self) -> None:
        start = time.monotonic() - SENT_SECONDS
        while self._items and self._items[0][0] < start:
            self._items.popleft()


class PresenceIntroductions:
    """The users who joined a conversation and whose presence was not sent yet.

    The members get the presence of the new member, and the new member's sockets that of the members. Users who shared another
    conversation before get nothing new, and nobody gets the presence of a user who blocked them.

    A worker may report the join of one user and the subscription of the other: each connection gets the presence once.
    """

    def __init__(self, runtime: Runtime, registry: Registry, on_pending: Callable[[], None]):
        self._runtime = runtime
        self._registry = registry
        self._on_pending = on_pending
        self._joined: set[tuple[int, str]] = set()
        self._subscribed: set[tuple[Connection, str]] = set()
        self._sent: Recent[set[tuple[Connection, int, int]]] = Recent()
        self._arrivals: Recent[tuple[int, Watching]] = Recent()

    def user_joined(self, user_id: int, name: str) -> None:
        """*user_id* joined a conversation: its members on this worker are to see whether the user is online."""
        self._joined.add((user_id, name))
        self._on_pending()

    def connection_subscribed(self, connection: Connection, name: str) -> None:
        """*connection* subscribed to a conversation that its user joined: it is to see which members are online."""
        self._subscribed.add((connection, name))
        self._on_pending()

    def arrivals_sent(self, newest: int, watching: Watching) -> None:
        """Users came online, and each of those *watching* was sent that. *newest* was the id of the newest inbox row then.

        A subscription to a conversation that they shared already may be reported later. It sends them nothing again.
        """
        self._arrivals.add((newest, watching))

    def send(self, online: Collection[int]) -> None:
        """Send the pending presence of those who are *online*. Takes three queries, however much is pending.

        After a failure of the database the next call sends it.
        """
        joined, subscribed = set(self._joined), set(self._subscribed)
        if not joined and not subscribed:
            return
        arrivals = {pair for pair in joined if pair[0] in online} | {(c.user_id, name) for c, name in subscribed}
        with self._runtime.reading():
            strangers = _strangers(arrivals, {*online, *self._registry.users})
            blocks = blocks_of({user_id for user_id, _ in arrivals})
        shown: set[tuple[Connection, int, int]] = set()  # each with the id since which the two share a conversation
        for user_id, name in arrivals & joined:
            for other_id, since in strangers[user_id, name].items():
                if (user_id, other_id) not in blocks:
                    shown.update((connection, user_id, since) for connection in self._registry.of_user(other_id))
        for connection, name in subscribed:
            for user_id, since in strangers[connection.user_id, name].items():
                if user_id in online and (user_id, connection.user_id) not in blocks:
                    shown.add((connection, user_id, since))
        self._write(self._not_sent_lately(shown))
        if shown:
            self._sent.add(shown)
        self._joined -= joined
        self._subscribed -= subscribed

    def _not_sent_lately(self, shown: set[tuple[Connection, int, int]]) -> set[tuple[Connection, int, int]]:
        arrivals = self._arrivals.items()
        return {
            (connection, user_id, since)
            for connection, user_id, since in shown.difference(*self._sent.items())
            if not any(
                since <= newest and connection.user_id in watching.get(user_id, ()) for newest, watching in arrivals
            )
        }

    def _write(self, shown: Collection[tuple[Connection, int, int]]) -> None:
        """Write the presence of the users to the connections, in one write for each connection."""
        frames: dict[Connection, dict[int, bytes]] = {}
        online = {user_id: presence_frame(user_id, is_online=True) for _, user_id, _ in shown}
        for connection, user_id, _ in shown:
            frames.setdefault(connection, {})[user_id] = online[user_id]
        for connection, of_users in frames.items():
            if connection.may_read:
                connection.write(b"".join(frame for _, frame in sorted(of_users.items())))


def newest_entry() -> int:
    """The id of the newest inbox row, 0 if there is none."""
    return db.session.scalar(select(func.max(ConversationEntry.id))) or 0


def _strangers(arrivals: Collection[tuple[int, str]], among: Collection[int]) -> dict[tuple[int, str], dict[int, int]]:
    """For each (user, conversation) of *arrivals*: its members *among* the given users with whom the user shares no earlier
    conversation, each with the id of the inbox row since which they share this one.

    Where two users come to share several conversations at about the same time, this worker may learn of each when all are
    committed, and in any order. The first of them counts, so that they are introduced once.
    """
    entry, names = ConversationEntry, {name for _, name in arrivals}
    statement = select(entry.conversation_id, entry.user_id, entry.id).where(entry.conversation_id.in_(names))
    members: dict[str, dict[int, int]] = {name: {} for name in names}
    for name, user_id, row_id in db.session.execute(statement):
        if user_id in among:
            members[name][user_id] = row_id
    since = shared_since({user_id for user_id, _ in arrivals})
    strangers: dict[tuple[int, str], dict[int, int]] = {arrival: {} for arrival in arrivals}
    for user_id, name in arrivals:
        own_id = members[name].get(user_id)
        if own_id is None:
            continue  # the user has left since
        for other_id, row_id in members[name].items():
            first = since.get((user_id, other_id))
            if first is not None and first >= max(own_id, row_id):
                strangers[user_id, name][other_id] = first
    return strangers
