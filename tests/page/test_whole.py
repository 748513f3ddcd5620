"""The page as a whole: by keyboard alone, in two tabs, in a narrow window, from right to left, and with ten thousand messages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.messages.test_sync_budget import fill
from tests.page.conftest import Opens, People
from tests.realtime.conftest import Deployment

MOST_SHOWN = 320
"""Some 300 messages are in the document at most, and a few that are about to be taken out."""


def tab_to(page: Page, name: str, most: int = 40) -> None:
    """Press Tab until the focus is on an element with this name."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(
            "name => { const { ariaLabel, labels, innerText } = document.activeElement;"
            "return [ariaLabel, labels?.[0]?.innerText, innerText].some((text) => text?.trim().startsWith(name)) }",
            name,
        ):
            return
    raise AssertionError(f"Tab does not come to {name!r}")


def test_from_sign_in_to_a_sent_message_by_keyboard(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    ann.api.room(name="Design")
    page = open_page()
    page.get_by_role("heading", level=1).wait_for()
    expect(page.locator("input").first).to_be_focused()
    page.keyboard.type(ann.account["email"])
    tab_to(page, "Password")
    page.keyboard.type(ann.account["password"])
    page.keyboard.press("Enter")
    page.get_by_role("navigation", name="Conversations").wait_for()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("desi")
    expect(page.get_by_role("option", name="Design").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Message to Design")).to_be_focused()
    page.keyboard.type("By keyboard alone")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article")).to_contain_text("By keyboard alone")


def test_two_tabs_show_the_same(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    room = ann.api.room(name="Design")["conversation_id"]
    first = open_page(ann, f"c/{room}")
    second = first.context.new_page()
    second.goto(first.url)
    second.get_by_role("textbox", name="Message to Design").fill("From the second tab")
    second.keyboard.press("Enter")
    for page in (first, second):
        expect(page.get_by_role("article")).to_have_count(1)
        expect(page.get_by_role("article")).to_contain_text("From the second tab")
    second.close()
    first.get_by_role("textbox", name="Message to Design").fill("From the first tab")
    first.keyboard.press("Enter")
    expect(first.get_by_role("article")).to_have_count(2)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_a_narrow_window_shows_one_pane_without_scrolling_sideways(
    open_page: Opens, person: People, direction: str
) -> None:
    ann = person("Ann")
    room = ann.api.room(name="Design " + "x" * 80, description="y" * 200)["conversation_id"]
    ann.api.send(
        "z" * 400 + "\n\n| a | b |\n|---|---|\n| " + "c" * 90 + " | d |\n\n```\n" + "e" * 200 + "\n```",
        conversation_id=room,
    )
    page = open_page(ann, viewport={"width": 360, "height": 740})
    page.evaluate("direction => { document.documentElement.dir = direction }", direction)
    for path in (
        "",
        f"c/{room}",
        f"c/{room}?panel=details",
        "rooms",
        "people",
        "search?q=z",
        "settings",
        "settings/security",
    ):
        page.evaluate("path => { location.hash = `#/${path}` }", path)
        expect(page.get_by_role("heading", level=2).locator("visible=true").first).to_be_visible()
        if path.startswith("search"):
            expect(page.get_by_text("1 result")).to_be_visible()
        expect(page.get_by_text("Loading").locator("visible=true")).to_have_count(0)
        wider = page.evaluate(
            "[...document.querySelectorAll('body, main, nav, aside, .page, .timeline')]"
            ".filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => `${e.className} ${e.scrollWidth}`)"
        )
        assert wider == [], path
    page.evaluate("path => { location.hash = `#/${path}` }", f"c/{room}")
    page.get_by_role("link", name="Back").locator("visible=true").click()
    expect(page.get_by_role("navigation", name="Conversations")).to_be_visible()
    expect(page.get_by_role("main")).to_be_hidden()


def test_no_field_of_a_phone_has_text_that_safari_would_zoom_into(open_page: Opens, person: People) -> None:
    """Safari zooms into the page when a field with text below 16 pixels gets the focus, and stays there."""
    ann = person("Ann")
    room = ann.api.room(name="Design")["conversation_id"]
    page = open_page(ann, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    seen = set()
    for path in (f"c/{room}", f"c/{room}?panel=search", "rooms", "people", "search", "settings/profile"):
        page.evaluate("path => { location.hash = `#/${path}` }", path)
        expect(page.get_by_role("heading", level=2).locator("visible=true").first).to_be_visible()
        fields = page.locator("input, select, textarea").locator("visible=true")
        fields.first.wait_for()
        for field in fields.all():
            seen.add(field.evaluate("field => field.name || field.getAttribute('aria-label') || field.placeholder"))
            assert float(field.evaluate("field => parseFloat(getComputedStyle(field).fontSize)")) >= 16, path
    assert len(seen) > 6


def test_ten_thousand_messages(open_page: Opens, person: People, site: Deployment) -> None:
    ann, bob = person("Ann"), person("Bob")
    room = ann.api.room(bob.api, name="Design")
    fill(site.app, room, bob.api.id, 10_000, 3)
    page = open_page(ann, f"c/{room['conversation_id']}/5000")
    articles = page.get_by_role("article")
    expect(page.locator("[data-seq='5000']")).to_be_in_viewport()
    page.locator("[data-seq='5000']").focus()
    for _ in range(12):
        seen = articles.first.get_attribute("data-seq")
        page.keyboard.press("Home")
        expect(articles.first).not_to_have_attribute("data-seq", seen or "")
    assert articles.count() <= MOST_SHOWN
    page.get_by_role("button", name="present").click()
    expect(page.locator("[data-seq='10000']")).to_be_in_viewport()
    assert articles.count() <= MOST_SHOWN
    sequence = [int(each) for each in articles.evaluate_all("all => all.map((each) => each.dataset.seq)")]
    assert sequence == list(range(sequence[0], 10_001))
