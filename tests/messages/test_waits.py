"""A locked conversation does not fail sends to others, and the size of a batch is limited."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import exc

from backend.batching import Batcher
from backend.conversations.references import ConversationRef
from backend.database import is_unavailable
from backend.messages import append
from backend.messages.append import append_messages, append_together
from backend.messages.drafts import Draft, Sent
from backend.models import Conversation
from backend.state import confab_state
from tests.factories import Factory
from tests.processes import wait_until
from tests.races import at_once, hold_row

LOBBY = ConversationRef("lobby", "lobby")


@pytest.fixture
def make_pg(postgresql_app: Flask, wiped: None) -> Factory:
    return Factory(postgresql_app)


def test_a_locked_conversation_fails_no_send_to_another(make_pg: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own drafts do not wait one after another either: the contract promises an answer within 10 s."""
    monkeypatch.setattr(append, "SINGLY_SECONDS", 7.0)  # the machine may stop for two seconds
    ann = make_pg.client()
    ann_id: int = ann.user.id  # type: ignore[attr-defined]
    room = make_pg.room(ann)
    stuck = ConversationRef(room["conversation_id"], "room", room_id=room["id"])
    drafts = [Draft(ann_id, LOBBY if n % 10 == 0 else stuck, f"{n}") for n in range(50)]
    with make_pg.app.app_context():
        started = time.monotonic()
        with hold_row(make_pg.app, Conversation, id=room["conversation_id"]):
            results = append_messages(drafts)
        assert time.monotonic() - started < 8
        sent = [result for result in results[::10] if isinstance(result, Sent)]
        assert [result.message["seq"] for result in sent] == [1, 2, 3, 4, 5]
        late = [result for n, result in enumerate(results) if n % 10]
        assert all(isinstance(result, Exception) and is_unavailable(result) for result in late)
        assert [isinstance(result, Sent) for result in append_messages(drafts)] == [True] * 50


def test_drafts_are_not_appended_one_by_one_for_longer_than_a_caller_waits(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann_id, tried = make.user().id, []

    def failing(_batch: Any, drafts: list[Draft]) -> Any:
        tried.append(len(drafts))
        raise KeyError

    monkeypatch.setattr(append, "load_send_context", failing)
    monkeypatch.setattr(append, "SINGLY_SECONDS", 0.0)
    with app.app_context():
        results = append_messages([Draft(ann_id, LOBBY, "x")] * 3)
    assert tried == [3]
    assert [type(result).__name__ for result in results] == ["Unavailable"] * 3


def test_the_size_of_a_batch_is_counted_in_drafts(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket sends many frames at once. A statement for all of them would have too many parameters."""
    ann_id, batches = make.user().id, []
    started, go = threading.Event(), threading.Event()
    real = append.load_send_context

    def noting(batch: Any, drafts: list[Draft]) -> Any:
        batches.append(len(drafts))
        if not started.is_set():
            started.set()
            assert go.wait(20)
        return real(batch, drafts)

    monkeypatch.setattr(append, "load_send_context", noting)
    each = append.MAX_BATCH_SIZE // 4

    def send(count: int) -> list[Any]:
        with app.app_context():
            return append_together([Draft(ann_id, LOBBY, "x")] * count)

    first = threading.Thread(target=send, args=(1,))
    first.start()
    assert started.wait(20)
    batcher: Batcher[Any, Any] = confab_state(app).append
    opener = threading.Thread(target=lambda: (wait_until(lambda: batcher.waiting == 9, "all to wait"), go.set()))
    opener.start()
    results = at_once([lambda: send(each)] * 9)
    first.join()
    opener.join()
    assert all(isinstance(result, Sent) for group in results for result in group)
    assert batches == [1, 4 * each, 4 * each, each]


def test_sends_that_wait_behind_an_outage_fail_with_it(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would otherwise wait for the database in its turn."""
    ann_id, tried = make.user().id, []
    started, go = threading.Event(), threading.Event()

    def failing(_batch: Any, drafts: list[Draft]) -> Any:
        tried.append(len(drafts))
        started.set()
        assert go.wait(20)
        raise exc.OperationalError("SELECT", {}, Exception("away"), connection_invalidated=True)

    monkeypatch.setattr(append, "load_send_context", failing)

    def send(count: int) -> str:
        with app.app_context(), pytest.raises(exc.OperationalError) as caught:
            append_together([Draft(ann_id, LOBBY, "x")] * count)
        return str(caught.value.orig)

    first = threading.Thread(target=send, args=(1,))
    first.start()
    assert started.wait(20)
    batcher: Batcher[Any, Any] = confab_state(app).append
    opener = threading.Thread(target=lambda: (wait_until(lambda: batcher.waiting == 5, "all to wait"), go.set()))
    opener.start()
    assert at_once([lambda: send(append.MAX_BATCH_SIZE)] * 5) == ["away"] * 5
    first.join()
    opener.join()
    assert tried == [1]
