"""Who may serve on which database."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from backend.models.base import db
from backend.schema.drift import find_drift
from backend.schema.gate import check_schema, describe_fault, find_fault
from backend.schema.revisions import head_revision
from tests.processes import free_port
from tests.servers import ROOT, Server, environment


def test_at_head_it_serves(app: Flask) -> None:
    assert find_fault(app) is None
    check_schema(app)


@pytest.mark.parametrize("current", [None, "ffffffffffff"])
def test_each_fault_is_one_line_with_its_remedy(current: str | None) -> None:
    fault = describe_fault(current)
    assert fault is not None
    assert "\n" not in fault
    assert head_revision() in fault
    assert "flask db upgrade" in fault
    assert ("upgrade the code" in fault) == (current is not None)


def test_an_empty_database_stops_the_worker(make_app: Callable[..., Flask]) -> None:
    with pytest.raises(SystemExit) as refused:
        check_schema(make_app())
    assert str(refused.value).startswith("confab: The database has no revision")


def test_a_database_that_is_away_does_not(make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture) -> None:
    check_schema(make_app({"DATABASE_URL": f"postgresql://confab@127.0.0.1:{free_port()}/confab"}))
    assert "its schema was not checked" in caplog.text


def test_gunicorn_ends_with_the_line_and_the_command_mends_it() -> None:
    with Server(wait=False) as server:
        assert server.wait() != 0
        [line] = [line for line in server.output().splitlines() if line.startswith("confab:")]
        assert line.endswith("Run: flask db upgrade")
        assert "Traceback" not in server.output()
        command = [sys.executable, "-m", "flask", "db", "upgrade"]
        mended = subprocess.run(command, cwd=ROOT, env=server.env, capture_output=True, text=True, check=False)
        assert mended.returncode == 0, mended.stderr
        server.start()


def test_the_flask_command_is_not_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "routes"]
    away = f"postgresql://confab@127.0.0.1:{free_port()}/confab"
    env = environment({"DATABASE_URL": away, "INSTANCE_DIR": str(tmp_path)})
    listed = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert listed.returncode == 0, listed.stderr


MENDS = [
    (
        "ALTER TABLE room_memberships ADD COLUMN surplus TEXT",
        "ALTER TABLE room_memberships DROP COLUMN surplus",
        "column room_memberships.surplus is unknown",
    ),
    (
        "DROP INDEX ix_messages_sender_id",
        "CREATE INDEX ix_messages_sender_id ON messages (sender_id)",
        "index ix_messages_sender_id of messages is missing",
    ),
    ("ALTER TABLE pins RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO pins", "table pins is missing"),
    ("CREATE TABLE of_another_program (x INTEGER)", "DROP TABLE of_another_program", None),
]


@pytest.mark.parametrize(("harm", "mend", "sentence"), MENDS, ids=[m[0] for m in MENDS])
def test_drift_is_named(app: Flask, harm: str, mend: str, sentence: str | None) -> None:
    with app.app_context():
        db.session.execute(text(harm))
        db.session.commit()
        try:
            with db.engine.connect() as connection:
                found = find_drift(connection)
        finally:
            db.session.execute(text(mend))
            db.session.commit()
    assert sentence in found if sentence else found == []


def test_a_lost_not_null_is_named(postgresql_app: Flask) -> None:
    with postgresql_app.app_context():
        db.session.execute(text("ALTER TABLE messages ALTER COLUMN content DROP NOT NULL"))
        db.session.commit()
        try:
            with db.engine.connect() as connection:
                found = find_drift(connection)
        finally:
            db.session.execute(text("ALTER TABLE messages ALTER COLUMN content SET NOT NULL"))
            db.session.commit()
    assert found == ["column messages.content differs in nullable: True instead of False"]
