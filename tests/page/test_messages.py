"""What is done with a message: reactions, threads, edits, deletion, pins, files, and everything by keyboard."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, WebSocketRoute, expect

from tests.page.conftest import Opens, Person, wait_for_live
from tests.processes import wait_until

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAUCAIAAAA7jDsBAAAAGElEQVR42mOcuuQ4A27AxIAXjEqPSpMnDQA0eQHxPpAQ1QAAAABJRU5ErkJggg=="
)


@pytest.fixture
def room(ann: Person, bob: Person) -> str:
    """A room of Ann and Bob."""
    room: str = ann.api.room(bob.api, name="Design")["conversation_id"]
    return room


def article(page: Page, text: str) -> Locator:
    return page.get_by_role("article").filter(has_text=text)


def choose(message: Locator, item: str) -> None:
    """Choose an item of the menu of a message."""
    message.hover()
    message.get_by_role("button", name="More", exact=True).click()
    message.get_by_role("menuitem", name=item, exact=True).click()


def stored(person: Person, room: str) -> list[str]:
    return [each["content"] for each in person.api("GET", f"/api/chat/messages?conversation_id={room}")]


def test_reactions_are_added_and_taken_back(open_page: Opens, ann: Person, bob: Person, room: str) -> None:
    bob.api.send("Shall we?", conversation_id=room)
    page, bobs = open_page(ann, f"c/{room}"), open_page(bob, f"c/{room}")
    message = article(page, "Shall we?")
    message.hover()
    message.get_by_role("button", name="Add a reaction").first.click()
    page.get_by_role("button", name="React with 🎉").click()
    theirs = article(bobs, "Shall we?").get_by_role("button", name="🎉 1 by Ann Larsson")
    theirs.click()
    own = message.get_by_role("button", name="🎉 2 by you and Bob Larsson")
    expect(own).to_have_attribute("aria-pressed", "true")
    own.click()
    expect(message.get_by_role("button", name="🎉 1 by Bob Larsson")).to_have_attribute("aria-pressed", "false")


def test_the_toolbar_is_whole_while_a_reaction_is_chosen(open_page: Opens, ann: Person, room: str) -> None:
    """It reaches over the edge of its message, where a message that is painted on its own is cut."""
    ann.api.send("Shall we?", conversation_id=room)
    page = open_page(ann, f"c/{room}")
    message = article(page, "Shall we?")
    message.hover()
    message.get_by_role("button", name="Add a reaction").first.click()
    expect(page.get_by_role("button", name="React with 🎉")).to_be_visible()
    page.mouse.move(1, 1)
    expect(message.get_by_role("button", name="More", exact=True)).to_be_visible()
    expect(message).to_have_css("content-visibility", "visible")


def test_a_reaction_is_shown_at_once_and_goes_if_it_is_refused(open_page: Opens, ann: Person, room: str) -> None:
    sent = ann.api.send("Shall we?", conversation_id=room)
    page = open_page(ann, f"c/{room}")
    requests: list[Route] = []

    def hold_first(route: Route) -> None:
        requests.append(route)
        if len(requests) > 1:
            route.continue_()

    def react() -> None:
        message.hover()
        message.get_by_role("button", name="Add a reaction").first.click()
        page.get_by_role("button", name="React with 🎉").click()

    page.route("**/reactions/*", hold_first)
    message = article(page, "Shall we?")
    own = message.get_by_role("button", name="🎉 1 by you")
    with page.expect_request("**/reactions/*"):
        react()
    expect(own).to_have_attribute("aria-pressed", "true")
    own.click()
    expect(own).to_have_count(0)
    assert [route.request.method for route in requests] == ["PUT"]  # the second choice waits for the first
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        requests[0].continue_()
    assert ann.api("GET", f"/api/chat/messages/{sent['id']}")["reactions"] == []
    page.unroute("**/reactions/*")
    page.route("**/reactions/*", lambda route: route.abort())
    react()
    expect(
        page.get_by_role("status").filter(
            has_text="The server cannot be reached. Check your connection, then try again."
        )
    ).to_be_visible()
    expect(own).to_have_count(0)


def test_a_thread_is_opened_answered_and_summed_up(open_page: Opens, ann: Person, bob: Person, room: str) -> None:
    root = ann.api.send("Where is the draft?", conversation_id=room)
    page = open_page(bob, f"c/{room}")
    choose(article(page, "Where is the draft?"), "Reply in thread R")
    thread = page.get_by_role("complementary", name="Thread")
    thread.get_by_role("textbox", name="Reply").fill("Here it is")
    page.keyboard.press("Enter")
    expect(thread.get_by_role("article")).to_have_count(2)
    expect(thread.locator(".is-outbox")).to_have_count(0)
    ann.api.send("Thank you", conversation_id=room, parent_id=root["id"])
    expect(thread.get_by_role("article").last).to_contain_text("Thank you")
    page.get_by_role("button", name="Close").click()
    expect(thread).to_have_count(0)
    conversation = page.get_by_role("region", name="Messages")
    expect(conversation.get_by_role("button", name="2 replies")).to_be_visible()
    expect(article(page, "Thank you")).to_contain_text("Where is the draft?")


def test_own_messages_are_edited_and_their_versions_shown(
    open_page: Opens, ann: Person, bob: Person, room: str
) -> None:
    sent = ann.api.send("At none", conversation_id=room)
    bob.api.send("Fine", conversation_id=room)
    page = open_page(ann, f"c/{room}")
    expect(article(page, "Fine")).to_be_visible()
    page.get_by_role("textbox", name="Message to Design").press("ArrowUp")
    editor = page.get_by_role("textbox", name="Edit the message")
    # A reaction changes the number of the version, but not what is edited.
    bob.api("PUT", f"/api/chat/messages/{sent['id']}/reactions/👍")
    expect(page.get_by_role("button", name="👍 1 by Bob Larsson")).to_be_visible()
    editor.fill("At noon")
    editor.press("Enter")
    expect(article(page, "At noon")).to_be_focused()
    article(page, "At noon").press("e")
    ann.api("PATCH", f"/api/chat/messages/{sent['id']}", {"content": "At one"})
    editor.fill("At two")
    editor.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("At one")
    page.get_by_role("link", name="Lobby").click()
    page.go_back()
    expect(page.get_by_role("alert")).to_contain_text("At one")
    page.get_by_role("button", name="Replace it with mine").click()
    article(page, "At two").get_by_role("button", name="edited").click()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_contain_text(
        ["At two", "At one", "At noon", "At none"]
    )


def test_a_deletion_can_be_undone_and_is_done_when_the_page_goes(
    open_page: Opens, ann: Person, bob: Person, room: str
) -> None:
    for text in ("First", "Second", "Third"):
        ann.api.send(text, conversation_id=room)
    page = open_page(ann, f"c/{room}")
    choose(article(page, "Second"), "Delete")
    expect(article(page, "Second")).to_have_count(0)
    expect(article(page, "Third")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(article(page, "Second")).to_be_visible()
    assert stored(ann, room) == ["Third", "Second", "First"]
    choose(article(page, "Second"), "Delete")
    expect(article(page, "Second")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("article").nth(1)).to_contain_text("This message was deleted.")
    choose(article(page, "Third"), "Delete for ever…")
    page.get_by_role("dialog").get_by_role("button", name="Delete for ever").click()
    expect(article(page, "This message was deleted.")).to_have_count(2)


def test_a_deletion_is_done_before_a_sign_out(open_page: Opens, ann: Person, room: str) -> None:
    ann.api.send("Said too much", conversation_id=room)
    page = open_page(ann, f"c/{room}")
    choose(article(page, "Said too much"), "Delete")
    page.evaluate("location.hash = '#/settings'")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_label("Password", exact=True)).to_be_visible()
    assert stored(ann, room) == [""]


def test_pictures_and_files_are_shown_pinned_and_reported(
    open_page: Opens, ann: Person, bob: Person, room: str
) -> None:
    files = [ann.api.upload(name, data)["id"] for name, data in (("a.png", PNG), ("b.png", PNG), ("notes.txt", b"x"))]
    ann.api.send("Files", conversation_id=room, attachment_ids=files)
    page = open_page(ann, f"c/{room}")
    message = article(page, "Files")
    picture = message.get_by_role("button", name="Show a.png large")
    expect(picture.locator("img")).to_have_js_property("complete", True)
    picture.click()
    expect(page.get_by_role("dialog", name="Picture: a.png").get_by_role("img", name="a.png")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("dialog", name="Picture: b.png")).to_contain_text("2 of 2")
    page.keyboard.press("Escape")
    expect(picture).to_be_focused()
    with page.expect_download() as download:
        message.get_by_role("button", name="Download notes.txt").click()
    assert download.value.suggested_filename == "notes.txt"
    choose(message, "Pin")
    page.get_by_role("button", name="Pinned messages").click()
    panel = page.get_by_role("complementary", name="Pinned messages")
    expect(panel.get_by_role("listitem")).to_contain_text("Files")
    panel.get_by_role("button", name="Unpin").click()
    expect(panel).to_contain_text("Nothing is pinned")
    bobs = open_page(bob, f"c/{room}")
    choose(article(bobs, "Files"), "Report…")
    bobs.get_by_role("textbox", name="What is wrong with it?").fill("Not ours")
    bobs.get_by_role("button", name="Report", exact=True).click()
    expect(bobs.get_by_text("Thank you. An administrator will look at it.")).to_be_visible()


def test_what_was_pinned_while_the_connection_was_away_is_shown_after_it(
    open_page: Opens, ann: Person, bob: Person, room: str
) -> None:
    message = ann.api.send("Plans", conversation_id=room)
    page = open_page(ann, f"c/{room}?panel=pins")
    sockets: list[WebSocketRoute] = []
    is_away = False

    def connect(socket: WebSocketRoute) -> None:
        if is_away:
            socket.close()
        else:
            sockets.append(socket)
            socket.connect_to_server()

    page.route_web_socket("**/ws/**", connect)
    page.reload()
    panel = page.get_by_role("complementary", name="Pinned messages")
    expect(panel).to_contain_text("Nothing is pinned")
    wait_for_live(page)
    is_away = True
    sockets[-1].close()
    ann.api("PUT", f"/api/chat/messages/{message['id']}/pin")
    is_away = False
    expect(panel.get_by_role("listitem")).to_contain_text("Plans")


def test_what_is_pinned_while_the_pins_are_loaded_is_shown(open_page: Opens, ann: Person, room: str) -> None:
    first, second = (ann.api.send(text, conversation_id=room) for text in ("First", "Second"))
    ann.api("PUT", f"/api/chat/messages/{first['id']}/pin")
    page = open_page(ann, f"c/{room}")
    wait_for_live(page)
    answers: list[tuple[Route, APIResponse]] = []
    page.route("**/api/chat/messages?*pinned=true*", lambda route: answers.append((route, route.fetch())))
    page.get_by_role("button", name="Pinned messages").click()
    wait_until(lambda: page.evaluate("1") and answers, "the pins are read")  # the call lets Playwright go on
    ann.api("PUT", f"/api/chat/messages/{second['id']}/pin")
    ann.api.send("Second is pinned", conversation_id=room)
    expect(article(page, "Second is pinned")).to_be_visible()
    [(route, answer)] = answers
    route.fulfill(response=answer)
    pins = page.get_by_role("complementary", name="Pinned messages").get_by_role("listitem")
    expect(pins).to_contain_text(["Second", "First"])


def test_everything_by_keyboard(open_page: Opens, ann: Person, bob: Person, room: str) -> None:
    for text in ("First", "Second", "Third"):
        bob.api.send(text, conversation_id=room)
    page = open_page(ann, f"c/{room}")
    expect(article(page, "Third")).to_be_visible()
    composer = page.get_by_role("textbox", name="Message to Design")
    composer.focus()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Attach files")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(article(page, "Third")).to_be_focused()
    page.keyboard.press("Home")
    expect(article(page, "First")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(article(page, "Second").get_by_role("toolbar")).to_be_visible()
    page.keyboard.press("Enter")
    expect(article(page, "Second").get_by_role("button", name="React with 👍")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("+")
    expect(page.get_by_role("group", name="Add a reaction").get_by_role("button").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(article(page, "Second").get_by_role("button", name="👍 1 by you")).to_be_visible()
    page.keyboard.press("End")
    page.keyboard.press("r")
    expect(page.get_by_role("complementary", name="Thread")).to_contain_text("Third")
    page.keyboard.press("Escape")
    expect(article(page, "Third")).to_be_focused()
    page.keyboard.press("Escape")
    expect(composer).to_be_focused()
    bob.api.send("Fourth", conversation_id=room)
    expect(page.get_by_role("log")).to_have_text("Bob Larsson: Fourth")
