"""The order of a conversation, without a server: each modseq is delivered once and in order, however events arrive."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.events import Event, message_event
from backend.realtime.delivery.channel import MAX_UNSEEN, Channel, SeenMessages
from tests.realtime.recorder import Recorder


def message(modseq: int, seq: int, type_: str = "message.created") -> Event:
    body: dict[str, Any] = {"conversation_id": "room:1", "modseq": modseq, "seq": seq, "sender_id": 1}
    return message_event(type_, body)


def modseqs(events: list[Event]) -> list[int]:
    return [event.modseq or 0 for event in events]


@given(st.data())
def test_any_events_with_repairs_deliver_each_modseq_once_and_in_order(data: st.DataObject) -> None:
    head = data.draw(st.integers(1, 30))
    truth = {number: message(number, number) for number in range(1, head + 1)}
    channel, delivered = Channel("room:1", 0, 0), []
    for step in data.draw(st.lists(st.one_of(st.none(), st.lists(st.integers(1, head), max_size=6)), max_size=25)):
        if step is None:  # a repair, from any earlier position up to any later one
            upto = data.draw(st.integers(channel.delivered, head))
            since = data.draw(st.integers(0, channel.delivered))
            delivered += channel.repair([truth[n] for n in range(since + 1, upto + 1)], upto)
        else:
            delivered += channel.push([truth[number] for number in step])
    delivered += channel.repair([truth[n] for n in range(channel.delivered + 1, head + 1)], head)
    assert modseqs(delivered) == list(range(1, head + 1))
    assert {event.type for event in delivered} == {"message.created"}
    assert not channel.has_gap


@given(st.lists(st.integers(1, 8), min_size=1, max_size=30), st.data())
def test_a_message_is_created_once_and_then_updated(seqs: list[int], data: st.DataObject) -> None:
    """Messages change in any order, and a repair reads only the last change of each."""
    order = {seq: place for place, seq in enumerate(dict.fromkeys(seqs), 1)}  # seqs rise with the first modseqs
    log = [message(modseq, order[seq], "message.updated") for modseq, seq in enumerate(seqs, 1)]
    channel, delivered = Channel("room:1", 0, 0), []
    while channel.delivered < len(log):
        if data.draw(st.booleans()):
            delivered += channel.push([log[channel.delivered]])
        else:
            upto = data.draw(st.integers(channel.delivered + 1, len(log)))
            now = data.draw(st.integers(upto, len(log)))  # rows are read after the head, so they may be newer
            last = {event.body["message"]["seq"]: event for event in log[:now]}
            rows = sorted(last.values(), key=lambda event: event.modseq or 0)
            delivered += channel.repair([r for r in rows if channel.delivered < (r.modseq or 0) <= upto], upto)
    first: dict[int, str] = {}
    for event in delivered:
        seq = event.body["message"]["seq"]
        assert event.type == ("message.updated" if seq in first else "message.created")
        first[seq] = event.type
    assert sorted(modseqs(delivered)) == modseqs(delivered)
    assert len(set(modseqs(delivered))) == len(delivered)
    assert set(first) == set(order.values())


def test_a_tombstone_remains_a_tombstone() -> None:
    seen = SeenMessages(0)
    assert seen.with_type(message(1, 1, "message.deleted")).type == "message.deleted"
    assert seen.with_type(message(2, 1)).type == "message.updated"


def test_a_subscriber_ahead_of_the_channel_receives_only_later_events() -> None:
    channel = Channel("room:1", 5, 5)
    ahead: Any = object()
    channel.add_subscriber(ahead, 8)
    assert [channel.should_receive(ahead, message(n, n)) for n in (6, 7, 8, 9, 10)] == [False, False, False, True, True]
    assert channel.start_catching_up(ahead) == 5
    channel.add_subscriber(ahead, 8)
    assert channel.start_catching_up(ahead) == 8


def test_a_channel_starts_again_after_the_database_was_restored() -> None:
    channel = Channel("room:1", 9, 9)
    channel.push([message(11, 11)])
    channel.reset(3, 3)
    assert not channel.has_gap
    assert modseqs(channel.push([message(4, 4)])) == [4]


def test_an_event_of_no_message_keeps_its_type() -> None:
    event = Event("member.added", {"room_id": 1}, "room:1", modseq=1)
    assert SeenMessages(0).with_type(event) is event


def test_a_leap_remembers_the_last_messages_that_it_passed() -> None:
    seen = SeenMessages(0)
    seen.with_type(message(1, 1_500))
    assert seen.with_type(message(2, 1_500 - MAX_UNSEEN)).type == "message.created"
    assert seen.with_type(message(3, 1_499 - MAX_UNSEEN)).type == "message.updated"
    assert MAX_UNSEEN == 1_000


def test_an_event_ahead_of_its_turn_is_a_gap_and_a_repeated_one_is_none() -> None:
    channel = Channel("room:1", 5, 5)
    assert channel.push([message(4, 4), message(5, 5)]) == []
    assert channel.has_gap is False
    assert channel.push([message(7, 7)]) == []
    assert channel.has_gap is True
    assert modseqs(channel.push([message(6, 6)])) == [6, 7]
    assert channel.has_gap is False


def test_an_event_without_a_modseq_has_no_turn() -> None:
    channel = Channel("room:1", 5, 5)
    event = Event("typing", {"user_id": 1}, "room:1")
    assert channel.push([event]) == []
    ahead: Any = object()
    channel.add_subscriber(ahead, 8)
    assert channel.should_receive(ahead, event)


def test_a_channel_knows_its_subscribers() -> None:
    channel = Channel("room:1", 0, 0)
    assert (channel.name, channel.is_repairing, channel.is_repair_scheduled) == ("room:1", False, False)
    connection: Any = object()
    channel.add_subscriber(connection, 0)
    assert channel.subscribers == {connection}
    assert channel.start_catching_up(connection) == 0
    assert (channel.subscribers, channel.is_unused) == (set(), False)
    assert channel.add_subscriber(connection, 0) == []
    assert channel.is_unused is False
    channel.remove_subscriber(connection)
    assert channel.is_unused is True


def test_a_channel_begins_with_what_its_subscribers_know_of_the_room() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert Channel("room:1", 5, 5, at).room_updated_at == at
    assert Channel("room:1", 5, 5).room_updated_at is None


def test_what_has_no_modseq_is_kept_until_a_connection_has_caught_up() -> None:
    """The last of each type and author, in the order of arrival, and nothing that the connection caused itself."""
    channel = Channel("room:1", 5, 5)
    connection: Any = Recorder(1, "mine")
    channel.start_catching_up(connection)
    first, other, last, own = (
        Event("read", {"seq": seq}, "room:1", author_id=author, source_connection=source)
        for seq, author, source in ((1, 7, None), (1, 8, None), (2, 7, "another"), (3, 7, "mine"))
    )
    renamed = Event("room.updated", {}, "room:1")
    for event in (first, other, renamed, last, own):
        channel.keep(connection, event)
    channel.start_catching_up(connection)
    assert channel.add_subscriber(connection, 5) == [other, renamed, last]
    channel.start_catching_up(connection)
    assert channel.add_subscriber(connection, 5) == []


def test_nothing_is_kept_for_a_connection_that_was_removed() -> None:
    channel = Channel("room:1", 5, 5)
    connection: Any = Recorder(1)
    channel.start_catching_up(connection)
    channel.keep(connection, Event("read", {}, "room:1", author_id=7))
    channel.remove_subscriber(connection)
    assert channel.is_unused
    channel.add_subscriber(connection, 8)
    channel.remove_subscriber(connection)
    assert channel.add_subscriber(connection, 5) == []
    assert channel.should_receive(connection, message(6, 6))
