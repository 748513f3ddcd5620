"""Mentions: `@username` in the content of a message."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import islice

from sqlalchemy import Connection, select

from backend.conversations.references import ConversationRef
from backend.models import User
from backend.models.user import fold_username

MAX_MENTIONS = 50
"""The number of mentions in one message. Further ones are plain text."""

NAMES_PER_QUERY = 500
"""Names in one statement. SQLite allows some 32,000 parameters, and long lists are planned slowly."""

# Not after a letter, a digit or another @, so that the email address a@name.example mentions nobody.
_MENTION = re.compile(r"(?<![\w@.+/-])@([A-Za-z0-9_][A-Za-z0-9_.-]{0,99})", re.ASCII)
_ROOM_MENTION = re.compile(r"(?<![\w@.+/-])@room(?![\w-]|\.\w)", re.IGNORECASE)


def names_room(content: str) -> bool:
    """Whether *content* has the mention `@room`. `@roomy`, `@room-mates` and `me@room` are none."""
    return "@" in content and _ROOM_MENTION.search(content) is not None


def candidates(content: str) -> list[list[str]]:
    """The folded usernames that each mention may mean, the longest first: `@Ann.` is `ann.` or `ann`.

    At most three for each of `MAX_MENTIONS` mentions, which limits the look-ups for a message.
    """
    if "@" not in content:
        return []
    return [_readings(fold_username(match[1])) for match in islice(_MENTION.finditer(content), MAX_MENTIONS)]


def _readings(name: str) -> list[str]:
    """*name* itself, without its last punctuation mark, and without all at its end: they may belong to the sentence."""
    bare = name.rstrip(".-")
    return [name] if bare == name else list(dict.fromkeys((name, name[:-1], bare)))


def find_named(connection: Connection, contents: Iterable[str]) -> dict[str, list[int]]:
    """The ids of the users that each of *contents* mentions, each once, in the order of their first mention.

    Contents that mention nobody may be missing. Whether the users can see the message is not checked: see `visible_mentions`.
    """
    contents = set(contents)
    known = find_mentioned(connection, contents)
    return {content: mentioned_ids(content, known) for content in contents} if known else {}


def visible_mentions(
    place: ConversationRef,
    author_id: int,
    named: list[int],
    members: Collection[tuple[int, int]],
    visible: Collection[tuple[int, int]] | None,
) -> list[int]:
    """Those of the *named* users who can see a message of *author_id* at *place*, and whom the author can see.

    *members* are (room, user) pairs. *visible* are the (author, user) pairs that the directory shows, which matter in the lobby
    alone; None where it shows everybody.
    """
    if named and place.room_id is not None:
        return [user_id for user_id in named if (place.room_id, user_id) in members]
    if named and place.peer_id is not None:
        return [user_id for user_id in named if user_id in (author_id, place.peer_id)]
    if named and visible is not None:
        return [user_id for user_id in named if (author_id, user_id) in visible]
    return named


def find_mentioned(connection: Connection, contents: Iterable[str]) -> dict[str, int]:
    """The ids of the users that *contents* mention, by folded username."""
    names = sorted({name for content in contents for options in candidates(content) for name in options})
    found: dict[str, int] = {}
    for start in range(0, len(names), NAMES_PER_QUERY):
        some = names[start : start + NAMES_PER_QUERY]
        statement = select(User.username_key, User.id).where(User.username_key.in_(some), User.deleted_at.is_(None))
        found |= {name: user_id for name, user_id in connection.execute(statement) if name is not None}
    return found


def mentioned_ids(content: str, known: dict[str, int]) -> list[int]:
    """The users of *known* (ids by folded username) that *content* mentions, each once, in the order of their first mention."""
    named: dict[int, None] = {}
    for options in candidates(content):
        user_id = next((known[name] for name in options if name in known), None)
        if user_id is not None:
            named[user_id] = None
    return list(named)
