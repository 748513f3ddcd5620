"""Messages are found, with filters, and opened where they stand."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.page.conftest import Opens, People


def test_a_search_with_filters_opens_the_message(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    room = ann.api.room(bob.api, name="Design")["conversation_id"]
    ann.api.send("The <b>café</b> opens at nine", conversation_id=room)
    bob.api.send("Which cafe?", conversation_id=room)
    page = open_page(ann, "search")
    page.get_by_role("searchbox", name="Search").fill("cafe")
    results = page.get_by_role("main").get_by_role("listitem")
    expect(results).to_have_count(2)
    expect(page.get_by_text("2 results")).to_be_visible()
    expect(results.nth(1)).to_contain_text("The <b>café</b> opens at nine")
    assert results.nth(1).locator("mark").all_inner_texts() == ["café"]
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("combobox", name="From").select_option("Bob Larsson")
    expect(results).to_have_count(1)
    page.reload()  # what is sought stands in the address
    expect(results).to_have_count(1)
    results.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"#/c/{room}/2$"))
    expect(page.get_by_role("article").filter(has_text="Which cafe?")).to_be_visible()


def test_nothing_is_found(open_page: Opens, person: People) -> None:
    page = open_page(person("Ann"), "search?q=%22%20*%20(%20AND%20NEAR")
    expect(page.get_by_role("heading", name="Nothing was found")).to_be_visible()


def test_a_conversation_that_appears_leaves_the_focus_in_the_search(open_page: Opens, person: People) -> None:
    """Otherwise what is typed would be written to the conversation."""
    ann, bob = person("Ann"), person("Bob")
    room = bob.api.room(name="Design")
    page = open_page(ann, f"c/{room['conversation_id']}?panel=search")
    search = page.get_by_role("searchbox")
    search.press_sequentially("wor")
    bob.api("PUT", f"/api/rooms/{room['id']}/members/{ann.api.id}")
    composer = page.get_by_role("textbox", name="Message to Design")
    composer.wait_for()
    expect(search).to_be_focused()
    page.keyboard.type("ds")
    expect(search).to_have_value("words")
    expect(composer).to_have_value("")


def test_a_search_in_one_conversation(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    design = ann.api.room(name="Design")["conversation_id"]
    other = ann.api.room(name="Other")["conversation_id"]
    for room in (design, other):
        ann.api.send("The same words", conversation_id=room)
    page = open_page(ann, f"c/{design}?panel=search")
    page.get_by_role("searchbox").fill("words")
    expect(page.get_by_role("complementary").get_by_role("listitem")).to_have_count(1)
