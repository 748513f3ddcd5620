"""Edits, deletions and reactions over the socket: answers, events, batches, and refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.realtime.client import Frame, LiveClient
from tests.realtime.conftest import Deployment


def changes(client: LiveClient) -> list[tuple[str, int, str]]:
    """The type, modseq and content of each message event that arrived."""
    frames = [frame for frame in client.events if frame["type"].startswith("message.")]
    return [(frame["type"], frame["modseq"], frame["message"]["content"]) for frame in frames]


def test_changes_are_answered_and_sent_to_the_others(deployment: Deployment) -> None:
    ann, ben = deployment.user(), deployment.user()
    room = ann.room(ben)
    with ann.live() as hers, ben.live() as his:
        message = hers.send("one", room_id=room["id"], client_message_id="k")
        start = message["modseq"]
        edited = hers.call("edit", message_id=message["id"], content="two", modseq=start)
        assert (edited["type"], edited["message"]["content"]) == ("ack", "two")
        assert edited["message"]["client_message_id"] == "k"
        reacted = his.call("react", message_id=message["id"], emoji="👍")
        assert reacted["message"]["reactions"] == [{"emoji": "👍", "count": 1, "user_ids": [ben.id]}]
        assert reacted["message"]["client_message_id"] is None
        assert his.call("unreact", message_id=message["id"], emoji="👍")["message"]["reactions"] == []
        assert hers.call("delete", message_id=message["id"], hard=True)["type"] == "ok"
        his.expect("message.deleted", conversation_id=room["conversation_id"])
        assert changes(his) == [
            ("message.created", start, "one"),
            ("message.updated", start + 1, "two"),
            ("message.updated", start + 2, "two"),
            ("message.updated", start + 3, "two"),
            ("message.deleted", start + 4, ""),
        ]


def test_frames_of_one_socket_take_effect_in_their_order(deployment: Deployment) -> None:
    ann = deployment.user()
    room = ann.room()
    with ann.live() as client:
        message = client.send("0", room_id=room["id"])
        ids = []
        for number in range(1, 20):
            ids.append(client.send_frame("edit", message_id=message["id"], content=str(number)))
            ids.append(client.send_frame("react" if number % 2 else "unreact", message_id=message["id"], emoji="👍"))
            ids.append(client.send_frame("send", content=f"between {number}", room_id=room["id"]))
        answers = [client.answer(id_) for id_ in ids]
        assert {answer["type"] for answer in answers} == {"ack"}
        modseqs = [answer["message"]["modseq"] for answer in answers]
        assert modseqs == sorted(modseqs)
        assert len(set(modseqs)) == len(modseqs), "each of them had an effect"
        last = ann("GET", f"/api/chat/messages/{message['id']}")
        assert (last["content"], last["reactions"][0]["count"]) == ("19", 1)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "edit", "content": "x"}, "validation_failed"),
        ({"type": "edit", "message_id": 1, "content": "x", "modseq": -1}, "validation_failed"),
        ({"type": "edit", "message_id": 0, "content": "x"}, "validation_failed"),
        ({"type": "edit", "message_id": 2**63 - 1, "content": "x"}, "not_found"),
        ({"type": "react", "message_id": 1, "emoji": "no emoji"}, "validation_failed"),
        ({"type": "react", "message_id": 1, "emoji": "\ud83d"}, "validation_failed"),
        ({"type": "unreact", "message_id": 2**63 - 1, "emoji": "👍"}, "not_found"),
        ({"type": "delete", "message_id": 1, "hard": "yes"}, "validation_failed"),
        ({"type": "delete", "message_id": [1]}, "validation_failed"),
        ({"type": "delete", "message_id": 1, "unknown": 1}, "validation_failed"),
    ],
)  # fmt: skip
def test_refusals_leave_the_socket_open(deployment: Deployment, frame: Frame, code: str) -> None:
    ann = deployment.user()
    with ann.live() as client:
        answer = client.call(**{"type_": frame["type"], **{k: v for k, v in frame.items() if k != "type"}})
        assert (answer["type"], answer["code"]) == ("error", code)
        assert client.call("ping")["type"] == "pong"


def test_a_refused_change_leaves_its_neighbours_in_force(deployment: Deployment) -> None:
    ann, ben = deployment.user(), deployment.user()
    room = ann.room(ben)
    with ann.live() as hers:
        message = hers.send("one", room_id=room["id"])
        with ben.live() as his:
            ids: list[Any] = [
                his.send_frame("react", message_id=message["id"], emoji="👍"),
                his.send_frame("edit", message_id=message["id"], content="not mine"),
                his.send_frame("react", message_id=message["id"], emoji="🎉"),
            ]
            answers = [his.answer(id_) for id_ in ids]
    assert [answer.get("code", answer["type"]) for answer in answers] == ["ack", "forbidden", "ack"]
    assert len(answers[2]["message"]["reactions"]) == 2


def test_files_are_sent_and_removed_over_the_socket(deployment: Deployment) -> None:
    ann, ben = deployment.user(), deployment.user()
    room = ann.room(ben)
    file = ann.upload("a.txt", b"hello")
    with ann.live() as hers, ben.live() as his:
        message = hers.send("", room_id=room["id"], attachment_ids=[file["id"]])
        assert message["attachments"] == [file]
        created = his.expect("message.created", conversation_id=room["conversation_id"])
        assert created["message"]["attachments"] == [file]
        for ids, code in (([file["id"]], "validation_failed"), ([2**62], "not_found")):
            refused = hers.call("send", content="x", room_id=room["id"], attachment_ids=ids)
            assert (refused["type"], refused["code"]) == ("error", code)
        assert hers.call("delete", message_id=message["id"])["type"] == "ok"
        his.expect("message.deleted", conversation_id=room["conversation_id"])
    assert ann("GET", file["url"], status=404)["code"] == "not_found"
