"""What the realtime server reads of a conversation from the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from backend.models import ConversationEntry, RoomMembership
from backend.models.base import db, utcnow
from backend.realtime.delivery import history
from tests.client import Client
from tests.messages.changing import delete, edit, react, send, user_id
from tests.queries import count_parameters
from tests.realtime.scenario import Scenario


@pytest.fixture
def read(scenario: Scenario) -> Any:
    """`read.heads_of(...)` calls the function of `history` in the context that it needs."""

    class Reader:
        def __getattr__(self, name: str) -> Any:
            def call(*given: Any) -> Any:
                with scenario.hub.runtime.reading():
                    return getattr(history, name)(*given)

            return call

    return Reader()


def changes(read: Any, name: str, since: int = 0) -> list[tuple[str, int | None]]:
    """The type and the modseq of each change."""
    found = read.load_changes(name, since)
    return [(event.type, event.modseq) for event in found.events]


def test_heads_of_conversations(scenario: Scenario, read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those that are asked for, in any number. A deleted room has one too."""
    scenario.send("1", "2")
    other = scenario.make.room(scenario.ann, "other")
    deleted = scenario.make.room(scenario.ann, "deleted")
    assert scenario.ann.delete(f"/api/rooms/{deleted['id']}").status_code == 204
    send(scenario.ben)
    modseq, seq = scenario.head()
    names = [scenario.name, deleted["conversation_id"], "lobby", "room:999999"]
    for in_one_query in (1, 2, 4, history.IN_ONE_QUERY):
        monkeypatch.setattr(history, "IN_ONE_QUERY", in_one_query)
        with count_parameters(scenario.app) as counts:
            found = {head.conversation_id: head for head in read.heads_of(names)}
        assert sum(counts) == len(names)
        assert max(counts) == min(in_one_query, len(names))
        assert found.keys() == {scenario.name, deleted["conversation_id"], "lobby"}
        assert (found[scenario.name].last_seq, found[scenario.name].last_modseq) == (seq, modseq) == (2, 4)
        assert (found["lobby"].last_seq, found["lobby"].last_modseq) == (1, 1)
        assert {name for name, head in found.items() if head.is_deleted} == {deleted["conversation_id"]}
        assert {name for name, head in found.items() if head.room_updated_at is None} == {"lobby"}
    assert other["conversation_id"] not in found


def test_the_heads_for_a_user_are_of_what_the_user_may_read(scenario: Scenario, read: Any) -> None:
    direct = send(scenario.ann, recipient_id=user_id(scenario.ben))["conversation_id"]
    left = scenario.make.room(scenario.ann, "left", scenario.ben)
    scenario.make.room(scenario.ann, "of others")
    send(scenario.ann, recipient_id=user_id(scenario.make.client()))
    scenario.ben.post(f"/api/rooms/{left['id']}/leave")
    scenario.send("1")
    heads = read.heads_for(user_id(scenario.ben))
    found = {head.conversation_id: (head.last_modseq, head.last_seq) for head in heads}
    assert len(heads) == len(found)
    assert found == {"lobby": (0, 0), scenario.name: scenario.head(), direct: (1, 1)}


@pytest.fixture
def on_a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute counts as just now, so that a second for which the machine stands still changes no type."""
    monkeypatch.setattr(history, "JUST_NOW", timedelta(minutes=1))


@pytest.mark.usefixtures("on_a_slow_machine")
def test_changes_come_in_order_and_only_those_after_a_modseq(scenario: Scenario, read: Any) -> None:
    """Each message once, in its last state. Members too."""
    ann, ben, room = scenario.ann, scenario.ben, scenario.room["id"]
    first, second, third = (send(ann, text, room_id=room, client_message_id=text) for text in ("a", "b", "c"))
    edit(ann, first, "edited")
    delete(ann, second)
    start = scenario.head()[0]
    members = f"/api/rooms/{room}/members/{user_id(ben)}"
    assert ann.patch(members, {"is_admin": True}).status_code == 200
    react(ben, third, "👍")
    found = read.load_changes(scenario.name, first["modseq"] - 1)
    kinds = [(event.type, event.modseq) for event in found.events]
    assert kinds == [
        ("message.created", start - 1),
        ("message.deleted", start),
        ("member.joined", start + 1),
        ("message.created", start + 2),
    ]
    shown = [event for event in found.events if event.type != "member.joined"]
    assert [event.body["message"]["content"] for event in shown] == ["edited", "", "c"]
    assert [event.author_only for event in shown] == [{"client_message_id": text} for text in ("a", "b", "c")]
    assert (found.upto, found.is_complete, found.is_deleted) == (start + 2, True, False)
    assert changes(read, scenario.name, start + 1) == [("message.created", start + 2)]
    assert changes(read, scenario.name, start + 2) == []
    send(ann)
    assert changes(read, "lobby") == [("message.created", 1)], "only of this conversation"


@pytest.mark.parametrize("name", ["room:999999", "lobby"])
def test_a_conversation_without_changes(scenario: Scenario, read: Any, name: str) -> None:
    found = read.load_changes(name, 0)
    assert (found.events, found.upto, found.is_complete, found.is_deleted) == ([], 0, True, False)


def test_of_a_deleted_room_only_the_deletion_is_known(scenario: Scenario, read: Any) -> None:
    scenario.send("1")
    assert scenario.ann.delete(f"/api/rooms/{scenario.room['id']}").status_code == 204
    found = read.load_changes(scenario.name, 1)
    assert (found.events, found.upto, found.is_complete, found.is_deleted) == ([], 1, True, True)


def test_many_changes_come_in_pages(scenario: Scenario, read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page has no change of a member behind its last message: the next page would have it again."""
    monkeypatch.setattr(history, "PAGE", 3)
    start = scenario.head()[0]
    scenario.send("1", "2", "3")
    assert scenario.ben.post(f"/api/rooms/{scenario.room['id']}/leave").status_code in (200, 204)
    scenario.send("4", "5")
    pages, since, is_complete = [], start, False
    while not is_complete:
        found = read.load_changes(scenario.name, since)
        pages.append([event.modseq for event in found.events])
        since, is_complete = found.upto, found.is_complete
        assert len(pages) < 10
    assert pages == [[start + 1, start + 2, start + 3], [start + 4, start + 5, start + 6]]
    assert since == scenario.head()[0]


@pytest.mark.usefixtures("on_a_slow_machine")
def test_the_change_of_a_member_has_the_type_of_its_state(scenario: Scenario, read: Any) -> None:
    """A membership that was changed at once after it began may be new to whoever asks."""
    start = scenario.head()[0]
    path = f"/api/rooms/{scenario.room['id']}/members/{user_id(scenario.ben)}"
    assert scenario.ann.patch(path, {"is_admin": True}).status_code == 200
    assert changes(read, scenario.name, start) == [("member.joined", start + 1)]
    with scenario.app.app_context():
        earlier = utcnow() - timedelta(minutes=2)
        member = RoomMembership.user_id == user_id(scenario.ben)
        db.session.execute(update(RoomMembership).where(member).values(joined_at=earlier))
        db.session.commit()
    assert changes(read, scenario.name, start) == [("member.updated", start + 1)]
    scenario.ben.post(f"/api/rooms/{scenario.room['id']}/leave")
    assert changes(read, scenario.name, start) == [("member.left", start + 2)]


def test_a_membership_begins_when_nothing_delays_it_any_more(
    scenario: Scenario, read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have to wait for a lock. That does not make its beginning look like a change of an older membership."""
    monkeypatch.setattr(history, "JUST_NOW", timedelta(microseconds=1))
    ben_id = user_id(scenario.ben)
    room = scenario.ann.post("/api/rooms", {"name": "new"}).get_json()
    name, path = room["conversation_id"], f"/api/rooms/{room['id']}"
    assert changes(read, name) == [("member.joined", 1)]
    assert scenario.ann.put(f"{path}/members/{ben_id}").status_code == 200
    assert changes(read, name, 1) == [("member.joined", 2)]
    assert scenario.ben.post(f"{path}/leave").status_code == 204
    assert scenario.ben.post(f"{path}/join").status_code == 200
    assert changes(read, name, 1) == [("member.joined", 4)]


def rows_after(read: Any, after_id: int) -> list[tuple[int, str]]:
    return [(user, name) for _, user, name in read.inbox_rows_after(after_id)]


def test_inbox_rows_after_an_id(scenario: Scenario, read: Any) -> None:
    """In the order of their ids, without those of the lobby, which everybody reads."""
    last = read.last_inbox_row_id()
    assert rows_after(read, last) == []
    eve = scenario.make.client()
    room = scenario.make.room(eve, "new", scenario.ben)["conversation_id"]
    ids = [row[0] for row in read.inbox_rows_after(last)]
    assert rows_after(read, last) == [(user_id(eve), room), (user_id(scenario.ben), room)]
    assert ids == sorted(ids)
    assert read.last_inbox_row_id() == ids[-1]
    assert rows_after(read, ids[0]) == [(user_id(scenario.ben), room)]
    assert rows_after(read, ids[0] - 1) == [(user_id(eve), room), (user_id(scenario.ben), room)]


def test_the_last_message_that_a_client_knows(scenario: Scenario, read: Any) -> None:
    start = scenario.head()[0]
    messages = [send(scenario.ann, f"{n}", room_id=scenario.room["id"]) for n in range(3)]
    send(scenario.ann)
    assert [read.last_seq_at(scenario.name, start + n) for n in range(5)] == [0, 1, 2, 3, 3]
    edit(scenario.ann, messages[1], "edited")
    edit(scenario.ann, messages[2], "edited")
    assert [read.last_seq_at(scenario.name, start + n) for n in range(3, 6)] == [1, 2, 3], "the others come again"


def test_where_a_user_joined_a_room(scenario: Scenario, read: Any) -> None:
    eve, room = scenario.make.client(), scenario.room["id"]
    for _ in range(3):
        send(scenario.ann)  # in another conversation, whose numbers are lower
    scenario.send("before")
    assert read.joined_at_modseq(user_id(eve), scenario.name) is None
    assert eve.post(f"/api/rooms/{room}/join").status_code == 200
    joined, seq = scenario.head()
    assert read.joined_at_modseq(user_id(eve), scenario.name) == (joined - 1, seq) == (joined - 1, 1)
    scenario.send("behind", "last")
    assert read.joined_at_modseq(user_id(eve), scenario.name) == (joined - 1, 1)
    path = f"/api/rooms/{room}/members/{user_id(eve)}"
    assert scenario.ann.patch(path, {"is_admin": True}).status_code == 200
    assert read.joined_at_modseq(user_id(eve), scenario.name) == (joined, 1), "before the first message that is unread"
    assert eve.post(f"/api/rooms/{room}/leave").status_code in (200, 204)
    assert read.joined_at_modseq(user_id(eve), scenario.name) is None
    with scenario.app.app_context():
        db.session.add(ConversationEntry(user_id=user_id(eve), conversation_id=scenario.name))
        db.session.commit()
    assert read.joined_at_modseq(user_id(eve), scenario.name) is None, "an inbox row alone is no membership"


def test_a_direct_conversation_is_received_from_its_beginning(scenario: Scenario, read: Any) -> None:
    name = send(scenario.ann, recipient_id=user_id(scenario.ben))["conversation_id"]
    people: list[Client] = [scenario.ann, scenario.ben]
    assert [read.joined_at_modseq(user_id(client), name) for client in people] == [(0, 0)] * 2
    assert read.joined_at_modseq(user_id(scenario.make.client()), name) is None
