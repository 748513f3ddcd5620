"""Two people talk."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.page.conftest import Opens, People


def test_two_people_talk(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("Bob")
    room = ann.api.room(bob.api, name="Design")["conversation_id"]
    anns = open_page(ann, f"c/{room}")
    bobs = open_page(bob, f"c/{room}")
    anns.get_by_role("textbox", name="Message to Design").fill("Shall we begin?")
    anns.keyboard.press("Enter")
    expect(bobs.get_by_role("article").filter(has_text="Shall we begin?")).to_contain_text("Ann Larsson")
    bobs.get_by_role("textbox", name="Message to Design").fill("We shall")
    bobs.keyboard.press("Enter")
    expect(anns.get_by_role("article").filter(has_text="We shall")).to_contain_text("Bob Larsson")
    expect(anns.get_by_role("article")).to_have_count(2)
