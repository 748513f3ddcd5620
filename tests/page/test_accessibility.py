"""axe-core finds nothing in the states of the page: wide and light, narrow and dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.page.accessibility import assert_accessible
from tests.page.conftest import Opens, People, Person

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}

PUBLIC = ["sign-in", "register", "forgot", "verify?token=x", "reset?token=x", "join/x"]
SIGNED_IN = ["", "search?q=words", "rooms", "people", "settings"]
PANELS = ["", "?panel=details", "?panel=pins", "?panel=search"]


def check_accessible(page: Page) -> None:
    for viewport, scheme in ((WIDE, "light"), (NARROW, "dark")):
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        assert_accessible(page)


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


@pytest.mark.parametrize("path", PUBLIC)
def test_pages_of_nobody(path: str, open_page: Opens) -> None:
    page = open_page(None, path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    check_accessible(page)


@pytest.mark.parametrize("path", SIGNED_IN)
def test_pages_of_a_user(path: str, open_page: Opens, ann: Person, room: str) -> None:
    page = open_page(ann, path)
    expect(page.get_by_role("heading", level=2).first).to_be_visible()
    check_accessible(page)


@pytest.mark.parametrize("panel", PANELS)
def test_a_conversation(panel: str, open_page: Opens, ann: Person, room: str) -> None:
    page = open_page(ann, f"c/{room}{panel}")
    expect(page.get_by_role("article").first).to_be_visible()
    check_accessible(page)
