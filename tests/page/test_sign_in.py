"""Signing in and registering, and the pages behind the links of mails and invites."""

from __future__ import annotations

import time
from collections.abc import Callable

import pyotp
from playwright.sync_api import Page, Route, expect

from tests.clients.conftest import PASSWORD, register
from tests.page.conftest import Opens, People, Person
from tests.page.outgoing import mailed_token, texted_code
from tests.realtime.client import Api
from tests.realtime.conftest import Deployment

OTHER = "correct horse battery"


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Email or username").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def expect_workspace(page: Page) -> None:
    expect(page.get_by_role("navigation", name="Conversations")).to_be_attached()


def enable_totp(api: Api) -> tuple[pyotp.TOTP, list[str]]:
    """Switch on the second factor of an account. Returns the authenticator and the recovery codes."""
    factor = pyotp.TOTP(api("POST", "/api/auth/totp", {})["secret"])
    former = factor.at(int(time.time()) - 30)  # a code serves once, and the present one is for the test
    return factor, api("POST", "/api/auth/totp/confirm", {"totp_code": former})["recovery_codes"]


def test_register_and_confirm_the_address(open_page: Opens, site: Deployment) -> None:
    page = open_page(None, "sign-in")
    page.get_by_role("link", name="Create an account").click()
    expect(page.get_by_label("First name")).to_be_focused()
    page.get_by_label("First name").fill("Åsa <b>")
    page.get_by_label("Last name").fill("Öberg")
    page.get_by_label("Email").fill("asa@example.com")
    page.get_by_label("Password", exact=True).fill("å" * 37)
    page.get_by_role("button", name="Create the account").click()
    field = page.get_by_label("Password", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Show the characters").click()
    expect(field).to_have_attribute("type", "text")
    field.fill(PASSWORD)
    page.keyboard.press("Enter")
    expect_workspace(page)
    expect(page.get_by_role("link", name="Åsa <b> Öberg")).to_be_visible()
    page.goto(f"{site.url}/#/verify?token={mailed_token(site.server, 'verify', 'asa@example.com')}")
    page.get_by_role("button", name="Confirm the address").click()
    expect(page.get_by_role("heading", name="Your address is confirmed")).to_be_focused()
    assert "token" not in page.url
    page.get_by_role("link", name="Open Confab").click()
    expect_workspace(page)


def test_a_wrong_password_is_told_and_the_address_is_shown_after_signing_in(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    room = ann.api.room(name="Kitchen")["conversation_id"]
    page = open_page(None, f"c/{room}")
    sign_in(page, ann.account["email"], "not the password")
    expect(page.get_by_role("alert")).to_have_text("The account and password do not match.")
    expect(page.get_by_role("alert")).to_be_focused()
    sign_in(page, ann.api("GET", "/api/users/me")["username"])
    expect(page.get_by_role("textbox", name="Message to Kitchen")).to_be_visible()


def when_shown(page: Page, selector: str, action: str) -> None:
    """Have the page do something with `shown`, an element, in the moment in which it appears, as no hand can."""
    page.evaluate(
        f"""() => new MutationObserver((_, observer) => {{
          const shown = document.querySelector('{selector}');
          if (!shown) return;
          observer.disconnect();
          {action};
        }}).observe(document.body, {{ childList: true, subtree: true }})"""
    )


NOTE_FOCUS = "document.body.dataset.hasFocus = document.activeElement === shown"
PRESS_CTRL_K = "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true, bubbles: true }))"


def test_the_focus_moves_before_anybody_can_fill_another_field(open_page: Opens, ann: Person) -> None:
    page = open_page(None, "sign-in")
    page.get_by_label("Password", exact=True).wait_for()
    when_shown(page, "[role=alert]", NOTE_FOCUS)
    sign_in(page, ann.account["email"], "not the password")
    expect(page.locator("body")).to_have_attribute("data-has-focus", "true")
    page.evaluate("delete document.body.dataset.hasFocus")
    when_shown(page, "[name=first_name]", NOTE_FOCUS)
    page.get_by_role("link", name="Create an account").click()
    expect(page.get_by_label("First name")).to_be_focused()
    expect(page.locator("body")).to_have_attribute("data-has-focus", "true")


def test_an_address_that_is_chosen_as_soon_as_the_workspace_appears_is_kept(open_page: Opens, ann: Person) -> None:
    page = open_page(None, "sign-in")
    when_shown(page, ".sidebar", "location.hash = '#/settings/security'")
    sign_in(page, ann.account["email"])
    expect(page.get_by_role("button", name="Change the password")).to_be_visible()


def test_a_key_that_is_pressed_as_soon_as_the_workspace_appears_is_heard(open_page: Opens, ann: Person) -> None:
    page = open_page()
    page.get_by_label("Password", exact=True).wait_for()
    when_shown(page, ".sidebar", PRESS_CTRL_K)
    sign_in(page, ann.account["email"])
    expect(page.get_by_role("dialog")).to_be_visible()


def test_the_second_factor_is_asked_for_in_a_second_step(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    factor, codes = enable_totp(ann.api)
    page = open_page()
    sign_in(page, ann.account["email"])
    code = page.get_by_label("Code")
    expect(code).to_be_focused()
    assert code.get_attribute("autocomplete") == "one-time-code"
    code.fill("000000")
    page.keyboard.press("Enter")
    expect(code).to_have_accessible_description(
        "The 6 digits that your authenticator app shows now The code of the second factor is wrong, or was used before."
    )
    code.fill(factor.now())
    page.keyboard.press("Enter")
    expect_workspace(page)
    page = open_page()
    sign_in(page, ann.account["email"])
    page.get_by_role("button", name="Use a recovery code").click()
    expect(page.get_by_label("Recovery code")).to_be_focused()
    page.get_by_label("Recovery code").fill(codes[0])
    page.keyboard.press("Enter")
    expect_workspace(page)


def test_a_code_by_text_signs_in(open_page: Opens, site: Deployment) -> None:
    page = open_page(None, "sign-in")
    page.get_by_role("link", name="Sign in with a code by text").click()
    page.get_by_label("Mobile number").fill("0046 70 174 06 11")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code")).to_be_focused()
    expect(page.get_by_role("button", name="Send another code in")).to_be_disabled()
    page.get_by_label("Code").fill("000 000")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Code").fill(texted_code(site.server, "+46701740611"))
    page.keyboard.press("Enter")
    expect_workspace(page)


def test_another_code_is_sent_after_the_wait(open_page: Opens) -> None:
    page = open_page(None, "sign-in/text")
    page.clock.install()
    page.get_by_label("Mobile number").fill("+46701740612")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Send another code in")).to_be_disabled()
    page.clock.run_for(31_000)
    again = page.get_by_role("button", name="Send another code", exact=True)
    expect(again).to_be_enabled()
    page.route("**/send-otp", refuse_for(150))
    again.click()
    expect(page.get_by_role("alert")).to_have_text("That was tried too often. Try again in 3 minutes.")
    expect(page.get_by_role("button", name="Send another code in 3 minutes")).to_be_disabled()


def test_a_forgotten_password_is_replaced_and_the_other_session_ends(
    open_page: Opens, person: People, site: Deployment
) -> None:
    ann = person("Ann")
    email = ann.account["email"]
    former = open_page(ann)
    page = open_page(None, "sign-in")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("Email", exact=True).fill(email)  # not the field of the page before
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"If there is an account with {email},")).to_be_visible()
    link = f"{site.url}/#/reset?token={mailed_token(site.server, 'reset', email)}"
    page.goto(link)
    page.get_by_label("New password", exact=True).fill(OTHER)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your new password is set")).to_be_focused()
    expect(former.get_by_role("status").filter(has_text="Your session has ended")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, email, OTHER)
    expect_workspace(page)
    page.goto(link)
    page.get_by_label("New password", exact=True).fill(OTHER)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="This link does not work any more")).to_be_focused()
    expect(page.get_by_role("link", name="Request a new link")).to_be_visible()
    assert "token" not in page.url


def test_the_link_of_another_account_asks_for_its_password(open_page: Opens, person: People, site: Deployment) -> None:
    ann, bob = person("Ann"), register(site.url)
    page = open_page(ann)
    page.goto(f"{site.url}/#/verify?token={mailed_token(site.server, 'verify', bob.account['email'])}")
    page.get_by_role("button", name="Confirm the address").click()
    expect(page.get_by_text("This link is of another account")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your address is confirmed")).to_be_focused()
    assert bob.api("GET", "/api/users/me")["email_verified"] is True


def invite(person: People, name: str) -> str:
    """The code of an invite to a new private room."""
    owner = person("Olga").api
    room = owner("POST", "/api/rooms", {"name": name, "is_public": False})["id"]
    return str(owner("POST", f"/api/rooms/{room}/invites", {})["code"])


def test_join_with_a_new_account(open_page: Opens, person: People) -> None:
    page = open_page(None, f"join/{invite(person, 'Attic <i>')}")
    page.get_by_label("First name").fill("Nina")
    page.get_by_label("Email").fill("nina@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Message to Attic <i>")).to_be_visible()


def test_join_with_an_account(open_page: Opens, person: People) -> None:
    ann, code = person("Ann"), invite(person, "Cellar")
    page = open_page(None, f"join/{code}")
    page.get_by_role("button", name="Sign in").click()
    sign_in(page, ann.account["email"])
    expect(page.get_by_text("You join it as Ann Larsson.")).to_be_visible()
    page.get_by_role("button", name="Join the room").click()
    expect(page.get_by_role("textbox", name="Message to Cellar")).to_be_visible()
    page.goto(page.url.partition("#")[0] + "#/join/unknown")
    page.get_by_role("button", name="Join the room").click()
    expect(page.get_by_role("alert")).to_contain_text("invite")


def test_join_with_a_code_by_text(open_page: Opens, person: People, site: Deployment) -> None:
    mobile = "+46701740615"
    page = open_page(None, f"join/{invite(person, 'Garden')}")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign in with a code by text").click()
    page.get_by_role("button", name="Sign in with a password").click()
    page.get_by_role("button", name="Sign in with a code by text").click()
    page.get_by_label("Mobile number").fill(mobile)
    page.keyboard.press("Enter")
    page.get_by_label("Code").fill(texted_code(site.server, mobile))
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Join the room").click()
    expect(page.get_by_role("textbox", name="Message to Garden")).to_be_visible()


def test_a_server_for_invited_people_asks_for_the_invite(open_page: Opens, person: People) -> None:
    page = open_page()
    allow_registration(page, "invite")
    page.goto(page.url.partition("#")[0] + "?#/register")
    expect(page.get_by_label("Invite")).to_be_focused()
    page.keyboard.type(f"https://chat.example/#/join/{invite(person, 'Porch')}")
    page.get_by_label("First name").fill("Nils")
    page.get_by_label("Email").fill("nils@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Porch")).to_be_visible()


def test_a_server_that_wants_invites_since_a_moment_ago(open_page: Opens) -> None:
    page = open_page(None, "register")
    refusal = {"detail": "Registration needs an invite to a room.", "code": "registration_closed"}
    page.route("**/api/auth/register", lambda route: route.fulfill(status=403, json=refusal))
    page.get_by_label("First name").fill("Nils")
    page.get_by_label("Email").fill("nils@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(
        "Only people with an invite can register here. Ask a member of the team for one."
    )
    expect(page.get_by_label("Invite")).to_be_visible()


def test_a_closed_server_says_whom_to_ask(open_page: Opens) -> None:
    page = open_page()
    allow_registration(page, "closed")
    page.goto(page.url.partition("#")[0] + "?#/register")
    expect(page.get_by_text("Ask an administrator of this server for an account.")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_label("Email or username")).to_be_visible()
    expect(page.get_by_role("link", name="Create an account")).to_have_count(0)


def test_limits_and_faults_are_told_in_words(open_page: Opens) -> None:
    page = open_page()
    page.route("**/api/auth/login", refuse_for(40))
    sign_in(page, "ann")
    expect(page.get_by_role("alert")).to_have_text("That was tried too often. Try again in 40 seconds.")
    page.unroute("**/api/auth/login")
    page.route("**/api/auth/login", lambda route: route.fulfill(status=404, body="<h1>Gone</h1>"))
    sign_in(page, "ann")
    expect(page.get_by_role("alert")).to_have_text("The server has a problem. Try again in a minute.")


def test_a_second_press_sends_nothing_while_the_first_is_answered(open_page: Opens) -> None:
    page = open_page(None, "reset?token=one")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/auth/reset-password", hold)
    page.get_by_label("New password", exact=True).fill(OTHER)
    with page.expect_request("**/api/auth/reset-password"):
        page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Set the password")).to_be_disabled()
    held[0].fulfill(status=204)
    expect(page.get_by_role("heading", name="Your new password is set")).to_be_focused()
    assert len(held) == 1


def test_html_in_a_link_is_not_run(open_page: Opens) -> None:
    page = open_page()
    for link in ("verify?token=", "reset?token=", "join?code=", "join/"):
        page.goto(
            f"{page.url.partition('#')[0]}#/{link}<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
        )
        if link.startswith("join"):
            page.get_by_role("button", name="Sign in").click()
            page.get_by_label("Email or username").fill("nobody")
        page.locator("[name=password]").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert").or_(page.get_by_text("This link does not work any more"))).to_be_visible()
        assert page.evaluate("window.hacked") is None
        assert page.locator("img[src=x]").count() == 0


def refuse_for(seconds: int) -> Callable[[Route], None]:
    """Answers with 429 and this Retry-After."""
    body = {"detail": "Too many requests.", "code": "rate_limited"}
    return lambda route: route.fulfill(status=429, json=body, headers={"Retry-After": str(seconds)})


def allow_registration(page: Page, kind: str) -> None:
    """From its next navigation on, the page is as a server with this REGISTRATION makes it."""
    page.add_init_script(
        "document.addEventListener('readystatechange', () => {"
        f" document.documentElement.dataset.registration = '{kind}'; }}, {{ once: true }});"
    )
