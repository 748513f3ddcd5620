"""People on the page: the directory, the profile, direct conversations that begin, notes to self, and blocks."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from sqlalchemy import update

from backend.models import User
from backend.models.base import db
from tests.page.accessibility import assert_accessible
from tests.page.conftest import Opens, People
from tests.realtime.conftest import Deployment


def test_somebody_is_found_in_the_directory_and_written_to(open_page: Opens, person: People, site: Deployment) -> None:
    ann, dora = person("Ann"), person("Dora", "Quist")
    dora.api("PATCH", "/api/users/me", {"bio": "Reads maps."})
    ann.api.room(dora.api, name="Maps")
    page = open_page(ann, "people")
    page.get_by_role("searchbox", name="Find a person by name").fill("quist")
    people = page.get_by_role("list", name="People").get_by_role("listitem")
    expect(people).to_have_count(1)
    people.get_by_role("link", name="Dora Quist", exact=True).click()
    profile = page.get_by_role("complementary", name="Profile")
    expect(profile).to_be_focused()
    expect(profile).to_contain_text("Reads maps.")
    expect(profile.get_by_role("link", name="Maps")).to_be_visible()
    profile.get_by_role("link", name="Message").click()
    expect(page.get_by_text("Only you and Dora Quist can read what is written here.")).to_be_visible()
    page.get_by_role("textbox", name="Message to Dora Quist").fill("Which way is north?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article")).to_contain_text("Which way is north?")
    inbox = page.get_by_role("navigation", name="Conversations")
    expect(inbox.get_by_role("link", name="Dora Quist")).to_contain_text("You: Which way is north?")
    dora.api.send("Up", recipient_id=ann.api.id)
    expect(page.get_by_role("article")).to_have_count(2)
    with site.app.app_context():
        db.session.execute(update(User).where(User.id == dora.api.id).values(is_active=False))
        db.session.commit()
    page.reload()
    expect(page.locator(".pane-subtitle")).to_have_text("This account is not active")


def test_a_new_message_and_notes_to_self_begin_in_the_menu(open_page: Opens, person: People) -> None:
    ann = person("Ann", "Nowak")
    page = open_page(ann)
    page.get_by_role("button", name="New conversation").click()
    page.get_by_role("menuitem", name="New message").click()
    field = page.get_by_role("combobox", name="Find a person by name")
    expect(field).to_be_focused()
    assert_accessible(page)
    field.fill("nobody of this name")
    expect(page.get_by_text("Nobody has this name.")).to_be_visible()
    field.fill("ann nowak")
    expect(page.get_by_role("option", name="Ann Nowak (you)")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Message to Notes to self").fill("Buy tea")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Notes to self")).to_contain_text("You: Buy tea")


def test_a_person_is_blocked_and_unblocked_and_nobody_has_no_profile(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    page = open_page(ann, f"people?panel=person:{bob.api.id}")
    page.get_by_role("button", name="Block", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Block", exact=True).click()
    expect(page.get_by_text("You block this person.")).to_be_visible()
    bob.api("POST", "/api/chat/send", {"content": "Hello", "recipient_id": ann.api.id}, status=403)
    page.get_by_role("button", name="Unblock").click()
    expect(page.get_by_role("button", name="Block", exact=True)).to_be_visible()
    bob.api.send("Hello", recipient_id=ann.api.id)
    expect(page.get_by_role("link", name="Bob Larsson").first).to_be_visible()
    page.goto(re.sub("#.*", f"#/c/dm:{ann.api.id}:999999?panel=person:999999", page.url))
    expect(page.get_by_text("There is nothing to read here")).to_be_visible()
    expect(page.get_by_role("complementary").get_by_role("button", name="Try again")).to_be_visible()
