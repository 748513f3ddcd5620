"""Unread and mention counts equal those of a model that counts message by message, whatever users do."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from backend.inbox.consistency import check_consistency
from backend.inbox.service import inbox_of
from backend.models.base import db
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import MESSAGES, delete, edit, user_id
from tests.messages.counts_model import LOBBY, ROOM, Counts, Inboxes
from tests.races import at_once

USERS = 4
CONVERSATIONS = "/api/chat/conversations"
PLACES = [ROOM, ROOM, LOBBY, "dm:0:1", "dm:1:2", "dm:1:1"]
ACTIONS = {
    "send": 10, "edit": 5, "delete": 3, "read": 4, "unread": 4,
    "leave": 1, "join": 2, "remove": 1, "add": 2, "promote": 2, "demote": 1,
}  # fmt: skip
WEIGHTED = [name for name, weight in ACTIONS.items() for _ in range(weight)]


@dataclass(frozen=True)
class Step:
    """One action. The numbers are reduced to those that exist when it is played."""

    action: str
    user: int
    other: int
    place: str
    number: int
    named: frozenset[int]
    flag: bool


steps = st.builds(
    Step,
    action=st.sampled_from(WEIGHTED),
    user=st.integers(0, USERS - 1),
    other=st.integers(0, USERS - 1),
    place=st.sampled_from(PLACES),
    number=st.integers(0, 30),
    named=st.frozensets(st.integers(0, USERS - 1), max_size=3),
    flag=st.booleans(),
)


def _counts(inbox: Iterable[Mapping[Any, Any]]) -> dict[str, Counts]:
    names = ("last_seq", "last_read_seq", "unread_count", "mention_count")
    return {row["id"]: Counts(*(row[name] for name in names)) for row in inbox}


class Play:
    """Four users with a room, of whom the first owns it and the last is no member. Plays steps on the server and in the model."""

    def __init__(self, app: Flask) -> None:
        make = Factory(app)
        self.app = app
        self.clients = [make.client() for _ in range(USERS)]
        self.ids = [user_id(client) for client in self.clients]
        self.room = make.room(self.clients[0], "room", self.clients[1], self.clients[2])
        lobby = self.rows(0)[LOBBY]
        marks = {(user, LOBBY): lobby.last_seq for user in range(USERS)} | {(user, ROOM): 0 for user in range(3)}
        self.model = Inboxes({}, marks, {0: True, 1: False, 2: False}, {LOBBY: lobby.last_seq})

    def conversation_id(self, place: str) -> str:
        if place.startswith("dm"):
            return "dm:{}:{}".format(*(self.ids[int(side)] for side in place.split(":")[1:]))
        return self.room["conversation_id"] if place == ROOM else place

    def rows(self, user: int) -> dict[str, Counts]:
        """The inbox that the server shows, by conversation id."""
        return _counts(self.clients[user].get(CONVERSATIONS).get_json())

    def counted(self, user: int) -> dict[str, Counts]:
        """The same by the inbox's own query, which takes a fraction of the time of a call."""
        with self.app.app_context():
            return _counts(db.session.execute(inbox_of(self.ids[user])).mappings())

    def check(self, found_by: Callable[[int], dict[str, Counts]]) -> None:
        for user in range(USERS):
            expected = {self.conversation_id(place): counts for place, counts in self.model.inbox(user).items()}
            assert found_by(user) == expected, f"user {user}"

    def content(self, step: Step) -> str:
        names = [f"@{self.clients[user].user.username}" for user in sorted(step.named)]  # type: ignore[attr-defined]
        return " ".join(["hello", *names, *(["@room"] if step.flag else [])])

    def play(self, step: Step) -> None:
        action: Callable[[Step], None] = getattr(self, f"_{step.action}")
        action(step)

    def _send(self, step: Step) -> None:
        content, can_see = self.content(step), self.model.can_see(step.user, step.place)
        body = {"content": content, "conversation_id": self.conversation_id(step.place)}
        response = self.clients[step.user].post("/api/chat/send", body)
        assert response.status_code == (201 if can_see else 404 if step.place != ROOM else 403)
        if can_see:
            sent = response.get_json()
            self.model.send(step.user, step.place, sent["id"], content, step.named, step.flag)

    def _edit(self, step: Step) -> None:
        self._change(step, lambda user, message: edit(user, message, self.content(step)), self._edit_model)

    def _edit_model(self, step: Step, post: Any) -> bool:
        return self.model.edit(step.user, step.place, post, self.content(step), step.named, step.flag)

    def _delete(self, step: Step) -> None:
        self._change(
            step,
            lambda user, message: delete(user, message, hard=step.flag),
            lambda _, post: self.model.delete(step.user, step.place, post),
        )

    def _change(
        self,
        step: Step,
        call: Callable[[Client, dict[str, Any]], TestResponse],
        expect: Callable[[Step, Any], bool],
    ) -> None:
        posts = self.model.posts.get(step.place)
        if posts:
            post = posts[step.number % len(posts)]
            response = call(self.clients[step.user], {"id": post.id})
            assert (response.status_code < 400) == expect(step, post), response.get_data()

    def _read(self, step: Step) -> None:
        self._mark(step, "read", self.model.read)

    def _unread(self, step: Step) -> None:
        self._mark(step, "unread", self.model.unread)

    def _mark(self, step: Step, action: str, expect: Callable[[int, str, int], bool]) -> None:
        posts = self.model.posts.get(step.place)
        if posts:
            seq = posts[step.number % len(posts)].seq
            path = f"{CONVERSATIONS}/{self.conversation_id(step.place)}/{action}"
            response = self.clients[step.user].post(path, {"seq": seq})
            assert (response.status_code < 400) == expect(step.user, step.place, seq), response.get_data()

    def _leave(self, step: Step) -> None:
        is_member = step.user in self.model.admins
        left = self.clients[step.user].post(f"/api/rooms/{self.room['id']}/leave")
        if left.status_code == 204 and is_member:
            self.model.leave(step.user)

    def _join(self, step: Step) -> None:
        assert self.clients[step.user].post(f"/api/rooms/{self.room['id']}/join").status_code == 200
        self.model.join(step.user)

    def _member(self, step: Step, method: str, body: Any = None) -> TestResponse:
        path = f"/api/rooms/{self.room['id']}/members/{self.ids[step.other]}"
        return self.clients[step.user].request(method, path, body)

    def _remove(self, step: Step) -> None:
        is_member = step.other in self.model.admins
        if self._member(step, "DELETE").status_code == 204 and is_member:
            self.model.leave(step.other)

    def _add(self, step: Step) -> None:
        if self._member(step, "PUT", {"is_admin": step.flag}).status_code == 200:
            self.model.join(step.other, step.flag)
            self.model.admins[step.other] = step.flag

    def _promote(self, step: Step) -> None:
        self._set_admin(step, is_admin=True)

    def _demote(self, step: Step) -> None:
        self._set_admin(step, is_admin=False)

    def _set_admin(self, step: Step, *, is_admin: bool) -> None:
        if self._member(step, "PATCH", {"is_admin": is_admin}).status_code == 200:
            self.model.admins[step.other] = is_admin


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=10, max_size=40))
def test_counts_equal_those_of_the_model_after_every_action(app: Flask, played: list[Step]) -> None:
    play = Play(app)
    for step in played:
        play.play(step)
        play.check(play.counted)
    play.check(play.rows)


class Race:
    """Actions on the same room and the lobby, of which several run at once. The server decides their order."""

    def __init__(self, app: Flask, seed: int) -> None:
        self.random = random.Random(seed)
        self.play = Play(app)
        self.sent: list[dict[str, Any]] = []

    def some(self, count: int) -> list[Callable[[], TestResponse]]:
        """*count* actions that may or may not be allowed."""
        return [self._action() for _ in range(count)]

    def _action(self) -> Callable[[], TestResponse]:
        play, pick = self.play, self.random
        client, other = pick.choice(play.clients), pick.randrange(USERS)
        where = f"{CONVERSATIONS}/{play.conversation_id(pick.choice([ROOM, LOBBY]))}"
        room, seq = f"/api/rooms/{play.room['id']}", pick.randint(1, len(self.sent) // 2 + 1)
        member = f"{room}/members/{play.ids[other]}"
        content = " ".join(["hello", f"@{play.clients[other].user.username}", pick.choice(["", "@room"])])  # type: ignore[attr-defined]
        address = {"conversation_id": play.conversation_id(pick.choice([ROOM, LOBBY]))}
        message = f"{MESSAGES}/{pick.choice(self.sent)['id']}" if self.sent else f"{MESSAGES}/1"
        is_admin = pick.random() < 0.5
        return pick.choice(
            [
                *[lambda: client.post("/api/chat/send", {"content": content, **address})] * 6,
                lambda: client.patch(message, {"content": content}),
                lambda: client.delete(message),
                lambda: client.delete(f"{message}?hard=true"),
                lambda: client.post(f"{where}/read", {"seq": seq}),
                lambda: client.post(f"{where}/unread", {"seq": seq}),
                lambda: client.post(f"{room}/leave"),
                lambda: client.post(f"{room}/join"),
                lambda: client.put(member, {"is_admin": is_admin}),
                lambda: client.patch(member, {"is_admin": is_admin}),
                lambda: client.delete(member),
            ]
        )

    def note(self, responses: list[TestResponse]) -> None:
        """Remember the messages that were sent, and check that each answer is one that the API describes."""
        assert [response.get_data() for response in responses if response.status_code >= 500] == []
        self.sent += [response.get_json() for response in responses if response.status_code == 201]

    def check(self) -> None:
        """Compare every inbox with the messages that its user can read now."""
        for user, client in enumerate(self.play.clients):
            rows = self.play.rows(user)
            assert rows == {name: self._counted(client, name, row) for name, row in rows.items()}, f"user {user}"

    def _counted(self, client: Client, name: str, row: Counts) -> Counts:
        path = f"{MESSAGES}?conversation_id={name}&after={row.last_read_seq}&limit=100"
        after = client.get(path).get_json()
        assert len(after) == row.last_seq - row.last_read_seq < 100
        own = user_id(client)
        unread = [message for message in after if message["sender_id"] != own and message["deleted_at"] is None]
        named = [message for message in unread if own in message["mentions"] or message["mentions_room"]]
        return Counts(row.last_seq, row.last_read_seq, len(unread), len(named))


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_right_after_concurrent_actions(app: Flask, seed: int) -> None:
    race = Race(app, seed)
    for _ in range(12):
        race.note(at_once(race.some(6)))
        race.check()
    assert len(race.sent) > 10
    with app.app_context():
        assert [fault for progress in check_consistency() for fault in progress.faults] == []
