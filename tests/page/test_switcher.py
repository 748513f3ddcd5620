"""Ctrl+K, the keys between conversations, and the list of keys."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.page.accessibility import assert_accessible
from tests.page.conftest import Opens, People


def chosen(page: Page, name: str) -> None:
    """Wait until an entry is chosen in the list."""
    expect(page.get_by_role("option", selected=True)).to_contain_text(name)


def test_ctrl_k_goes_to_a_conversation_a_person_or_a_room(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    person("Wilhelmina", "Ångström")
    bob.api.room(name="Zeppelins over Zürich")
    ann.api.room(name="Product design")
    ann.api.room(name="Café")
    bob.api.send("Hello", recipient_id=ann.api.id)
    page = open_page(ann)
    expect(page.get_by_role("link", name="Bob Larsson")).to_be_visible()
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Where do you want to go?")
    expect(field).to_be_focused()
    chosen(page, "Bob Larsson")  # unread ones come first
    assert_accessible(page)
    field.fill("pd")
    chosen(page, "Product design")
    expect(page.get_by_role("option", selected=True).locator("b")).to_have_text(["P", "d"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Message to Product design")).to_be_visible()
    page.keyboard.press("Control+k")
    field.fill("cafe")
    chosen(page, "Café")
    field.fill("wilhelmina ång")
    chosen(page, "Wilhelmina Ångström")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Message to Wilhelmina Ångström")).to_be_visible()
    page.keyboard.press("Control+k")
    field.fill("zeppelins")
    chosen(page, "Zeppelins over Zürich")
    page.keyboard.press("ArrowDown")
    chosen(page, "Search messages for “zeppelins”")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"#/search\?q=zeppelins$"))


def test_alt_and_arrows_step_through_the_conversations(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    rooms = [ann.api.room(bob.api, name=name) for name in ("One", "Two", "Three", "Four")]
    for room in reversed(rooms):
        ann.api.send("Here", room_id=room["id"])
    for room in (rooms[2], rooms[1]):
        bob.api.send("News", room_id=room["id"])  # the order is now: Two, Three, One, Four
    page = open_page(ann, f"c/{rooms[3]['conversation_id']}")
    four = page.get_by_role("textbox", name="Message to Four")
    four.fill("With text in the field")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_role("textbox", name="Message to One")).to_be_visible()
    page.keyboard.press("Alt+Shift+ArrowUp")
    expect(page.get_by_role("textbox", name="Message to Three")).to_be_visible()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.get_by_role("textbox", name="Message to One")).to_be_visible()


def test_the_keys_are_listed_and_single_ones_can_be_turned_off(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    room = ann.api.room(name="Design")
    page = open_page(ann, f"c/{room['conversation_id']}")
    field = page.get_by_role("textbox", name="Message to Design")
    field.press("?")
    expect(field).to_have_value("?")
    page.get_by_role("link", name="Design").focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    assert_accessible(page)
    dialog.get_by_role("switch", name="Keys without a modifier").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press("?")
    page.keyboard.press("Control+/")
    expect(dialog).to_have_count(1)
