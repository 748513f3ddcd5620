"""The scopes of a socket: without `read` it receives no event, and without `write` it changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from backend.conversations.contacts import watched
from backend.events import Event, offline_event
from tests.realtime.client import Api
from tests.realtime.conftest import Deployment
from tests.realtime.scenario import Scenario, wait_until
from tests.realtime.sending import presence_events


def api_token(user: Api, *scopes: str) -> Api:
    """*user* with an API token of these scopes."""
    body = {"name": "script", "scopes": list(scopes)}
    return Api(user.url, user("POST", "/api/auth/tokens", body, status=201)["token"], user.id)


def test_events_of_a_user_reach_only_the_sockets_that_may_read(scenario: Scenario) -> None:
    """All but the socket that caused the event."""
    reader, writer, source = (
        scenario.device(scenario.ben, name, scopes)
        for name, scopes in (("r", ["read"]), ("w", ["write"]), ("s", ["read", "write"]))
    )
    ben_id: int = scenario.ben.user.id  # type: ignore[attr-defined]
    body = {"conversation_id": scenario.name}
    event = Event("inbox.updated", body, user_id=ben_id, source_connection=source.connection.uid)
    scenario.hub.dispatch([event, offline_event(ben_id, 7)])
    received = [device.received() for device in (reader, writer, source)]
    assert received == [["inbox.updated", "presence 7"], [], ["presence 7"]]


def test_a_join_subscribes_only_the_sockets_that_may_read(scenario: Scenario) -> None:
    reader = scenario.device(scenario.ben, "r")
    writer = scenario.device(scenario.ben, "w", ["write"])
    scenario.hub.subscribe_user(scenario.ben.user.id, scenario.name)  # type: ignore[attr-defined]
    assert wait_until(reader.received)
    assert (writer.received(), writer.connection.conversations) == ([], set())


def test_no_presence_reaches_a_socket_that_may_not_read(deployment: Deployment) -> None:
    """Whether somebody comes online, joins the same room, or lifts a block: the user's other sockets receive it."""
    user, other, joiner = deployment.user(), deployment.user(), deployment.user()
    room = user.room(other)
    readers = deployment.on_each_worker(api_token(user, "read"))
    writers = deployment.on_each_worker(api_token(user, "write"))
    with other.live(), joiner.live():
        for client in readers:
            client.expect("presence", user_id=other.id, status="online")
        joiner("POST", f"/api/rooms/{room['id']}/join")
        for client in readers:
            client.expect("presence", user_id=joiner.id, status="online")
        for method, status in (("PUT", "offline"), ("DELETE", "online")):
            other(method, f"/api/users/me/blocks/{user.id}", status=204)
            for client in readers:
                client.expect("presence", user_id=other.id, status=status)
    for client in readers:
        for gone in (other, joiner):
            client.expect("presence", user_id=gone.id, status="offline")
    for client in writers:
        client.sync()
        assert [frame["type"] for frame in client.events] == ["ready", "pong"]
        assert presence_events(client) == []


@pytest.mark.parametrize("scopes", [["read"], ["write"], ["read", "write"]])
def test_auth_takes_no_token_with_fewer_scopes(deployment: Deployment, scopes: list[str]) -> None:
    """The socket stays open with the scopes that it has: a session of a superuser has `admin` too."""
    user = deployment.user(is_superuser=True)
    room = user.room()
    fewer = api_token(user, *scopes)
    with user.live() as client:
        answer = client.call("auth", token=fewer.token)
        assert (answer["type"], answer["code"]) == ("error", "insufficient_scope")
        client.send("still here", room_id=room["id"])
        client.expect_message("still here")
    with fewer.live() as client:
        assert client.call("auth", token=api_token(user, *scopes).token)["type"] == "ok"
        assert client.call("auth", token=user.token)["type"] == "ok"


def test_auth_with_the_scope_read_begins_every_event_of_the_user(deployment: Deployment) -> None:
    """From that moment on, in the lobby too. What was sent before does not follow."""
    user, other = deployment.user(), deployment.user()
    room = user.room(other)
    other.send("before, to the room", room_id=room["id"])
    other.send("before, to the user", recipient_id=user.id)
    with api_token(user, "write").live() as client:
        assert client.call("auth", token=api_token(user, "read", "write").token)["type"] == "ok"
        for target in ({"room_id": room["id"]}, {"recipient_id": user.id}, {"conversation_id": "lobby"}):
            content = f"behind, to {target}"
            other.send(content, **target)
            assert client.expect_message(content)["type"] == "message.created"
        client.sync()
        types = [frame["type"] for frame in client.events]
        assert types == ["ready", "ok", *["message.created"] * 3, "pong"]


def test_auth_with_the_scope_read_brings_who_is_online(deployment: Deployment) -> None:
    """Each user once, as `ready` has them for other sockets; not the user itself, nor who cannot be seen."""
    user, other, away, stranger = (deployment.user() for _ in range(4))
    user.room(other, away)
    readers = deployment.on_each_worker(user)
    with other.live(), stranger.live():
        for reader in readers:
            reader.expect("presence", user_id=other.id, status="online")
        for client in deployment.on_each_worker(api_token(user, "write")):
            assert client.call("auth", token=api_token(user, "read", "write").token)["type"] == "ok"
            client.sync()
            assert [(each["user_id"], each["status"]) for each in presence_events(client)] == [(other.id, "online")]


def test_who_goes_offline_as_a_socket_gets_the_scope_read_is_not_sent_as_online(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the query for who may be seen and the answer: the frame `offline` was sent before."""
    body = {"name": "script", "scopes": ["read", "write"]}
    token = scenario.ben.post("/api/auth/tokens", body).get_json()["token"]
    ann, stays = scenario.device(scenario.ann), scenario.device(scenario.ben, "w", ["write"])
    leaves = scenario.device(scenario.ben, "v", ["write"])
    ann_id: int = scenario.ann.user.id  # type: ignore[attr-defined]

    def watched_as_ann_leaves(user_id: int, others: Collection[int]) -> set[int]:
        found = watched(user_id, others)
        scenario.hub.remove(ann.connection, 1000)
        return found

    stays.commands({"type": "auth", "token": token})
    assert stays.received() == [f"presence {ann_id}", "ok"]
    monkeypatch.setattr("backend.realtime.presence.tracker.watched", watched_as_ann_leaves)
    leaves.commands({"type": "auth", "token": token})
    assert leaves.received() == ["ok"]


def test_the_frames_behind_an_auth_with_a_bad_token_take_no_effect(scenario: Scenario) -> None:
    """They arrive together with it, before the client knows that the socket is closed."""
    device = scenario.device(scenario.ben, scopes=["read", "write"])
    before, behind = ({"type": "send", "content": text, "room_id": scenario.room["id"]} for text in ("1", "2"))
    device.commands(before, {"type": "auth", "token": "bad"}, behind)
    assert not device.connection.is_open
    messages = scenario.ann.get(f"/api/rooms/{scenario.room['id']}/messages").get_json()
    assert [message["content"] for message in messages] == ["1"]


def test_a_socket_without_the_scope_write_changes_nothing(deployment: Deployment) -> None:
    user = deployment.user()
    room = user.room()
    message, name = user.send("hello", room_id=room["id"]), room["conversation_id"]
    about: dict[str, Any] = {"message_id": message["id"]}
    with api_token(user, "read").live() as client:
        for fields in (
            {"type_": "send", "content": "x", "room_id": room["id"]},
            {"type_": "edit", "content": "x", **about},
            {"type_": "delete", **about},
            {"type_": "react", "emoji": "👍", **about},
            {"type_": "unreact", "emoji": "👍", **about},
            {"type_": "read", "conversation_id": name, "seq": 1},
            {"type_": "typing", "conversation_id": name},
        ):
            assert client.call(**fields)["code"] == "insufficient_scope", fields
        assert client.resume()[-1]["type"] == "resumed"
    assert user("GET", f"/api/rooms/{room['id']}/messages") == [message]


def test_answers_to_a_socket_without_the_scope_read_show_nothing_of_others(deployment: Deployment) -> None:
    user, other = deployment.user(), deployment.user()
    room = user.room(other)
    sent = {"content": "hello", "room_id": room["id"], "client_message_id": "k"}
    with api_token(user, "write").live() as writer:
        message = writer.send(**sent)
        other("PUT", f"/api/chat/messages/{message['id']}/reactions/👍")
        assert writer.send(**sent)["reactions"] == []
        for type_, fields in (("edit", {"content": "new"}), ("react", {"emoji": "👍"}), ("unreact", {"emoji": "👍"})):
            answer = writer.call(type_, message_id=message["id"], **fields)
            assert set(answer) == {"type", "id"}
            assert answer["type"] == "ok"
