"""Attachments on their way from a browser: how much is uploaded is told, and an upload can be cancelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.clients.conftest import Person, Tab

SIZE = 3_000_000

SEND = """([id, size]) => {
  const attachments = ['one.bin', 'two.bin'].map((name) => new File([new Uint8Array(size / 2)], name, { type: 'image/x-test' }));
  window.sent = chat.conversation(id).send({ content: 'with files', attachments });
  window.told = [];
  sent.progress.subscribe((progress) => told.push(progress));
  sent.done.catch(() => {});
}"""
"""Send a message with two files."""


def slow_down(tab: Tab, bytes_per_second: int = SIZE) -> None:
    """Let the page upload so many bytes a second."""
    session = tab.page.context.new_cdp_session(tab.page)
    session.send("Network.enable")
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
    session.send("Network.emulateNetworkConditions", conditions)


@dataclass
class Room:
    """A room of a person with two tabs, of which the leading one uploads slowly."""

    person: Person
    id: str
    leader: Tab
    follower: Tab

    def contents(self) -> list[str]:
        return [each["content"] for each in self.person.api("GET", f"/api/chat/messages?conversation_id={self.id}")]


@pytest.fixture
def room(open_tab: Callable[[], Tab], person: Callable[[], Person]) -> Room:
    ann = person()
    leader = open_tab().open(ann.account).live()
    slow_down(leader)
    room = Room(ann, ann.api.room()["conversation_id"], leader, open_tab().open().live())
    for tab in (leader, room.follower):
        tab.contents(room.id)
    return room


def test_the_progress_of_an_upload_grows(room: Room) -> None:
    room.leader.run(SEND, [room.id, SIZE])
    assert room.leader.run("[sent.progress.value, sent.attachments]") == [
        0,
        [{"name": name, "size": SIZE // 2, "type": "image/x-test"} for name in ("one.bin", "two.bin")],
    ]
    room.follower.until("id => chat.conversation(id).outbox.value[0]?.progress.value > 0.1", room.id)
    room.leader.run("sent.done.then(() => 0)")
    told = room.leader.run("told")
    assert told == sorted(told)
    assert told[-1] == 1
    for below, above in ((0, 0.4), (0.6, 1)):  # within each of the files
        assert [progress for progress in told if below < progress < above]
    [message] = room.person.api("GET", f"/api/chat/messages?conversation_id={room.id}")
    assert [(each["filename"], each["size"]) for each in message["attachments"]] == [
        ("one.bin", SIZE // 2),
        ("two.bin", SIZE // 2),
    ]


@pytest.mark.parametrize("by", ["leader", "follower"])
def test_a_cancelled_upload_ends(room: Room, by: str) -> None:
    tab: Tab = getattr(room, by)
    ended: list[Any] = []
    room.leader.page.on("requestfailed", lambda request: ended.append(request.url))
    tab.run(SEND, [room.id, SIZE])
    tab.until("sent.progress.value > 0.1")
    tab.run("sent.cancel()")
    assert tab.run("sent.done.catch(({ code }) => code)") == "cancelled"
    room.leader.until("id => chat.conversation(id).outbox.value.length === 0", room.id)
    tab.run("sent.retry()")
    assert tab.run("sent.state") == "failed"
    # The next message does not wait for the upload, which would take a second.
    tab.run("id => chat.conversation(id).send({ content: 'without files' }).done.then(() => 0)", room.id)
    assert tab.run("sent.progress.value") < 1
    assert room.contents() == ["without files"]
    assert [url.rpartition("/")[2] for url in ended] == ["attachments"]


def test_a_call_with_a_file_can_be_aborted_and_tells_what_it_was_answered(room: Room) -> None:
    call = """async ([size, milliseconds]) => {
      const form = new FormData();
      form.append(size ? 'file' : 'nothing', new Blob([new Uint8Array(size)]), 'one.bin');
      const told = [];
      const signal = milliseconds === null ? undefined : AbortSignal.timeout(milliseconds);
      const answer = chat.api.post('/api/chat/attachments', form, signal, (part) => told.push(part));
      return answer.then(({ size }) => [size, told.at(-1)], ({ status, code, errors }) => [status, code, errors !== undefined]);
    }"""
    assert room.leader.run(call, [1_000, None]) == [1_000, 1]
    assert room.leader.run(call, [0, None]) == [422, "validation_failed", True]
    assert room.leader.run(call, [SIZE, 100]) == [0, "network", False]
    assert room.leader.run(call, [SIZE, 0]) == [0, "network", False]
