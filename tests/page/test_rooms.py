"""Rooms on the page: browse, join, create, and all that their admins and owners do in the details."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.page.accessibility import assert_accessible
from tests.page.conftest import Opens, People


def member(page: Page, name: str) -> Locator:
    """A member in the details of a room."""
    return page.get_by_role("complementary").get_by_role("listitem").filter(has_text=name)


def choose(page: Page, name: str, item: str) -> None:
    """Choose what is done with a member."""
    member(page, name).get_by_role("button", name=f"Options for {name}").click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def test_a_room_is_created_found_and_joined(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    page = open_page(ann)
    page.get_by_role("button", name="New conversation").click()
    page.get_by_role("menuitem", name="New room").click()
    expect(page.get_by_role("textbox", name="Name")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("textbox", name="Name").fill("Kites and <b>balloons</b>")
    page.get_by_role("textbox", name="Description").fill("What flies")
    page.get_by_role("button", name="Create the room").click()
    expect(page.get_by_role("textbox", name="Message to Kites and <b>balloons</b>")).to_be_visible()
    ann.api.room(name="Secret kites", is_public=False)

    other = open_page(bob, "rooms")
    other.get_by_role("searchbox", name="Find a room by name or description").fill("kites")
    rooms = other.get_by_role("list", name="Browse rooms").get_by_role("listitem")
    expect(rooms).to_have_count(1)
    expect(rooms).to_contain_text("What flies")
    rooms.get_by_role("button", name="Join Kites").click()
    expect(other.get_by_role("textbox", name="Message to Kites")).to_be_visible()
    other.go_back()
    expect(rooms.first).to_be_visible()
    expect(other.get_by_role("link", name="Open Kites")).to_be_visible()


def test_the_link_of_a_public_room_shows_the_way_in_and_that_of_a_private_one_nothing(
    open_page: Opens, person: People
) -> None:
    ann, bob = person("Ann"), person("Bob")
    public = ann.api.room(name="Chess", description="Openings and endings")
    private = ann.api.room(name="Secret", is_public=False)
    page = open_page(bob, f"c/{public['conversation_id']}")
    expect(page.get_by_text("Openings and endings")).to_be_visible()
    page.get_by_role("button", name="Join Chess").click()
    expect(page.get_by_role("textbox", name="Message to Chess")).to_be_visible()
    page.goto(re.sub("#.*", f"#/c/{private['conversation_id']}", page.url))
    expect(page.get_by_text("There is nothing to read here")).to_be_visible()
    expect(page.get_by_text("Secret")).to_have_count(0)


def test_an_invite_is_created_used_and_revoked(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    room = ann.api.room(name="Secret", is_public=False)
    page = open_page(ann, f"c/{room['conversation_id']}?panel=details")
    page.get_by_role("button", name="Create an invite").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Valid for").select_option("30 days")
    dialog.get_by_role("spinbutton", name="How many people can use it").fill("5")
    dialog.get_by_role("button", name="Create an invite").click()
    link = dialog.get_by_role("textbox", name="Link of the invite").input_value()
    dialog.get_by_role("button", name="Done").click()
    invite = page.get_by_role("listitem").filter(has_text="Used 0 of 5 times")
    expect(invite).to_contain_text("Expires in 30 days")

    other = open_page(bob)
    other.get_by_role("button", name="New conversation").click()
    other.get_by_role("menuitem", name="Join with an invite").click()
    other.get_by_role("textbox", name="Link or code of the invite").fill("wrong")
    other.keyboard.press("Enter")
    expect(other.get_by_role("alert")).to_be_visible()
    other.get_by_role("textbox", name="Link or code of the invite").fill(link)
    other.keyboard.press("Enter")
    expect(other.get_by_role("textbox", name="Message to Secret")).to_be_visible()

    expect(member(page, "Bob Larsson")).to_be_visible()
    page.get_by_role("button", name="Revoke the invite").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke the invite").click()
    expect(page.get_by_text("No invite is valid now.")).to_be_visible()


def test_an_admin_adds_promotes_bans_and_removes_members(open_page: Opens, person: People) -> None:
    ann, bob, cyd = person("Ann"), person("Bob"), person("Cyd", "Ruiz")
    room = ann.api.room(bob.api, name="Design")
    page = open_page(ann, f"c/{room['conversation_id']}?panel=details")
    page.get_by_role("button", name="Add people").click()
    page.get_by_role("combobox", name="Find a person by name").fill("cyd rui")
    # The list for no name, in which the row stands elsewhere, is replaced a moment after the field is filled.
    expect(page.get_by_role("option")).to_have_count(1)
    page.get_by_role("option", name="Cyd Ruiz").click()
    expect(page.get_by_role("status").filter(has_text="Cyd Ruiz is added.")).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(member(page, "Cyd Ruiz")).to_be_visible()
    choose(page, "Cyd Ruiz", "Make admin")
    expect(member(page, "Cyd Ruiz")).to_contain_text("Admin")
    choose(page, "Cyd Ruiz", "Remove as admin")
    expect(member(page, "Cyd Ruiz")).not_to_contain_text("Admin")

    victim = open_page(bob, f"c/{room['conversation_id']}")
    expect(victim.get_by_role("textbox", name="Message to Design")).to_be_visible()
    choose(page, "Bob Larsson", "Ban from the room")
    page.get_by_role("dialog").get_by_role("button", name="Ban from the room").click()
    expect(victim.get_by_role("textbox", name="Message to Design")).to_have_count(0)
    page.get_by_role("button", name="Lift the ban of Bob Larsson").click()
    expect(page.get_by_role("button", name="Lift the ban of Bob Larsson")).to_have_count(0)
    expect(page.get_by_role("complementary", name="Details")).to_be_focused()
    victim.get_by_role("button", name="Join Design").click()
    expect(victim.get_by_role("textbox", name="Message to Design")).to_be_visible()
    choose(page, "Cyd Ruiz", "Remove from the room")
    page.get_by_role("dialog").get_by_role("button", name="Remove from the room").click()
    expect(member(page, "Cyd Ruiz")).to_have_count(0)
    expect(page.get_by_role("complementary", name="Details")).to_be_focused()
    victim.get_by_role("button", name="Details").click()
    expect(victim.get_by_role("heading", name="2 members")).to_be_visible()
    expect(victim.get_by_role("button", name="Add people")).to_have_count(0)
    assert cyd.api("GET", "/api/rooms?mine=true") == []


def test_an_owner_changes_transfers_leaves_and_deletes_rooms(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    ann.api.room(name="Old")
    room = ann.api.room(bob.api, name="Design")
    page = open_page(ann, f"c/{room['conversation_id']}?panel=details")
    page.get_by_role("button", name="Settings of the room").click()
    page.get_by_role("textbox", name="Name").fill("Drawing")
    page.get_by_role("radio", name="Private").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("textbox", name="Message to Drawing")).to_be_visible()
    page.get_by_role("button", name="Leave the room").click()
    expect(page.get_by_role("dialog")).to_contain_text("You own this room")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Transfer the room").click()
    page.get_by_role("dialog").get_by_role("button", name="Transfer the room").click()
    expect(member(page, "Bob Larsson")).to_contain_text("Owner")
    page.get_by_role("button", name="Leave the room").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave the room").click()
    expect(page.get_by_role("link", name="Drawing")).to_have_count(0)
    assert bob.api("GET", f"/api/rooms/{room['id']}")["owner_id"] == bob.api.id
    page.get_by_role("link", name="Old").click()
    page.get_by_role("button", name="Details").click()
    page.get_by_role("button", name="Delete the room").click()
    field = page.get_by_role("textbox", name="Type the name of the room to delete it")
    field.fill("old")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This is not the name of the room.")).to_be_visible()
    field.fill("Old")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Old")).to_have_count(0)
    assert ann.api("GET", "/api/rooms?mine=true") == []
