"""Blocks, and reports of messages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from backend.models import Block, Report, User
from backend.models.base import db, utcnow
from tests.client import Client
from tests.factories import Factory
from tests.queries import count_queries
from tests.races import at_once, hold_row

BLOCKS = "/api/users/me/blocks"


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json["code"]


def seen_at(app: Flask, client: Client, when: datetime) -> None:
    with app.app_context():
        db.session.execute(update(User).where(User.id == client.user.id).values(last_seen_at=when))  # type: ignore[attr-defined]
        db.session.commit()


def test_a_blocked_user_cannot_send_direct_messages(make: Factory) -> None:
    ann, bob = make.client(make.user("ann")), make.client(make.user("bob"))
    for _ in range(2):
        assert ann.put(f"{BLOCKS}/{bob.user.id}").status_code == 204
    body = {"content": "hello", "recipient_id": ann.user.id}
    assert code(bob.post("/api/chat/send", body)) == (403, "blocked")
    assert ann.post("/api/chat/send", {"content": "x", "recipient_id": bob.user.id}).status_code == 201
    listed = ann.get(BLOCKS).json
    assert [user["username"] for user in listed] == ["bob"]
    assert "email" not in listed[0]
    assert bob.get(BLOCKS).json == []
    for _ in range(2):
        assert ann.delete(f"{BLOCKS}/{bob.user.id}").status_code == 204
    assert bob.post("/api/chat/send", body).status_code == 201


def test_a_blocked_user_does_not_see_when_the_blocker_was_online(app: Flask, make: Factory) -> None:
    ann, bob, cat = (make.client(make.user(name)) for name in ("ann", "bob", "cat"))
    seen_at(app, ann, utcnow())
    room = make.room(ann, "room", bob, cat)
    ann.post("/api/chat/send", {"content": "x", "recipient_id": bob.user.id})
    before = bob.get(f"/api/users/{ann.user.id}").json["last_seen_at"]
    assert ann.put(f"{BLOCKS}/{bob.user.id}").status_code == 204
    assert bob.put(f"{BLOCKS}/{ann.user.id}").status_code == 204  # so that ann is in bob's list
    seen_at(app, ann, utcnow() + timedelta(minutes=5))

    def seen_by(client: Client) -> set[str]:
        inbox = client.get("/api/chat/conversations").json
        synced = client.post("/api/chat/sync", {"conversations": {}}).json["conversations"]
        users = [
            client.get(f"/api/users/{ann.user.id}").json,
            *client.get("/api/users?q=ann").json,
            *(member["user"] for member in client.get(f"/api/rooms/{room['id']}/members").json),
            *(row["user"] for row in inbox if row["kind"] == "dm"),
            *(member["user"] for row in synced for member in row["members"]),
            *client.get(BLOCKS).json,
        ]
        return {user["last_seen_at"] for user in users if user["id"] == ann.user.id}

    (shown,) = seen_by(bob)
    assert before <= shown < seen_by(cat).pop()
    assert seen_by(bob) == {shown}
    assert ann.delete(f"{BLOCKS}/{bob.user.id}").status_code == 204
    assert seen_by(bob) == seen_by(cat) != {shown}


def test_a_block_is_lifted_only_by_its_user_and_only_for_them(make: Factory) -> None:
    ann, bob, cat = (make.client() for _ in range(3))
    for blocker in (ann, cat):
        assert blocker.put(f"{BLOCKS}/{bob.user.id}").status_code == 204
    assert bob.delete(f"{BLOCKS}/{cat.user.id}").status_code == 204
    assert ann.delete(f"{BLOCKS}/{bob.user.id}").status_code == 204
    assert [user["id"] for user in cat.get(BLOCKS).json] == [bob.user.id]
    answers = [bob.post("/api/chat/send", {"content": "x", "recipient_id": c.user.id}) for c in (ann, cat)]
    assert [answer.status_code for answer in answers] == [201, 403]


def test_two_users_block_each_other_concurrently(app: Flask, make: Factory) -> None:
    pairs = [(make.client(), make.client()) for _ in range(6)]
    calls = [
        lambda a=a, b=b: Client(app, a.token).put(f"{BLOCKS}/{b.user.id}")
        for pair in pairs
        for a, b in (pair, pair[::-1])
    ]
    assert {answer.status_code for answer in at_once(calls)} == {204}


def test_users_who_cannot_be_blocked(make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = make.client()
    assert code(ann.put(f"{BLOCKS}/{ann.user.id}")) == (422, "validation_failed")
    assert code(ann.put(f"{BLOCKS}/{2**62}")) == (404, "not_found")
    monkeypatch.setattr("backend.users.blocks.MAX_BLOCKS", 1)
    assert ann.put(f"{BLOCKS}/{make.user().id}").status_code == 204
    assert code(ann.put(f"{BLOCKS}/{make.user().id}")) == (409, "too_many_blocks")


def test_concurrent_blocks_do_not_exceed_the_limit(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.users.blocks.MAX_BLOCKS", 1)
    ann = make.client()
    others = [make.user() for _ in range(2)]
    with hold_row(app, User, id=ann.user.id) as held:  # type: ignore[attr-defined]
        answers = [held.start(lambda u=u: Client(app, ann.token).put(f"{BLOCKS}/{u.id}")) for u in others]
        held.wait_until_blocked(2)
    assert sorted(answer.result().status_code for answer in answers) == [204, 409]
    assert len(ann.get(BLOCKS).json) == 1


def test_the_list_of_blocks_has_pages_and_a_constant_number_of_queries(app: Flask, make: Factory) -> None:
    ann = make.client()
    users = [make.user() for _ in range(4)]
    for user in users:
        ann.put(f"{BLOCKS}/{user.id}")
    counts = []
    for limit in (1, 3):
        with count_queries(app) as queries:
            page = ann.get(f"{BLOCKS}?limit={limit}")
        counts.append(len(queries))
    assert [u["id"] for u in page.json] == [u.id for u in reversed(users[1:])]
    assert "skip=3" in page.headers["Link"]
    assert counts[0] == counts[1] <= 3, counts


def test_concurrent_blocks_are_stored_once(app: Flask, make: Factory) -> None:
    ann, bob = make.client(), make.user()
    answers = at_once([lambda: Client(app, ann.token).put(f"{BLOCKS}/{bob.id}") for _ in range(8)])
    assert {a.status_code for a in answers} == {204}
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Block)) == 1


@pytest.fixture
def reported(make: Factory) -> tuple[Client, Client, Client, dict[str, Any]]:
    """An author, a member, a superuser, and a message by the author in a private room."""
    author, member = make.client(), make.client()
    room = make.room(author, "room", member, is_public=False)
    message = author.post("/api/chat/send", {"content": "rude", "room_id": room["id"]}).json
    return author, member, make.client(make.user(is_superuser=True)), message


def test_a_report_is_listed_and_settled(reported: Any, make: Factory) -> None:
    _, member, root, message = reported
    path = f"/api/chat/messages/{message['id']}/report"
    first = member.post(path, {"reason": " It is rude. "})
    assert first.status_code == 201
    assert (first.json["reason"], first.json["status"]) == ("It is rude.", "open")
    again = member.post(path, {"reason": "Very rude!"})
    assert (again.status_code, again.json) == (201, first.json)
    (listed,) = root.get("/api/reports").json
    assert listed["message"]["content"] == "rude"
    assert (listed["reporter_id"], listed["settled_at"]) == (member.user.id, None)
    settled = root.patch(f"/api/reports/{first.json['id']}", {"status": "resolved", "note": "Warned."}).json
    assert (settled["status"], settled["note"], settled["settled_by_id"]) == ("resolved", "Warned.", root.user.id)
    assert root.get("/api/reports?status=open").json == []
    assert [r["id"] for r in root.get("/api/reports?status=resolved").json] == [first.json["id"]]
    assert root.patch(f"/api/reports/{first.json['id']}", {"status": "dismissed"}).json["note"] is None
    events = root.get("/api/audit?action=report.settled").json
    assert [e["data"]["status"] for e in events] == ["dismissed", "resolved"]
    assert events[0]["data"]["message_id"] == message["id"]
    assert member.post(path, {"reason": "Still rude."}).json["status"] == "dismissed"


def test_who_may_report(reported: Any, make: Factory) -> None:
    _, member, root, message = reported
    path = f"/api/chat/messages/{message['id']}/report"
    for outsider in (make.client(), root):
        assert code(outsider.post(path, {"reason": "x"})) == (404, "not_found")
    assert code(member.post("/api/chat/messages/99999/report", {"reason": "x"})) == (404, "not_found")
    for call in (member.get("/api/reports"), member.patch("/api/reports/1", {"status": "resolved"})):
        assert code(call) == (403, "forbidden")
    assert code(root.patch("/api/reports/99999", {"status": "resolved"})) == (404, "not_found")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1001, None, 5, "a\0"])
def test_invalid_reasons_are_refused(reported: Any, reason: Any) -> None:
    answer = reported[1].post(f"/api/chat/messages/{reported[3]['id']}/report", {"reason": reason})
    assert code(answer) == (422, "validation_failed")


@pytest.mark.parametrize(
    "body", [{}, {"status": "open"}, {"status": "x"}, {"status": "resolved", "settled_by_id": 1}, {"note": "x"}]
)
def test_invalid_outcomes_are_refused(reported: Any, body: dict[str, Any]) -> None:
    assert code(reported[2].patch("/api/reports/1", body)) == (422, "validation_failed")
    assert code(reported[2].get("/api/reports?status=closed")) == (422, "validation_failed")


def test_concurrent_reports_are_stored_once_for_each_user(app: Flask, reported: Any) -> None:
    author, member, root, message = reported
    path = f"/api/chat/messages/{message['id']}/report"
    tokens = [author.token, member.token] * 5
    answers = at_once([lambda t=t: Client(app, t).post(path, {"reason": "x"}) for t in tokens])
    assert {a.status_code for a in answers} == {201}
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Report)) == 2
    root.get("/api/users/me")  # so that the use of the session is recorded before
    with count_queries(app) as queries:
        assert len(root.get("/api/reports").json) == 2
    assert len(queries) == 3, queries
