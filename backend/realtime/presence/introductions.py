"""Presence between users who have just come to share a conversation: each learns at once which of the others are online."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlalchemy import select

from backend.conversations.contacts import blocks_of, shared_since
from backend.models import ConversationEntry
from backend.models.base import db
from backend.realtime.runtime import Runtime
from backend.realtime.transport.connection import Connection
from backend.realtime.transport.frames import presence_frame
from backend.realtime.transport.registry import Registry


class PresenceIntroductions:
    """The users who joined a conversation and whose presence was not sent yet.

    The members get the presence of the new member, and the new member's sockets that of the members. Users who shared another
    conversation before get nothing new, and nobody gets the presence of a user who blocked them.
    """

    def __init__(self, runtime: Runtime, registry: Registry, on_pending: Callable[[], None]):
        self._runtime = runtime
        self._registry = registry
        self._on_pending = on_pending
        self._joined: set[tuple[int, str]] = set()
        self._subscribed: set[tuple[Connection, str]] = set()

    def user_joined(self, user_id: int, name: str) -> None:
        """*user_id* joined a conversation: its members on this worker are to see whether the user is online."""
        self._joined.add((user_id, name))
        self._on_pending()

    def connection_subscribed(self, connection: Connection, name: str) -> None:
        """*connection* subscribed to a conversation that its user joined: it is to see which members are online."""
        self._subscribed.add((connection, name))
        self._on_pending()

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
        shown: dict[Connection, set[int]] = {}
        for user_id, name in arrivals & joined:
            for other_id in strangers[user_id, name]:
                for connection in self._registry.of_user(other_id) if (user_id, other_id) not in blocks else ():
                    shown.setdefault(connection, set()).add(user_id)
        for connection, name in subscribed:
            present = strangers[connection.user_id, name].intersection(online)
            visible = {user_id for user_id in present if (user_id, connection.user_id) not in blocks}
            shown.setdefault(connection, set()).update(visible)
        frames = {user_id: presence_frame(user_id, is_online=True) for user_id in set().union(*shown.values())}
        for connection, user_ids in shown.items():
            if connection.may_read:
                connection.write(b"".join(frames[user_id] for user_id in sorted(user_ids)))
        self._joined -= joined
        self._subscribed -= subscribed


def _strangers(arrivals: Collection[tuple[int, str]], among: Collection[int]) -> dict[tuple[int, str], set[int]]:
    """For each (user, conversation) of *arrivals*: its members *among* the given users with whom the user shares no earlier
    conversation.

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
    strangers: dict[tuple[int, str], set[int]] = {arrival: set() for arrival in arrivals}
    for user_id, name in arrivals:
        own_id = members[name].get(user_id)
        if own_id is None:
            continue  # the user has left since
        for other_id, row_id in members[name].items():
            first = since.get((user_id, other_id))
            if first is not None and first >= max(own_id, row_id):
                strangers[user_id, name].add(other_id)
    return strangers
