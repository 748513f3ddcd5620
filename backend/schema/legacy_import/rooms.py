"""Imports rooms, their conversations and memberships."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from backend.models import Conversation, Room, RoomMembership
from backend.models.conversation import room_conversation_id
from backend.schema.legacy_import.report import Report
from backend.schema.legacy_import.source import Source, insert
from backend.schema.legacy_import.users import People
from backend.schema.legacy_import.values import as_bool, as_int, as_line, as_text, as_time

OWNER, ROOM = ("owner_id", "created_by_id", "created_by", "creator_id"), ("room_id", "chat_room_id")
OTHER_ROOM = ("channel_id", "group_id", "chat_id")
"""Columns that may name a room. Nothing tells that their values are ids of the adopted rooms, so only a mapping uses them."""
ROOMS = {
    "id": ("id",),
    "name": ("name", "title"),
    "description": ("description",),
    "is_public": ("is_public",),
    "owner_id": OWNER,
    "created_at": ("created_at",),
    "updated_at": ("updated_at",),
}
MEMBERSHIPS = {
    "user_id": ("user_id",),
    "room_id": ROOM,
    "is_admin": ("is_admin",),
    "is_banned": ("is_banned",),
    "joined_at": ("joined_at", "created_at"),
    "left_at": ("left_at",),
}


@dataclass
class Member:
    """The membership of a user in a room, merged from all its rows."""

    joined_at: datetime
    is_admin: bool
    is_banned: bool
    left_at: datetime | None

    @property
    def is_active(self) -> bool:
        return self.left_at is None and not self.is_banned


@dataclass
class Places:
    """The adopted rooms with their owners, and their members in the order in which they joined."""

    owners: dict[int, int] = field(default_factory=dict)
    members: dict[int, dict[int, Member]] = field(default_factory=dict)


def adopt_places(
    connection: Connection,
    rooms: Source | None,
    memberships: Source | None,
    messages: Source | None,
    people: People,
    report: Report,
) -> Places:
    """Copy rooms and memberships, and create the conversations. *messages* has the authors of rooms without users."""
    places = Places()
    if rooms is None:
        return places
    known = {as_int(row["id"]) for row in rooms.rows({"id": ("id",)})} - {None}
    members: dict[int, dict[int, Member]] = {room_id: {} for room_id in known if room_id is not None}
    if memberships is not None:
        _gather(memberships, members, people, report)
    insert(connection, Room.__table__, _rooms(rooms, members, _Speakers(messages, people), places, people, report))
    insert(connection, Conversation.__table__, _conversations(places, people))
    insert(connection, RoomMembership.__table__, _memberships(places, people))
    return places


def _gather(source: Source, members: dict[int, dict[int, Member]], people: People, report: Report) -> None:
    for row in source.rows(MEMBERSHIPS):
        user_id, room_id = as_int(row["user_id"]), as_int(row["room_id"])
        if user_id is None or user_id not in people.ids or room_id is None or room_id not in members:
            report.note("room_memberships", "not adopted: unknown user or room")
            continue
        is_banned, joined_at = bool(as_bool(row["is_banned"])), as_time(row["joined_at"]) or people.now
        left_at = as_time(row["left_at"]) or (people.now if is_banned else None)
        found = members[room_id].get(user_id)
        if found is None:
            members[room_id][user_id] = Member(joined_at, bool(as_bool(row["is_admin"])), is_banned, left_at)
            continue
        report.note("room_memberships", "merged: duplicates")
        found.joined_at = min(found.joined_at, joined_at)
        found.is_admin = found.is_admin or bool(as_bool(row["is_admin"]))
        found.is_banned = found.is_banned or is_banned
        found.left_at = None if found.left_at is None or left_at is None else max(found.left_at, left_at)
        if found.is_banned and found.left_at is None:
            found.left_at = people.now


class _Speakers:
    """The first author of each room. It is read only if a room has no other user."""

    def __init__(self, messages: Source | None, people: People):
        self.messages = messages
        self.people = people
        self._first: dict[int, int] | None = None

    def first(self, room_id: int) -> int | None:
        if self._first is None:
            self._first = {}
            wanted = {"room_id": ROOM, "sender_id": ("sender_id", "user_id", "author_id")}
            for row in self.messages.rows(wanted) if self.messages is not None else ():
                room, sender = as_int(row["room_id"]), as_int(row["sender_id"])
                if room is not None and sender is not None and sender in self.people.ids:
                    self._first.setdefault(room, sender)
        return self._first.get(room_id)


def _rooms(
    source: Source,
    members: dict[int, dict[int, Member]],
    speakers: _Speakers,
    places: Places,
    people: People,
    report: Report,
) -> Iterator[dict[str, Any]]:
    has_flag = source.has("is_public")
    for row in source.rows(ROOMS):
        room_id = as_int(row["id"])
        if room_id is None or room_id in places.owners:
            report.note("chat_rooms", "not adopted: id missing or used twice")
            continue
        owner_id = as_int(row["owner_id"])
        if owner_id is None or owner_id not in people.ids:
            owner_id = _heir(members[room_id]) or speakers.first(room_id)
            if owner_id is None:
                report.note("chat_rooms", "not adopted: no owner, member or author")
                members.pop(room_id)
                continue
            report.note("chat_rooms", "with a new owner: the old one is unknown")
            report.name(f"Room {room_id} has a new owner: user {owner_id}.")
        created_at = as_time(row["created_at"]) or people.now
        places.owners[room_id] = owner_id
        places.members[room_id] = _with_owner(members[room_id], owner_id, created_at, report)
        name, is_public = as_line(row["name"]), as_bool(row["is_public"])
        if name is None or len(name) > 100:
            report.note("chat_rooms", "with a generated or shortened name: it must have 1 to 100 characters")
        yield {
            "id": room_id,
            "name": (name or f"Room {room_id}")[:100],
            "description": as_text(row["description"]),
            "is_public": bool(is_public) if has_flag else True,
            "owner_id": owner_id,
            "created_at": created_at,
            "updated_at": as_time(row["updated_at"]) or created_at,
        }


def _heir(members: dict[int, Member]) -> int | None:
    """The oldest admin, or else the oldest member."""
    active = [(not m.is_admin, m.joined_at, user_id) for user_id, m in members.items() if m.is_active]
    return min(active)[2] if active else None


def _with_owner(members: dict[int, Member], owner_id: int, created_at: datetime, report: Report) -> dict[int, Member]:
    """The members in the order in which they joined. The owner is a member and an admin."""
    owner = members.get(owner_id)
    if owner is None:
        report.note("room_memberships", "created for owners without one")
        members[owner_id] = Member(created_at, True, False, None)
    elif not (owner.is_admin and owner.is_active):
        report.note("room_memberships", "of owners: set to admin")
        members[owner_id] = Member(owner.joined_at, True, False, None)
    return dict(sorted(members.items(), key=lambda item: (item[1].joined_at, item[0])))


def _conversations(places: Places, people: People) -> Iterator[dict[str, Any]]:
    for room_id in places.owners:
        yield {
            "id": room_conversation_id(room_id),
            "kind": "room",
            "room_id": room_id,
            "last_modseq": len(places.members[room_id]),
            "created_at": people.now,
            "updated_at": people.now,
        }


def _memberships(places: Places, people: People) -> Iterator[dict[str, Any]]:
    for room_id in sorted(places.owners):
        for modseq, (user_id, member) in enumerate(places.members[room_id].items(), start=1):
            yield {
                "user_id": user_id,
                "room_id": room_id,
                "is_admin": member.is_admin and member.is_active,
                "is_banned": member.is_banned,
                "joined_at": member.joined_at,
                "left_at": member.left_at,
                "modseq": modseq,
                "created_at": member.joined_at,
                "updated_at": people.now,
            }
