"""Several tabs of one browser: one socket for all, one refresh at a time, and the same state in each."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext

from tests.clients.conftest import Person, Tab
from tests.processes import wait_until
from tests.realtime.conftest import Deployment

Opens = Callable[[], Tab]
People = Callable[[], Person]


def test_tabs_share_one_socket_and_one_state(open_tab: Opens, person: People) -> None:
    ann, bob = person(), person()
    room = ann.api.room(bob.api)["conversation_id"]
    leader = open_tab().open(ann.account).live()
    follower = open_tab().open().live()
    assert (len(leader.sockets), len(follower.sockets)) == (1, 0)
    for tab in (leader, follower):
        tab.contents(room)
    bob.api.send("from bob", conversation_id=room)
    follower.run("id => chat.conversation(id).send({content: 'from the follower'}).done.then((m) => m.id)", room)
    leader.run("id => chat.conversation(id).send({content: 'from the leader'}).done.then((m) => m.id)", room)
    for tab in (leader, follower):
        tab.until_contents(room, ["from bob", "from the follower", "from the leader"])
        tab.until("id => chat.conversation(id).outbox.value.length === 0", room)
        tab.until("id => chat.inbox.value.find((row) => row.id === id).unread_count === 1", room)
    follower.run("id => chat.conversation(id).read(3)", room)
    for tab in (leader, follower):
        tab.until("id => chat.inbox.value.find((row) => row.id === id).unread_count === 0", room)
    assert (len(leader.sockets), len(follower.sockets)) == (1, 0)


def test_another_tab_takes_over_within_three_seconds(open_tab: Opens, person: People) -> None:
    ann, bob = person(), person()
    room = ann.api.room(bob.api)["conversation_id"]
    leader = open_tab().open(ann.account).live()
    follower = open_tab().open().live()
    follower.contents(room)
    follower.run("void (window.began = new Promise((resolve) => chat.on('ready', () => resolve(performance.now()))))")
    closed = follower.run("performance.now()")
    leader.page.close()
    bob.api.send("while nobody listened", conversation_id=room)
    assert follower.run("began") - closed < 3_000
    follower.until_contents(room, ["while nobody listened"])
    bob.api.send("live again", conversation_id=room)
    follower.until_contents(room, ["while nobody listened", "live again"])
    follower.until("received.length === 2")  # what came while catching up is told of at its end
    assert follower.run("received") == ["while nobody listened", "live again"]
    assert len(follower.sockets) == 1


def test_a_message_is_told_of_once_though_the_leading_tab_did_not_keep_it(open_tab: Opens, person: People) -> None:
    ann, bob = person(), person()
    room = ann.api.room(bob.api)["conversation_id"]
    leader = open_tab().open(ann.account).live()
    follower = open_tab().open().live()
    for tab in (leader, follower):
        tab.contents(room)
    bob.api.send("kept", conversation_id=room)
    wait_until(lambda: follower.run(KEEPS, [ann.api.id, room, 1]), "the messages are kept")
    leader.run("void (IDBObjectStore.prototype.put = () => { throw new Error('The disk fails.'); })")
    bob.api.send("not kept", conversation_id=room)
    follower.until("received.length === 2")
    leader.page.close()
    bob.api.send("later", conversation_id=room)
    follower.until("received.includes('later')")
    assert follower.run("received") == ["kept", "not kept", "later"]
    follower.until_contents(room, ["kept", "not kept", "later"])
    wait_until(lambda: follower.run(KEEPS, [ann.api.id, room, 3]), "the messages are kept")


KEEPS = """async ([userId, conversation, seq]) => {
  const database = await new Promise((resolve) => {
    const opening = indexedDB.open(`confab ${location.origin}`);
    opening.onsuccess = () => resolve(opening.result);
  });
  const values = database.transaction('values').objectStore('values');
  const found = await new Promise((resolve) => {
    values.get([userId, 'row', conversation]).onsuccess = ({ target }) => resolve(target.result);
  });
  database.close();
  return found?.keptFrom <= seq && found.lastSeq >= seq;
}"""


def test_one_refresh_for_all_tabs(open_tab: Opens, person: People) -> None:
    """The server would end the session if a refresh token were used twice with time between."""
    tabs = [open_tab().open(person().account).live(), open_tab().open().live(), open_tab().open().live()]
    expire = """async () => {
      const database = await new Promise((resolve) => {
        const opening = indexedDB.open(`confab ${location.origin}`);
        opening.onsuccess = () => resolve(opening.result);
      });
      const values = database.transaction('values', 'readwrite').objectStore('values');
      await new Promise((resolve) => {
        values.get(['session']).onsuccess = ({ target }) => {
          values.put({ ...target.result, access: 'expired', renewAt: 0 }, ['session']).onsuccess = resolve;
        };
      });
      database.close();
    }"""
    tabs[0].run(expire)
    tabs[1].page.reload()
    tabs[2].page.reload()
    for tab in tabs[1:]:
        tab.open().live()
        tab.run("void (window.asked = chat.api.get('/api/users/me'))")
    for tab in tabs[1:]:
        assert tab.run("asked.then((user) => user.id)") == tabs[0].run("chat.user.value.id")
    assert sum(len(tab.refreshes) for tab in tabs) == 1
    assert tabs[0].run("chat.api.get('/api/users/me').then((user) => user.id)") == tabs[0].run("chat.user.value.id")


def test_signing_out_in_one_tab_signs_out_all(open_tab: Opens, person: People) -> None:
    ann, bob = person(), person()
    leader = open_tab().open(ann.account).live()
    follower = open_tab().open().live()
    follower.run("chat.conversation('lobby').send({content: 'kept'}).done.then(() => 0)")
    follower.run("chat.auth.logout({forget: true})")
    for tab in (leader, follower):
        tab.until("chat.state.value.status === 'signed-out'")
        assert tab.run("[chat.inbox.value, chat.user.value, chat.conversation('lobby').messages.value]") == [
            [],
            None,
            [],
        ]
    assert leader.run(KEYS) == []
    leader.run("account => chat.auth.login(account)", bob.account)
    for tab in (leader, follower):
        tab.live()
        assert tab.run("chat.user.value.id") == bob.api.id


KEYS = """async () => {
  const database = await new Promise((resolve) => {
    const opening = indexedDB.open(`confab ${location.origin}`);
    opening.onsuccess = () => resolve(opening.result);
  });
  const values = database.transaction('values').objectStore('values');
  const keys = await new Promise((resolve) => { values.getAllKeys().onsuccess = ({ target }) => resolve(target.result); });
  database.close();
  return keys;
}"""


def test_a_message_outlives_a_reload_in_the_middle_of_its_sending(
    open_tab: Opens, person: People, context: BrowserContext, deployment: Deployment
) -> None:
    ann = person()
    room = ann.api.room()["conversation_id"]
    tab = open_tab().open(ann.account).live()
    tab.contents(room)
    context.set_offline(True)
    tab.run("id => { for (const content of ['one', 'two']) chat.conversation(id).send({content}); }", room)
    tab.until("id => chat.conversation(id).outbox.value.length === 2", room)
    wait_until(lambda: sum("outbox" in key for key in tab.run(KEYS)) == 2, "both are kept")
    context.set_offline(False)
    tab.open()
    tab.live()
    tab.until_contents(room, ["one", "two"])
    tab.until("id => chat.conversation(id).outbox.value.length === 0", room)
    listed = ann.api("GET", f"/api/chat/messages?conversation_id={room}")
    assert [message["content"] for message in listed] == ["two", "one"]


def test_what_is_kept_shows_before_the_network_answers(open_tab: Opens, person: People) -> None:
    ann, bob = person(), person()
    room = ann.api.room(bob.api)["conversation_id"]
    bob.api.send("kept on the device", conversation_id=room)
    tab = open_tab().open(ann.account).live()
    tab.contents(room)
    tab.until_contents(room, ["kept on the device"])
    wait_until(lambda: any("message" in key for key in tab.run(KEYS)), "the message is kept")
    tab.page.route("**/api/**", lambda route: route.abort())
    tab.page.route_web_socket("**/ws/**", lambda socket: socket.close())
    tab.open()
    tab.until("chat.inbox.value.length > 0")
    tab.until_contents(room, ["kept on the device"])
    tab.until("id => chat.inbox.value.find((row) => row.id === id)?.unread_count === 1", room)
    assert tab.run("chat.user.value.id") == ann.api.id
    assert "live" not in [status for status, _ in tab.run("states")]
    tab.page.unroute_all()


REFUSE = """() => {
  window.refused = 0;
  const { put } = IDBObjectStore.prototype;
  window.accept = () => { IDBObjectStore.prototype.put = put; };
  IDBObjectStore.prototype.put = () => { refused += 1; throw new DOMException('', 'QuotaExceededError'); };
}"""
"""From now on the storage is full, until `accept()`. Deletions are accepted, as browsers do."""


def test_an_old_version_does_not_stay_where_the_storage_refuses_the_new_one(open_tab: Opens, person: People) -> None:
    ann, bob = person(), person()
    room = ann.api.room(bob.api)["conversation_id"]
    message = bob.api.send("old version", conversation_id=room)
    tab = open_tab().open(ann.account).live()
    tab.contents(room)
    wait_until(lambda: any("message" in key for key in tab.run(KEYS)), "the message is kept")
    tab.run(REFUSE)
    bob.api("PATCH", f"/api/chat/messages/{message['id']}", {"content": "new version"})
    tab.until_contents(room, ["new version"])
    tab.until("refused > 0")
    tab.run("accept()")
    bob.api.send("later", conversation_id=room)
    wait_until(lambda: [ann.api.id, "message", room, 2] in tab.run(KEYS), "the later message is kept")
    tab.page.route("**/api/**", lambda route: route.abort())
    tab.page.route_web_socket("**/ws/**", lambda socket: socket.close())
    tab.open()
    tab.until("id => chat.conversation(id).messages.value.length > 0", room)
    assert tab.contents(room) == ["later"]
    tab.page.unroute_all()


def test_without_storage_everything_is_in_memory(open_tab: Opens, person: People) -> None:
    ann = person()
    room = ann.api.room()["conversation_id"]
    tab = open_tab()
    tab.page.add_init_script(
        "Object.defineProperty(window, 'indexedDB', {get() { throw new DOMException('', 'SecurityError'); }})"
    )
    tab.open(ann.account).live()
    tab.run("id => chat.conversation(id).send({content: 'one'}).done.then(() => 0)", room)
    tab.until_contents(room, ["one"])


def test_messages_of_a_conversation_that_began_meanwhile_are_told(open_tab: Opens, person: People) -> None:
    ann, bob = person(), person()
    tab = open_tab().open(ann.account).live()
    tab.run("chat.stop()")
    bob.api.send("the first", recipient_id=ann.api.id)
    bob.api.send("the second", recipient_id=ann.api.id)
    tab.open().live()
    tab.until("received.length === 2")
    bob.api.send("the third", recipient_id=ann.api.id)
    tab.until("received.length === 3")
    assert tab.run("received") == ["the first", "the second", "the third"]


def test_a_repeated_send_is_the_same_message(open_tab: Opens, person: People) -> None:
    ann = person()
    room = ann.api.room()["conversation_id"]
    tab = open_tab().open(ann.account).live()
    twice = """id => {
      window.sent = [1, 2].map(() => chat.conversation(id).send({ content: 'one', clientMessageId: 'same' }));
      return [sent[0] === sent[1], chat.conversation(id).outbox.value.length];
    }"""
    assert tab.run(twice, room) == [True, 1]
    assert tab.run("Promise.all(sent.map(({ done }) => done)).then((messages) => messages.map(({ seq }) => seq))") == [
        1,
        1,
    ]
    tab.until_contents(room, ["one"])
