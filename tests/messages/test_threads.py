"""Threads: the replies to a message."""

from __future__ import annotations

import pytest

from tests.factories import Factory
from tests.messages.changing import MESSAGES, delete, get, send


def test_replies_are_listed_newest_first(make: Factory) -> None:
    ann, ben = make.client(), make.client()
    room = make.room(ann, "room", ben)
    parent = send(ann, "parent", room_id=room["id"])
    replies = [send(ben, str(n), room_id=room["id"], parent_id=parent["id"]) for n in range(4)]
    send(ann, "not a reply", room_id=room["id"])

    def listed(query: str = "") -> list[str]:
        response = ann.get(f"{MESSAGES}/{parent['id']}/replies?{query}")
        assert response.status_code == 200, response.get_data()
        return [message["content"] for message in response.get_json()]

    assert listed() == ["3", "2", "1", "0"]
    assert listed(f"after={replies[0]['seq']}") == ["1", "2", "3"]
    assert listed(f"before={replies[3]['seq']}&limit=2") == ["2", "1"]
    assert listed("skip=3") == ["0"]
    assert get(ann, parent)["reply_count"] == 4
    delete(ben, replies[1])
    assert listed() == ["3", "2", "", "0"], "a deleted reply becomes a tombstone"
    delete(ann, parent)
    assert get(ann, parent)["reply_count"] == 4
    assert len(listed()) == 4


def test_the_next_page_is_linked(make: Factory) -> None:
    ann = make.client()
    parent = send(ann, "parent")
    for n in range(3):
        send(ann, str(n), parent_id=parent["id"])
    seen, path = [], f"{MESSAGES}/{parent['id']}/replies?limit=2"
    while path:
        response = ann.get(path)
        seen += [message["content"] for message in response.get_json()]
        path = response.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert seen == ["2", "1", "0"]


def test_a_hidden_thread_is_not_found(make: Factory) -> None:
    ann, stranger = make.client(), make.client()
    room = make.room(ann)
    parent = send(ann, room_id=room["id"])
    assert stranger.get(f"{MESSAGES}/{parent['id']}/replies").status_code == 404
    assert stranger.get(f"{MESSAGES}/{parent['id']}/history").status_code == 404


@pytest.mark.parametrize("query", ["before=1&after=1", "before=x", "limit=0", "skip=10001"])
def test_bad_cursors_are_refused(make: Factory, query: str) -> None:
    ann = make.client()
    parent = send(ann)
    assert ann.get(f"{MESSAGES}/{parent['id']}/replies?{query}").status_code == 422
