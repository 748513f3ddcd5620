"""What happens between the parts of the page: nothing of a user is left for the next, and nothing that is refused is offered."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import Opens, People, Person, wait_for_live
from tests.processes import wait_until


def settings(page: Page, **values: str) -> None:
    """From its next navigation on, the page is as a server with these settings makes it."""
    for name, value in values.items():
        page.add_init_script(
            "document.addEventListener('readystatechange', () => {"
            f" document.documentElement.dataset.{name} = '{value}'; }}, {{ once: true }});"
        )
    page.reload()


def sign_in(page: Page, account: dict[str, str]) -> None:
    page.get_by_label("Email or username").fill(account["email"])
    page.get_by_label("Password", exact=True).fill(account["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("navigation", name="Conversations").wait_for()


def test_the_next_user_sees_nothing_of_the_one_before(open_page: Opens, person: People) -> None:
    ann, bob, cyd = person("Ann"), person("Bob"), person("Cyd")
    room = ann.api.room(bob.api, name="Design")["conversation_id"]
    page = open_page(ann, f"c/{room}?panel=person:{cyd.api.id}", viewport={"width": 1440, "height": 900})
    page.get_by_role("complementary").get_by_role("button", name="Block").click()
    page.get_by_role("dialog").get_by_role("button", name="Block").click()
    expect(page.get_by_text("You block this person")).to_be_visible()
    page.evaluate("window.isFirstDocument = true")
    # Where the storage refuses, drafts live in memory.
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    page.get_by_role("textbox", name="Message to Design").fill("Between us")
    page.goto(page.url.split("#")[0] + "#/settings")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("location.hash") in {"", "#/"}
    sign_in(page, bob.account)
    page.wait_for_function("!window.isFirstDocument")
    page.goto(page.url.split("#")[0] + f"#/c/{room}?panel=person:{cyd.api.id}")
    expect(page.get_by_role("textbox", name="Message to Design")).to_have_value("")
    expect(page.get_by_role("complementary").get_by_role("button", name="Block", exact=True)).to_be_visible()
    expect(page.get_by_text("You block this person")).to_have_count(0)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('undefined'))") == []


def test_nothing_is_offered_that_the_server_refuses(open_page: Opens, person: People) -> None:
    page = open_page(person("Ann"))
    settings(page, rooms="superusers", directory="off")
    sidebar = page.get_by_role("navigation", name="Conversations")
    expect(sidebar.get_by_role("link", name="Browse rooms")).to_be_visible()
    expect(sidebar.get_by_role("link", name="Find a room")).to_be_visible()
    expect(sidebar.get_by_role("button", name="Create a room")).to_have_count(0)
    expect(sidebar.get_by_role("link", name="People")).to_have_count(0)
    page.get_by_role("button", name="New conversation").click()
    expect(page.get_by_role("menuitem")).to_have_text(["Join with an invite", "Browse rooms"])
    page.keyboard.press("Escape")
    sidebar.get_by_role("link", name="Browse rooms").click()
    page.get_by_role("searchbox").fill("no such room anywhere")
    expect(page.get_by_text("Ask an administrator for a room")).to_be_visible()
    expect(page.get_by_role("button", name="New room")).to_have_count(0)


def test_a_message_is_edited_in_one_place_though_it_stands_in_two(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    room = ann.api.room(name="Design")["conversation_id"]
    root = ann.api.send("The plan", conversation_id=room)
    page = open_page(ann, f"c/{room}?panel=thread:{root['id']}", viewport={"width": 1440, "height": 900})
    message = page.get_by_role("complementary").get_by_role("article", name="The plan")
    message.focus()
    page.keyboard.press("e")
    editor = page.get_by_role("textbox", name="Edit the message")
    expect(editor).to_have_count(1)
    expect(editor).to_be_focused()
    page.keyboard.press("Escape")
    expect(editor).to_have_count(0)
    expect(message).to_be_focused()


def test_the_focus_stays_in_the_conversation_when_its_message_goes(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    room = ann.api.room(bob.api, name="Design")["conversation_id"]
    messages = [ann.api.send(text, conversation_id=room) for text in ("First", "Second", "Third")]
    page = open_page(bob, f"c/{room}")
    page.get_by_role("article", name="Second").focus()
    page.keyboard.press("Enter")
    page.get_by_role("article", name="Second").get_by_role("button", name="More").click()
    expect(page.get_by_role("menu")).to_be_visible()
    ann.api("DELETE", f"/api/chat/messages/{messages[1]['id']}?hard=true")
    expect(page.get_by_role("article", name="Second")).to_have_count(0)
    page.wait_for_function("document.activeElement.closest('article')")


def test_who_is_removed_while_reading_is_told(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    room = ann.api.room(bob.api, name="Design", is_public=False)
    root = ann.api.send("The plan", conversation_id=room["conversation_id"])
    path = f"c/{room['conversation_id']}?panel=thread:{root['id']}"
    page = open_page(bob, path, viewport={"width": 1440, "height": 900})
    expect(page.get_by_role("complementary").get_by_role("article", name="The plan")).to_be_visible()
    ann.api("DELETE", f"/api/rooms/{room['id']}/members/{bob.api.id}")
    for part in ("main", "complementary"):
        expect(page.get_by_role(part).get_by_text("There is nothing to read here")).to_be_visible()
    expect(page.get_by_text("The plan")).to_have_count(0)


@pytest.mark.parametrize(
    "path", ["constructor", "c/nowhere", "c/room:1/x?panel=constructor", "rooms?panel=pins", "search?q=a&after=never"]
)
def test_no_address_breaks_the_page(open_page: Opens, person: People, path: str) -> None:
    page = open_page(person("Ann"), path)
    page.get_by_role("navigation", name="Conversations").get_by_role("link", name="Browse rooms").click()
    expect(page.get_by_role("heading", name="Browse rooms")).to_be_visible()


def test_a_deletion_is_undone_by_a_key(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    room = ann.api.room(name="Design")["conversation_id"]
    for text in ("First", "Second"):
        ann.api.send(text, conversation_id=room)
    page = open_page(ann, f"c/{room}")
    page.get_by_role("article", name="First").hover()
    page.get_by_role("article", name="First").get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Delete", exact=True).click()
    expect(page.get_by_role("article", name="First")).to_have_count(0)
    expect(page.get_by_role("article", name="Second")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.get_by_role("article", name="First")).to_be_visible()
    expect(page.get_by_text("Message deleted")).to_have_count(0)


def test_an_unfinished_edit_and_chosen_files_outlive_a_visit_elsewhere(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    room = ann.api.room(name="Design")["conversation_id"]
    ann.api.send("First", conversation_id=room)
    page = open_page(ann, f"c/{room}")
    page.locator("input[type=file]").set_input_files(
        {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"a plan"}
    )
    expect(page.get_by_role("article", name="First")).to_be_visible()
    page.get_by_role("textbox", name="Message to Design").press("ArrowUp")
    page.get_by_role("textbox", name="Edit the message").fill("First, and more")
    page.get_by_role("link", name="Lobby").click()
    expect(page.get_by_role("textbox", name="Message to Lobby")).to_be_visible()
    expect(page.get_by_role("list", name="Attached files")).to_have_count(0)
    page.go_back()
    expect(page.get_by_role("button", name="Remove plan.txt")).to_be_visible()
    expect(page.get_by_role("textbox", name="Edit the message")).to_have_value("First, and more")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("article", name="First, and more")).to_be_visible()
    page.get_by_role("button", name="Send").click()
    page.reload()
    expect(page.get_by_role("article").filter(has_text="plan.txt")).to_be_visible()
    expect(page.get_by_role("list", name="Attached files")).to_have_count(0)


def test_what_the_page_tells_stays_while_it_has_the_focus(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    room = ann.api.room(name="Design")["conversation_id"]
    ann.api.send("First", conversation_id=room)
    page = open_page(ann, f"c/{room}")
    page.get_by_role("article", name="First").hover()
    page.get_by_role("article", name="First").get_by_role("button", name="More").click()
    wait_for_live(page)  # later, twenty seconds of this clock would end the attempt to connect
    page.clock.install()
    page.get_by_role("menuitem", name="Delete", exact=True).click()
    undo = page.get_by_role("button", name="Undo")
    undo.focus()
    page.clock.run_for(20_000)
    expect(undo).to_be_focused()
    undo.hover()
    page.get_by_role("textbox", name="Message to Design").hover()
    page.clock.run_for(20_000)
    expect(undo).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.clock.run_for(6_000)
    expect(undo).to_have_count(0)
    wait_until(lambda: ann.api("GET", f"/api/chat/messages?conversation_id={room}")[0]["deleted_at"], "the deletion")


@pytest.mark.parametrize("width", [1280, 390])
def test_what_the_page_tells_covers_no_message_box(open_page: Opens, person: People, width: int) -> None:
    ann = person("Ann")
    room = ann.api.room(name="Design")["conversation_id"]
    ann.api.send("First", conversation_id=room)
    page = open_page(ann, f"c/{room}")
    page.set_viewport_size({"width": width, "height": 720})
    composer = page.get_by_role("textbox", name="Message to Design")
    page.get_by_role("article", name="First").hover()
    page.get_by_role("article", name="First").get_by_role("button", name="More").click()
    page.clock.install()
    page.get_by_role("menuitem", name="Delete", exact=True).click()
    page.get_by_role("button", name="Undo").focus()
    page.clock.run_for(1_000)
    toast = page.locator(".toast")
    wait_until(lambda: space_between(toast, composer) > 0, "the notice is above the message box")
    composer.fill("One\nTwo\nThree\nFour")
    page.get_by_role("button", name="Undo").focus()
    page.clock.run_for(1_000)
    wait_until(lambda: 0 < space_between(toast, composer) < 50, "the notice is above the taller message box")


def space_between(upper: Locator, lower: Locator) -> float:
    """The pixels from the lower edge of one element to the upper edge of another."""
    above, below = upper.bounding_box(), lower.bounding_box()
    assert above
    assert below
    return below["y"] - above["y"] - above["height"]


LOAD_BETWEEN_RENDERING_AND_EFFECT = """async () => {
  const { src } = document.querySelector('script[type=module]');
  const { html, render } = await import(new URL('preact.js', src));
  const { lazy } = await import(new URL('ui/lazy.js', src));
  let finish, isAskedFor;
  const asked = new Promise((resolve) => { isAskedFor = resolve; });
  const loading = new Promise((resolve) => { finish = resolve; });
  const Part = lazy(() => { isAskedFor(); return loading; }, { Absent: () => null });
  const [first, second] = [1, 2].map(() => document.body.appendChild(document.createElement('div')));
  render(html`<${Part} />`, first);
  await asked;
  finish(() => html`<p>It is loaded</p>`);
  render(html`<${Part} />`, second);
}"""


def test_a_part_that_is_loaded_as_it_is_shown_again_appears_in_both_places(open_page: Opens, person: People) -> None:
    """The toolbar of a message did not appear when the pointer came back as its module arrived."""
    page = open_page(person("Ann"))
    page.evaluate(LOAD_BETWEEN_RENDERING_AND_EFFECT)
    expect(page.get_by_text("It is loaded")).to_have_count(2)


def test_the_focus_returns_to_the_message_whose_dialog_is_left(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    room = ann.api.room(bob.api, name="Design")["conversation_id"]
    ann.api.send("The plan", conversation_id=room)
    page = open_page(bob, f"c/{room}")
    message = page.get_by_role("article", name="The plan")
    message.focus()
    page.keyboard.press("Enter")
    message.get_by_role("button", name="More").press("Enter")
    page.get_by_role("menuitem", name="Report").press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_function("document.activeElement.closest('article')")


def test_what_is_sent_in_the_moment_before_a_reload_is_kept(open_page: Opens, ann: Person) -> None:
    room = ann.api.room(name="Design")["conversation_id"]
    page = open_page(ann, f"c/{room}")
    texts = [f"Message {number}." for number in range(10)]
    for text in texts:
        page.get_by_role("textbox", name="Message to Design").fill(text)
        # The page that was is still there for a moment, and would take the next message in the instant of its end.
        with page.expect_navigation():
            page.evaluate("() => { document.querySelector('.composer-send').click(); location.reload(); }")
    expect(page.get_by_role("article")).to_have_count(len(texts))
    expect(page.locator(".is-outbox")).to_have_count(0)
    stored = ann.api("GET", f"/api/chat/messages?conversation_id={room}")
    assert [message["content"] for message in stored[::-1]] == texts


@pytest.mark.parametrize(
    ("language", "date"), [("C", r"since [A-Z][a-z]+ \d+, \d{4}"), ("de-CH", r"since \d+\. [A-Z][a-zä]+\.? \d{4}")]
)
def test_the_page_starts_whatever_the_language_of_the_browser(
    open_page: Opens, ann: Person, language: str, date: str
) -> None:
    """WebKit on Linux says C where the system has no language. Dates are then written as in English."""
    ann.api.room(name="Design")
    page = open_page(ann)
    page.add_init_script(f"Object.defineProperty(navigator, 'language', {{ get: () => '{language}' }})")
    page.goto(page.url.split("#")[0] + "?#/rooms")
    expect(page.get_by_text(re.compile(date)).first).to_be_visible()
