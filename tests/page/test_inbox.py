"""The inbox: its rows and badges, the menu of a row, the keys, drafts, and what shows new messages outside of the page."""

from __future__ import annotations

import itertools
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import Opens, People, wait_for_live

DESKTOP = """
window.shown = [];
window.Notification = class extends EventTarget {
  static permission = 'granted';
  static requestPermission = async () => 'granted';
  constructor(title, options) { super(); window.shown.push({ title, ...options, notification: this }); }
  close() {}
};
if (location.protocol === 'http:') localStorage.setItem('confab notifications', 'on');
window.isInFront = false;
Document.prototype.hasFocus = () => window.isInFront;
const realNow = Date.now;
Date.now = () => realNow() + 3_600_000;
"""
"""A desktop that records its notifications, and a page that is not in front. The clock is an hour ahead."""


IN_FRONT = """async () => {
  isInFront = true;
  dispatchEvent(new Event('focus'));
  const isHeld = async () => (await navigator.locks.query()).held.some(({ name }) => name === 'confab front');
  while (!(await isHeld())) await new Promise((resolve) => setTimeout(resolve, 20));
}"""
"""Bring a tab in front, until the other tabs know of it."""


def row(page: Page, name: str) -> Locator:
    """The row of a conversation."""
    return page.get_by_role("navigation", name="Conversations").get_by_role("listitem").filter(has_text=name)


def choose(page: Page, name: str, item: str) -> None:
    """Open the menu of a row with the right mouse button, and choose an item."""
    row(page, name).get_by_role("link").click(button="right")
    page.get_by_role("menuitem", name=item, exact=True).click()


def section(page: Page, name: str) -> Locator:
    """A section of the inbox, by its heading."""
    return page.locator("section").filter(has=page.get_by_role("heading", name=name, exact=True))


def test_rows_show_what_is_unread_and_their_menu_changes_them(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    room = ann.api.room(bob.api, name="Design")
    name = ann.api("GET", "/api/users/me")["username"]
    for content in ("one", f"two @{name}", "three"):
        bob.api.send(content, room_id=room["id"])
    page = open_page(ann)
    design = row(page, "Design")
    expect(design.get_by_role("img", name="3 unread messages")).to_be_visible()
    expect(design.get_by_role("img", name="1 mention", exact=True)).to_be_visible()
    expect(design).to_contain_text("Bob Larsson: three")
    expect(page).to_have_title("(3) Confab")
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("^data:image/png"))
    choose(page, "Design", "Mute")
    expect(design.get_by_role("img", name="Muted")).to_be_visible()
    expect(page).to_have_title("Confab")
    expect(page.locator("link[rel=icon]").first).not_to_have_attribute("href", re.compile("^data:"))
    choose(page, "Design", "Unmute")
    choose(page, "Design", "Pin to the top")
    expect(section(page, "Pinned").get_by_role("link")).to_have_count(1)
    choose(page, "Design", "Mark as read")
    expect(design.get_by_role("img", name="unread")).to_have_count(0)
    choose(page, "Design", "Mark as unread")
    expect(design.get_by_role("img", name="1 unread message")).to_be_visible()
    choose(page, "Design", "Unpin")
    expect(section(page, "Pinned")).to_have_count(0)


def test_the_list_is_one_stop_of_the_tab_key_and_arrows_move_in_it(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    for name in ("Alpha", "Beta", "Gamma"):
        ann.api.room(name=name)
    page = open_page(ann)
    expect(row(page, "Gamma")).to_be_visible()
    page.get_by_role("button", name="Show only unread conversations").focus()
    page.keyboard.press("Tab")
    first = page.locator(".inbox-row").first
    expect(first).to_be_focused()
    page.keyboard.press("ArrowDown")
    second = page.locator(".inbox-row").nth(1)
    expect(second).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu", name="Options for Beta").get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Options for Beta")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Browse rooms")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(second).to_be_focused()
    page.keyboard.press("Shift+F10")
    page.get_by_role("menuitem", name="Leave the room").press("Enter")
    expect(page.get_by_role("heading", name="Leave Beta?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(second).to_be_focused()
    # In a narrow window one pane replaces the other, and the focus goes along.
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_role("link", name="Browse rooms").press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.get_by_role("link", name="Back").press("Enter")
    expect(second).to_be_focused()


def test_a_long_press_opens_the_menu_of_a_row_and_of_a_message(open_page: Opens, person: People) -> None:
    """The press lasts as long as the clock of the page says. The browsers of iOS fire no `contextmenu` for it."""
    ann = person("Ann")
    room = ann.api.room(name="Design")["conversation_id"]
    ann.api.send("First", conversation_id=room)
    page = open_page(ann, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page.clock.install()
    page.evaluate("document.addEventListener('contextmenu', (event) => event.stopImmediatePropagation(), true)")
    long_press(page, row(page, "Design"))
    menu = page.get_by_role("menu", name="Options for Design")
    expect(menu).to_be_visible()
    expect(page.get_by_role("textbox", name="Message to Design")).to_have_count(0)
    page.keyboard.press("Escape")
    row(page, "Design").tap()
    message = page.get_by_role("article", name="First")
    long_press(page, message)
    expect(page.get_by_role("menuitem", name="Edit")).to_be_visible()


def long_press(page: Page, target: Locator) -> None:
    target.wait_for()
    box = target.bounding_box()
    assert box is not None
    touch = page.context.new_cdp_session(page)
    point = {"x": box["x"] + 0.7 * box["width"], "y": box["y"] + box["height"] / 2}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    page.clock.run_for(600)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.clock.run_for(100)


def test_only_what_is_unread_is_shown_when_one_asks_for_it(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    ann.api.room(name="Silence")
    bob.api.send("Hello", recipient_id=ann.api.id)
    page = open_page(ann)
    expect(row(page, "Silence")).to_be_visible()
    page.get_by_role("button", name="Show only unread conversations").click()
    expect(row(page, "Silence")).to_have_count(0)
    choose(page, "Bob Larsson", "Mark as read")
    expect(page.get_by_role("heading", name="All is read")).to_be_visible()
    page.get_by_role("button", name="Show all conversations").click()
    expect(row(page, "Silence")).to_be_visible()


def test_who_is_new_is_shown_three_ways_to_begin(open_page: Opens, person: People) -> None:
    page = open_page(person("Zoe"))
    begin = section(page, "Where to begin")
    begin.get_by_role("link", name="Find a room").click()
    expect(page.get_by_role("heading", name="Browse rooms")).to_be_visible()
    begin.get_by_role("button", name="Write to somebody").click()
    expect(page.get_by_role("dialog", name="New message")).to_be_visible()
    page.keyboard.press("Escape")
    begin.get_by_role("button", name="Create a room").click()
    page.get_by_role("textbox", name="Name").fill("Mine")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Message to Mine")).to_be_visible()
    expect(begin).to_have_count(0)


def test_a_draft_is_marked_in_the_list_also_after_a_reload(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    room = ann.api.room(name="Design")
    page = open_page(ann, f"c/{room['conversation_id']}")
    page.get_by_role("textbox", name="Message to Design").fill("half a thought")
    row(page, "Lobby").get_by_role("link").click()
    expect(row(page, "Design")).to_contain_text("Draft: half a thought")
    page.reload()
    expect(row(page, "Design")).to_contain_text("Draft: half a thought")


WATCH_TITLE = """() => {
  window.changes = [];
  new MutationObserver(() => changes.push(performance.now())).observe(document.querySelector('title'), { childList: true });
}"""


def test_the_title_changes_twice_a_second_at_most(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    room = ann.api.room(bob.api, name="Design")["id"]
    page = open_page(ann)
    expect(row(page, "Design")).to_be_visible()
    page.evaluate(WATCH_TITLE)
    sent = 0
    for count in (1, 10, 20):
        for number in range(sent, count):
            bob.api.send(str(number), room_id=room)
        sent = count
        expect(page).to_have_title(f"({count}) Confab")
    times = page.evaluate("changes")
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) > 450


def shown(page: Page, count: int) -> Any:
    """The titles and the texts of the notifications, once there are *count*."""
    page.wait_for_function("count => shown.length >= count", arg=count)
    return page.evaluate("shown.map(({ title, body }) => [title, body])")


def test_the_desktop_shows_direct_messages_and_mentions_while_the_page_is_behind(
    open_page: Opens, person: People
) -> None:
    ann, bob = person("Ann"), person("Bob")
    room = ann.api.room(bob.api, name="Design")
    quiet = ann.api.room(bob.api, name="Quiet")
    ann.api("PATCH", f"/api/chat/conversations/{quiet['conversation_id']}", {"is_muted": True})
    name = ann.api("GET", "/api/users/me")["username"]
    page = open_page(ann)
    page.context.add_init_script(DESKTOP)
    page.reload()
    expect(row(page, "Quiet").get_by_role("img", name="Muted")).to_be_visible()
    second = page.context.new_page()
    second.goto(page.url)
    expect(row(second, "Quiet").get_by_role("img", name="Muted")).to_be_visible()
    for each in (page, second):
        wait_for_live(each)  # messages from before are told only if they are recent by the clock, which is wrong here
    bob.api.send("to everybody", room_id=room["id"])
    bob.api.send(f"@{name} in a muted room", room_id=quiet["id"])
    bob.api.send(f"@{name} look", room_id=room["id"])
    bob.api.send("Lunch?", recipient_id=ann.api.id)
    assert shown(page, 2) == [["Bob Larsson in Design", f"@{name} look"], ["Bob Larsson", "Lunch?"]]
    expect(row(second, "Bob Larsson").first).to_contain_text("Lunch?")
    assert shown(second, 0) == []
    second.evaluate(IN_FRONT)
    bob.api.send("Seen in the other tab", recipient_id=ann.api.id)
    expect(row(page, "Seen in the other tab")).to_be_visible()
    page.evaluate("navigator.locks.query()")  # the page asked the same before
    assert len(shown(page, 2)) == 2
    page.evaluate("shown[1].notification.dispatchEvent(new Event('click'))")
    expect(page.get_by_role("textbox", name="Message to Bob Larsson")).to_be_visible()
