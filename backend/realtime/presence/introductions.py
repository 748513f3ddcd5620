"""Presence between users who only now come to share a conversation: each hears at once which of the others are online."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from sqlalchemy import select

from backend.conversations.contacts import acquaintances, blocks_of
from backend.models import ConversationEntry
from backend.models.base import db
from backend.realtime.transport.frames import presence_frame

if TYPE_CHECKING:
    from backend.realtime.hub import Hub
    from backend.realtime.transport.connection import Connection


class Meetings:
    """Who has come into which conversation, until this worker's clients were told.

    Those who were in it hear of the newcomer, and the newcomer's sockets of those who were. Who knew each other before hears
    nothing new, nor does anybody hear of whom blocks them.
    """

    def __init__(self, hub: Hub):
        self._hub = hub
        self._newcomers: set[tuple[int, str]] = set()
        self._followers: set[tuple[Connection, str]] = set()
        self.on_news: Callable[[], None] = lambda: None
        hub.meetings = self

    def joined(self, user_id: int, name: str) -> None:
        """*user_id* has come into a conversation: this worker's clients in it are to hear if it is online."""
        self._newcomers.add((user_id, name))
        self.on_news()

    def followed(self, connection: Connection, name: str) -> None:
        """*connection* follows a conversation that its user came into: it is to hear who in it is online."""
        self._followers.add((connection, name))
        self.on_news()

    def tell(self, online: Collection[int]) -> None:
        """Tell what there is to tell. What fails is told the next time. Any number of meetings costs three questions."""
        newcomers, followers = set(self._newcomers), set(self._followers)
        if not newcomers and not followers:
            return
        arrivals = {pair for pair in newcomers if pair[0] in online} | {(c.user_id, name) for c, name in followers}
        with self._hub.reading():
            met = _met(arrivals, {*online, *self._hub.users})
            blocks = blocks_of({user_id for user_id, _ in arrivals})
        news: dict[Connection, set[int]] = {}
        for user_id, name in arrivals & newcomers:
            for other_id in met[user_id, name]:
                for connection in self._hub.users.get(other_id, ()) if (user_id, other_id) not in blocks else ():
                    news.setdefault(connection, set()).add(user_id)
        for connection, name in followers:
            present = met[connection.user_id, name].intersection(online)
            shown = {user_id for user_id in present if (user_id, connection.user_id) not in blocks}
            news.setdefault(connection, set()).update(shown)
        frames = {user_id: presence_frame(user_id, is_online=True) for user_id in set().union(*news.values())}
        for connection, user_ids in news.items():
            if connection.may_read:
                connection.write(b"".join(frames[user_id] for user_id in sorted(user_ids)))
        self._newcomers -= newcomers
        self._followers -= followers


def _met(arrivals: Collection[tuple[int, str]], among: Collection[int]) -> dict[tuple[int, str], set[int]]:
    """For each user and conversation of *arrivals*, those *among* others in it who share no conversation with it otherwise."""
    entry, names = ConversationEntry, {name for _, name in arrivals}
    statement = select(entry.conversation_id, entry.user_id).where(entry.conversation_id.in_(names))
    inside: dict[str, set[int]] = {name: set() for name in names}
    for name, user_id in db.session.execute(statement):
        if user_id in among:
            inside[name].add(user_id)
    known = acquaintances({user_id for user_id, _ in arrivals}, set().union(*inside.values()), besides=names)
    return {
        (user_id, name): inside[name] - known.get(user_id, set()) - {user_id} if user_id in inside[name] else set()
        for user_id, name in arrivals
    }
