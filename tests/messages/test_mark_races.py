"""A membership that ends while its user sets a mark: the mark is set before the end, or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from backend.inbox import marks
from backend.models import ConversationEntry
from backend.models.base import db
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import send, user_id
from tests.races import at_once

pytestmark = pytest.mark.usefixtures("wiped")

CONVERSATIONS = "/api/chat/conversations"
SETTINGS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/read", {"seq": 1}),
    ("POST", "/unread", {"seq": 1}),
    ("PATCH", "", {"is_muted": True}),
]


@pytest.fixture
def make(postgresql_app: Flask) -> Factory:
    """SQLite has one writer at a time: there nothing comes between the check of the membership and the mark."""
    return Factory(postgresql_app)


@pytest.fixture
def after_check(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Does something once, right after the membership was checked for the first time."""

    def hook(action: Callable[[], object]) -> None:
        waiting, check = [action], marks.authorize

        def authorize(*args: Any) -> None:
            check(*args)
            while waiting:
                waiting.pop()()

        monkeypatch.setattr(marks, "authorize", authorize)

    return hook


def entries_of(app: Flask, client: Client, name: str) -> int:
    with app.app_context():
        wanted = (ConversationEntry.user_id == user_id(client), ConversationEntry.conversation_id == name)
        return len(db.session.scalars(select(ConversationEntry).where(*wanted)).all())


@pytest.mark.parametrize("is_public", [True, False])
@pytest.mark.parametrize(("method", "end", "body"), SETTINGS)
def test_who_leaves_meanwhile_is_no_member(
    make: Factory, after_check: Any, method: str, end: str, body: dict[str, Any], is_public: bool
) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann, is_public=is_public)
    send(owner, room_id=room["id"])
    after_check(lambda: at_once([lambda: ann.post(f"/api/rooms/{room['id']}/leave")]))
    response = ann.request(method, f"{CONVERSATIONS}/{room['conversation_id']}{end}", body)
    assert response.status_code == (403 if is_public else 404)
    assert entries_of(make.app, ann, room["conversation_id"]) == 0
    if is_public:
        assert ann.post(f"/api/rooms/{room['id']}/join").status_code == 200


@pytest.mark.parametrize(("method", "end", "body"), SETTINGS)
def test_who_comes_back_meanwhile_is_a_member(
    make: Factory, after_check: Any, method: str, end: str, body: dict[str, Any]
) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    send(owner, room_id=room["id"])

    def leave_and_join() -> None:
        for action in ("leave", "join"):
            at_once([lambda action=action: ann.post(f"/api/rooms/{room['id']}/{action}")])  # type: ignore[misc]

    after_check(leave_and_join)
    response = ann.request(method, f"{CONVERSATIONS}/{room['conversation_id']}{end}", body)
    assert response.status_code == 200
    assert entries_of(make.app, ann, room["conversation_id"]) == 1


def test_a_missing_row_is_created(make: Factory) -> None:
    """Accounts that a legacy database left without it have none."""
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    send(owner, room_id=room["id"])
    with make.app.app_context():
        db.session.execute(delete(ConversationEntry).where(ConversationEntry.user_id == user_id(ann)))
        db.session.commit()
    response = ann.post(f"{CONVERSATIONS}/{room['conversation_id']}/read", {"seq": 1})
    assert (response.status_code, response.get_json()["last_read_seq"]) == (200, 1)


def test_marks_and_leaving_at_once(make: Factory) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    send(owner, room_id=room["id"])
    for _ in range(15):
        calls = [
            *(
                lambda end=end: ann.post(f"{CONVERSATIONS}/{room['conversation_id']}/{end}", {"seq": 1})  # type: ignore[misc]
                for end in ("read", "unread", "read")
            ),
            lambda: ann.post(f"/api/rooms/{room['id']}/leave"),
        ]
        responses = at_once(calls)
        assert {response.status_code for response in responses[:3]} <= {200, 403}
        assert entries_of(make.app, ann, room["conversation_id"]) == 0
        assert ann.post(f"/api/rooms/{room['id']}/join").status_code == 200
