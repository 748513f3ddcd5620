"""The people, rooms and roles of the demo, read from `data/team.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
FIRST_DAY = 45
"""The working day, counted back from today, on which most accounts and all rooms were made."""

FOUNDER = "jonas"
"""The administrator, who makes the roles and settles reports."""

LOBBY = "lobby"


@dataclass(frozen=True)
class Person:
    """One of the team. `since` is the working day, counted back from today, of their first day."""

    username: str
    first_name: str
    last_name: str
    bio: str
    email: str
    roles: tuple[str, ...]
    portrait: tuple[str, ...]
    since: int = FIRST_DAY
    is_superuser: bool = False


@dataclass(frozen=True)
class RoomPlan:
    """A room that will be made. `members` has its owner and admins too, the owner first."""

    key: str
    title: str
    description: str
    owner: str
    members: tuple[str, ...]
    admins: frozenset[str]
    emoji: tuple[str, ...]
    is_public: bool = True


@dataclass(frozen=True)
class Team:
    """Everything in `data/team.toml`. `unread`, `muted` and `pinned` are by username, then by conversation."""

    password: str
    people: dict[str, Person]
    roles: dict[str, str]
    rooms: dict[str, RoomPlan]
    unread: dict[str, dict[str, int]] = field(default_factory=dict)
    muted: dict[str, list[str]] = field(default_factory=dict)
    pinned: dict[str, list[str]] = field(default_factory=dict)

    def audience(self, conversation: str) -> tuple[str, ...]:
        """The usernames of those who read *conversation*: a room, `lobby`, or `ines+jonas`."""
        if conversation == LOBBY:
            return tuple(self.people)
        if conversation in self.rooms:
            return self.rooms[conversation].members
        return tuple(conversation.split("+"))


def load_team() -> Team:
    """Read the file."""
    data = tomllib.loads((DATA / "team.toml").read_text("utf-8"))
    people = {name: _person(name, entry, data["domain"]) for name, entry in data["people"].items()}
    settings: dict[str, dict[str, list[str]]] = data["settings"]
    return Team(
        password=data["password"],
        people=people,
        roles=data["roles"],
        rooms={key: _room(key, entry, list(people)) for key, entry in data["rooms"].items()},
        unread={
            name: {_conversation(name, key, people): n for key, n in counts.items()}
            for name, counts in data["unread"].items()
        },
        muted={name: [_conversation(name, key, people) for key in entry["muted"]] for name, entry in settings.items()},
        pinned={
            name: [_conversation(name, key, people) for key in entry["pinned"]] for name, entry in settings.items()
        },
    )


def direct(one: str, other: str) -> str:
    """The conversation of two people, or the notes of one: `ines+jonas`, `ines+ines`."""
    return "+".join(sorted((one, other)))


def _person(username: str, entry: dict[str, Any], domain: str) -> Person:
    first, last = entry["name"]
    return Person(
        username=username,
        first_name=first,
        last_name=last,
        bio=entry["bio"],
        email=f"{username}@{domain}",
        roles=tuple(entry["roles"]),
        portrait=tuple(entry["portrait"]),
        since=entry.get("since", FIRST_DAY),
        is_superuser=entry.get("is_superuser", False),
    )


def _room(key: str, entry: dict[str, Any], everybody: list[str]) -> RoomPlan:
    owner, members = entry["owner"], entry["members"]
    named = everybody if members == "all" else members
    return RoomPlan(
        key=key,
        title=entry.get("title", key),
        description=entry["description"],
        owner=owner,
        members=tuple(dict.fromkeys((owner, *entry["admins"], *named))),
        admins=frozenset((owner, *entry["admins"])),
        emoji=tuple(entry["emoji"].split()),
        is_public=entry.get("is_public", True),
    )


def _conversation(username: str, key: str, people: Container[str]) -> str:
    """In the part of a person, another person's name stands for the conversation of both."""
    return direct(username, key) if key in people else key
