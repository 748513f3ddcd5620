"""axe-core finds nothing in the states of the page: wide and light, narrow and dark."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.page.accessibility import assert_accessible
from tests.page.conftest import Opens, People, Person

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}

PUBLIC = ["sign-in", "register", "forgot", "verify?token=x", "reset?token=x", "join/x"]
SIGNED_IN = ["", "search?q=words", "rooms", "people", "settings"]
PANELS = ["", "?panel=details", "?panel=pins", "?panel=search"]


def check_accessible(page: Page) -> None:
    expect(page.locator(".loading-label")).to_have_count(0)  # it fades in, and has less contrast before
    for viewport, scheme in ((WIDE, "light"), (NARROW, "dark")):
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        assert_accessible(page)
    page.set_viewport_size(WIDE)


def load(page: Page, path: str) -> Page:
    """Load the page anew at another address, so that nothing of the address before is shown."""
    page.goto(f"{page.url.partition('/#')[0].partition('/?')[0]}/?{secrets.token_hex(4)}#/{path}")
    return page


@pytest.fixture
def room(ann: Person, person: People) -> str:
    """A room with a bit of everything."""
    bob = person("Bob")
    created = ann.api.room(bob.api, name="Design", description="Screens and words")
    room: str = created["conversation_id"]
    first = ann.api.send(
        "# Heading\n\nSome *words*, `code` and a [link](https://example.com)\n\n- one\n- two", conversation_id=room
    )
    bob.api.send("An answer", conversation_id=room, parent_id=first["id"])
    bob.api("PUT", f"/api/chat/messages/{first['id']}/reactions/👍")
    ann.api("PUT", f"/api/chat/messages/{first['id']}/pin")
    bob.api.send("```python\nprint('words')\n```", conversation_id=room)
    removed = bob.api.send("To be deleted", conversation_id=room)
    bob.api("DELETE", f"/api/chat/messages/{removed['id']}")
    bob.api.send("Hello", recipient_id=ann.api.id)
    return room


def test_pages_of_nobody(open_page: Opens) -> None:
    page = open_page()
    for path in PUBLIC:
        expect(load(page, path).get_by_role("heading", level=1)).to_be_visible()
        check_accessible(page)


def test_pages_of_a_user_and_a_conversation(open_page: Opens, ann: Person, room: str) -> None:
    page = open_page(ann)
    for path in SIGNED_IN:
        expect(load(page, path).get_by_role("heading", level=2).first).to_be_visible()
        check_accessible(page)
    for panel in PANELS:
        expect(load(page, f"c/{room}{panel}").get_by_role("article").first).to_be_visible()
        check_accessible(page)
