"""What a search leaves out: messages that the caller may not see any more, and none besides them."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from flask import Flask

from backend.conversations.references import ConversationRef, resolve_conversation
from backend.messages.append import append_messages
from backend.messages.drafts import Draft
from backend.storage.folder import FolderStorage
from tests.attachments.conftest import uploaded
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import delete, edit, fill_a_block, react, user_id
from tests.races import after_statement
from tests.search.test_search import found, say, search

MEMBERS_END = ["leave", "remove", "ban", "delete the room"]


def end_membership(how: str, owner: Client, ann: Client, room: dict[str, Any]) -> None:
    path = f"/api/rooms/{room['id']}"
    response = {
        "leave": lambda: ann.post(f"{path}/leave"),
        "remove": lambda: owner.delete(f"{path}/members/{user_id(ann)}"),
        "ban": lambda: owner.patch(f"{path}/members/{user_id(ann)}", {"is_banned": True}),
        "delete the room": lambda: owner.delete(path),
    }[how]()
    assert response.status_code in (200, 204), response.get_data()


@pytest.mark.parametrize("is_public", [True, False])
@pytest.mark.parametrize("how", MEMBERS_END)
def test_messages_of_a_room_are_not_found_after_the_membership(make: Factory, how: str, is_public: bool) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann, is_public=is_public)
    say(ann, "marimba of ann", room_id=room["id"])
    say(ann, "marimba in the lobby")
    where = f"/api/chat/search?q=marimba&conversation_id={room['conversation_id']}"
    assert found(ann, "marimba") == ["marimba in the lobby", "marimba of ann"]
    end_membership(how, owner, ann, room)
    assert found(ann, "marimba") == ["marimba in the lobby"]
    assert found(ann, "marimba", sender_id=user_id(ann)) == ["marimba in the lobby"]
    response = ann.get(where)
    is_shown = is_public and how != "delete the room"
    assert (response.status_code, response.get_json()["code"]) == (
        (403, "not_a_member") if is_shown else (404, "not_found")
    )


def test_messages_of_a_room_are_found_again_after_coming_back(make: Factory) -> None:
    owner, ann = make.client(), make.client()
    room = make.room(owner, "room", ann)
    say(owner, "marimba before", room_id=room["id"])
    ann.post(f"/api/rooms/{room['id']}/leave")
    say(owner, "marimba meanwhile", room_id=room["id"])
    assert found(ann, "marimba") == []
    ann.post(f"/api/rooms/{room['id']}/join")
    assert found(ann, "marimba") == ["marimba meanwhile", "marimba before"]


def test_changes_count_for_every_reader_and_filter(make: Factory, folder: FolderStorage) -> None:
    ann, ben = make.client(), make.client()
    direct = say(ann, "marimba", recipient_id=user_id(ben))
    file = say(ann, "marimba", recipient_id=user_id(ben), attachment_ids=[uploaded(ann, name="vibraphone.txt")["id"]])
    edited = edit(ann, direct, "glockenspiel").get_json()
    for client in (ann, ben):
        assert [each["id"] for each in search(client, "marimba")] == [file["id"]]
        [hit] = search(client, "glockenspiel")
        assert (hit["content"], hit["modseq"], hit["highlights"]) == ("glockenspiel", edited["modseq"], [[0, 12]])
    edit(ann, file, "xylophone")
    assert [each["id"] for each in search(ben, "vibraphone", has="attachment")] == [file["id"]]
    assert [each["id"] for each in search(ben, "xylophone", has="attachment")] == [file["id"]]
    delete(ann, file)
    for q in ("vibraphone", "xylophone", "marimba"):
        assert found(ben, q) == found(ben, q, has="attachment") == [], q


def test_highlights_count_code_points(make: Factory) -> None:
    ann = make.client()
    content = "🎉🏳️‍🌈 e\u0301 Café 🎉 cafe"
    say(ann, content)
    [hit] = search(ann, "cafe")
    assert [content[start : start + length] for start, length in hit["highlights"]] == ["Café", "cafe"]


@pytest.mark.parametrize("q", ['"alpha beta"', '"beta alpha"'])
@pytest.mark.parametrize("by", ["conversation", "sender"])
def test_pages_of_a_filtered_search_are_complete(app: Flask, make: Factory, q: str, by: str) -> None:
    """The index does not decide, because each message has both words: the texts are read in groups until a page is full."""
    ann, ben = make.client(), make.client()
    name = make.room(ann, "room", ben)["conversation_id"]
    places: list[ConversationRef] = [resolve_conversation(user_id(ann), each) for each in ("lobby", name)]
    drafts = [
        Draft(user_id(client), place, f"{'alpha beta' if n % 2 else 'beta alpha'} {n}")
        for n in range(230)
        for client, place in ((ann, places[1]), (ben, places[0]))
    ]
    with app.app_context():
        sent = [each.message for each in append_messages(drafts)]  # type: ignore[union-attr]
    wanted = [each["content"] for each in reversed(sent) if each["content"].startswith(q.strip('"'))]
    filters: dict[str, Any] = {"conversation_id": name} if by == "conversation" else {"sender_id": user_id(ann)}
    seen: list[str] = []
    for skip in range(0, 400, 50):
        seen += found(ann, q, skip=skip, limit=50, **filters)
    assert seen == wanted[::2]
    everything = [content for skip in range(0, 400, 100) for content in found(ann, q, skip=skip, limit=100)]
    assert everything == wanted


def test_the_index_gives_way_to_access_and_filters(app: Flask, make: Factory, folder: FolderStorage) -> None:
    """SQLite's index of a block holds messages of all conversations and senders, and of any time."""
    owner, ann, eve = make.client(), make.client(), make.client()
    room = make.room(owner, "room", ann, is_public=False)
    before = say(owner, "marimba in the lobby")
    say(owner, "marimba in a room", room_id=room["id"])
    say(owner, "marimba between two", recipient_id=user_id(ann))
    last = say(ann, "marimba of ann", attachment_ids=[uploaded(ann)["id"]])
    fill_a_block(app, user_id(owner), before)
    everything = ["marimba of ann", "marimba between two", "marimba in a room", "marimba in the lobby"]
    assert found(ann, "marimba") == found(ann, "mari") == everything
    assert found(eve, "marimba") == found(eve, "mari") == ["marimba of ann", "marimba in the lobby"]
    assert found(ann, "marimba", conversation_id=room["conversation_id"]) == ["marimba in a room"]
    assert found(ann, "marimba", sender_id=user_id(ann)) == ["marimba of ann"]
    react(owner, before, "👍")
    assert found(ann, "marimba", has="attachment") == ["marimba of ann"]
    assert found(ann, "marimba", after=before["created_at"]) == everything[:3]
    assert found(ann, "marimba", before=last["created_at"]) == everything[1:]
    delete(owner, before)
    edit(ann, last, "vibraphone")
    assert found(eve, "marimba") == []
    assert found(eve, "vibraphone") == ["vibraphone"]


def test_a_message_that_is_deleted_between_two_statements_is_not_shown(app: Flask, make: Factory) -> None:
    ann = make.client()
    number, statements = 0, list[str]()
    while len(statements) >= number:
        number += 1
        message = say(ann, f"marimba {number}")
        with after_statement(app, number, partial(delete, ann, message), "conversation_entries") as statements:
            assert set(found(ann, "marimba")) <= {f"marimba {number}"}
        assert found(ann, "marimba") == [f"marimba {number}"] * (len(statements) < number)
    assert number > 3
