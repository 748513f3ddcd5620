"""No draft of one caller can fail another's send."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import exc, select

from backend.conversations.references import ConversationRef
from backend.database import is_unavailable
from backend.messages import append
from backend.messages.append import append_messages
from backend.messages.batch_sql import NewRows, begin_batch
from backend.messages.drafts import Draft, Sent
from backend.messages.mentions import candidates
from backend.models import Message
from backend.models.base import db
from tests.client import Client
from tests.factories import Factory
from tests.queries import count_queries

LOBBY = ConversationRef("lobby", "lobby")
HUGE = 2**63
DOTS = " ".join("@ab" + "." * 98 for _ in range(39))


class Planted(Exception):
    """An unexpected failure."""


def _faulty(sender_id: int) -> dict[str, Draft]:
    """Drafts that fail in every way. Some are refused, and others would not pass the schema."""
    key = uuid.uuid4().hex
    return {
        "a room that no column can name": Draft(sender_id, ConversationRef(f"room:{HUGE}", "room", room_id=HUGE), "x"),
        "a peer that no column can name": Draft(sender_id, ConversationRef(f"dm:1:{HUGE}", "dm", peer_id=HUGE), "x"),
        "a parent that no column can name": Draft(sender_id, LOBBY, "x", parent_id=HUGE),
        "a sender that no column can name": Draft(HUGE, LOBBY, "x"),
        "a NUL": Draft(sender_id, LOBBY, "a\0b"),
        "a lone surrogate": Draft(sender_id, LOBBY, "a\ud800b"),
        "an id of a thousand characters": Draft(sender_id, LOBBY, "x", client_message_id="k" * 1000),
        "no room": Draft(sender_id, ConversationRef("room:987654", "room", room_id=987654), "x"),
        "no peer": Draft(sender_id, ConversationRef("dm:1:987654", "dm", peer_id=987654), "x"),
        "no parent": Draft(sender_id, LOBBY, "x", parent_id=987654),
        "a key, and one body": Draft(sender_id, LOBBY, "one body", client_message_id="twice"),
        "the key, and another body": Draft(sender_id, LOBBY, "another body", client_message_id="twice"),
        "an unknown conversation": Draft(sender_id, ConversationRef("nowhere", "lobby"), "x"),
        "content that is not text": Draft(sender_id, LOBBY, b"x"),  # type: ignore[arg-type]
        "what fails in the middle": Draft(sender_id, LOBBY, "planted", client_message_id=key),
    }


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing a batch with the message `planted` fails with an error that no database raises.

    Its drafts have as much time as they need when they are written one by one, also on a machine that stops for some seconds.
    """
    monkeypatch.setattr(append, "SINGLY_SECONDS", 600.0)

    @contextmanager
    def begin(*given: Any) -> Iterator[Any]:
        with begin_batch(*given) as batch:
            write = batch.write

            def failing(new: NewRows) -> None:
                if any(row["content"] == "planted" for row in new.messages):
                    raise Planted
                write(new)

            batch.write = failing  # type: ignore[method-assign]
            yield batch

    monkeypatch.setattr(append, "begin_batch", begin)


@pytest.mark.parametrize("fault", _faulty(1))
def test_a_faulty_draft_fails_no_other(app: Flask, make: Factory, planted: None, fault: str) -> None:
    ann, ben = make.user(), make.user()
    with app.app_context():
        bad = _faulty(ben.id)[fault]
        results = append_messages([Draft(ann.id, LOBBY, "before"), bad, Draft(ann.id, LOBBY, "behind")])
        assert [isinstance(result, Sent) for result in results][::2] == [True, True]
        assert db.session.scalars(select(Message.seq).order_by(Message.seq)).all() == list(range(1, _count() + 1))


def _count() -> int:
    return len(db.session.scalars(select(Message.id)).all())


def test_valid_drafts_of_any_mixture_are_committed_once_and_in_order(app: Flask, make: Factory, planted: None) -> None:
    ann, ben = make.user(), make.user()
    names = sorted(_faulty(1))

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(st.one_of(st.none(), st.sampled_from(names)), min_size=1, max_size=8))
    def mixture(order: list[str | None]) -> None:
        tag = uuid.uuid4().hex
        drafts = [
            Draft(ann.id, LOBBY, f"{tag} {n}", client_message_id=f"{tag}-{n}")
            if fault is None
            else _faulty(ben.id)[fault]
            for n, fault in enumerate(order)
        ]
        with app.app_context():
            results = append_messages(drafts)
            good = [r for r, fault in zip(results, order, strict=True) if fault is None]
            assert all(isinstance(r, Sent) for r in good)
            statement = select(Message.content, Message.seq).where(Message.sender_id == ann.id).order_by(Message.seq)
            kept = [content for content, _ in db.session.execute(statement) if content.startswith(tag)]
            assert kept == [f"{tag} {n}" for n, fault in enumerate(order) if fault is None]
            seqs = db.session.scalars(select(Message.seq).order_by(Message.seq)).all()
            assert seqs == list(range(1, len(seqs) + 1))

    mixture()


def test_in_an_outage_all_drafts_fail_together(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, tries = make.user(), []

    def away(*_: Any) -> Any:
        tries.append(1)
        raise exc.OperationalError("", {}, Exception("gone"))

    monkeypatch.setattr(append, "begin_batch", away)
    with app.app_context(), pytest.raises(exc.OperationalError):
        append_messages([Draft(ann.id, LOBBY, "x"), Draft(ann.id, LOBBY, "y")])
    assert len(tries) == 1


def test_an_outage_while_drafts_are_appended_one_by_one(
    app: Flask, make: Factory, planted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages that were committed before stay acknowledged."""
    ann, begin, tries = make.user(), append.begin_batch, []

    def leaving(engine: Any, has_timeouts: bool = False) -> Any:
        tries.append(1)
        if len(tries) > 2:
            raise exc.OperationalError("", {}, Exception("gone"))
        return begin(engine, has_timeouts)

    monkeypatch.setattr(append, "begin_batch", leaving)
    drafts = [Draft(ann.id, LOBBY, "first"), Draft(ann.id, LOBBY, "planted"), Draft(ann.id, LOBBY, "last")]
    with app.app_context():
        first, *others = append_messages(drafts)
        assert isinstance(first, Sent)
        assert all(isinstance(other, Exception) and is_unavailable(other) for other in others)


# -- ids


@pytest.mark.parametrize("number", [HUGE - 1, HUGE, 9999999999999999999, 10**40], ids=str)
def test_an_id_of_any_size_is_answered(make: Factory, number: int) -> None:
    client = make.client()
    own = client.user.id  # type: ignore[attr-defined]
    for name in (f"dm:{own}:{number}", f"room:{number}", f"dm:{number}:{number}"):
        answers = [
            client.post("/api/chat/send", {"conversation_id": name, "content": "x"}),
            client.get(f"/api/chat/messages?conversation_id={name}"),
            client.patch(f"/api/chat/conversations/{name}", {"is_muted": True}),
            client.post(f"/api/chat/conversations/{name}/read", {"seq": 1}),
        ]
        assert [answer.status_code for answer in answers] == [404] * len(answers), name
        answer = client.post("/api/chat/sync", {"conversations": {name: 0}})
        assert (answer.status_code, answer.json["gone"]) == (200, [name])
    for body in ({"room_id": number}, {"recipient_id": number}, {"parent_id": number}):
        assert client.post("/api/chat/send", {"content": "x", **body}).status_code in (404, 422)


@pytest.mark.parametrize("number", [HUGE - 1, HUGE, 9999999999999999999, 10**40], ids=str)
def test_an_id_of_any_size_in_a_path_is_answered(app: Flask, make: Factory, number: int) -> None:
    """Every route with an id, as a superuser and with valid bodies."""
    client = make.client(make.user(is_superuser=True))
    body = {
        "user_id": number,
        "reason": "x",
        "status": "resolved",
        "name": "x",
        "content": "x",
        "is_muted": True,
        "seq": 1,
    }
    bodies = [{}, *({name: value} for name, value in body.items())]
    asked = 0
    for rule in app.url_map.iter_rules():
        if not any(name.endswith("_id") for name in rule.arguments) or rule.endpoint.startswith("realtime."):
            continue
        path = re.sub(r"<[^>]+>", str(number), rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            for sent in [None] if method == "GET" else bodies:
                answer = client.request(method, path, sent)
                is_there_nothing_to_take_away = method == "DELETE" and answer.status_code == 204
                assert 400 <= answer.status_code < 500 or is_there_nothing_to_take_away, (method, path, sent)
                asked += 1
    assert asked > 100


# -- mentions


def test_a_mention_has_three_readings_at_most() -> None:
    assert candidates("@ab" + "." * 98) == [["ab" + "." * 98, "ab" + "." * 97, "ab"]]
    assert candidates("Ask @Ann. Or @ben.-, or @cleo") == [["ann.", "ann"], ["ben.-", "ben.", "ben"], ["cleo"]]


def test_many_mentions_cost_few_look_ups(app: Flask, make: Factory) -> None:
    """A hundred messages of one sender in a batch with one of another."""
    ann, ben = make.user("ab"), make.user()
    many = [" ".join(f"@n{n}x{k}" + "." * 60 for k in range(55)) for n in range(99)]
    drafts = [Draft(ben.id, LOBBY, content) for content in [DOTS, *many]] + [Draft(ann.id, LOBBY, "hello @AB.")]
    with app.app_context(), count_queries(app) as queries:
        results = append_messages(drafts)
    assert all(isinstance(result, Sent) for result in results)
    looks = [query for query in queries if "users.username_key" in query]
    assert len(looks) <= 99 * 50 * 3 / 500 + 1
    assert results[-1].message["mentions"] == [ann.id]  # type: ignore[union-attr]
    assert results[0].message["mentions"] == [ann.id]  # type: ignore[union-attr]


def test_a_mention_names_its_user_in_any_case(make: Factory) -> None:
    ann = make.user("Ann.Lee")
    message = make.client().post("/api/chat/send", {"content": "@ann.lee, and @ANN.LEE."}).json
    assert message["mentions"] == [ann.id]


# -- repeated sends


def _send(client: Client, room: dict[str, Any], key: str = "key") -> Any:
    return client.post("/api/chat/send", {"room_id": room["id"], "content": "mine", "client_message_id": key})


@pytest.mark.parametrize("how", ["removed", "banned", "left"])
def test_a_repeat_shows_the_first_state_to_a_former_member(make: Factory, how: str) -> None:
    """The send stays acknowledged, but only members may see later changes of the message."""
    owner, member = make.client(), make.client()
    room = make.room(owner, "room", member, is_public=False)
    first = _send(member, room).json
    path = f"/api/rooms/{room['id']}/members/{member.user.id}"  # type: ignore[attr-defined]
    ending = {
        "removed": lambda: owner.delete(path),
        "banned": lambda: owner.patch(path, {"is_banned": True}),
        "left": lambda: member.post(f"/api/rooms/{room['id']}/leave"),
    }
    assert ending[how]().status_code < 300
    before = _send(member, room)
    reply = {"room_id": room["id"], "content": "a reply", "parent_id": first["id"]}
    assert owner.post("/api/chat/send", reply).status_code == 201
    assert owner.get(f"/api/chat/messages/{first['id']}").json["reply_count"] == 1
    after = _send(member, room)
    assert (before.status_code, after.status_code) == (200, 200)
    assert before.json == after.json == first | {"modseq": first["seq"]}


def test_a_repeat_shows_the_present_state_to_a_member(make: Factory) -> None:
    owner, member = make.client(), make.client()
    room = make.room(owner, "room", member)
    first = _send(member, room).json
    reply = {"room_id": room["id"], "content": "a reply", "parent_id": first["id"]}
    assert owner.post("/api/chat/send", reply).status_code == 201
    assert _send(member, room).json["reply_count"] == 1


def test_a_repeat_is_answered_after_the_recipient_blocked_the_sender(make: Factory) -> None:
    """A repeat sends nothing, and the sender still sees the conversation."""
    ann, ben = make.client(), make.client()
    body = {"recipient_id": ben.user.id, "content": "x", "client_message_id": "k"}  # type: ignore[attr-defined]
    first = ann.post("/api/chat/send", body)
    make.block(ben.user, ann.user)  # type: ignore[attr-defined]
    again = ann.post("/api/chat/send", body)
    assert (again.status_code, again.json["id"]) == (200, first.json["id"])
