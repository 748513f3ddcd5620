"""Messages are written with drafts, completion, emoji and files, and sent later where there is no network."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.clients.test_tabs import KEYS
from tests.page.conftest import Opens, People, Person, wait_for_live
from tests.processes import wait_until


@pytest.fixture
def room(ann: Person, person: People) -> str:
    """A room of Ann, in which Zoë is too."""
    room: str = ann.api.room(person("Zoë", "Zander", username=f"zoe-{ann.api.id}").api, name="Design")[
        "conversation_id"
    ]
    return room


def box(page: Page) -> Page:
    return page.get_by_role("textbox", name="Message to Design")


def test_a_name_is_completed_without_its_accents(open_page: Opens, ann: Person, room: str) -> None:
    page = open_page(ann, f"c/{room}")
    box(page).press_sequentially("Hello @zoe")
    expect(page.get_by_role("option", name="Zoë Zander")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value(f"Hello @zoe-{ann.api.id} ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article")).to_contain_text("Hello")
    expect(page.locator(".is-outbox")).to_have_count(0)
    assert len(ann.api("GET", f"/api/chat/messages?conversation_id={room}")[0]["mentions"]) == 1


COMPOSED = """(field, init) => ['Enter', 'Escape', 'ArrowDown'].filter((key) =>
  !field.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init })))"""
"""The keys of an input method that the page takes for itself."""


@pytest.mark.parametrize("told_by", [{"isComposing": True}, {"keyCode": 229}], ids=str)
def test_the_keys_of_an_input_method_do_nothing_else(
    open_page: Opens, ann: Person, room: str, told_by: dict[str, Any]
) -> None:
    """Enter confirms a word of Japanese. In Safari the composition has ended by then, and the key code alone tells it."""
    ann.api.send("Tea", conversation_id=room)
    page = open_page(ann, f"c/{room}?panel=search", viewport={"width": 1440, "height": 900})

    def taken(field: Locator, text: str) -> list[str]:
        field.fill(text)
        found: list[str] = field.evaluate(COMPOSED, told_by)
        expect(field).to_have_value(text)
        return found

    assert taken(page.get_by_role("complementary").get_by_role("searchbox"), "お茶") == []
    assert taken(box(page), "@zo") == []
    page.get_by_role("article", name="Tea").focus()
    page.keyboard.press("e")
    assert taken(page.get_by_role("textbox", name="Edit the message"), "お茶") == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Emoji").click()
    assert taken(page.get_by_role("searchbox", name="Search emoji"), "tea") == []
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    assert taken(page.get_by_role("combobox", name="Where do you want to go?"), "Design") == []
    assert [each["content"] for each in ann.api("GET", f"/api/chat/messages?conversation_id={room}")] == ["Tea"]


def test_an_emoji_is_completed_and_picked(open_page: Opens, ann: Person, room: str) -> None:
    page = open_page(ann, f"c/{room}")
    box(page).press_sequentially("Done :party")
    page.get_by_role("option", name="party popper").click()
    expect(box(page)).to_have_value("Done 🎉 ")
    page.get_by_role("button", name="Emoji").click()
    page.get_by_role("searchbox", name="Search emoji").press_sequentially("rocket")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("Done 🎉 🚀")
    expect(box(page)).to_be_focused()


def test_a_draft_outlives_a_reload(open_page: Opens, ann: Person, room: str) -> None:
    page = open_page(ann, f"c/{room}")
    box(page).fill("Not finished")
    page.reload()
    expect(box(page)).to_have_value("Not finished")
    box(page).press("Enter")
    expect(box(page)).to_have_value("")
    page.reload()
    expect(page.get_by_role("article")).to_contain_text("Not finished")
    expect(box(page)).to_have_value("")


def test_what_is_written_offline_is_sent_once_after_a_reload(open_page: Opens, ann: Person, room: str) -> None:
    page = open_page(ann, f"c/{room}")
    expect(box(page)).to_be_visible()
    wait_until(lambda: any(room in key for key in page.evaluate(KEYS)), "the conversation is kept on the device")
    is_online = False
    page.route("**/api/**", lambda route: route.continue_() if is_online else route.abort())
    page.route_web_socket("**/ws/**", lambda socket: socket.connect_to_server() if is_online else socket.close())
    page.reload()
    box(page).fill("Written offline")
    box(page).press("Enter")
    expect(page.get_by_role("article")).to_contain_text("Sent when the connection is back")
    expect(box(page)).to_have_value("")
    is_online = True
    page.reload()
    expect(page.get_by_role("article")).to_contain_text("Written offline")
    expect(page.locator(".is-outbox")).to_have_count(0)
    found = ann.api("GET", f"/api/chat/messages?conversation_id={room}")
    assert [message["content"] for message in found] == ["Written offline"]


FORGET = """() => new Promise((resolve) => {
  const opening = indexedDB.open(`confab ${location.origin}`);
  opening.onsuccess = () => {
    const values = opening.result.transaction('values', 'readwrite').objectStore('values');
    values.openCursor().onsuccess = ({ target: { result: cursor } }) => {
      if (!cursor) return resolve(opening.result.close());
      if (typeof cursor.key[0] === 'number' && cursor.key[1] !== 'outbox') cursor.delete();
      cursor.continue();
    };
  };
})"""
"""Deletes what is kept of conversations, as if the page had been closed before it was written."""


def test_a_message_whose_answer_was_lost_is_shown_once(open_page: Opens, ann: Person, room: str) -> None:
    page = open_page(ann, f"c/{room}")
    is_answered, is_forwarded = True, True

    def connect(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda frame: socket.send(frame) if is_answered else None)
        socket.on_message(lambda frame: server.send(frame) if is_forwarded or '"send"' not in str(frame) else None)

    page.route_web_socket("**/ws/**", connect)
    page.reload()
    wait_for_live(page)
    is_answered = False
    box(page).fill("Not acknowledged")
    box(page).press("Enter")

    def is_stored() -> bool:
        # Frames pass through the route only while the browser is called.
        expect(page.locator(".is-outbox")).to_have_count(1)
        return bool(ann.api("GET", f"/api/chat/messages?conversation_id={room}"))

    wait_until(is_stored, "the server has the message")
    page.evaluate(FORGET)
    is_answered, is_forwarded = True, False
    page.reload()
    wait_for_live(page)
    expect(page.locator("[data-seq]")).to_contain_text("Not acknowledged")
    expect(page.locator(".is-outbox")).to_have_count(0)
    is_forwarded = True
    page.reload()
    wait_for_live(page)
    wait_until(lambda: not any("outbox" in key for key in page.evaluate(KEYS)), "the outbox is empty")
    expect(page.get_by_role("article")).to_have_count(1)
    assert len(ann.api("GET", f"/api/chat/messages?conversation_id={room}")) == 1


def test_files_are_attached_shown_and_taken_out(open_page: Opens, ann: Person, room: str) -> None:
    page = open_page(ann, f"c/{room}")
    expect(box(page)).to_be_visible()
    files = [
        {"name": f"{name}.txt", "mimeType": "text/plain", "buffer": name.encode()} for name in ("one", "two", "three")
    ]
    page.locator("input[type=file]").set_input_files(files)
    page.get_by_role("button", name="Remove two.txt").click()
    expect(page.get_by_role("list", name="Attached files").get_by_role("listitem")).to_have_count(2)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("article")).to_be_visible()
    expect(page.locator(".is-outbox")).to_have_count(0)
    (message,) = ann.api("GET", f"/api/chat/messages?conversation_id={room}")
    assert [each["filename"] for each in message["attachments"]] == ["one.txt", "three.txt"]


def test_a_refused_message_stays_until_it_is_sent_again_or_deleted(
    open_page: Opens, ann: Person, person: People
) -> None:
    bob = person("Bob")
    bob.api.send("Hello", recipient_id=ann.api.id)
    page = open_page(ann, f"c/dm:{ann.api.id}:{bob.api.id}")
    bob.api("PUT", f"/api/users/me/blocks/{ann.api.id}")
    page.get_by_role("textbox", name="Message to Bob Larsson").fill("Are you there?")
    page.keyboard.press("Enter")
    refused = page.get_by_role("article").filter(has_text="Are you there?")
    expect(refused).to_contain_text("Not sent")
    bob.api("DELETE", f"/api/users/me/blocks/{ann.api.id}")
    refused.get_by_role("button", name="Try again").click()
    expect(page.locator(".is-outbox")).to_have_count(0)
    expect(refused).to_be_visible()


def test_a_text_that_is_too_long_is_not_sent(open_page: Opens, ann: Person, room: str) -> None:
    page = open_page(ann, f"c/{room}")
    box(page).fill("x" * 4001)
    expect(page.get_by_text("1 character too many")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    box(page).fill("é" * 4000)
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
