"""`flask db upgrade` of each legacy database, and what happens to its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from backend.auth.sweeping import sweep
from backend.schema.drift import find_drift
from backend.security.hashing import check_password, hash_secret
from tests.client import Client
from tests.schema import legacy
from tests.schema.conftest import Database, Databases

FAMILIES: dict[str, tuple[str, dict[str, str]]] = {
    "mobile": (legacy.MOBILE, {}),
    "users-only": (legacy.USERS_ONLY, {"username": ""}),
    "AI Message": (legacy.AI_MESSAGE, {}),
    "rooms": (legacy.ROOMS + legacy.ROOMS_TABLES, {}),
    "rooms without rooms": (legacy.ROOMS, {}),
    "names": (legacy.NAMES, {"password": "password"}),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_legacy_schema_is_upgraded_to_a_consistent_database(databases: Databases, kind: str, family: str) -> None:
    script, values = FAMILIES[family]
    before = databases.adoption(kind, script, **values).before
    with databases.adopted(kind, script, **values) as (database, told):
        for table, count in before.items():
            assert f"{table}: {count} rows before, " in told
            assert database.one(f"SELECT count(*) FROM legacy_{table}") == count
        with database.engine.connect() as connection:
            assert find_drift(connection) == []
        assert database.one("SELECT count(*) FROM users") == before["users"]
        _check_order(database)
        assert database.flask("db", "upgrade") == ""


def _check_order(database: Database) -> None:
    """No gaps and no duplicates; the heads of the conversations agree with their rows."""
    heads = {row[0]: row[1:] for row in database.rows("SELECT id, last_seq, last_modseq FROM conversations")}
    for name, (last_seq, last_modseq) in heads.items():
        seqs = database.rows("SELECT seq FROM messages WHERE conversation_id = :c ORDER BY seq", c=name)
        assert [seq for (seq,) in seqs] == list(range(1, last_seq + 1))
        ordered = database.rows("SELECT seq FROM messages WHERE conversation_id = :c ORDER BY created_at, id", c=name)
        assert ordered == seqs
        numbers = database.rows("SELECT modseq FROM messages WHERE conversation_id = :c", c=name)
        if name.startswith("room:"):
            numbers += database.rows("SELECT modseq FROM room_memberships WHERE room_id = :r", r=int(name[5:]))
        assert sorted(n for (n,) in numbers) == list(range(1, last_modseq + 1))
    entries = database.rows(
        "SELECT u.id FROM users u WHERE NOT EXISTS (SELECT 1 FROM conversation_entries e WHERE e.user_id = u.id "
        "AND e.conversation_id = 'lobby')"
    )
    assert entries == []


def _time(value: Any) -> datetime:
    return (datetime.fromisoformat(value) if isinstance(value, str) else value).replace(tzinfo=UTC)


def test_mobile(databases: Databases, kind: str) -> None:
    with databases.adopted(kind, legacy.MOBILE) as (database, told):
        rows = database.rows(
            "SELECT id, mobile, email, full_name, mobile_verified_at IS NOT NULL FROM users ORDER BY id"
        )
        assert [(*row[:4], bool(row[4])) for row in rows] == [
            (1, "+46701740605", "ann@example.com", "Ann Ek", True),
            (2, "+46701740606", None, None, True),
            (3, None, None, "Other Ann", False),
            (4, None, None, "Nobody", False),
            (7, "+46701740607", None, None, False),
        ]
        assert _time(database.one("SELECT created_at FROM users WHERE id = 1")) == datetime(
            2024, 1, 2, 3, 4, 5, 500000, tzinfo=UTC
        )
        assert "User 3 lost the email ann@example.com: the older account of user 1 has it." in told
        assert "User 4 lost the mobile" in told
        assert "Columns of users that were not adopted: otp, otp_expires_at, token." in told
        assert len({name for (name,) in database.rows("SELECT username FROM users")}) == 5
        assert "a-token-in-clear" not in _dump(database)
        assert database.rows("SELECT version_num FROM legacy_alembic_version") == [("b2e4d81095fe",)]


def _dump(database: Database) -> str:
    tables = [t for t in database.tables() if not t.startswith("legacy_")]
    return str([database.rows(f"SELECT * FROM {table}") for table in tables])


@pytest.mark.parametrize("variant", legacy.USERNAMES)
def test_users_only(database: Database, variant: str) -> None:
    column, update = legacy.USERNAMES[variant]
    database.build(legacy.USERS_ONLY, username=column)
    database.build(update)
    told = database.flask("db", "upgrade")
    rows = database.rows("SELECT id, username, email, hashed_password, is_active FROM users ORDER BY id")
    assert [(row[0], row[2], bool(row[3]), bool(row[4])) for row in rows] == [
        (1, "ann@example.com", True, True),
        (2, None, False, True),
        (3, "bo@example.com", False, True),
        (4, "ann@elsewhere.example", False, False),
        (9, "émile@example.com", True, True),
    ]
    usernames = [row[1] for row in rows]
    assert usernames[0] == "ann"
    assert len(set(usernames)) == 5
    assert all(name and len(name) <= 100 for name in usernames)
    if variant == "not null":
        assert usernames[3] == "bo"
        assert usernames[2] == "bo-3"
    assert check_password("password123", rows[0][3])
    assert "in clear" not in _dump(database)
    roles = database.rows(
        "SELECT u.user_id, r.name FROM user_roles u JOIN roles r ON r.id = u.role_id ORDER BY u.user_id"
    )
    assert roles == [(1, "personal_only"), (2, "business"), (3, "business"), (9, "admin")]
    assert "User 2 lost the email ann@example.com: the older account of user 1 has it." in told
    assert not any(bool(s) for (s,) in database.rows("SELECT is_superuser FROM users"))


def test_ai_message(databases: Databases, kind: str) -> None:
    with databases.adopted(kind, legacy.AI_MESSAGE) as (database, told):
        query = (
            "SELECT id, conversation_id, seq, recipient_id, parent_id, content, reply_count FROM messages ORDER BY id"
        )
        assert database.rows(query) == [
            (1, "dm:1:2", 2, 2, None, "first", 1),
            (2, "dm:1:2", 1, 1, 1, "second", 1),
            (3, "dm:1:2", 3, 1, 2, "third", 0),
            (4, "lobby", 1, None, None, "to everybody", 0),
            (5, "dm:1:1", 1, 1, None, "a note", 0),
            (6, "dm:1:2", 4, 2, None, "the pair is known", 0),
            (7, "dm:3:3", 1, 3, None, "alone with a machine", 0),
            (10, "dm:1:2", 5, 2, None, "a reply to what stayed", 0),
            (11, "dm:1:2", 6, 2, None, "a reply to elsewhere", 0),
            (12, "dm:1:2", 7, 2, None, "", 0),
        ]
        assert "messages: 12 rows before, 10 after" in told
        assert "1 not adopted: unknown recipient" in told
        assert "1 not adopted: unknown sender" in told
        assert database.rows("SELECT user_id, role_id FROM user_roles ORDER BY 1") == [(1, 1), (2, 2)]
        marks = database.rows(
            "SELECT user_id, last_read_seq FROM conversation_entries WHERE conversation_id = 'dm:1:2' ORDER BY user_id"
        )
        assert marks == [(1, 0), (2, 3)]
        sessions = database.rows("SELECT id, user_id, session_token FROM sessions WHERE id <= 2 ORDER BY id")
        assert sessions[0] == (1, 1, hash_secret("session-in-clear"))
        tokens = database.rows("SELECT user_id, token, is_used, used_at IS NOT NULL FROM refresh_tokens ORDER BY id")
        assert [(u, t, bool(used), bool(at)) for u, t, used, at in tokens] == [
            (1, hash_secret("refresh-in-clear"), False, False),
            (1, hash_secret("used-in-clear"), True, True),
        ]
        assert "in-clear" not in _dump(database)
        assert [bool(active) for (active,) in database.rows("SELECT is_active FROM users ORDER BY id")] == [
            True,
            True,
            False,
        ]
        with database.app.app_context():
            sweep()
        refreshed = Client(database.app).post("/api/auth/refresh", {"refresh_token": "refresh-in-clear"})
        assert refreshed.status_code == 200, "its age counts from the upgrade"


def test_rooms(databases: Databases, kind: str) -> None:
    with databases.adopted(kind, legacy.ROOMS + legacy.ROOMS_TABLES) as (database, told):
        rooms = database.rows("SELECT id, name, owner_id, is_public FROM chat_rooms ORDER BY id")
        assert [(*row[:3], bool(row[3])) for row in rooms] == [
            (1, "one", 1, True),
            (2, "Room 2", 2, False),
            (3, "orphan", 3, True),
            (4, "spoken in", 3, True),
        ]
        members = database.rows(
            "SELECT room_id, user_id, is_admin, modseq FROM room_memberships ORDER BY room_id, user_id"
        )
        assert [(r, u, bool(a), m) for r, u, a, m in members] == [
            (1, 1, True, 1),
            (1, 2, True, 2),
            (2, 2, True, 1),
            (3, 2, False, 1),
            (3, 3, True, 2),
            (4, 3, True, 1),
        ]
        assert _time(database.one("SELECT joined_at FROM room_memberships WHERE room_id = 1 AND user_id = 2")).day == 2
        query = "SELECT id, conversation_id, seq, room_id, length(content) FROM messages ORDER BY id"
        assert database.rows(query) == [
            (1, "room:1", 2, 1, 11),
            (2, "room:1", 1, 1, 9),
            (3, "lobby", 1, None, 12),
            (5, "room:4", 1, 4, 6),
            (6, "room:1", 3, 1, 9000),
        ]
        assert "Room 3 has a new owner: user 3." in told
        assert "room_memberships: 7 rows before, 6 after" in told


@pytest.mark.parametrize("password", ["password", "password_hash"])
def test_first_and_last_names(databases: Databases, kind: str, password: str) -> None:
    with databases.adopted(kind, legacy.NAMES, password=password) as (database, _):
        rows = database.rows("SELECT id, first_name, last_name, full_name, hashed_password FROM users ORDER BY id")
        assert [row[:4] for row in rows] == [
            (1, "Ann", "Ek", "Ann Ek"),
            (2, None, "Berg", "Berg"),
            (3, None, None, None),
            (5, "Ann", "Elsewhere", "Ann Elsewhere"),
        ]
        assert check_password("password123", rows[3][4])


def test_new_ids_are_above_every_legacy_id(databases: Databases, kind: str) -> None:
    with databases.adopted(kind, legacy.ROOMS + legacy.ROOMS_TABLES) as (database, _):
        database.run(
            "INSERT INTO users (username) VALUES ('new')",
            "INSERT INTO chat_rooms (name, owner_id) VALUES ('new', 1)",
            "INSERT INTO messages (conversation_id, seq, modseq, sender_id, content) VALUES ('lobby', 2, 2, 1, 'new')",
        )
        assert database.one("SELECT id FROM users WHERE username = 'new'") == 4
        assert database.one("SELECT id FROM chat_rooms WHERE name = 'new'") == 9
        assert database.one("SELECT id FROM messages WHERE content = 'new'") == 8


def test_tables_of_other_programs_stay_and_refer_to_the_new_tables(database: Database) -> None:
    database.build(legacy.ROOMS + legacy.OTHERS)
    database.flask("db", "upgrade")
    assert database.rows("SELECT * FROM invoices") == [(1, 1)]
    database.run("INSERT INTO users (username) VALUES ('new')", "INSERT INTO invoices VALUES (2, 4)")
    assert "Dropped 1 tables." in database.flask("schema", "drop-legacy", "--yes")
    assert database.tables() >= {"invoices", "users"}
    assert "legacy_users" not in database.tables()
    if database.engine.dialect.name == "sqlite":
        database.run("PRAGMA foreign_keys=ON", "DELETE FROM users WHERE id = 4")
        assert database.one("PRAGMA integrity_check") == "ok"
    else:
        database.run("DELETE FROM users WHERE id = 4")
        assert database.rows("SELECT * FROM invoices") == [(1, 1)]
    assert database.flask("schema", "drop-legacy") == "There are no legacy tables.\n"


def test_drop_legacy_requires_a_confirmation(databases: Databases, kind: str) -> None:
    with databases.adopted(kind, legacy.ROOMS) as (database, _):
        database.flask("schema", "drop-legacy", code=1, input="n\n")
        assert "legacy_users" in database.tables()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_dry_run_reports_everything_and_changes_nothing(
    database: Database, databases: Databases, kind: str, family: str
) -> None:
    script, values = FAMILIES[family]
    database.build(script, **values)
    tables = database.tables()
    before = [(t, database.rows(f"SELECT * FROM {t} ORDER BY 1")) for t in sorted(tables)]
    told = database.flask("db", "upgrade", "--dry-run")
    assert "users: " in told
    assert "nothing was changed" in told
    assert database.tables() == tables
    assert [(t, database.rows(f"SELECT * FROM {t} ORDER BY 1")) for t in sorted(tables)] == before
    told_again = databases.adoption(kind, script, **values).told
    for line in told.splitlines()[:-1]:
        assert line in told_again


def test_a_database_of_a_newer_release_is_not_imported(migrated: Database) -> None:
    migrated.run("UPDATE alembic_version SET version_num = 'ffff00001111'")
    assert "newer Confab" in migrated.flask("db", "upgrade", code=1)
    assert "legacy_users" not in migrated.tables()


def test_a_foreign_revision_with_the_same_name(database: Database) -> None:
    database.build(legacy.MOBILE)
    database.run("UPDATE alembic_version SET version_num = '0001'")
    assert "users: 5 rows before, 5 after" in database.flask("db", "upgrade")
    assert database.flask("db", "upgrade") == ""


def test_a_database_of_confab_with_a_missing_table_is_not_imported(migrated: Database) -> None:
    gone = (
        "message_search",
        "message_mentions",
        "message_edits",
        "reactions",
        "pins",
        "attachments",
        "reports",
        "messages",
    )
    for table in gone:
        migrated.run(f"DROP TABLE {table}")
    assert migrated.flask("db", "upgrade") == ""
    assert "legacy_users" not in migrated.tables()


def test_tables_of_confab_without_a_revision_are_not_changed(migrated: Database) -> None:
    migrated.run("DELETE FROM alembic_version")
    assert "flask db stamp head" in migrated.flask("db", "upgrade", code=1)
    migrated.flask("db", "stamp", "head")
    assert migrated.flask("db", "upgrade") == ""


def test_users_can_continue_after_an_import(databases: Databases, kind: str) -> None:
    """Through the API: the old password signs in, the old refresh token is accepted, and the messages are there."""
    with databases.adopted(kind, legacy.AI_MESSAGE) as (database, _):
        answer = database.client().post("/api/auth/login", {"email": "ANN@example.com", "password": "password123"})
        assert answer.status_code == 200
        ann = database.client(answer.json["access_token"])
        inbox = {row["id"]: row for row in ann.get("/api/chat/conversations").json}
        assert set(inbox) == {"lobby", "dm:1:2", "dm:1:1"}
        assert inbox["dm:1:2"]["unread_count"] == 2
        messages = ann.get("/api/chat/messages?conversation_id=dm:1:2&limit=3").json
        assert [message["seq"] for message in messages] == [7, 6, 5]
        messages = ann.get("/api/chat/messages?conversation_id=dm:1:2&after=0").json
        assert [(m["id"], m["parent_id"], m["reply_count"]) for m in messages[:3]] == [
            (2, 1, 1),
            (1, None, 1),
            (3, 2, 0),
        ]
        assert [message["id"] for message in ann.get("/api/chat/search?q=second").json] == [2]
        sent = ann.post("/api/chat/send", {"content": "the next one", "recipient_id": 2}).json
        assert (sent["id"], sent["seq"], sent["modseq"]) == (13, 8, 8)
        refreshed = database.client().post("/api/auth/refresh", {"refresh_token": "refresh-in-clear"})
        assert refreshed.status_code == 200
        assert database.client().post("/api/auth/refresh", {"refresh_token": "used-in-clear"}).status_code == 401
        refused = database.client().post("/api/auth/login", {"email": "bo@example.com", "password": ""})
        assert refused.status_code in (401, 422)
        database.dispose()
