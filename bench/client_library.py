"""Measure the client library, /confab.js, in Chromium.

`.venv/bin/python -m bench.client_library`, after `make test` or `make lint` installed what it needs.

size         bytes of the library, compressed                                                      target: 14 KiB
events       the time for 10,000 events, and its ratio to decoding the same JSON alone            target: 300 ms
cached       from the constructor until 200 conversations show that are kept on the device        target: 100 ms
resume       from `start` until `live`, with 2,000 missed messages in 50 conversations            target: 1,000 ms

Each time is the median of five. The server of `resume` is Confab on SQLite, on the same machine.
"""

from __future__ import annotations

import gzip
import statistics
from collections.abc import Callable
from typing import Any

import requests
from playwright.sync_api import BrowserContext, Page

from backend.web.client_library import joined_library
from bench.browser import browser_and_server

ROUNDS = 5
EVENTS, ROWS, ROOMS, MISSED = 10_000, 200, 50, 2_000
PASSWORD = "password123"

BLANK = "/confab.js"
"""A document of the server without a client of its own."""

# A server in the page: it answers the inbox with ROWS conversations, and its socket sends what a test hands to it.
FAKE_SERVER = """([rows, isAway]) => {
  const answer = (body) => new Response(JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });
  const respond = async (url) => answer(String(url).includes('conversations') ? rows : []);
  window.fetch = (url) => isAway ? new Promise(() => {}) : respond(url);
  window.WebSocket = class {
    readyState = 1;
    constructor() {
      if (isAway) return;
      window.socket = this;
      const user = { id: 1, username: 'ann' };
      setTimeout(() => this.receive({ type: 'ready', user, session_id: 1, heartbeat: 25, typing_expires: 6, online: [] }));
    }
    receive(frame) { this.onmessage?.({ data: JSON.stringify(frame) }); }
    send(text) {
      const { type, id } = JSON.parse(text);
      if (type === 'resume') setTimeout(() => this.receive({ type: 'resumed', id, conversations: [], gone: [], done: true }));
    }
    close() {}
  };
  const claims = btoa(JSON.stringify({ sub: '1', iat: 1, exp: 901 }));
  window.getToken = () => `header.${claims}.signature`;
}"""

APPLY = """async (frames) => {
  const { Confab } = await import('/confab.js');
  const chat = new Confab({ getToken, storage: 'memory' });
  await chat.start();
  const room = chat.conversation('room:1');
  room.messages.subscribe(() => {});
  chat.inbox.subscribe(() => {});
  const texts = frames.map((frame) => JSON.stringify(frame));
  const before = performance.now();
  for (const data of texts) socket.onmessage({ data });
  const shown = [chat.inbox.value.length, room.messages.value.length];
  const applied = performance.now() - before;
  const again = performance.now();
  for (const data of texts) JSON.parse(data);
  return [applied, performance.now() - again, shown];
}"""

FILL = """async () => {
  const { Confab } = await import('/confab.js');
  const chat = new Confab({ getToken, storage: 'indexeddb' });
  await chat.start();
  await chat.stop();
}"""

SHOW = """async () => {
  const { Confab } = await import('/confab.js');
  const before = performance.now();
  const chat = new Confab({ getToken, storage: 'indexeddb' });
  const shown = new Promise((resolve) => chat.inbox.subscribe((rows) => rows.length && resolve(rows.length)));
  chat.start();
  return [await shown, performance.now() - before];
}"""

LIVE = """async (account) => {
  const { Confab } = await import('/confab.js');
  const chat = (window.chat = new Confab({ storage: 'indexeddb' }));
  let count = 0;
  chat.on('message', () => { count += 1; });
  const before = performance.now();
  const started = chat.start();
  if (account) await chat.auth.login(account);
  await started;
  const time = performance.now() - before;
  await chat.stop();
  return [time, count];
}"""


def _message(number: int, conversation: int = 1, sender_id: int = 2) -> dict[str, Any]:
    time = f"2026-01-01T00:00:00.{number:06}Z"
    return {
        "id": number, "conversation_id": f"room:{conversation}", "seq": number, "modseq": number + 1, "sender_id": sender_id,
        "room_id": conversation, "recipient_id": None, "parent_id": None, "content": f"message {number} of a busy room",
        "timestamp": time, "created_at": time, "edited_at": None, "deleted_at": None, "is_read": False, "reactions": [],
        "attachments": [], "reply_count": 0, "mentions": [], "mentions_room": False, "is_pinned": False,
        "client_message_id": None,
    }  # fmt: skip


def _row(number: int, last_seq: int = 0) -> dict[str, Any]:
    return {
        "id": f"room:{number}", "kind": "room", "last_seq": last_seq, "last_modseq": last_seq + 1, "last_read_seq": 0,
        "unread_count": last_seq, "mention_count": 0, "is_muted": False, "is_pinned": False,
        "last_message": _message(last_seq, number) if last_seq else None,
        "room": {"id": number, "name": f"room {number}", "conversation_id": f"room:{number}"},
    }  # fmt: skip


def _median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(ROUNDS))


def measure_events(page: Page, url: str) -> None:
    created = [
        {"type": "message.created", "conversation_id": "room:1", "modseq": number + 1, "message": _message(number)}
        for number in range(1, EVENTS + 1)
    ]
    applied, decoded = [], []
    for _ in range(ROUNDS):
        page.goto(f"{url}{BLANK}")
        page.evaluate(FAKE_SERVER, [[_row(1)], False])
        time, json_time, shown = page.evaluate(APPLY, created)
        assert shown == [1, 500]
        applied.append(time)
        decoded.append(json_time)
    time, reference = statistics.median(applied), statistics.median(decoded)
    print(f"events   {time:7.0f} ms   {time / reference:.1f} times JSON.parse alone ({reference:.0f} ms)")


def measure_cached(page: Page, url: str) -> None:
    rows = [_row(number, 3) for number in range(1, ROWS + 1)]
    page.goto(f"{url}{BLANK}")
    page.evaluate(FAKE_SERVER, [rows, False])
    page.evaluate(FILL)

    def measure() -> float:
        page.goto(f"{url}{BLANK}")
        page.evaluate(FAKE_SERVER, [rows, True])
        count, time = page.evaluate(SHOW)
        assert count == ROWS
        return float(time)

    print(f"cached   {_median(measure):7.0f} ms   {ROWS} conversations, no answer of the network")


def measure_resume(context: BrowserContext, url: str) -> None:
    def call(path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
        answer = requests.post(
            url + path, json=body, headers={"Authorization": f"Bearer {token}"} if token else {}, timeout=30
        )
        answer.raise_for_status()
        return dict(answer.json())

    ann, bob = ({"email": f"{name}@example.com", "password": PASSWORD} for name in ("ann", "bob"))
    tokens = [call("/api/auth/register", account)["access_token"] for account in (ann, bob)]
    rooms = [call("/api/rooms", {"name": f"room {number}"}, tokens[1])["id"] for number in range(ROOMS)]
    for room in rooms:
        call(f"/api/rooms/{room}/join", {}, tokens[0])
    page = context.new_page()
    page.goto(f"{url}{BLANK}")
    page.evaluate(LIVE, ann)

    def measure() -> float:
        for number in range(MISSED):
            call("/api/chat/send", {"content": f"missed {number}", "room_id": rooms[number % ROOMS]}, tokens[1])
        page.goto(f"{url}{BLANK}")
        time, count = page.evaluate(LIVE, None)
        assert count == MISSED
        return float(time)

    print(f"resume   {_median(measure):7.0f} ms   {MISSED} messages in {ROOMS} conversations")


def main() -> None:
    library = joined_library()
    print(f"size     {len(gzip.compress(library, 9)):7} bytes  of {len(library)}", flush=True)
    with browser_and_server() as (browser, url):
        # The policy of the document that the pages open allows no scripts.
        measure_events(browser.new_page(bypass_csp=True), url)
        measure_cached(browser.new_page(bypass_csp=True), url)
        measure_resume(browser.new_context(bypass_csp=True), url)


if __name__ == "__main__":
    main()
