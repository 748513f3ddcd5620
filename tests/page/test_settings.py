"""The settings of an account."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
import requests
from PIL import Image
from playwright.sync_api import Download, Page, expect
from sqlalchemy import update

from backend.models import UserSession
from backend.models.base import db
from tests.clients.conftest import PASSWORD
from tests.page.conftest import Opens, People, Person
from tests.page.outgoing import mailed_token, texted_code
from tests.page.test_sign_in import expect_workspace, sign_in
from tests.processes import wait_until
from tests.realtime.conftest import Deployment

OTHER = "correct horse battery"


def go(page: Page, section: str) -> None:
    page.goto(f"{page.url.partition('#')[0]}#/settings/{section}")


def me(who: Person) -> Any:
    return who.api("GET", "/api/users/me")


def age_sessions(site: Deployment, who: Person) -> None:
    """The account's sessions are not fresh any more."""
    with site.app.app_context():
        long_ago = datetime.now(UTC) - timedelta(days=1)
        db.session.execute(
            update(UserSession).where(UserSession.user_id == who.api.id).values(authenticated_at=long_ago)
        )
        db.session.commit()


def may_sign_in(site: Deployment, email: str, password: str = PASSWORD) -> bool:
    body = {"email": email, "password": password}
    return requests.post(f"{site.url}/api/auth/login", json=body, timeout=15).status_code == 200


def test_names_are_changed_and_a_new_username_asks_who_it_is(
    open_page: Opens, person: People, site: Deployment
) -> None:
    ann = person("Ann")
    page = open_page(ann, "settings/profile")
    page.get_by_label("First name").fill("Anna <i>")
    page.get_by_label("About").fill("On the <b>roof</b>")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    expect(page.get_by_role("link", name="Anna <i> Larsson")).to_be_visible()
    age_sessions(site, ann)
    page.get_by_label("Username").fill(f"anna{ann.api.id}")
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="Confirm that it is you")
    expect(dialog.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert me(ann)["username"] != f"anna{ann.api.id}"
    page.get_by_role("button", name="Save").click()
    dialog.get_by_label("Password", exact=True).fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("The password is wrong.")).to_be_visible()
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.get_by_text(f"@anna{ann.api.id}")).to_be_visible()
    assert (me(ann)["full_name"], me(ann)["bio"]) == ("Anna <i> Larsson", "On the <b>roof</b>")
    page.get_by_label("Username").fill(me(person("Bob"))["username"])
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Username")).to_be_focused()
    expect(page.get_by_text("This username is taken. Choose another.")).to_be_visible()


def test_a_picture_is_cut_to_a_square(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    page = open_page(ann, "settings/profile")
    chooser = page.locator("input[type=file]")
    chooser.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.get_by_text("This file is no picture")).to_be_visible()
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (0, 0, 100, 100))
    buffer = io.BytesIO()
    wide.save(buffer, "PNG")
    chooser.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": buffer.getvalue()})
    page.get_by_role("application").press("ArrowRight")
    page.get_by_role("application").press("ArrowLeft")
    page.get_by_role("button", name="Use this picture").click()
    expect(page.locator(".own-picture img")).to_be_visible()
    address = f"{ann.api.url}{me(ann)['avatar_url']}"
    answer = requests.get(address, headers={"Authorization": f"Bearer {ann.api.token}"}, timeout=15)
    square = Image.open(io.BytesIO(answer.content)).convert("RGB")
    assert square.width == square.height
    red, _, blue = square.getpixel((square.width // 2, square.height // 2))  # type: ignore[misc]
    assert red > 200 > 50 > blue, "the middle of the picture is red"
    page.get_by_role("button", name="Remove").click()
    expect(page.locator(".own-picture img")).to_have_count(0)
    assert me(ann)["avatar_url"] is None


def test_an_email_and_a_number_are_changed_and_confirmed(open_page: Opens, person: People, site: Deployment) -> None:
    ann = person("Ann")
    email = f"new-{ann.account['email']}"
    page = open_page(ann, "settings/profile")
    page.get_by_role("button", name="Change").click()
    page.get_by_label("New email").fill(email)
    page.keyboard.press("Enter")
    expect(page.get_by_text(email)).to_be_visible()
    expect(page.get_by_text("Not confirmed")).to_be_visible()
    page.get_by_role("button", name="Send the mail again").click()
    expect(page.get_by_role("status").filter(has_text="A mail with a link is on its way.").first).to_be_visible()
    page.get_by_role("button", name="Add a number").click()
    page.get_by_label("Mobile number").fill("+46701740613")
    page.keyboard.press("Enter")
    page.get_by_label("Code", exact=True).fill(texted_code(site.server, "+46701740613"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("+46701740613")).to_be_visible()
    expect(page.get_by_text("Confirmed", exact=True)).to_be_visible()
    page.goto(f"{site.url}/#/verify?token={mailed_token(site.server, 'verify', email)}")
    page.get_by_role("button", name="Confirm the address").click()
    page.get_by_role("link", name="Open Confab").click()
    go(page, "profile")
    expect(page.get_by_text("Confirmed", exact=True)).to_have_count(2)


def test_a_second_factor_is_switched_on_and_a_recovery_code_signs_in(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    page = open_page(ann, "settings/security")
    page.get_by_role("button", name="Set up a second factor").click()
    dialog = page.get_by_role("dialog", name="Set up a second factor")
    picture = dialog.get_by_role("img", name="QR code")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 0
    factor = pyotp.TOTP(dialog.locator("code").inner_text().replace(" ", ""))
    dialog.get_by_label("Code of the app").fill("000000")
    page.keyboard.press("Enter")
    expect(dialog.get_by_label("Code of the app")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Code of the app").fill(factor.now())
    page.keyboard.press("Enter")
    codes = page.get_by_role("dialog", name="Keep your recovery codes")
    expect(codes).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(codes).to_be_visible()
    with page.expect_download() as kept:
        codes.get_by_role("button", name="Download").click()
    code = text_of(kept.value).split()[0]
    codes.get_by_role("button", name="Done").click()
    expect(page.get_by_text("10 recovery codes are left.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("Your session has ended")).to_have_count(0)
    sign_in(page, ann.account["email"])
    page.get_by_role("button", name="Use a recovery code").click()
    page.get_by_label("Recovery code").fill(code)
    page.keyboard.press("Enter")
    expect_workspace(page)
    go(page, "security")
    expect(page.get_by_text("9 recovery codes are left.")).to_be_visible()
    page.get_by_role("button", name="Switch it off").click()
    page.get_by_role("dialog").get_by_role("button", name="Switch it off").click()
    expect(page.get_by_role("button", name="Set up a second factor")).to_be_visible()


def test_the_password_is_changed_and_other_devices_are_signed_out(
    open_page: Opens, person: People, site: Deployment
) -> None:
    ann = person("Ann")
    email = ann.account["email"]
    page = open_page(ann, "settings/devices")
    devices = page.get_by_role("main").get_by_role("listitem")
    expect(devices).to_have_count(2)
    expect(devices.first).to_contain_text("Chrome on Linux This device")
    devices.last.get_by_role("button", name="Sign out").click()
    expect(devices).to_have_count(1)
    assert requests.get(f"{site.url}/api/users/me", headers=bearer(ann.api.token), timeout=15).status_code == 401
    go(page, "security")
    page.get_by_role("button", name="Change the password").click()
    page.get_by_label("Present password").fill("wrong")
    page.get_by_label("New password").fill(OTHER)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Present password")).to_be_focused()
    page.get_by_label("Present password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your password was changed")).to_be_visible()
    assert not may_sign_in(site, email)
    assert may_sign_in(site, email, OTHER)
    go(page, "devices")
    page.get_by_role("button", name="Sign out all others").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out all others").click()
    expect(devices).to_have_count(1)


def test_a_token_is_shown_once_and_revoked(open_page: Opens, person: People, site: Deployment) -> None:
    ann = person("Ann")
    page = open_page(ann, "settings/tokens")
    page.get_by_role("button", name="New token").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Build <bot>")
    page.get_by_label("Works for").select_option("90 days")
    page.get_by_role("button", name="Create the token").click()
    secret = page.get_by_role("dialog", name="Your new token").locator("code").inner_text()
    assert requests.get(f"{site.url}/api/users/me", headers=bearer(secret), timeout=15).json()["id"] == ann.api.id
    page.get_by_role("button", name="I have kept it").click()
    row = page.get_by_role("listitem").filter(has_text="Build <bot>")
    expect(row).to_contain_text("reads")
    assert secret not in page.content()
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_text("No tokens yet")).to_be_visible()
    assert requests.get(f"{site.url}/api/users/me", headers=bearer(secret), timeout=15).status_code == 401


def test_a_blocked_person_is_unblocked(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    ann.api("PUT", f"/api/users/me/blocks/{bob.api.id}")
    page = open_page(ann, "settings/blocked")
    page.get_by_role("button", name="Unblock Bob Larsson").click()
    expect(page.get_by_text("You block nobody")).to_be_visible()
    assert ann.api("GET", "/api/users/me/blocks") == []


def test_the_colours_are_kept_and_shown_before_the_page(open_page: Opens, person: People) -> None:
    page = open_page(person("Ann"), "settings/appearance", color_scheme="light")
    page.get_by_label("Dark").check()
    page.get_by_label("Large").check()
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(13, 17, 27)"
    page.route("**/app/main.js", lambda route: route.abort())
    page.reload()
    assert page.evaluate(ground) == "rgb(13, 17, 27)"
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "18px"
    assert page.locator("meta[name=theme-color]").first.get_attribute("content") == "#0d111b"


@pytest.mark.parametrize("allowed", [["notifications"], []], ids=["allowed", "denied"])
def test_notifications_need_the_leave_of_the_browser(open_page: Opens, person: People, allowed: list[str]) -> None:
    page = open_page(person("Ann"), "settings/notifications", permissions=allowed)
    switch = page.get_by_role("switch", name="Show new messages on the desktop")
    switch.click()
    if allowed:
        expect(switch).to_be_checked()
        expect(page.get_by_role("alert")).to_have_count(0)
    else:
        expect(page.get_by_role("alert")).to_contain_text("Allow notifications for this page")
        expect(switch).not_to_be_checked()


def test_export_and_erase(open_page: Opens, person: People, site: Deployment) -> None:
    ann = person("Ann")
    ann.api.send("To be exported")
    page = open_page(ann, "settings/data")
    with page.expect_download() as plain:
        page.get_by_role("button", name="Without files (JSON)").click()
    assert "To be exported" in json.dumps(json.loads(text_of(plain.value)))
    with page.expect_download() as packed:
        page.get_by_role("button", name="Everything (ZIP)").click()
    with zipfile.ZipFile(packed.value.path()) as archive:
        assert "export.json" in archive.namelist()
    page.get_by_role("button", name="Erase the account…").click()
    dialog = page.get_by_role("dialog", name="Erase the account")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_label("to go on").fill("somebody")
    page.keyboard.press("Enter")
    assert may_sign_in(site, ann.account["email"])
    dialog.get_by_label("to go on").fill(me(ann)["username"])
    with page.expect_event("load"):
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert not may_sign_in(site, ann.account["email"])


def test_an_account_of_a_number_alone_proves_itself_by_text(open_page: Opens, site: Deployment) -> None:
    mobile = "+46701740614"
    page = open_page(None, "sign-in/text")
    page.get_by_label("Mobile number").fill(mobile)
    page.keyboard.press("Enter")
    page.get_by_label("Code").fill(texted_code(site.server, mobile))
    page.keyboard.press("Enter")
    expect_workspace(page)
    go(page, "security")
    page.get_by_role("button", name="Set a password").click()
    expect(page.get_by_label("New password")).to_be_focused()
    expect(page.get_by_label("Present password")).to_have_count(0)
    page.get_by_role("button", name="I have a password").click()
    expect(page.get_by_label("Present password")).to_be_focused()
    page.get_by_role("button", name="I have no password yet").click()
    page.get_by_label("New password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your password was changed")).to_be_visible()
    username = page.locator(".settings-name small").inner_text().removeprefix("@")
    go(page, "data")
    page.get_by_role("button", name="Erase the account…").click()
    dialog = page.get_by_role("dialog", name="Erase the account")
    before = site.server.output().count(f"sms to {mobile}")
    dialog.get_by_role("button", name="Send the code").click()
    expect(dialog.get_by_label("Code")).to_be_focused()
    wait_until(lambda: site.server.output().count(f"sms to {mobile}") > before, "another text")
    dialog.get_by_label("Code").fill(texted_code(site.server, mobile))
    dialog.get_by_label("to go on").fill(username)
    with page.expect_event("load"):
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_device_is_forgotten(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    page = open_page(ann, "c/lobby")
    page.get_by_role("textbox", name="Message to Lobby").fill("A draft")
    wait_until(lambda: "confab draft" in page.evaluate("Object.keys(localStorage).join()"), "a kept draft")
    go(page, "profile")
    page.get_by_role("button", name="Sign out").click()
    with page.expect_event("load"):
        page.get_by_role("button", name="Sign out and forget this device").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_text("Your session has ended")).to_have_count(0)
    assert page.evaluate("Object.keys(localStorage)") == []
    assert page.url.endswith("/")


@pytest.mark.parametrize("width", [1440, 360])
def test_the_list_of_settings_comes_first_where_there_is_no_room(open_page: Opens, person: People, width: int) -> None:
    page = open_page(person("Ann"), viewport={"width": width, "height": 740})
    page.goto(f"{page.url}settings")
    names = page.get_by_role("navigation", name="Settings")
    expect(names).to_be_visible()
    expect(page.get_by_label("First name")).to_be_visible(visible=width > 1000)
    names.get_by_role("link", name="Appearance").click()
    expect(page.get_by_label("Dark")).to_be_visible()
    expect(names).to_be_visible(visible=width > 1000)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width < 1000:
        page.get_by_role("main").get_by_role("link", name="Back").click()
        expect(names).to_be_visible()


def text_of(download: Download) -> str:
    return Path(download.path()).read_text()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
