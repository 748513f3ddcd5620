"""Sends by two workers at once. A send decides by what it reads under the lock of the conversation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Executable, insert, update

from backend.conversations.references import resolve_conversation
from backend.errors import NotFound, TokenRevoked
from backend.messages.append import append_messages
from backend.messages.drafts import Draft, Sent
from backend.messages.validation import Blocked, IdempotencyConflict
from backend.models import Block, Conversation, RoomMembership, User
from backend.models.base import utcnow
from backend.rooms.access import NotAMember
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import head, send, user_id
from tests.races import hold_row

Results = list[Sent | Exception]


def draft(client: Client, conversation_id: str, content: str = "hello", **fields: Any) -> Draft:
    return Draft(user_id(client), resolve_conversation(user_id(client), conversation_id), content, **fields)


def sending(app: Flask, *drafts: Draft) -> Callable[[], Results]:
    """The sends of one worker. They do not join the batches of the application, so two of these are two transactions."""

    def append() -> Results:
        with app.app_context():
            return append_messages(drafts)

    return append


def send_after(app: Flask, wanted: Draft, *committed: Executable) -> Sent | Exception:
    """The result of a send that waits for its conversation while another worker executes and commits these statements."""
    with hold_row(app, Conversation, id=wanted.place.conversation_id) as held:
        sent = held.start(sending(app, wanted))
        held.wait_until_blocked()
        for statement in committed:
            held.execute(statement)
        held.release()
        return sent.result(30)[0]


def membership(client: Client, **values: Any) -> Executable:
    return update(RoomMembership).where(RoomMembership.user_id == user_id(client)).values(values)


@pytest.mark.parametrize("is_public", [False, True])
def test_a_user_who_leaves_while_a_send_waits_cannot_send(app: Flask, make: Factory, is_public: bool) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann, is_public=is_public)
    before = head(app, room["conversation_id"])
    result = send_after(app, draft(ann, room["conversation_id"]), membership(ann, left_at=utcnow()))
    assert isinstance(result, NotAMember if is_public else NotFound)
    assert head(app, room["conversation_id"]) == before


def test_a_user_who_joins_while_a_send_waits_can_send(app: Flask, make: Factory) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    ann.post(f"/api/rooms/{room['id']}/leave")
    assert isinstance(send_after(app, draft(ann, room["conversation_id"]), membership(ann, left_at=None)), Sent)


@pytest.mark.parametrize("is_admin", [False, True])
def test_who_may_mention_the_room_is_decided_under_the_lock(app: Flask, make: Factory, is_admin: bool) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    owner.patch(f"/api/rooms/{room['id']}/members/{user_id(ann)}", {"is_admin": not is_admin})
    result = send_after(app, draft(ann, room["conversation_id"], "@room"), membership(ann, is_admin=is_admin))
    assert isinstance(result, Sent)
    assert result.message["mentions_room"] is is_admin


def test_a_user_who_leaves_while_a_send_waits_is_not_mentioned(app: Flask, make: Factory) -> None:
    owner, ann = make.client(), make.client(make.user("ann"))
    room = make.room(owner, "room", ann)
    result = send_after(app, draft(owner, room["conversation_id"], "@ann"), membership(ann, left_at=utcnow()))
    assert isinstance(result, Sent)
    assert result.message["mentions"] == []


@pytest.mark.parametrize("address", ["lobby", "dm"])
def test_a_sender_who_is_erased_while_a_send_waits_cannot_send(app: Flask, make: Factory, address: str) -> None:
    ann, ben = make.client(), make.client()
    first = send(ann, **({} if address == "lobby" else {"recipient_id": user_id(ben)}))
    erased = update(User).where(User.id == user_id(ann)).values(deleted_at=utcnow())
    assert isinstance(send_after(app, draft(ann, first["conversation_id"]), erased), TokenRevoked)


def test_a_recipient_who_is_erased_while_a_send_waits_does_not_exist(app: Flask, make: Factory) -> None:
    ann, ben = make.client(), make.client()
    name = send(ann, recipient_id=user_id(ben))["conversation_id"]
    erased = update(User).where(User.id == user_id(ben)).values(deleted_at=utcnow())
    assert isinstance(send_after(app, draft(ann, name), erased), NotFound)


def test_a_recipient_who_blocks_while_a_send_waits_does_not_get_the_message(app: Flask, make: Factory) -> None:
    ann, ben = make.client(), make.client()
    name = send(ann, recipient_id=user_id(ben))["conversation_id"]
    block = insert(Block).values(user_id=user_id(ben), blocked_id=user_id(ann))
    assert isinstance(send_after(app, draft(ann, name), block), Blocked)


@pytest.mark.parametrize("is_same", [True, False])
def test_one_client_message_id_by_two_workers(app: Flask, make: Factory, is_same: bool) -> None:
    ann = make.client()
    drafts = [draft(ann, "lobby", "hello" if is_same else f"hello {n}", client_message_id="k") for n in range(2)]
    with hold_row(app, Conversation, id="lobby") as held:
        started = []
        for count, each in enumerate(drafts, 1):
            started.append(held.start(sending(app, each)))
            held.wait_until_blocked(count)
        held.release()
        results = [each.result(30)[0] for each in started]
    new = [result for result in results if isinstance(result, Sent) and result.is_new]
    [other] = [result for result in results if result not in new]
    assert len(new) == 1
    if is_same:
        assert isinstance(other, Sent)
        assert (other.message["id"], other.message["seq"]) == (new[0].message["id"], 1)
    else:
        assert isinstance(other, IdempotencyConflict)
    assert head(app, "lobby") == 1


def test_conversations_are_locked_in_the_order_of_their_ids(app: Flask, make: Factory) -> None:
    """Otherwise two batches could each hold what the other waits for."""
    ann = make.client()
    name = make.room(ann)["conversation_id"]
    with hold_row(app, Conversation, id=name) as held:
        both = held.start(sending(app, draft(ann, name), draft(ann, "lobby", "first")))
        held.wait_until_blocked(1)
        second = held.start(sending(app, draft(ann, "lobby", "second")))
        held.wait_until_blocked(2)  # for the lobby, which the first batch has locked already
        held.release()
        sent = [*both.result(30)[1:], *second.result(30)]
    assert all(isinstance(result, Sent) for result in sent)
    assert head(app, "lobby") == 2
