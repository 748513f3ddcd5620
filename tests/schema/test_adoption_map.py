"""Legacy tables with other names: what an adoption says about them, and `--map`, which adopts them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from backend.schema.drift import find_drift
from backend.schema.legacy_import.tables import TABLES, describe_columns
from tests.schema import legacy
from tests.schema.conftest import Database, Databases
from tests.servers import ROOT

OTHER_NAMES = legacy.ROOMS + legacy.OTHER_NAMES
SUGGESTED = ["--map", "room_members=room_memberships", "--map", "rooms=chat_rooms"]
SUGGESTED += ["--map", "room_members.channel_id=room_id"]


def _suggestion(told: str) -> list[str]:
    """The command that the output says to run."""
    [command] = re.findall(r"^To adopt them, run: flask (.+)$", told, re.MULTILINE)
    return shlex.split(command)


def _rooms(database: Database) -> list[tuple[int, str, int]]:
    return database.rows("SELECT id, name, owner_id FROM chat_rooms ORDER BY id")  # type: ignore[return-value]


def test_the_output_says_what_was_looked_for_and_what_is_left(database: Database) -> None:
    database.build(OTHER_NAMES)
    dry = database.flask("db", "upgrade", "--dry-run")
    told = database.flask("db", "upgrade")
    assert set(dry.splitlines()[:-1]) <= set(told.splitlines())
    missing = "roles, user_roles, sessions, refresh_tokens, chat_rooms, room_memberships"
    assert f"Looked for 8 tables. Found: users, messages. Missing: {missing}." in told
    assert "  rooms: 2 rows, columns id, heading, name, is_public, owner_id. It looks like chat_rooms\n" in told
    assert "  room_members: 3 rows, columns id, user_id, channel_id. It looks like room_memberships\n" in told
    assert "  bookings: 1 rows, columns id, room_id\n" in told
    assert "Empty tables that stay as they are: drafts." in told
    assert f"  room_memberships: {describe_columns('room_memberships')}\n" in told
    assert _suggestion(told) == _suggestion(dry) == ["db", "upgrade", *SUGGESTED]
    assert "messages: 2 rows before, 1 after (1 not adopted: unknown room)" in told
    assert len(database.rows("SELECT * FROM rooms")) == 2
    assert len(database.rows("SELECT * FROM room_members")) == 3


def test_the_suggested_command_adopts_the_rooms(databases: Databases, kind: str) -> None:
    with databases.adopted(kind, OTHER_NAMES, *SUGGESTED) as (database, told):
        _check_adopted_rooms(database, told)


def _check_adopted_rooms(database: Database, told: str) -> None:
    assert "Found: users, chat_rooms (rooms), room_memberships (room_members), messages. Missing: roles," in told
    assert "chat_rooms: 2 rows before, 2 after" in told
    assert "room_memberships: 3 rows before, 3 after" in told
    assert "messages: 2 rows before, 2 after" in told
    assert "kept: rooms as legacy_chat_rooms" in told
    assert _rooms(database) == [(3, "k", 1), (4, "h", 2)]
    assert database.rows("SELECT user_id, room_id FROM room_memberships ORDER BY room_id, user_id") == [
        (1, 3),
        (2, 3),
        (2, 4),
    ]
    assert database.one("SELECT conversation_id FROM messages WHERE id = 1") == "room:3"
    with database.engine.connect() as connection:
        assert find_drift(connection) == []


def test_tables_that_refer_to_a_mapped_one_refer_to_confabs(databases: Databases, kind: str) -> None:
    with databases.adopted(kind, OTHER_NAMES, *SUGGESTED) as (database, _):
        assert "Dropped 4 tables." in database.flask("schema", "drop-legacy", "--yes")
        assert not database.tables() & {"rooms", "room_members"}
        database.run(
            "INSERT INTO chat_rooms (name, owner_id) VALUES ('new', 1)",
            "INSERT INTO bookings VALUES (2, 5)",
        )
        booked = "SELECT b.id, r.name FROM bookings b JOIN chat_rooms r ON r.id = b.room_id ORDER BY 1"
        assert database.rows(booked) == [(1, "k"), (2, "new")]


def test_a_column_is_mapped(database: Database) -> None:
    """It replaces the column that would have been adopted."""
    database.build(OTHER_NAMES)
    told = database.flask("db", "upgrade", *SUGGESTED, "--map", "rooms.heading=name")
    assert _rooms(database) == [(3, "The kitchen", 1), (4, "Hall", 2)]
    assert "Columns of chat_rooms that were not adopted: name." in told


@pytest.mark.parametrize("is_of_another_program", [False, True])
def test_a_database_without_any_name_of_ours(database: Database, is_of_another_program: bool) -> None:
    """It counts as new, because it may be another program's. The tables that look like Confab's are named."""
    if is_of_another_program:
        database.build("CREATE TABLE films (id {pk}, title TEXT); INSERT INTO films (id, title) VALUES (1, 'Stalker')")
        assert "WARNING" not in database.flask("db", "upgrade", "--dry-run")
        return
    database.build(legacy.NOTHING_OF_OURS)
    told = database.flask(*_suggestion(database.flask("db", "upgrade", "--dry-run")))
    assert "Adopting a legacy database with channels, posts, channel_members, accounts." in told
    assert _rooms(database) == [(5, "one", 1)]
    assert database.rows("SELECT user_id FROM room_memberships WHERE room_id = 5 ORDER BY 1") == [(1,), (2,)]
    assert database.rows("SELECT conversation_id, content, sender_id FROM messages") == [("room:5", "hello", 2)]
    assert database.rows("SELECT text FROM notes") == [("not a message",)]
    answer = database.client().post("/api/auth/login", {"email": "ann@example.com", "password": "password123"})
    assert answer.status_code == 200


def test_messages_of_rooms_by_an_unknown_column_are_not_shown_to_everybody(database: Database) -> None:
    database.build(OTHER_NAMES)
    database.run("ALTER TABLE messages RENAME COLUMN room_id TO group_id")
    dry = database.flask("db", "upgrade", "--dry-run")
    assert "WARNING: The column group_id of messages is not adopted. It looks like room_id of messages." in dry
    assert "1 not adopted: in a room, by a column that only --map assigns" in dry
    assert _suggestion(dry) == ["db", "upgrade", *SUGGESTED, "--map", "messages.group_id=room_id"]
    database.flask(*_suggestion(dry))
    rows = database.rows("SELECT id, conversation_id FROM messages ORDER BY id")
    assert rows == [(1, "room:3"), (2, "lobby")]


def test_a_mapped_table_takes_the_place_of_one_with_confabs_name(database: Database) -> None:
    """The other one is kept too, and both are named."""
    database.build(OTHER_NAMES)
    database.run(
        "CREATE TABLE chat_rooms (id INTEGER PRIMARY KEY, hotel TEXT)", "INSERT INTO chat_rooms VALUES (1, 'x')"
    )
    told = database.flask("db", "upgrade", *SUGGESTED)
    assert "The table chat_rooms was not adopted, because --map names another one in its place." in told
    assert _rooms(database) == [(3, "k", 1), (4, "h", 2)]
    assert sorted(len(database.rows(f"SELECT * FROM legacy_chat_rooms{tail}")) for tail in ("", "_2")) == [1, 2]


WRONG = {
    "rooms": "write LEGACY=TABLE or LEGACY.COLUMN=COLUMN",
    "=chat_rooms": "write LEGACY=TABLE",
    "halls=chat_rooms": "the database has no table halls. It has ",
    "messages=rooms": "rooms is not adopted. The tables are users, roles,",
    "chat_rooms=rooms": "Did you mean --map rooms=chat_rooms?",
    "halls.name=name": "the database has no table halls",
    "rooms.name=name": "map the table too, for example --map rooms=chat_rooms",
    "users.mail=email": "users has no column mail. It has created_at, email,",
    "users.email=shoe_size": "shoe_size is not adopted. The columns of users are id, username, email,",
    "users.email=username --map users.username=user_name": "users.email and users.username for username",
    "rooms=chat_rooms --map room_members=chat_rooms": "names room_members and rooms for chat_rooms",
}


def test_a_wrong_map_is_refused_and_changes_nothing(database: Database) -> None:
    database.build(OTHER_NAMES)
    before = database.tables()
    for options, reason in WRONG.items():
        assert reason in database.flask("db", "upgrade", *shlex.split(f"--map {options}"), code=1)
    assert database.tables() == before


def test_a_column_map_in_the_wrong_direction_is_explained(database: Database) -> None:
    database.build(OTHER_NAMES)
    told = database.flask("db", "upgrade", "--map", "rooms=chat_rooms", "--map", "rooms.name=heading", code=1)
    assert "heading is not adopted" in told
    told = database.flask("db", "upgrade", "--map", "messages.recipient_id=room_id", code=1)
    assert "Did you mean --map messages.room_id=recipient_id?" in told


def test_what_was_left_out_is_adopted_after_a_restoration(sqlite_database: Database) -> None:
    """The upgrade of a SQLite database made the backup. A map for an upgraded database changes nothing."""
    database = sqlite_database
    database.build(OTHER_NAMES)
    told = database.flask("db", "upgrade")
    assert "--map was ignored: this database is Confab's" in database.flask(*_suggestion(told))
    assert _rooms(database) == []
    [copy] = re.findall(r"Copied the database to (\S+) before", told)
    database.flask("db", "restore", copy, "--yes")
    assert Path(copy).exists()
    database.flask(*_suggestion(told))
    assert [room[0] for room in _rooms(database)] == [3, 4]


def test_a_table_that_cannot_be_read_does_not_stop_the_adoption(sqlite_database: Database) -> None:
    """The extension that made it is not loaded."""
    sqlite_database.build(legacy.ROOMS)
    sqlite_database.run(
        "PRAGMA writable_schema=ON",
        "INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) "
        "VALUES ('table', 'places', 'places', 0, 'CREATE VIRTUAL TABLE places USING absent(x)')",
        "PRAGMA writable_schema=OFF",
    )
    sqlite_database.dispose()
    told = sqlite_database.flask("db", "upgrade")
    assert "places: rows that cannot be read" in told
    assert "users: 3 rows before, 3 after" in told


def test_a_partition_that_cannot_be_read_does_not_stop_the_adoption(postgresql_database: Database) -> None:
    postgresql_database.build(legacy.ROOMS)
    postgresql_database.run(
        "CREATE FOREIGN DATA WRAPPER absent",
        "CREATE SERVER elsewhere FOREIGN DATA WRAPPER absent",
        "CREATE TABLE places (x INTEGER) PARTITION BY LIST (x)",
        "CREATE FOREIGN TABLE far_places PARTITION OF places FOR VALUES IN (1) SERVER elsewhere",
    )
    told = postgresql_database.flask("db", "upgrade")
    assert "places: rows that cannot be read" in told
    assert "users: 3 rows before, 3 after" in told


def test_the_documentation_names_all_columns() -> None:
    text = (ROOT / "docs" / "migrations.md").read_text()
    for table in TABLES:
        assert f"| `{table}` | {describe_columns(table)} |\n" in text
