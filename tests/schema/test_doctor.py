"""`flask doctor` finds every planted fault, and its repair plan repairs the schema."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from secrets import token_hex

import pytest
from flask import Flask

from backend.ops.doctor import examine
from backend.schema.drift import find_drift
from tests.processes import free_port
from tests.schema.conftest import Database, Databases

BOTH = {
    "table pins is missing": "DROP TABLE pins",
    "column users.bio is missing": "ALTER TABLE users DROP COLUMN bio",
    "index ix_messages_sender_id of messages is missing": "DROP INDEX ix_messages_sender_id",
    "index ix_users_bio of users is unknown": "CREATE INDEX ix_users_bio ON users (bio)",
    "index ix_messages_parent_id_seq of messages differs in its WHERE: it should be parent_id is not null": (
        "DROP INDEX ix_messages_parent_id_seq; CREATE INDEX ix_messages_parent_id_seq ON messages (parent_id, seq)"
    ),
}
POSTGRESQL = {
    "column chat_rooms.name differs in type: VARCHAR(40) instead of VARCHAR(100)": (
        "ALTER TABLE chat_rooms ALTER COLUMN name TYPE varchar(40)"
    ),
    "column messages.content differs in nullable: True instead of False": (
        "ALTER TABLE messages ALTER COLUMN content DROP NOT NULL"
    ),
    "column users.is_active differs in default: None instead of true": (
        "ALTER TABLE users ALTER COLUMN is_active DROP DEFAULT"
    ),
    "unique constraint uq_pins_message_id of pins is missing": "ALTER TABLE pins DROP CONSTRAINT uq_pins_message_id",
    "foreign key fk_pins_message_id_messages of pins is missing": (
        "ALTER TABLE pins DROP CONSTRAINT fk_pins_message_id_messages"
    ),
}
SQLITE = {
    "column chat_rooms.name differs in type: VARCHAR(40) instead of VARCHAR(100)": (
        "chat_rooms",
        "name VARCHAR(100)",
        "name VARCHAR(40)",
    ),
    "column messages.content differs in nullable: True instead of False": (
        "messages",
        "content TEXT NOT NULL",
        "content TEXT",
    ),
    "column users.is_active differs in default: None instead of true": (
        "users",
        "is_active BOOLEAN DEFAULT 1",
        "is_active BOOLEAN",
    ),
    "unique constraint uq_blocks_user_id_blocked_id of blocks is missing": (
        "blocks",
        "CONSTRAINT uq_blocks_user_id_blocked_id UNIQUE (user_id, blocked_id)",
        "CHECK (1)",
    ),
    "foreign key fk_pins_message_id_messages of pins is missing": (
        "pins",
        "CONSTRAINT fk_pins_message_id_messages FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE",
        "CHECK (1)",
    ),
}


class Sound:
    """Databases at the newest revision. A test takes one, and returns it when it is sound again, for the tests after it."""

    def __init__(self, databases: Databases, stack: ExitStack):
        self._databases, self._stack = databases, stack
        self._returned: dict[str, Database] = {}

    def take(self, kind: str) -> Database:
        if kind in self._returned:
            return self._returned.pop(kind)
        return self._stack.enter_context(self._databases.migrated(kind, "sound"))

    def give_back(self, database: Database) -> None:
        self._returned[database.engine.dialect.name] = database


@pytest.fixture(scope="module")
def sound(databases: Databases) -> Iterator[Sound]:
    with ExitStack() as stack:
        yield Sound(databases, stack)


def _check_found_and_mended(database: Database, sentence: str) -> None:
    told = database.flask("doctor", code=1).splitlines()
    assert [line for line in told if line.startswith("schema: ")] == [
        f"schema: {sentence}. Run: flask doctor --repair-plan"
    ]
    plan = database.flask("doctor", "--repair-plan")
    statements = plan if "Dropping it deletes" not in plan else plan.replace("\n-- ", "\n")
    if database.engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(database.engine.url.database))) as connection:
            connection.executescript(statements)
            found = connection.execute("PRAGMA integrity_check").fetchall()
            assert [row for row in found if row[0] != "ok" and "never used" not in row[0]] == []  # of the changed index
    else:
        database.run(statements)
    with database.engine.connect() as connection:
        assert find_drift(connection) == []


@pytest.mark.parametrize("sentence", BOTH)
def test_drift_is_found_and_repaired(sound: Sound, kind: str, sentence: str) -> None:
    database = sound.take(kind)
    database.run(*BOTH[sentence].split("; "))
    _check_found_and_mended(database, sentence)
    sound.give_back(database)


@pytest.mark.parametrize("sentence", POSTGRESQL)
def test_drift_of_postgresql(sound: Sound, sentence: str) -> None:
    database = sound.take("postgresql")
    database.run(POSTGRESQL[sentence])
    _check_found_and_mended(database, sentence)
    sound.give_back(database)


@pytest.mark.parametrize("sentence", SQLITE)
def test_drift_of_sqlite(sound: Sound, sentence: str) -> None:
    """SQLite cannot change a table like this, so the test edits its stored definition; an index on it is dropped first."""
    database = sound.take("sqlite")
    table, before, after = SQLITE[sentence]
    with closing(sqlite3.connect(str(database.engine.url.database), isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        [definition] = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        assert before in definition
        edited = definition.replace(before, after)
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (edited, table))
        if "UNIQUE" in before:
            connection.execute("DELETE FROM sqlite_master WHERE name LIKE ?", (f"sqlite_autoindex_{table}%",))
    _check_found_and_mended(database, sentence)
    sound.give_back(database)


def test_an_unknown_column_is_dropped_only_on_request(migrated: Database) -> None:
    migrated.run("ALTER TABLE users ADD COLUMN surplus TEXT")
    plan = migrated.flask("doctor", "--repair-plan")
    assert all(line.startswith("--") for line in plan.splitlines())
    assert "Dropping it deletes its content" in plan


def test_a_missing_primary_key(migrated_postgresql: Database) -> None:
    migrated_postgresql.run("ALTER TABLE pins DROP CONSTRAINT pk_pins")
    assert "primary key of pins is on nothing" in migrated_postgresql.flask("doctor", code=1)


def test_an_index_whose_creation_was_interrupted(migrated_postgresql: Database) -> None:
    migrated_postgresql.run(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_pins_conversation_id'::regclass"
    )
    assert "ix_pins_conversation_id of pins is not valid" in migrated_postgresql.flask("doctor", code=1)


def test_an_installation_without_faults(migrated: Database) -> None:
    assert migrated.flask("doctor") == "Nothing is wrong.\n"
    assert json.loads(migrated.flask("doctor", "--json")) == {"status": "sound", "findings": []}
    assert migrated.flask("doctor", "--repair-plan").startswith("-- The database is as the models say")


def test_no_schema(database: Database) -> None:
    answer = json.loads(database.flask("doctor", "--json", code=1))
    assert answer["status"] == "faulty"
    [finding] = answer["findings"]
    assert (finding["part"], finding["remedy"]) == ("schema", "Run: flask db upgrade")


def _findings(app: Flask, part: str) -> list[str]:
    return [finding.line() for finding in examine(app) if finding.part == part]


PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": token_hex(32),
    "JWT_SECRET_KEY": token_hex(32),
    "PUBLIC_URL": "https://chat.example.com",
}


def _severities(app: Flask) -> dict[str, str]:
    """The severity of each finding about the configuration, by the variable that it names first."""
    return {f.problem.split()[0]: f.severity for f in examine(app) if f.part in ("configuration", "mail")}


def test_configuration_for_production(make_app: Callable[..., Flask], sqlite_app: Flask) -> None:
    url = sqlite_app.config["CONFAB"].database_url
    app = make_app({**PRODUCTION, "DATABASE_URL": url, "PUBLIC_URL": "http://chat.example.com"})
    told = "\n".join(_findings(app, "configuration"))
    for name in ("PUBLIC_URL", "RATE_LIMITS", "SMS_GATEWAY", "SMTP_URL"):
        assert name in told
    advice = {"SMS_GATEWAY": "advice", "SMTP_URL": "advice"}
    assert _severities(app) == {"PUBLIC_URL": "fault", "RATE_LIMITS": "fault", **advice}
    open_mail = "smtp://u:hunter2@mail.example.com?starttls=0"
    settings = {**PRODUCTION, "DATABASE_URL": url}
    assert _severities(make_app({**settings, "SMTP_URL": "console"}, rate_limits=True)) == advice
    assert _severities(make_app({**settings, "SMTP_URL": open_mail}, rate_limits=True)) == advice
    quiet = {**settings, "SMS_GATEWAY": "off", "SMTP_URL": "smtps://mail.example.com"}
    assert _severities(make_app(quiet, rate_limits=True)) == {}, "nothing is missed where no text is wanted"


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "SMS_GATEWAY is not set: no code is sent by SMS."),
        ({"SMS_GATEWAY": "console"}, "SMS_GATEWAY is console: codes are written to the log, not sent."),
        ({}, "SMTP_URL is not set: no mail is sent."),
        ({"SMTP_URL": "console"}, "SMTP_URL is console: mail is written to the log, not sent."),
    ],
)
def test_advice_says_what_happens_instead_of_sending(
    make_app: Callable[..., Flask], sqlite_app: Flask, environ: dict[str, str], problem: str
) -> None:
    app = make_app({**PRODUCTION, "DATABASE_URL": sqlite_app.config["CONFAB"].database_url, **environ})
    assert problem in [finding.problem for finding in examine(app) if finding.severity == "advice"]


def test_advice_alone_does_not_fail(make_app: Callable[..., Flask], migrated_sqlite: Database) -> None:
    url = migrated_sqlite.app.config["CONFAB"].database_url
    app = make_app({**PRODUCTION, "DATABASE_URL": url}, rate_limits=True)
    database = Database(app, migrated_sqlite.engine)
    assert database.flask("doctor").splitlines() == [
        "advice: configuration: SMS_GATEWAY is not set: no code is sent by SMS. Set SMS_GATEWAY to webhook, twilio or off.",
        "advice: configuration: SMTP_URL is not set: no mail is sent. Set SMTP_URL to the address of a mail server.",
    ]
    answer = json.loads(database.flask("doctor", "--json"))
    assert answer["status"] == "sound"
    assert [finding["severity"] for finding in answer["findings"]] == ["advice", "advice"]
    database.run("DROP INDEX ix_messages_sender_id")
    lines = database.flask("doctor", code=1).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["schema", "advice", "advice"]
    answer = json.loads(database.flask("doctor", "--json", code=1))
    assert (answer["status"], answer["findings"][0]["severity"]) == ("faulty", "fault")


def test_secrets_that_can_be_guessed(make_app: Callable[..., Flask], sqlite_app: Flask) -> None:
    """Production refuses to start with them; elsewhere doctor reports them."""
    url = sqlite_app.config["CONFAB"].database_url
    app = make_app({"DATABASE_URL": url, "SECRET_KEY": "a" * 40, "JWT_SECRET_KEY": "a" * 40})
    told = "\n".join(_findings(app, "secrets"))
    assert "SECRET_KEY and JWT_SECRET_KEY are the same" in told
    assert "JWT_SECRET_KEY can be guessed" in told
    assert "a" * 40 not in told


def test_a_mail_password_over_an_unencrypted_connection(make_app: Callable[..., Flask], sqlite_app: Flask) -> None:
    url = sqlite_app.config["CONFAB"].database_url
    app = make_app({"DATABASE_URL": url, "SMTP_URL": "smtp://u:hunter2@mail.example.com?starttls=0"})
    [line] = _findings(app, "mail")
    assert "unencrypted" in line
    assert "hunter2" not in line
    for good in ("smtps://u:hunter2@mail.example.com", "smtp://mail.example.com?starttls=0"):
        assert _findings(make_app({"DATABASE_URL": url, "SMTP_URL": good}), "mail") == []


def test_a_secret_file_that_others_can_read(migrated: Database) -> None:
    path = migrated.app.config["CONFAB"].instance_dir / "secret_key"
    path.chmod(0o644)
    assert f"Run: chmod 600 {path}" in migrated.flask("doctor", code=1)


def test_an_unreachable_bus_and_database(make_app: Callable[..., Flask]) -> None:
    app = make_app(
        {
            "DATABASE_URL": f"postgresql://confab@127.0.0.1:{free_port()}/confab",
            "REDIS_URL": f"redis://127.0.0.1:{free_port()}",
        }
    )
    assert ["Start it, or correct" in line for line in _findings(app, "bus") + _findings(app, "database")] == [True] * 2


def test_a_storage_that_is_not_writable(make_app: Callable[..., Flask], sqlite_app: Flask) -> None:
    url = sqlite_app.config["CONFAB"].database_url
    app = make_app({"DATABASE_URL": url, "STORAGE_URL": "/proc/uploads"})
    [line] = _findings(app, "storage")
    assert "/proc/uploads cannot be written" in line


def test_clocks_that_deviate(postgresql_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    now = time.time
    monkeypatch.setattr("backend.ops.doctor.time.time", lambda: now() + 90)
    [line] = _findings(postgresql_app, "clock")
    assert "90 s apart" in line
    assert "NTP" in line


def test_a_damaged_database_file(migrated_sqlite: Database) -> None:
    path = Path(str(migrated_sqlite.engine.url.database))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    assert path.stat().st_size == size
    told = migrated_sqlite.flask("doctor", code=1)
    assert "database: " in told
