"""An administrator's part of the page: users, roles, reports, the audit trail and health. Others do not see it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from backend.models import User
from backend.models.base import db
from tests.page.accessibility import assert_accessible
from tests.page.conftest import Opens, People, Person
from tests.realtime.conftest import Deployment


@pytest.fixture
def admin(site: Deployment, person: People) -> Person:
    admin = person("Ada", "Admin")
    with site.app.app_context():
        db.session.get_one(User, admin.api.id).is_superuser = True
        db.session.commit()
    return admin


def answered(page: Page, method: str, path: str) -> int:
    """Wait for the answer to a call, which the next action makes."""
    with page.expect_response(lambda response: response.request.method == method and path in response.url) as found:
        page.get_by_role("dialog").get_by_role("button", name=re.compile("Save|Resolve")).click()
    return found.value.status


def test_a_user_is_given_a_role_and_deactivated(open_page: Opens, admin: Person, person: People) -> None:
    bob = person("Bob", username=f"bob-{admin.api.id}")
    page = open_page(admin, "admin/roles")
    page.get_by_role("button", name="New role").click()
    role = f"support {admin.api.id}"
    page.get_by_role("textbox", name="Name").fill(role)
    assert answered(page, "POST", "/api/roles") == 201
    expect(page.get_by_role("listitem").filter(has_text=role)).to_be_visible()
    page.get_by_role("link", name="Users").click()
    page.get_by_role("searchbox").fill(f"bob-{admin.api.id}")
    row = page.get_by_role("main").get_by_role("listitem").filter(has_text="Bob Larsson")
    expect(page.get_by_role("main").get_by_role("button", name=re.compile("^Edit"))).to_have_count(1)
    row.get_by_role("button").click()
    page.get_by_role("checkbox", name=role).check()
    page.get_by_role("checkbox", name="Active").uncheck()
    assert answered(page, "PATCH", "/api/users/") == 200
    expect(row).to_contain_text(role)
    expect(row).to_contain_text("Deactivated")
    bob.api("GET", "/api/users/me", status=401)
    page.get_by_role("link", name="Audit trail").click()
    page.get_by_role("row").filter(has_text="role.granted").first.get_by_role("button", name="role.granted").click()
    expect(page.get_by_text("What: role.granted")).to_be_visible()
    admin_name = page.get_by_role("row").nth(1).get_by_role("button").first
    name = admin_name.inner_text()
    admin_name.click()
    expect(page.get_by_text(f"Who: {name}")).to_be_visible()
    assert_accessible(page)


def test_a_report_is_resolved(open_page: Opens, admin: Person, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    room = ann.api.room(bob.api, name="Design")["conversation_id"]
    message = bob.api.send("<b>Something rude</b>", conversation_id=room)
    ann.api("POST", f"/api/chat/messages/{message['id']}/report", {"reason": f"Rude to {ann.api.id}"})
    page = open_page(admin, "admin/reports")
    report = page.get_by_role("listitem").filter(has_text=f"Rude to {ann.api.id}")
    expect(report).to_contain_text("<b>Something rude</b>")
    assert_accessible(page)
    report.get_by_role("button", name="Resolve").click()
    page.get_by_role("textbox", name="Note").fill("Talked to Bob")
    assert answered(page, "PATCH", "/api/reports/") == 200
    expect(report).to_have_count(0)
    expect(page.locator(".settings-part")).to_be_focused()
    page.get_by_role("button", name="Resolved", exact=True).click()
    expect(report).to_contain_text("Talked to Bob")


def test_health_with_drift(open_page: Opens, admin: Person) -> None:
    page = open_page(admin, "admin/health")
    expect(page.get_by_text("The tables are as this version needs them.")).to_be_visible()
    assert_accessible(page)


def test_others_do_not_see_it(open_page: Opens, person: People) -> None:
    page = open_page(person("Ann"), "admin/users")
    expect(page.get_by_role("heading", name="This part is for administrators")).to_be_visible()
    expect(page.get_by_role("link", name="Administration")).to_have_count(0)
