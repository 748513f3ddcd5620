"""axe-core finds nothing in the settings and their dialogs: wide and light, narrow and dark."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.page.accessibility import assert_accessible
from tests.page.conftest import Opens, People, Person
from tests.page.test_settings import age_sessions, go
from tests.realtime.conftest import Deployment

LOOKS = [({"width": 1280, "height": 800}, "light"), ({"width": 360, "height": 740}, "dark")]


@pytest.fixture
def ann(person: People) -> Person:
    ann = person("Ann")
    ann.api("PUT", f"/api/users/me/blocks/{person('Bob').api.id}")
    ann.api("POST", "/api/auth/tokens", {"name": "Bot"})
    return ann


def check_accessible(page: Page, role: str, name: str) -> None:
    """What has this role and name is accessible, in each look."""
    expect(page.get_by_role(role, name=name)).to_be_visible()  # type: ignore[arg-type]
    for viewport, scheme in LOOKS:
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert_accessible(page)
    page.set_viewport_size(LOOKS[0][0])  # type: ignore[arg-type]


def test_the_sections(open_page: Opens, ann: Person) -> None:
    page = open_page(ann, "settings/profile")
    check_accessible(page, "button", "Choose a picture")
    for section, control in (
        ("appearance", "Size of text"),
        ("notifications", "Desktop notifications"),
        ("security", "Second factor"),
        ("devices", "Where you are signed in"),
        ("tokens", "API tokens"),
        ("blocked", "People whom you block"),
        ("data", "Erase the account"),
    ):
        go(page, section)
        expect(page.get_by_role("main").get_by_role("heading", name=control, level=3)).to_be_visible()
        expect(page.locator(".loading")).to_have_count(0)
        check_accessible(page, "navigation", "Settings")


def test_the_dialogs(open_page: Opens, ann: Person, site: Deployment) -> None:
    page = open_page(ann, "settings/profile")
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(picture, "PNG")
    page.locator("input[type=file]").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    )
    check_accessible(page, "dialog", "Choose the part to show")
    page.keyboard.press("Escape")
    for section, button, dialog in (
        ("data", "Erase the account…", "Erase the account"),
        ("tokens", "New token", "New token"),
        ("security", "Set up a second factor", "Set up a second factor"),
    ):
        go(page, section)
        page.get_by_role("button", name=button).click()
        check_accessible(page, "dialog", dialog)
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Sign out").click()
    check_accessible(page, "dialog", "Sign out")
    page.keyboard.press("Escape")
    age_sessions(site, ann)
    page.get_by_role("button", name="Set up a second factor").click()
    check_accessible(page, "dialog", "Confirm that it is you")
