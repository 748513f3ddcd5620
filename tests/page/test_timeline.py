"""The history of a conversation: both ways, where one was, and what is new."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, WebSocketRoute, expect

from tests.page.conftest import Opens, People, Person, wait_for_live

COUNT = 70

IS_AT_BOTTOM = "(list) => list.scrollHeight - list.scrollTop - list.clientHeight < 2"

TO_THE_END = """(text) => {
  const list = document.querySelector('.timeline');
  list.scrollTop = list.scrollHeight;
  return [...list.querySelectorAll('article')].at(-1).textContent.includes(text);
}"""

SEEN = """async (list) => {
  for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
  const { top } = list.getBoundingClientRect();
  const article = [...list.querySelectorAll('article')].find((each) => each.getBoundingClientRect().top > top);
  return [article.dataset.seq, Math.round(article.getBoundingClientRect().top)];
}"""
"""The first message that is wholly in view, and where."""


GO_UP_AT_A_CHANGE = """(list) => {
  const observer = new MutationObserver(() => {
    if (!list.textContent.includes('And one more.')) return;
    observer.disconnect();
    list.scrollBy(0, -400);
  });
  observer.observe(list, { childList: true, subtree: true });
}"""
"""Scrolls up when that message was added, before the browser shows it."""


@pytest.fixture
def room(ann: Person, bob: Person) -> str:
    """A room of Ann and Bob, to which Bob has sent some pages of messages."""
    room: str = ann.api.room(bob.api, name="Design")["conversation_id"]
    for number in range(1, COUNT + 1):
        bob.api.send(f"Message {number}. " + "It has a few more words. " * (number % 3), conversation_id=room)
    return room


def timeline(page: Page) -> Locator:
    return page.get_by_role("region", name="Messages")


def message(page: Page, number: int) -> Locator:
    return page.get_by_role("article").filter(has_text=re.compile(rf"Message {number}\."))


def wait_for_bottom(page: Page) -> None:
    page.wait_for_function(f"({IS_AT_BOTTOM})(document.querySelector('.timeline'))")


def unread(person: Person, room: str) -> int:
    count: int = person.api("GET", f"/api/chat/conversations/{room}")["unread_count"]
    return count


def test_a_link_leads_to_a_message_and_history_goes_both_ways(
    open_page: Opens, ann: Person, bob: Person, room: str
) -> None:
    last = COUNT + 60
    for number in range(COUNT + 1, last + 1):
        bob.api.send(f"Message {number}.", conversation_id=room)
    page = open_page(ann, f"c/{room}/20", bypass_csp=True)
    expect(message(page, 20)).to_be_focused()
    expect(message(page, 20)).to_be_in_viewport()
    page.wait_for_function(TO_THE_END, arg=f"Message {last}.")
    expect(message(page, last)).to_be_in_viewport()
    page.goto(page.url.split("#")[0] + f"#/c/{room}/5")
    expect(message(page, 5)).to_be_focused()
    timeline(page).evaluate("(list) => list.scrollTo(0, 0)")
    expect(page.get_by_role("heading", name="Design", level=3)).to_be_in_viewport()
    page.goto(page.url.split("#")[0] + f"#/c/{room}/5000")
    expect(page.get_by_text("There is no such message.")).to_be_visible()


def test_older_messages_that_could_not_be_loaded_are_loaded_again(open_page: Opens, ann: Person, room: str) -> None:
    page = open_page(ann, f"c/{room}", bypass_csp=True)
    expect(message(page, COUNT)).to_be_in_viewport()
    wait_for_live(page)
    wait_for_bottom(page)
    assert message(page, 1).count() == 0
    page.route("**/api/chat/messages?**", lambda route: route.abort(), times=1)
    timeline(page).evaluate("(list) => list.scrollBy(0, -900)")
    page.get_by_role("button", name="Try again").click()
    expect(message(page, 1)).to_have_count(1)


def test_older_messages_move_nothing(open_page: Opens, ann: Person, room: str) -> None:
    page = open_page(ann, f"c/{room}", bypass_csp=True)
    expect(message(page, COUNT)).to_be_in_viewport()
    wait_for_bottom(page)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/chat/messages?*before=*", hold)
    with page.expect_request("**/api/chat/messages?*before=*"):
        timeline(page).evaluate("(list) => list.scrollBy(0, -900)")
    seq, top = timeline(page).evaluate(SEEN)
    held[0].continue_()
    expect(message(page, 1)).to_have_count(1)
    box = page.locator(f"article[data-seq='{seq}']").bounding_box()
    assert box
    assert box["y"] == pytest.approx(top, abs=2)


def test_the_first_unread_message_is_marked_and_reached(open_page: Opens, ann: Person, room: str) -> None:
    ann.api("POST", f"/api/chat/conversations/{room}/read", {"seq": 10})
    page = open_page(ann)
    with page.expect_response(re.compile("/read$")):
        page.get_by_role("link", name="Design").click()
    expect(message(page, COUNT)).to_be_in_viewport()
    page.get_by_role("button", name="Jump to unread").click()
    expect(message(page, 11)).to_be_focused()
    line = page.get_by_text("New messages", exact=True)
    expect(line).to_be_in_viewport()
    expect(page.get_by_role("button", name="Jump to unread")).to_have_count(0)
    assert unread(ann, room) == 0
    message(page, 14).hover()
    message(page, 14).get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Mark unread from here").click()
    expect(page.get_by_text("Marked as unread")).to_be_visible()
    expect(line.locator("xpath=../following-sibling::article[1]")).to_contain_text("Message 14.")
    # What can be seen is not marked as read again.
    message(page, 20).hover()
    assert unread(ann, room) == COUNT - 13


def test_new_messages_do_not_move_who_reads_above(open_page: Opens, ann: Person, bob: Person, room: str) -> None:
    page = open_page(ann, f"c/{room}", bypass_csp=True)
    expect(message(page, COUNT)).to_be_in_viewport()
    wait_for_bottom(page)
    timeline(page).evaluate("(list) => list.scrollBy(0, -900)")
    expect(message(page, 1)).to_have_count(1)
    # With the older ones above there is room to go further than the distance from which on the button is shown.
    timeline(page).evaluate("(list) => list.scrollBy(0, -400)")
    above = page.get_by_role("button", name="Jump to the present")
    expect(above).to_be_visible()
    reading = timeline(page).evaluate(SEEN)
    for number in (COUNT + 1, COUNT + 2):
        bob.api.send(f"Message {number}.", conversation_id=room)
    expect(above).to_have_accessible_name("Jump to the present: 2 new messages")
    assert timeline(page).evaluate(SEEN) == reading
    page.get_by_role("textbox", name="Message to Design").fill(f"Message {COUNT + 3}.")
    page.keyboard.press("Enter")
    expect(message(page, COUNT + 3)).to_be_in_viewport()
    expect(above).to_have_count(0)


def test_going_up_while_a_new_message_is_added_is_not_undone(
    open_page: Opens, ann: Person, bob: Person, room: str
) -> None:
    page = open_page(ann, f"c/{room}", bypass_csp=True)
    expect(message(page, COUNT)).to_be_in_viewport()
    wait_for_live(page)
    wait_for_bottom(page)
    timeline(page).evaluate(GO_UP_AT_A_CHANGE)
    bob.api.send("And one more.", conversation_id=room)
    added = page.get_by_role("article").filter(has_text="And one more.")
    expect(added).to_have_count(1)
    timeline(page).evaluate(SEEN)
    expect(added).not_to_be_in_viewport()


def test_the_button_leads_to_the_present(open_page: Opens, ann: Person, bob: Person) -> None:
    room = ann.api.room(bob.api, name="Design")["conversation_id"]
    # So few messages that all of them are in the document, wherever the reader is.
    for number in range(1, 31):
        bob.api.send(f"Message {number}. " + "It has many more words. " * 30, conversation_id=room)
    page = open_page(ann, f"c/{room}", bypass_csp=True)
    expect(message(page, 30)).to_be_in_viewport()
    wait_for_bottom(page)
    timeline(page).evaluate("(list) => list.scrollBy(0, -2000)")
    page.get_by_role("button", name="Jump to the present").click()
    expect(message(page, 30)).to_be_in_viewport()
    wait_for_bottom(page)
    expect(page.get_by_role("button", name="Jump to the present")).to_have_count(0)


def test_a_burst_is_followed_with_few_articles(open_page: Opens, ann: Person, bob: Person, person: People) -> None:
    created = ann.api.room(bob.api, name="Design")
    room = created["conversation_id"]
    first = bob.api.send("Message 1.", conversation_id=room)
    page = open_page(ann, bypass_csp=True)
    sockets: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket("**/ws/**", connect)
    page.goto(page.url.split("#")[0] + f"#/c/{room}")
    page.reload()
    expect(message(page, 1)).to_be_visible()
    wait_for_live(page)
    for frame in burst(first, range(2, 602)):
        sockets[-1].send(json.dumps(frame))
    expect(message(page, 601)).to_be_in_viewport()
    wait_for_bottom(page)
    assert page.get_by_role("article").count() <= 300


def burst(first: dict[str, Any], numbers: range) -> list[dict[str, Any]]:
    """Events of new messages after *first*."""
    shift = first["modseq"] - first["seq"]
    messages = [
        first | {"id": first["id"] + number, "seq": number, "modseq": number + shift, "content": f"Message {number}."}
        for number in numbers
    ]
    fields = {"type": "message.created", "conversation_id": first["conversation_id"]}
    return [{**fields, "modseq": each["modseq"], "message": each} for each in messages]


def test_who_has_read_is_shown(open_page: Opens, ann: Person, bob: Person) -> None:
    room = ann.api.room(bob.api, name="Design")["conversation_id"]
    ann.api.send("Message 1.", conversation_id=room)
    direct = ann.api.send("Message 2.", recipient_id=bob.api.id)
    page = open_page(ann, f"c/{room}")
    expect(message(page, 1)).to_be_visible()
    wait_for_live(page)
    bob.api("POST", f"/api/chat/conversations/{room}/read", {"seq": 1})
    expect(message(page, 1).get_by_role("img", name="Read by Bob Larsson")).to_be_visible()
    page.get_by_role("link", name="Bob Larsson").click()
    expect(message(page, 2).get_by_role("img", name="Sent")).to_be_visible()
    bob.api("POST", f"/api/chat/conversations/{direct['conversation_id']}/read", {"seq": 1})
    expect(message(page, 2).get_by_role("img", name="Read")).to_be_visible()
