"""More conversations than a frame of the socket can name."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Route
from sqlalchemy import insert

from backend.models import Room
from backend.models.base import db
from tests.clients.conftest import Tab, register_here
from tests.messages.test_sync_budget import many_rooms
from tests.realtime.conftest import OpenDeployment

MANY = 2_600
FIRST = 8_000_000_000_000_000
"""The ids of the rooms are long, so that fewer of them fill a frame."""

RECORD = """
  window.heard = [];
  window.WebSocket = class extends WebSocket {
    constructor(url) {
      super(url);
      this.addEventListener('message', ({ data }) => heard.push(JSON.parse(data)));
    }
  };
"""
"""Record the frames of the socket as they arrive."""


def test_thousands_of_conversations_catch_up_over_http(
    context: BrowserContext, open_deployment: OpenDeployment
) -> None:
    deployment = open_deployment("sqlite")
    ann, bob = register_here(deployment), register_here(deployment)
    room = bob.api.room(ann.api)["conversation_id"]
    with deployment.app.app_context():
        db.session.execute(insert(Room), [{"id": FIRST, "name": "first", "owner_id": bob.api.id}])
        db.session.commit()
    names = many_rooms(deployment.app, ann.api.id, MANY)
    tab = Tab(context.new_page(), deployment.url)
    tab.page.add_init_script(RECORD)
    tab.open(ann.account).live()
    assert tab.run("chat.inbox.value.length") == MANY + 2  # the lobby too
    tab.run("chat.stop()")
    for number in range(250):  # more than an answer has of a conversation
        bob.api.send(f"missed {number}", conversation_id=room)
    answers = 0

    def answer(route: Route) -> None:
        """Let a message arrive after the server has read its answer, and before that arrives."""
        nonlocal answers
        answers += 1
        response = route.fetch()
        if answers == 2:
            bob.api.send("during", conversation_id=room)
            tab.until("heard.some(({ message }) => message?.content === 'during')")
        route.fulfill(response=response)

    tab.page.route("**/api/chat/sync", answer)
    tab.open().live()
    assert answers == 2
    assert tab.run("heard.filter(({ type }) => type === 'resumed').length") == 0
    tab.contents(room)
    missed = [f"missed {number}" for number in range(250)]
    assert tab.run("received") == [*missed, "during"]
    tab.until("id => chat.conversation(id).info.value.unread_count === 251", room)
    own = ann.api.send("live", conversation_id=names[0])
    tab.until("received.at(-1) === 'live'")
    bob.api("PATCH", f"/api/chat/messages/{own['id'] - 1}", {"content": "edited"})
    tab.until("id => chat.conversation(id).messages.value.at(-1).content === 'edited'", room)
    assert tab.run("received") == [*missed, "during", "live"]
    tab.page.unroute_all()
