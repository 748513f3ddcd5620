"""Changes of messages by two workers at once. A change decides by what it reads under the lock of the conversation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Executable, func, select, update

from backend.errors import ChatError, Forbidden, NotFound, TokenRevoked
from backend.messages.change_types import Change, Changed, MessageDeleted
from backend.messages.changes import change_messages
from backend.messages.deletion import Deletion
from backend.messages.edits import Edit, EditConflict
from backend.messages.pins import SetPin
from backend.messages.reactions import MAX_EMOJI, AddReaction, TooManyReactions
from backend.models import Conversation, Message, MessageEdit, RoomMembership, User
from backend.models.base import db, utcnow
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import get, head, react, send, user_id
from tests.races import hold_row, paused_before_commit


def changing(app: Flask, *changes: Change) -> Callable[[], list[Changed | Exception]]:
    """The changes of one worker. They do not join the batches of the application, so two of these are two transactions."""

    def apply() -> list[Changed | Exception]:
        with app.app_context():
            return change_messages(changes)

    return apply


def race(app: Flask, conversation_id: str, *changes: Change) -> list[Changed | Exception]:
    """Let each of *changes* wait for the conversation in a transaction of its own, and return their results."""
    with hold_row(app, Conversation, id=conversation_id) as held:
        started = []
        for count, change in enumerate(changes, 1):
            started.append(held.start(changing(app, change)))
            held.wait_until_blocked(count)
        held.release()
        return [each.result(30)[0] for each in started]


def count_of(results: list[Changed | Exception], kind: type[object]) -> int:
    return sum(isinstance(result, kind) for result in results)


def test_two_edits_of_one_version_by_two_workers_conflict(app: Flask, make: Factory) -> None:
    ann = make.client()
    message = send(ann)
    edits = [Edit(user_id(ann), message["id"], f"edit {n}", message["modseq"]) for n in range(2)]
    results = race(app, "lobby", *edits)
    assert (count_of(results, Changed), count_of(results, EditConflict)) == (1, 1), results
    [won] = [edit for edit, result in zip(edits, results, strict=True) if isinstance(result, Changed)]
    assert (get(ann, message)["content"], get(ann, message)["modseq"]) == (won.content, head(app, "lobby"))


def test_every_edit_of_two_workers_is_in_the_history(app: Flask, make: Factory) -> None:
    ann = make.client()
    message = send(ann, "first")
    results = race(app, "lobby", *(Edit(user_id(ann), message["id"], f"edit {n}") for n in range(2)))
    modseqs = {result.message["modseq"] for result in results if isinstance(result, Changed)}
    last = get(ann, message)
    versions = ann.get(f"/api/chat/messages/{message['id']}/history").get_json()
    assert {*(version["content"] for version in versions), last["content"]} == {"first", "edit 0", "edit 1"}
    assert (modseqs, last["modseq"], head(app, "lobby")) == ({2, 3}, 3, 3)


def test_two_workers_cannot_exceed_the_limit_of_different_emoji(app: Flask, make: Factory) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann)
    for n in range(MAX_EMOJI - 1):
        assert react(ann, message, chr(0x1F600 + n)).status_code == 200
    results = race(
        app,
        "lobby",
        AddReaction(user_id(ann), message["id"], "👍"),
        AddReaction(user_id(ben), message["id"], "🎉"),
    )
    assert (count_of(results, Changed), count_of(results, TooManyReactions)) == (1, 1), results
    assert len(get(ann, message)["reactions"]) == MAX_EMOJI


def test_conversations_are_locked_in_the_order_of_their_ids(app: Flask, make: Factory) -> None:
    """Sends lock them in this order too. In another order, a batch of changes and a batch of sends could deadlock."""
    ann = make.client()
    room = make.room(ann)
    in_lobby, in_room = send(ann), send(ann, room_id=room["id"])
    both = changing(app, *(AddReaction(user_id(ann), each["id"], "👍") for each in (in_room, in_lobby)))
    with hold_row(app, Conversation, id=room["conversation_id"]) as held:
        held.start(both)
        held.wait_until_blocked(1)
        held.start(changing(app, AddReaction(user_id(ann), in_lobby["id"], "🎉")))
        held.wait_until_blocked(2)  # for the lobby, which the first batch has locked already


@dataclass(frozen=True)
class Case:
    """What another worker commits while a change waits, and how the change ends."""

    change: Callable[[int, dict[str, Any]], Change]
    """The change of a user to a message."""

    committed: Callable[[int, dict[str, Any]], Executable]
    """A statement about the same user and message."""

    ends: type[ChatError]
    is_admin: bool = False
    is_own: bool = True


def membership(user: int, **values: Any) -> Executable:
    return update(RoomMembership).where(RoomMembership.user_id == user).values(values)


def message_is(message: dict[str, Any], **values: Any) -> Executable:
    return update(Message).where(Message.id == message["id"]).values(values)


CASES = {
    "an edit of a message that was deleted": Case(
        lambda user, message: Edit(user, message["id"], "edited"),
        lambda _, message: message_is(message, deleted_at=utcnow(), modseq=100),
        MessageDeleted,
    ),
    "an edit of a version that was replaced": Case(
        lambda user, message: Edit(user, message["id"], "edited", message["modseq"]),
        lambda _, message: message_is(message, content="newer", modseq=100),
        EditConflict,
    ),
    "a reaction to a message that was deleted": Case(
        lambda user, message: AddReaction(user, message["id"], "👍"),
        lambda _, message: message_is(message, deleted_at=utcnow(), modseq=100),
        MessageDeleted,
        is_own=False,
    ),
    "an edit by a user who left": Case(
        lambda user, message: Edit(user, message["id"], "edited"),
        lambda user, _: membership(user, left_at=utcnow()),
        NotFound,
    ),
    "a reaction by a user who left": Case(
        lambda user, message: AddReaction(user, message["id"], "👍"),
        lambda user, _: membership(user, left_at=utcnow()),
        NotFound,
        is_own=False,
    ),
    "a deletion by a user who was an admin": Case(
        lambda user, message: Deletion(user, message["id"], is_hard=True),
        lambda user, _: membership(user, is_admin=False),
        Forbidden,
        is_admin=True,
        is_own=False,
    ),
    "a pin by a user who was an admin": Case(
        lambda user, message: SetPin(user, message["id"], is_pinned=True),
        lambda user, _: membership(user, is_admin=False),
        Forbidden,
        is_admin=True,
        is_own=False,
    ),
    "an edit by a user who was deactivated": Case(
        lambda user, message: Edit(user, message["id"], "edited"),
        lambda user, _: update(User).where(User.id == user).values(is_active=False),
        TokenRevoked,
    ),
    "an edit by a user who was erased": Case(
        lambda user, message: Edit(user, message["id"], "edited"),
        lambda user, _: update(User).where(User.id == user).values(deleted_at=utcnow()),
        TokenRevoked,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_change_follows_what_was_committed_while_it_waited(app: Flask, make: Factory, name: str) -> None:
    case = CASES[name]
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    if case.is_admin:
        owner.patch(f"/api/rooms/{room['id']}/members/{user_id(ann)}", {"is_admin": True})
    message = send(ann if case.is_own else owner, room_id=room["id"])
    with hold_row(app, Conversation, id=room["conversation_id"]) as held:
        waiting = held.start(changing(app, case.change(user_id(ann), message)))
        held.wait_until_blocked()
        held.execute(case.committed(user_id(ann), message))
        held.release()
        [result] = waiting.result(30)
    assert isinstance(result, case.ends), result
    with app.app_context():
        row = db.session.get_one(Message, message["id"])
        assert (row.content, row.is_pinned) in (("hello", False), ("newer", False))
        assert db.session.scalar(select(func.count()).select_from(MessageEdit)) == 0
        assert db.session.get_one(Conversation, room["conversation_id"]).last_modseq == message["modseq"]


def test_an_edit_and_its_history_become_visible_together(app: Flask, make: Factory) -> None:
    ann = make.client()
    message = send(ann, "before")

    def seen(client: Client) -> tuple[str, list[str]]:
        versions = client.get(f"/api/chat/messages/{message['id']}/history").get_json()
        return get(client, message)["content"], [version["content"] for version in versions]

    with paused_before_commit(app, Message) as paused:
        edited = paused.start(changing(app, Edit(user_id(ann), message["id"], "after")))
        paused.wait_until_reached()
        assert seen(ann) == ("before", [])
        paused.release()
        assert isinstance(edited.result(30)[0], Changed)
    assert seen(ann) == ("after", ["before"])
