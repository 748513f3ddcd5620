"""The names of the rooms and users that an export refers to, as far as its owner may see them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import and_, select

from backend.database import read_all
from backend.models import Room, User
from backend.models.base import db
from backend.models.conversation import dm_peer, room_of
from backend.rooms.access import rooms_seen_by
from backend.users.access import is_shown, is_visible_to

BATCH = 500
"""The number of names that one query reads."""

_USER_TARGET = re.compile(r"user:([0-9]+)")

Row = dict[str, Any]


class Names:
    """Adds names to the rows of an export, and collects the users that rows refer to."""

    def __init__(self, viewer: User):
        self._viewer_id = viewer.id
        self._is_shown = and_(is_shown(), is_visible_to(viewer))
        self._rooms = rooms_seen_by(viewer).with_only_columns(Room.id, Room.name)
        self._mentioned: set[int] = {viewer.id}

    def add_to_conversations(self, rows: list[Row]) -> None:
        """Add `room` or `user`, depending on the conversation. It is null if it is hidden or deleted."""
        room_ids = [room_of(row["conversation_id"]) for row in rows]
        peer_ids = [dm_peer(row["conversation_id"], self._viewer_id) for row in rows]
        rooms, users = self._find_rooms(room_ids), self._find_users(peer_ids)
        for row, room_id, peer_id in zip(rows, room_ids, peer_ids, strict=True):
            row["room"] = {"id": room_id, "name": rooms[room_id]} if room_id in rooms else None
            row["user"] = users.get(peer_id)

    def add_to_rooms(self, rows: list[Row]) -> None:
        """Add `name`. It is null if the room is hidden or deleted."""
        rooms = self._find_rooms([row["room_id"] for row in rows])
        for row in rows:
            row["name"] = rooms.get(row["room_id"])

    def add_to_blocks(self, rows: list[Row]) -> None:
        """Add the blocked `user`. It is null if the account is erased."""
        users = self._find_users([row["blocked_id"] for row in rows])
        for row in rows:
            row["user"] = users.get(row["blocked_id"])

    def note_messages(self, rows: list[Row]) -> None:
        """Collect the recipients, and the users who are mentioned or reacted."""
        for row in rows:
            self._mentioned.update(row["mentions"])
            for reaction in row["reactions"]:
                self._mentioned.update(reaction["user_ids"])
            if row["recipient_id"] is not None:
                self._mentioned.add(row["recipient_id"])

    def note_events(self, rows: list[Row]) -> None:
        """Collect the accounts that the events concern."""
        targets = (_USER_TARGET.fullmatch(row["target"] or "") for row in rows)
        self._mentioned.update(int(found[1]) for found in targets if found)

    def users(self) -> Iterator[dict[int | None, Row]]:
        """Return the collected users by id, in pieces. Hidden users are left out."""
        ids = sorted(self._mentioned)
        for start in range(0, len(ids), BATCH):
            yield self._find_users(ids[start : start + BATCH])

    def _find_rooms(self, ids: Collection[int | None]) -> dict[int | None, str]:
        return {row.id: row.name for row in read_all(db.engine, self._rooms.where(Room.id.in_(set(ids) - {None})))}

    def _find_users(self, ids: Collection[int | None]) -> dict[int | None, Row]:
        wanted = set(ids) - {None}
        self._mentioned.update(user_id for user_id in wanted if user_id is not None)
        statement = (
            select(User.id, User.username, User.full_name).where(User.id.in_(wanted), self._is_shown).order_by(User.id)
        )
        return {row.id: dict(row._mapping) for row in read_all(db.engine, statement)}
