"""Legacy tables that an adoption does not know, and the `--map` options that would adopt those that look like Confab's."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection, exc

from backend.models.base import Base
from backend.schema.legacy_import.mapping import TableMap
from backend.schema.legacy_import.rooms import OTHER_ROOM
from backend.schema.legacy_import.tables import TABLES, describe_columns, has_column

INTERNAL = {"alembic_version", "sqlite_sequence", "sqlite_stat1", "sqlite_stat4"}
SIMILAR = {
    "room_id": OTHER_ROOM,
    "user_id": ("member_id", "participant_id", "account_id"),
    "sender_id": ("from_id", "from_user_id", "account_id"),
    "recipient_id": ("to_id", "to_user_id"),
}
"""Names that a column may well have, but that are too uncertain to be adopted without a mapping."""


@dataclass(frozen=True)
class _Shape:
    """How a table is recognised: columns that it has, columns of which it has one, and words in its name."""

    needed: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    needs_word: bool = False


SHAPES = {
    "messages": _Shape(("sender_id", "content"), ("id",), ("message", "chat", "post")),
    "refresh_tokens": _Shape(("user_id", "token", "expires_at"), words=("refresh",), needs_word=True),
    "sessions": _Shape(("user_id", "token", "expires_at"), words=("session", "login")),
    "user_roles": _Shape(("user_id", "role_id"), words=("role",)),
    "room_memberships": _Shape(("user_id", "room_id"), words=("member", "participant", "user")),
    "roles": _Shape(("id", "name"), words=("role",), needs_word=True),
    "users": _Shape(("id",), ("email", "mobile", "username"), ("user", "account", "member", "people", "person")),
    "chat_rooms": _Shape(("id", "name"), words=("room", "channel", "group", "chat", "conversation"), needs_word=True),
}
"""In this order a table is compared, so that one with sender, room and text counts as messages rather than memberships."""


@dataclass(frozen=True)
class Unexplained:
    """A table that is not adopted. *rows* is None if they cannot be counted."""

    name: str
    rows: int | None
    columns: tuple[str, ...]

    def __str__(self) -> str:
        rows = "rows that cannot be read" if self.rows is None else f"{self.rows} rows"
        return f"{self.name}: {rows}, columns {', '.join(self.columns)}"


def find_unexplained(connection: Connection, taken: Iterable[str]) -> list[Unexplained]:
    """The tables that are neither in *taken* nor have a name that Confab needs."""
    known = {*taken, *Base.metadata.tables, *INTERNAL}
    names = sorted(set(sa.inspect(connection).get_table_names()) - known)
    return [Unexplained(name, *_look_at(connection, name)) for name in names]


def _look_at(connection: Connection, name: str) -> tuple[int | None, tuple[str, ...]]:
    """The rows and columns of a table. Confab may lack the right, or the extension of SQLite, to read it."""
    try:
        with connection.begin_nested():
            columns = tuple(str(column["name"]) for column in sa.inspect(connection).get_columns(name))
            return connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))), columns
    except exc.DBAPIError:
        return None, ()


def survey(connection: Connection, taken: Mapping[str, str], mapping: TableMap) -> list[str]:
    """Warnings about tables and columns that are not adopted, with the command that would adopt what looks like Confab's."""
    unexplained = find_unexplained(connection, taken.values())
    found = suggest(unexplained, taken)
    inspector = sa.inspect(connection)
    for ours, legacy in taken.items():
        renamed = mapping.columns.get(legacy, {})
        columns = {renamed.get(str(each["name"]), str(each["name"])) for each in inspector.get_columns(legacy)}
        if ours in TABLES and (similar := similar_columns(ours, columns)):
            found.columns[legacy] = similar
    return _warn(unexplained, taken, mapping, found)


def suggest(unexplained: Iterable[Unexplained], taken: Mapping[str, str]) -> TableMap:
    """Options for tables with rows whose columns fit a table of Confab that was not found. *taken* has those that were."""
    found = TableMap()
    candidates = [each for each in unexplained if each.rows]
    for ours in (table for table in SHAPES if table not in taken):
        fitting = [each for each in candidates if each.name not in found.tables and _fits(each, ours)]
        if fitting:
            best = max(fitting, key=lambda each: _likeness(each, ours))
            found.tables[best.name] = ours
            if columns := similar_columns(ours, best.columns):
                found.columns[best.name] = columns
    return found


def similar_columns(ours: str, columns: Collection[str]) -> dict[str, str]:
    """The columns that may well be some of *ours* for which no known name is there."""
    missing = [key for key in SIMILAR if key in TABLES[ours] and not has_column(ours, key, columns)]
    present = set(columns)
    pairs = ((next((name for name in SIMILAR[key] if name in present), None), key) for key in missing)
    return {name: key for name, key in pairs if name is not None}


def _fits(table: Unexplained, ours: str) -> bool:
    shape = SHAPES[ours]
    columns = {*table.columns, *similar_columns(ours, table.columns).values()}
    if not all(has_column(ours, key, columns) for key in shape.needed):
        return False
    if shape.one_of and not any(has_column(ours, key, columns) for key in shape.one_of):
        return False
    return not shape.needs_word or _has_word(table, ours)


def _has_word(table: Unexplained, ours: str) -> bool:
    return any(word in table.name.lower() for word in SHAPES[ours].words)


def _likeness(table: Unexplained, ours: str) -> tuple[bool, int, int]:
    known = sum(has_column(ours, key, table.columns) for key in TABLES[ours])
    return _has_word(table, ours), known, table.rows or 0


def describe_search(taken: Mapping[str, str]) -> str:
    """Which tables were looked for, and which were found."""
    found = [ours if taken[ours] == ours else f"{ours} ({taken[ours]})" for ours in TABLES if ours in taken]
    missing = [ours for ours in TABLES if ours not in taken]
    return f"Looked for {len(TABLES)} tables. Found: {', '.join(found) or 'none'}. Missing: {', '.join(missing) or 'none'}."


def _warn(unexplained: list[Unexplained], taken: Mapping[str, str], mapping: TableMap, found: TableMap) -> list[str]:
    empty = [each.name for each in unexplained if each.rows == 0]
    lines = [f"Empty tables that stay as they are: {', '.join(empty)}."] if empty else []
    filled = [each for each in unexplained if each.rows != 0]
    if filled:
        lines.append("WARNING: The rows of these tables are not adopted. The tables stay as they are:")
        lines += [f"  {each}{_likely(each.name, found)}" for each in filled]
        lines.append("These tables are missing. Each is shown with the names that its columns may have:")
        lines += [f"  {table}: {describe_columns(table)}" for table in TABLES if table not in taken]
    for ours, legacy in taken.items():
        for name, column in found.columns.get(legacy, {}).items():
            lines.append(f"WARNING: The column {name} of {legacy} is not adopted. It looks like {column} of {ours}.")
    return [*lines, *_remedy(mapping, found)] if filled or found else lines


def _likely(name: str, found: TableMap) -> str:
    return f". It looks like {found.tables[name]}" if name in found.tables else ""


def _remedy(mapping: TableMap, found: TableMap) -> list[str]:
    options = [*mapping.options(), *found.options()] if found else ["LEGACY=TABLE"]
    command = " ".join(f"--map {shlex.quote(option)}" for option in options)
    return [
        f"To adopt {'them' if found else 'one of them'}, run: flask db upgrade {command}",
        "An upgraded database must be restored first, from its backup before the upgrade (docs/migrations.md).",
    ]
