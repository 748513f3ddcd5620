"""The tables that an adoption looks for, and the names that their columns may have."""

from __future__ import annotations

from collections.abc import Iterable

from backend.schema.legacy_import.messages import MESSAGES
from backend.schema.legacy_import.rooms import MEMBERSHIPS, ROOMS
from backend.schema.legacy_import.sessions import REFRESH_TOKENS, SESSIONS
from backend.schema.legacy_import.source import Map
from backend.schema.legacy_import.users import ROLES, USER_ROLES, USERS

TABLES: dict[str, Map] = {
    "users": USERS,
    "roles": ROLES,
    "user_roles": USER_ROLES,
    "sessions": SESSIONS,
    "refresh_tokens": REFRESH_TOKENS,
    "chat_rooms": ROOMS,
    "room_memberships": MEMBERSHIPS,
    "messages": MESSAGES,
}


def canonical_column(table: str, name: str) -> str | None:
    """The name under which an adoption reads the column *name* of *table*. None if it does not know the column."""
    return next((names[0] for key, names in TABLES[table].items() if name == key or name in names), None)


def has_column(table: str, key: str, columns: Iterable[str]) -> bool:
    """Whether *columns* have one for Confab's column *key* of *table*, under any name that an adoption knows."""
    return not set(TABLES[table][key]).isdisjoint(columns)


def describe_columns(table: str) -> str:
    """The columns of *table* with all their names, for a person."""
    return "; ".join(" or ".join(dict.fromkeys(names)) for names in TABLES[table].values())
