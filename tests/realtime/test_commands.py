"""The commands of a socket: their answers, in the order of the frames, and what each needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import exc

from backend.concurrency import Slots
from backend.database import UNAVAILABLE
from backend.errors import RateLimited
from backend.events import Event
from backend.http.rate_limits import rate_limited
from backend.realtime import commands, refusals
from backend.realtime.transport.frames import Close
from backend.refusals import RefusalLog
from backend.state import confab_state
from tests.factories import Factory
from tests.messages.changing import user_id
from tests.realtime.scenario import Device, Scenario, receive, wait_until

AWAY = exc.OperationalError("SELECT", {}, Exception("away"), connection_invalidated=True)


@pytest.fixture
def ben(scenario: Scenario) -> Device:
    """A socket that may read and write."""
    return scenario.device(scenario.ben, scopes=["read", "write"])


@pytest.fixture
def published(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """The events that are published from now on."""
    events: list[Event] = []
    monkeypatch.setattr(confab_state(scenario.app).bus, "publish", events.extend)
    return events


def call(device: Device, type_: str, **fields: Any) -> dict[str, Any]:
    """The answer to one frame."""
    device.command(type_, id="n", **fields)
    [answer] = device.frames()
    assert answer.pop("id") == "n"
    return answer


def refusal(device: Device, type_: str, **fields: Any) -> str:
    """The code with which a frame is refused."""
    answer = call(device, type_, **fields)
    assert answer["type"] == "error", answer
    return str(answer["code"])


def contents(scenario: Scenario) -> list[str]:
    """The messages of the room, newest first."""
    messages = scenario.ann.get(f"/api/rooms/{scenario.room['id']}/messages").get_json()
    return [message["content"] for message in messages]


def test_each_write_is_answered_with_the_message(scenario: Scenario, ben: Device) -> None:
    sent = call(ben, "send", content="one", room_id=scenario.room["id"])["message"]
    about = {"message_id": sent["id"]}
    edited = call(ben, "edit", content="two", **about)
    assert (edited["type"], edited["message"]["content"]) == ("ack", "two")
    assert [each["emoji"] for each in call(ben, "react", emoji="👍", **about)["message"]["reactions"]] == ["👍"]
    assert call(ben, "unreact", emoji="👍", **about)["message"]["reactions"] == []
    assert call(ben, "delete", **about) == {"type": "ok"}
    assert scenario.ann.get(f"/api/chat/messages/{sent['id']}").get_json()["deleted_at"] is not None


def test_the_answers_come_in_the_order_of_the_frames(scenario: Scenario, ben: Device) -> None:
    """Also where writes, other commands and refusals alternate. A refused frame takes no other with it."""
    to_room = {"room_id": scenario.room["id"]}
    frames = [
        {"type": "send", "content": "1", **to_room},
        {"type": "send", "content": "2", **to_room},
        {"type": "ping"},
        {"type": "send", "content": "", **to_room},
        {"type": "send", "content": "3", **to_room},
        {"type": "send", "content": "hidden", "room_id": 999_999},
        {"type": "edit", "message_id": 999_999, "content": "x"},
        {"type": "no such"},
        {"type": 7},
        {"type": ["send"]},
        {"type": "typing", "conversation_id": scenario.name},
        {"type": "send", "content": "4", **to_room},
    ]
    ben.commands(*({"id": f"{n}"} | frame for n, frame in enumerate(frames)))
    answers = ben.frames()
    assert [answer["id"] for answer in answers] == [f"{n}" for n in range(len(frames))]
    kinds = ["ack", "ack", "pong", "error", "ack", *["error"] * 5, "ok", "ack"]
    assert [answer["type"] for answer in answers] == kinds
    codes = ["validation_failed", *["not_found"] * 2, *["validation_failed"] * 3]
    assert [answer["code"] for answer in answers if answer["type"] == "error"] == codes
    assert contents(scenario) == ["4", "3", "2", "1"]


def test_refused_frames_are_logged(
    scenario: Scenario, ben: Device, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A write as well as another command, with the user and the reason."""
    monkeypatch.setattr(refusals, "REFUSALS", RefusalLog())  # which has seen no refusal that this would repeat
    caplog.set_level("INFO", "confab.refusals")
    assert refusal(ben, "edit", message_id=999_999, content="x") == "not_found"
    assert refusal(ben, "no such") == "validation_failed"
    assert call(ben, "ping") == {"type": "pong"}
    logged: list[dict[str, Any]] = [record.data for record in caplog.records if record.name == "confab.refusals"]  # type: ignore[attr-defined]
    ben_id = user_id(scenario.ben)
    assert [(line["event"], line["code"], line["user_id"]) for line in logged] == [
        ("frame.refused", "not_found", ben_id),
        ("frame.refused", "validation_failed", ben_id),
    ]


def test_an_unknown_type_is_answered_with_the_known_ones(scenario: Scenario, ben: Device) -> None:
    [reason] = call(ben, "no such")["errors"]["type"]
    known = {"send", "edit", "delete", "react", "unreact", "typing", "read", "resume", "auth", "ping"}
    assert set(reason.removeprefix("Must be one of: ").removesuffix(".").split(", ")) == known


@pytest.mark.parametrize(
    ("type_", "fields", "wrong"),
    [
        ("read", {"conversation_id": "lobby"}, "seq"),
        ("read", {"seq": 0}, "conversation_id"),
        ("typing", {}, "conversation_id"),
        ("auth", {}, "token"),
        ("delete", {}, "message_id"),
        ("edit", {"content": "x"}, "message_id"),
        ("react", {"message_id": 1}, "emoji"),
        ("ping", {"more": 1}, "more"),
        ("typing", {"conversation_id": "lobby", "is_typing": 1}, "is_typing"),
    ],
)
def test_a_refusal_names_the_field(ben: Device, type_: str, fields: dict[str, Any], wrong: str) -> None:
    assert list(call(ben, type_, **fields)["errors"]) == [wrong]


def test_consecutive_sends_share_a_transaction_and_so_do_consecutive_changes(
    scenario: Scenario, ben: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = call(ben, "send", content="0", room_id=scenario.room["id"])["message"]
    sizes: list[int] = []
    write = commands.write_together

    def counting(runtime: Any, writes: list[Any]) -> Any:
        sizes.append(len(writes))
        return write(runtime, writes)

    monkeypatch.setattr(commands, "write_together", counting)
    send = {"type": "send", "content": "x", "room_id": scenario.room["id"]}
    react, unreact = ({"type": type_, "message_id": message["id"], "emoji": "👍"} for type_ in ("react", "unreact"))
    ping = {"type": "ping"}
    ben.commands(ping, send, send, send, react, unreact, send, ping, send, send, ping)
    assert sizes == [3, 2, 1, 2]
    assert [answer["type"] for answer in ben.frames()] == ["pong", *["ack"] * 6, "pong", "ack", "ack", "pong"]


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("send", {"content": "x"}),
        ("edit", {"content": "x", "message_id": 1}),
        ("typing", {"conversation_id": "lobby"}),
        ("read", {"conversation_id": "lobby", "seq": 0}),
    ],
)
def test_what_changes_something_needs_write(
    scenario: Scenario, published: list[Event], type_: str, fields: dict[str, Any]
) -> None:
    reader = scenario.device(scenario.ben, "r", ["read"])
    assert refusal(reader, type_, **fields) == "insufficient_scope"
    assert published == []
    writer = scenario.device(scenario.ben, "w", ["write"])
    expected = "not_found" if type_ == "edit" else None
    assert call(writer, type_, **fields).get("code") == expected


def test_resume_needs_read_and_ping_needs_nothing(scenario: Scenario) -> None:
    reader, writer = (scenario.device(scenario.ben, scope, [scope]) for scope in ("read", "write"))
    assert refusal(writer, "resume") == "insufficient_scope"
    assert call(writer, "ping") == {"type": "pong"}
    resumed = call(reader, "resume", conversations={"lobby": 0, "room:999999": 1})
    assert (resumed["type"], resumed["done"], resumed["gone"]) == ("resumed", True, ["room:999999"])
    assert {row["id"] for row in resumed["conversations"]} == {"lobby", scenario.name}


def test_a_frame_without_an_id_is_answered_without_one(ben: Device) -> None:
    ben.commands({"type": "ping"}, {"type": "no such"})
    assert ["id" in answer for answer in ben.frames()] == [False, False]


def test_typing_is_announced_by_those_who_may_write_there(
    scenario: Scenario, ben: Device, published: list[Event]
) -> None:
    stranger = scenario.device(scenario.make.client(), "s", ["read", "write"])
    assert refusal(stranger, "typing", conversation_id=scenario.name) == "not_a_member"
    assert refusal(stranger, "typing", conversation_id="room:999999") == "not_found"
    assert published == []
    assert call(ben, "typing", conversation_id=scenario.name) == {"type": "ok"}
    assert call(ben, "typing", conversation_id=scenario.name, is_typing=False) == {"type": "ok"}
    ben_id = scenario.ben.user.id  # type: ignore[attr-defined]
    body = {"conversation_id": scenario.name, "user_id": ben_id}
    assert [event.body for event in published] == [body | {"is_typing": True}, body | {"is_typing": False}]


def test_typing_in_a_subscribed_room_asks_no_database(
    scenario: Scenario, ben: Device, published: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a direct conversation it does, because a block ends no subscription."""
    scenario.subscribe(ben, *scenario.head())
    asked: list[Any] = []
    monkeypatch.setattr(commands, "authorize", lambda _user, place: asked.append(place.conversation_id))
    assert call(ben, "typing", conversation_id=scenario.name) == {"type": "ok"}
    assert asked == []
    people = (scenario.ann.user, scenario.ben.user)  # type: ignore[attr-defined]
    direct = f"dm:{people[0].id}:{people[1].id}"
    with scenario.hub.runtime.reading():
        scenario.hub.subscribe(ben.connection, direct, 0, 0)
    assert call(ben, "typing", conversation_id=direct) == {"type": "ok"}
    assert asked == [direct]
    assert len(published) == 2


def test_a_block_between_two_users_hides_typing_both_ways(
    scenario: Scenario, ben: Device, published: list[Event]
) -> None:
    ann = scenario.device(scenario.ann, scopes=["read", "write"])
    direct = f"dm:{scenario.ann.user.id}:{scenario.ben.user.id}"  # type: ignore[attr-defined]
    for device in (ann, ben):
        assert call(device, "typing", conversation_id=direct) == {"type": "ok"}
    assert len(published) == 2
    scenario.make.block(scenario.ann.user, scenario.ben.user)  # type: ignore[attr-defined]
    assert refusal(ben, "typing", conversation_id=direct) == "blocked"
    assert call(ann, "typing", conversation_id=direct) == {"type": "ok"}, "a refusal would say nothing new"
    assert len(published) == 2


def test_a_read_mark_moves_and_is_not_told_to_its_own_socket(
    scenario: Scenario, ben: Device, published: list[Event]
) -> None:
    scenario.send("1", "2")
    published.clear()
    assert call(ben, "read", conversation_id=scenario.name, seq=1) == {"type": "ok"}
    rows = {row["id"]: row for row in scenario.ben.get("/api/chat/conversations").get_json()}
    assert rows[scenario.name]["last_read_seq"] == 1
    [inbox] = [event for event in published if event.type == "inbox.updated"]
    assert inbox.source_connection == ben.connection.uid
    assert refusal(ben, "read", conversation_id=scenario.name, seq=3) == "validation_failed"


def test_auth_takes_over_the_scopes_of_a_new_token(scenario: Scenario) -> None:
    device = scenario.device(scenario.ben, scopes=["read"])
    body = {"content": "now", "room_id": scenario.room["id"]}
    assert refusal(device, "send", **body) == "insufficient_scope"
    token = scenario.make.token(scenario.ben.user)  # type: ignore[attr-defined]
    assert call(device, "auth", token=token) == {"type": "ok"}
    assert call(device, "send", **body)["type"] == "ack"
    fewer = scenario.ben.post("/api/auth/tokens", {"name": "script", "scopes": ["read"]}).get_json()["token"]
    assert refusal(device, "auth", token=fewer) == "insufficient_scope"
    assert call(scenario.device(scenario.ben, "same", ["read"]), "auth", token=fewer) == {"type": "ok"}
    assert call(device, "send", **body)["type"] == "ack", "the socket keeps what it has"


@pytest.mark.parametrize("whose", ["another user's", "nobody's"])
def test_a_token_of_somebody_else_closes_the_socket(scenario: Scenario, ben: Device, whose: str) -> None:
    token = scenario.make.token(scenario.ann.user) if whose == "another user's" else "nobody's"  # type: ignore[attr-defined]
    ben.command("auth", id="n", token=token)
    [answer] = ben.frames()
    assert (answer["type"], answer["id"]) == ("error", "n")
    assert wait_until(lambda: ben.frames() or ben.close_code)
    assert (ben.close_code, ben.connection.is_open) == (Close.UNAUTHORIZED, False)


@pytest.mark.parametrize(
    ("function", "type_", "fields"),
    [
        ("mark_read", "read", {"conversation_id": "lobby", "seq": 0}),
        ("sync_page", "resume", {}),
        ("authorize", "typing", {"conversation_id": "lobby"}),
    ],
)
def test_a_command_fails_while_the_database_is_away(
    scenario: Scenario,
    ben: Device,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    type_: str,
    fields: dict[str, Any],
) -> None:
    """The client may try again. The socket stays open."""

    def fail(error: Exception) -> Callable[..., Any]:
        def failing(*_: Any, **__: Any) -> Any:
            raise error

        return failing

    assert isinstance(AWAY, UNAVAILABLE)
    with monkeypatch.context() as patched:
        patched.setattr(commands, function, fail(AWAY))
        assert refusal(ben, type_, **fields) == "unavailable"
    assert call(ben, type_, **fields)["type"] != "error"
    monkeypatch.setattr(commands, function, fail(KeyError("planted")))
    with pytest.raises(KeyError):
        ben.command(type_, **fields)


def test_a_resume_that_fails_leaves_the_subscriptions_as_they_were(
    scenario: Scenario, ben: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any, **__: Any) -> Any:
        raise AWAY

    start = scenario.head()
    scenario.subscribe(ben, *start)
    with monkeypatch.context() as patched:
        patched.setattr(commands, "sync_page", failing)
        assert refusal(ben, "resume") == "unavailable"
    scenario.send("1")
    scenario.hub.dispatch(scenario.events(start[0]))
    assert receive(ben, 1) == ["message.created 1"]


def test_a_page_of_a_resume_counts_as_a_large_answer(
    scenario: Scenario, ben: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as it is made: one user may have only so many at once."""
    slots, seen = Slots(1), []
    sync_page = commands.sync_page

    def reading(*given: Any, **named: Any) -> Any:
        seen.append(slots.is_idle)
        return sync_page(*given, **named)

    monkeypatch.setattr(commands, "LARGE_ANSWERS", slots)
    monkeypatch.setattr(commands, "sync_page", reading)
    assert call(ben, "resume")["done"] is True
    assert (seen, slots.is_idle) == ([False], True)


def test_only_a_socket_with_admin_sees_what_superusers_see(scenario: Scenario) -> None:
    """A token with fewer scopes has less power than its user."""
    root = scenario.make.client(scenario.make.user(is_superuser=True))
    assert root.post(f"/api/rooms/{scenario.room['id']}/join").status_code == 200
    seen = {}
    for scopes in (["read"], ["read", "admin"]):
        resumed = call(scenario.device(root, "-".join(scopes), scopes), "resume")
        [room] = [row for row in resumed["conversations"] if row["id"] == scenario.name]
        seen[scopes[-1]] = {
            "email" in member["user"] for member in room["members"] if member["user_id"] != user_id(root)
        }
    assert seen == {"read": {False}, "admin": {True}}


@pytest.fixture
def limited(app: Flask, make: Factory) -> Iterator[Scenario]:
    """A server that counts the frames of a user."""
    scenario = Scenario(app, make, is_rate_limited=True)
    yield scenario
    scenario.close()


def test_frames_beyond_the_limit_of_a_user_are_refused(limited: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pings do not count, and the refused frames take no effect."""
    device = limited.device(limited.ben, scopes=["read", "write"])
    counted: list[tuple[int, int]] = []

    def allow(user_id: int, amount: int) -> tuple[int, RateLimited | None]:
        counted.append((user_id, amount))
        return min(amount, 2), rate_limited(time.time() + 60) if amount > 2 else None

    monkeypatch.setattr(commands.rate_limits, "allow_user", allow)
    send = {"type": "send", "content": "x", "room_id": limited.room["id"]}
    device.commands(send, {"type": "ping"}, send, {"type": "typing", "conversation_id": "lobby"}, send)
    answers = device.frames()
    assert [answer["type"] for answer in answers] == ["ack", "pong", "ack", "error", "error"]
    assert [answer["code"] for answer in answers[3:]] == ["rate_limited"] * 2
    device.command("ping")
    device.command("typing", conversation_id="lobby")
    ben_id = limited.ben.user.id  # type: ignore[attr-defined]
    assert counted == [(ben_id, 4), (ben_id, 1)]
    assert contents(limited) == ["x", "x"]
