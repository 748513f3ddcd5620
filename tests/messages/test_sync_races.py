"""/sync while others write: what is committed between two of its statements is in this answer or in the next, and not lost."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from backend.inbox import sync as syncing
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import MESSAGES, delete, edit, react, send, user_id
from tests.races import after_statement

Rows = dict[str, dict[int, dict[str, Any]]]
"""What a client holds: messages or members by id, for each conversation."""


INBOX = "conversation_entries"


class Replica:
    """A client that only knows what /sync tells it, and asks until nothing is truncated."""

    def __init__(self, client: Client):
        self.client = client
        self.seen: dict[str, int] = {}
        self.messages: Rows = {}
        self.members: Rows = {}

    def ask(self) -> bool:
        """Ask once, and check the answer. Returns whether there is more."""
        response = self.client.post("/api/chat/sync", {"conversations": self.seen})
        assert response.status_code == 200, response.get_data()
        answer = response.get_json()
        for name in answer["gone"]:
            for known in (self.seen, self.messages, self.members):
                known.pop(name, None)  # type: ignore[attr-defined]
        for row in answer["conversations"]:
            self._take(row)
        return any(row["truncated"] for row in answer["conversations"])

    def _take(self, row: dict[str, Any]) -> None:
        changes = [*row["messages"], *row["members"]]
        modseqs = [change["modseq"] for change in changes]
        assert max(modseqs, default=0) <= row["last_modseq"], "a change that is newer than the row"
        assert max((message["seq"] for message in row["messages"]), default=0) <= row["last_seq"]
        upto = row["last_modseq"]
        if row["truncated"]:
            upto = row["messages"][-1]["modseq"] if row["messages"] else max(modseqs)
        self.seen[row["id"]] = upto
        self.messages.setdefault(row["id"], {}).update((each["id"], each) for each in row["messages"])
        self.members.setdefault(row["id"], {}).update((each["user_id"], each) for each in row["members"])

    def catch_up(self) -> None:
        while self.ask():
            pass


def server_state(client: Client) -> dict[str, Any]:
    """The messages of every conversation, and its members, as the lists of the API show them."""
    state = {}
    for row in client.get("/api/chat/conversations").get_json():
        messages = client.get(f"{MESSAGES}?conversation_id={row['id']}&limit=100").get_json()
        members = client.get(f"/api/rooms/{row['room']['id']}/members").get_json() if row["kind"] == "room" else []
        people = {(member["user"]["id"], member["is_admin"]) for member in members}
        state[row["id"]] = ({message["id"]: message for message in messages}, people)
    return state


def replica_state(replica: Replica) -> dict[str, Any]:
    return {
        name: (
            messages,
            {(id_, m["is_admin"]) for id_, m in replica.members.get(name, {}).items() if m["left_at"] is None},
        )
        for name, messages in replica.messages.items()
    }


@pytest.mark.parametrize("size", [200, 10])
def test_a_client_misses_nothing_that_is_committed_between_two_statements(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(syncing, "PAGE", size)
    owner, ann, ben = make.client(), make.client(), make.client()
    room = make.room(owner, "room", ann)
    messages = [send(owner, f"number {n}", room_id=room["id"]) for n in range(12)]
    send(owner, recipient_id=user_id(ann))
    replica, number = Replica(ann), 0

    def write() -> None:
        """One change of each kind."""
        message = messages[number % 12]
        sent = send(owner, f"new {number}", room_id=room["id"], parent_id=message["id"])
        edit(owner, message, f"edited {number}")
        react(ann, messages[(number + 1) % 12], "👍")
        delete(owner, sent)
        send(ann, recipient_id=user_id(owner))
        path = f"/api/rooms/{room['id']}/members/{user_id(ben)}"
        if number % 2:
            owner.put(path)
        else:
            owner.delete(path)

    statements: list[str] = []
    while len(statements) >= number:
        number += 1
        assert number < 100
        with after_statement(app, number, write, INBOX) as statements:
            replica.ask()
    assert number > 4
    replica.catch_up()
    assert replica_state(replica) == server_state(ann)


def test_a_user_who_is_removed_between_two_statements_gets_an_answer(app: Flask, make: Factory) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    send(owner, room_id=room["id"])
    path = f"/api/rooms/{room['id']}/members/{user_id(ann)}"
    number, statements = 0, list[str]()
    while len(statements) >= number:
        owner.put(path)
        number += 1
        with after_statement(app, number, lambda: owner.delete(path), INBOX) as statements:
            response = ann.post("/api/chat/sync", {"conversations": {room["conversation_id"]: 0}})
        assert response.status_code == 200, f"after statement {number}"
        answer = response.get_json()
        named = {*answer["gone"], *(row["id"] for row in answer["conversations"])}
        assert named <= {"lobby", room["conversation_id"]}
    assert number > 4
    assert owner.delete(path).status_code in (204, 404)
    assert ann.post("/api/chat/sync", {"conversations": {room["conversation_id"]: 0}}).get_json()["gone"] == [
        room["conversation_id"]
    ]
