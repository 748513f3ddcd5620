"""The demo as `make demo` builds and serves it, once for all tests of this file."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from backend.database import read_only
from backend.inbox.consistency import check_consistency
from backend.models import (
    ApiToken,
    Attachment,
    AuditEvent,
    Conversation,
    ConversationEntry,
    Message,
    MessageEdit,
    Pin,
    Reaction,
    Report,
    Room,
    RoomInvite,
    User,
)
from backend.models.base import db
from backend.ops.doctor import examine
from demo.build import build
from demo.team import load_team
from tests.http_client import HttpClient
from tests.servers import Server

PASSWORD = "spokes-and-wheels"
PATIENCE = 180.0


class DemoServer(Server):
    """What `make demo` runs. Its folder also holds the database and files that the variables of the installation name."""

    @property
    def instance(self) -> Path:
        return self.folder.path / "demo" / "instance"

    def command(self) -> list[str | Path]:
        return [sys.executable, "-m", "demo", "--folder", self.instance]


@pytest.fixture(scope="module")
def began() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def server(began: datetime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    """The demo, started where the environment names another database, storage and mail server."""
    others = tmp_path_factory.mktemp("others")
    env = {
        "DATABASE_URL": f"sqlite:///{others / 'mine.db'}",
        "INSTANCE_DIR": str(others / "instance"),
        "STORAGE_URL": str(others / "uploads"),
        "SMTP_URL": "smtp://127.0.0.1:1",
        "APP_ENV": "production",
        "TMPDIR": str(others),
    }
    with DemoServer(env, patience=PATIENCE) as running:
        yield running
    assert list(others.iterdir()) == []


@pytest.fixture(scope="module")
def application(server: DemoServer, make_app: Callable[..., Flask]) -> Flask:
    return make_app(instance_dir=server.instance)


@pytest.fixture
def demo(application: Flask) -> Iterator[Flask]:
    """An application for the database of the running demo, which it does not lock: it only reads."""
    with application.app_context():
        read_only()
        yield application


def sign_in(server: Server, username: str) -> HttpClient:
    status, answer = HttpClient(server.url).call(
        "POST", "/api/auth/login", {"email": f"{username}@spoke.example", "password": PASSWORD}
    )
    assert status == 200, answer
    return HttpClient(server.url, answer["access_token"])


def count(model: Any, *which: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*which)) or 0


def test_it_says_who_one_can_sign_in_as(server: DemoServer) -> None:
    """The address, the accounts and the password are the last lines before the server's own."""
    lines = server.output().partition(f"Sign in at {server.url} ")[2].splitlines()
    assert lines[0].endswith(f"password is: {PASSWORD}")
    named = [line.split()[0] for line in lines[1:4]]
    assert named == ["ines@spoke.example", "jonas@spoke.example", "noah@spoke.example"]
    assert "gunicorn" in lines[5]


def test_each_named_account_can_sign_in(server: DemoServer) -> None:
    superusers = {}
    for username in ("ines", "jonas", "noah"):
        status, user = sign_in(server, username).call("GET", "/api/users/me")
        assert status == 200
        superusers[username] = user["is_superuser"]
        assert user["email_verified"]
    assert superusers == {"ines": False, "jonas": True, "noah": False}


def test_the_member_has_unread_messages_and_mentions(server: DemoServer) -> None:
    """The inbox has badges, a muted and a pinned conversation, notes to self; what others have read too is read."""
    team = load_team()
    _, inbox = sign_in(server, "ines").call("GET", "/api/chat/conversations?limit=100")
    names = {row["id"]: row["room"]["name"] if row["kind"] == "room" else row["kind"] for row in inbox}
    unread = {names[row["id"]]: row["unread_count"] for row in inbox if row["kind"] == "room"}
    expected = {team.rooms[key].title: n for key, n in team.unread["ines"].items() if key in team.rooms}
    assert {name: n for name, n in unread.items() if n} == expected
    mentions = {names[row["id"]]: row["mention_count"] for row in inbox if row["mention_count"]}
    assert mentions == {"engineering": 1, "design": 1, "incidents": 1, "lunch": 1, "support": 1}
    assert [row["unread_count"] for row in inbox if row["kind"] == "dm" and row["unread_count"]] == [2, 3]
    assert {names[row["id"]] for row in inbox if row["is_muted"]} == {"music", "stand-up"}
    assert {names[row["id"]] for row in inbox if row["is_pinned"]} == {"design", "dm"}
    assert any(row["kind"] == "dm" and row["id"] == f"dm:{row['user']['id']}:{row['user']['id']}" for row in inbox)


def test_the_member_can_find_rooms(server: DemoServer) -> None:
    """There is a public room to join. Private ones are seen by their members alone."""
    status, rooms = sign_in(server, "ines").call("GET", "/api/rooms?limit=100")
    assert status == 200
    others = [room["name"] for room in rooms if "joined_at" not in room]
    assert others == ["book club", "on-call"]
    assert [room["name"] for room in rooms if not room["is_public"]] == ["hiring"]
    _, seen = sign_in(server, "noah").call("GET", "/api/rooms?limit=100")
    assert len(seen) == 11


def test_the_administrator_has_work(server: DemoServer, demo: Flask) -> None:
    """Open reports, roles, an invite, an API token, and an audit trail that the services wrote."""
    client = sign_in(server, "jonas")
    _, reports = client.call("GET", "/api/reports?status=open")
    assert len(reports) == 2
    assert count(Report, Report.status == "resolved") == 1
    assert (count(RoomInvite), count(ApiToken)) == (1, 1)
    _, roles = client.call("GET", "/api/roles")
    assert len(roles) == 8
    actions = set(db.session.scalars(select(AuditEvent.action)))
    assert actions >= {"account.created", "superuser.granted", "role.granted", "report.settled", "api_token.created"}


def test_the_team_is_complete(demo: Flask) -> None:
    assert count(User) == count(User, User.avatar.is_not(None)) == 20
    assert count(Room) == 12
    assert (count(Room, Room.is_public), count(User, User.is_superuser)) == (11, 1)


def test_there_is_enough_of_everything(demo: Flask) -> None:
    assert 2_000 <= count(Message) <= 4_000
    rooms = db.session.scalars(select(Conversation.last_seq).where(Conversation.kind == "room")).all()
    assert max(rooms) >= 600
    assert min(rooms) >= 10
    threads = db.session.scalars(select(Message.reply_count).where(Message.reply_count > 0)).all()
    assert len(threads) >= 200
    assert max(threads) >= 10
    assert count(Reaction) >= 1_000
    assert count(MessageEdit) >= 8
    assert count(Message, Message.deleted_at.is_not(None)) >= 4
    assert count(Pin) >= 6
    types = Counter(db.session.scalars(select(Attachment.content_type)))
    assert types.keys() == {"image/png", "image/jpeg", "application/pdf", "text/plain"}
    assert types["image/png"] >= 15
    assert count(Attachment, Attachment.width.is_(None), Attachment.content_type.startswith("image/")) == 0


def test_people_write_in_many_scripts(demo: Flask) -> None:
    letters = set("".join(db.session.scalars(select(Message.content))))
    scripts = Counter(unicodedata.name(letter, "?").split()[0] for letter in letters if letter.isalpha())
    assert scripts.keys() >= {"LATIN", "ARABIC", "DEVANAGARI", "HANGUL", "CJK", "HIRAGANA", "KATAKANA", "CYRILLIC"}
    texts = list(db.session.scalars(select(Message.content)))
    for what in (r"```\w+\n", r"^\| ", r"^> ", r"^\d\. ", r"^- \[x\]", r"https://", r"\*\*\w", r"@room", r"@ines"):
        assert any(re.search(what, text, re.MULTILINE) for text in texts), what


def working_days(first: datetime, until: datetime) -> int:
    """How many days from the day of *first* on, and before that of *until*, are no weekend, in the time zone of this machine."""
    start, end = first.astimezone().date(), until.astimezone().date()
    return sum((start + timedelta(days=day)).weekday() < 5 for day in range((end - start).days))


def test_times_are_those_of_a_working_team(demo: Flask, began: datetime) -> None:
    """Eight weeks of working days, in the order of the numbers, up to now; weekends are quiet."""
    rows = db.session.execute(select(Message.conversation_id, Message.created_at).order_by(Message.id)).all()
    times = [at for _, at in rows]
    assert times == sorted(times)
    # The day may have changed while the demo was built.
    assert 8 * 5 in {working_days(times[0], until) for until in (began, began + timedelta(seconds=PATIENCE))}
    assert began - timedelta(seconds=90) <= times[-1] < began + timedelta(seconds=PATIENCE)
    days = Counter(at.astimezone().weekday() for at in times)
    assert 0 < days[5] + days[6] < len(times) / 10 or began.astimezone().weekday() >= 5
    assert count(Message, Message.edited_at < Message.created_at) == 0
    assert count(Message, Message.edited_at > began + timedelta(seconds=PATIENCE)) == 0
    last = select(Conversation.id, Conversation.last_message_at).where(Conversation.last_seq > 0)
    assert dict(db.session.execute(last).all()) == dict(rows)
    assert count(User, User.created_at > began - timedelta(days=14)) == 0


def test_the_database_is_sound(demo: Flask) -> None:
    """`flask messages verify` and `flask doctor` find nothing."""
    progress = list(check_consistency())
    assert [fault for each in progress for fault in each.faults] == []
    assert sum(each.messages for each in progress) == count(Message)
    assert max(each.indexed_up_to for each in progress) > 1_000
    assert [finding.line() for finding in examine(demo)] == []


def test_search_finds_old_messages(server: DemoServer) -> None:
    client = sign_in(server, "ines")
    _, found = client.call("GET", "/api/chat/search?q=embroidered")
    assert [message["content"] for message in found] == ["I will have it embroidered."]
    before = (datetime.now(UTC) - timedelta(days=20)).isoformat().replace("+00:00", "Z")
    _, older = client.call("GET", f"/api/chat/search?q=dock&before={before}&limit=100")
    assert len(older) > 20
    assert all(message["created_at"] < before for message in older)


def test_a_second_start_serves_what_is_there(server: DemoServer) -> None:
    """What was changed in the demo is kept."""
    path = "/api/chat/conversations/lobby"
    status, _ = sign_in(server, "noah").call("PATCH", path, {"is_muted": True})
    assert status == 200
    server.stop()
    server.start()
    _, inbox = sign_in(server, "noah").call("GET", "/api/chat/conversations")
    assert [row["id"] for row in inbox if row["is_muted"]] == ["lobby"]
    assert "has the demo of" in server.output()


def test_each_build_is_the_same(demo: Flask, make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """At another time of another day, the same people say the same. An earlier demo in the folder is replaced."""
    folder = tmp_path / "again"
    folder.mkdir()
    (folder / "earlier").touch()
    steps: list[tuple[str, float]] = []
    build(folder, datetime(2026, 8, 15, 23, 50, tzinfo=UTC), lambda step, share: steps.append((step, share)))
    assert list(tmp_path.iterdir()) == [folder]
    assert not (folder / "earlier").exists()
    assert {share for _, share in steps} >= {0, 1}
    first = content_of()
    other = make_app(instance_dir=folder)
    with other.app_context():
        read_only()
        assert content_of() == first
        newest = db.session.scalar(select(func.max(Message.created_at)))
        assert newest == datetime(2026, 8, 15, 23, 48, 30, tzinfo=UTC)


def content_of() -> list[str]:
    """Everything but times, secrets and flags of the present database, as lines."""
    m = Message
    sent = (m.id, m.conversation_id, m.seq, m.modseq, m.sender_id, m.parent_id, m.content, m.is_read, m.is_pinned)
    queries = (
        select(*sent).order_by(m.id),
        select(MessageEdit.message_id, MessageEdit.content).order_by(MessageEdit.id),
        select(Reaction.message_id, Reaction.user_id, Reaction.emoji).order_by(Reaction.id),
        select(Attachment.id, Attachment.message_id, Attachment.filename, Attachment.size).order_by(Attachment.id),
        select(User.id, User.username, User.full_name, User.bio).order_by(User.id),
        select(ConversationEntry.user_id, ConversationEntry.conversation_id, ConversationEntry.last_read_seq).order_by(
            ConversationEntry.id
        ),
    )
    return [json.dumps(list(row), ensure_ascii=False) for query in queries for row in db.session.execute(query)]
