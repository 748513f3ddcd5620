"""Measure the page at `/` in Chromium, with a server on SQLite on the same machine.

`.venv/bin/python -m bench.page`, after `make test` or `make lint` installed what it needs.

script       bytes of script that the first load transfers, compressed: nobody is signed in yet;
             the note tells how many it is with a conversation open                                      limit: 60 KB
style        bytes of style, compressed                                                                  limit: 12 KB
paint        from the navigation to the first paint with content, with an empty cache                    limit: 500 ms
cached       from the navigation until conversations show that are kept on the device, with no answer
             of the API, and the page kept by the service worker                                         limit: 800 ms
frame        the longest frame while 100 messages a second arrive in the open room, for 10 s             limit: 50 ms
heap         JavaScript's memory after 10,000 messages arrived in the open room                          limit: 60 MB

For `paint` and `cached` the processor is throttled four times, and each is the median of five starts. Chromium reports only
frames of more than 50 ms as long, so `frame` is then the longest time between two frames.
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page
from websockets.sync.client import ClientConnection, connect

from bench.browser import browser_and_server
from tests.clients.conftest import Person, register

KILO = 1_000
ROUNDS, THROTTLE = 5, 4
ROOMS = 30
RATE, SECONDS, MESSAGES = 100, 10, 10_000
UNANSWERED = 100
"""How many messages may be sent before the acknowledgement of the first one, where no rate is kept."""

MESSAGE = "[data-messages] [data-seq]"

SIGN_IN = """async (account) => {
  const { chat } = await import(new URL('chat.js', document.querySelector('script[type=module]').src));
  await chat.auth.login(account);
}"""

SIZES = """() => {
  const sizes = { script: 0, style: 0 };
  for (const { name, encodedBodySize } of performance.getEntriesByType('resource')) {
    const { pathname } = new URL(name);
    if (pathname.endsWith('.js') && pathname !== '/sw.js') sizes.script += encodedBodySize;
    if (pathname.endsWith('.css')) sizes.style += encodedBodySize;
  }
  return sizes;
}"""

PAINT = """() => new Promise((resolve) => {
  new PerformanceObserver((list) => {
    for (const { name, startTime } of list.getEntries()) if (name === 'first-contentful-paint') resolve(startTime);
  }).observe({ type: 'paint', buffered: true });
})"""

WATCH_ROWS = """
window.rowsShownAt = new Promise((resolve) => {
  new MutationObserver((_, observer) => {
    if (!document.querySelector('.inbox-row')) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now()))); // after the frame is painted
  }).observe(document, { childList: true, subtree: true });
});
"""

CONTROLLED = """() => new Promise((resolve) => {
  const { serviceWorker } = navigator;
  if (serviceWorker.controller) resolve();
  else serviceWorker.addEventListener('controllerchange', () => resolve(), { once: true });
})"""

WATCH_FRAMES = """() => {
  window.frames_ = { long: 0, between: 0, count: 0 };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) frames_.long = Math.max(frames_.long, duration);
  }).observe({ type: 'long-animation-frame' });
  let last = performance.now();
  const next = (now) => {
    frames_.between = Math.max(frames_.between, now - last);
    frames_.count += 1;
    last = now;
    requestAnimationFrame(next);
  };
  requestAnimationFrame((now) => { last = now; next(now); });
}"""


def show(name: str, value: float, unit: str, limit: float, note: str = "") -> None:
    """Print a measurement beside its limit."""
    verdict = "ok" if value <= limit else "MISS"
    print(f"{name:8} {value:8.1f} {unit:3} limit {limit:4.0f}  {verdict:5} {note}".rstrip(), flush=True)


def sign_in(page: Page, url: str, who: Person) -> None:
    page.goto(f"{url}/")
    page.locator("form").first.wait_for()
    page.evaluate(SIGN_IN, who.account)
    page.locator(".inbox-row").first.wait_for()


def forget_files(session: CDPSession) -> None:
    session.send("Network.clearBrowserCache")


def throttle(session: CDPSession, times: int) -> None:
    session.send("Emulation.setCPUThrottlingRate", {"rate": times})


@contextmanager
def without_api(session: CDPSession) -> Iterator[None]:
    """Requests of the API and the socket fail at once, as without network."""
    session.send("Network.enable")
    session.send("Network.setBlockedURLs", {"urls": ["*/api/*", "*/ws/*"]})
    yield
    session.send("Network.setBlockedURLs", {"urls": []})


def median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(ROUNDS))


def loaded_sizes(page: Page, session: CDPSession, address: str, shown: str) -> dict[str, int]:
    """How many bytes of script and of style the page loads, with an empty cache, until *shown* is there and all is quiet."""
    forget_files(session)
    page.goto("about:blank")
    page.goto(address)
    page.locator(shown).first.wait_for()
    page.wait_for_load_state("networkidle")
    sizes: dict[str, int] = page.evaluate(SIZES)
    return sizes


def measure_first_load(context: BrowserContext, url: str, who: Person, room: str) -> None:
    page = context.new_page()
    session = context.new_cdp_session(page)
    first = loaded_sizes(page, session, f"{url}/", "form")
    sign_in(page, url, who)
    opened = loaded_sizes(page, session, f"{url}/#/c/{room}", MESSAGE)
    show("script", first["script"] / KILO, "KB", 60, f"{opened['script'] / KILO:.1f} KB with a conversation open")
    show("style", first["style"] / KILO, "KB", 12)

    def paint() -> float:
        forget_files(session)
        page.goto("about:blank")
        page.goto(f"{url}/#/c/{room}")
        return float(page.evaluate(PAINT))

    throttle(session, THROTTLE)
    show("paint", median(paint), "ms", 500)
    page.close()


def measure_cached(context: BrowserContext, url: str, who: Person, room: str) -> None:
    page = context.new_page()
    sign_in(page, url, who)
    page.evaluate(CONTROLLED)
    page.close()

    def rows_shown_at() -> float:
        page = context.new_page()
        page.add_init_script(WATCH_ROWS)
        session = context.new_cdp_session(page)
        throttle(session, THROTTLE)
        with without_api(session):
            page.goto(f"{url}/#/c/{room}")
            shown_at = float(page.evaluate("window.rowsShownAt"))
        page.close()
        return shown_at

    show("cached", median(rows_shown_at), "ms", 800, f"{ROOMS} conversations")


class Sender:
    """Sends messages to a room over a socket."""

    def __init__(self, socket: ClientConnection, room: str):
        self.socket = socket
        self.room = room
        self.sent = self.acknowledged = 0

    def send(self) -> None:
        self.sent += 1
        frame = {
            "type": "send",
            "conversation_id": self.room,
            "content": f"Number {self.sent}: is **this** fast? `yes`",
        }
        self.socket.send(json.dumps(frame))

    def wait(self, allowed: int = 0) -> None:
        """Wait until at most *allowed* messages are not acknowledged."""
        while self.sent - self.acknowledged > allowed:
            self.acknowledged += json.loads(self.socket.recv(30))["type"] == "ack"

    def send_at_rate(self, count: int) -> None:
        start = time.perf_counter()
        for number in range(count):
            time.sleep(max(0.0, start + number / RATE - time.perf_counter()))
            self.send()
        self.wait()

    def send_fast(self, count: int) -> None:
        for _ in range(count):
            self.send()
            self.wait(UNANSWERED)
        self.wait()


def measure_messages(context: BrowserContext, url: str, reader: Person, writer: Person, room: str) -> None:
    page = context.new_page()
    sign_in(page, url, reader)
    page.goto(f"{url}/#/c/{room}")
    page.locator(MESSAGE).first.wait_for()
    session = context.new_cdp_session(page)
    address = url.replace("http", "ws", 1)
    with connect(f"{address}/ws/{secrets.token_hex(4)}?token={writer.api.token}") as socket:
        sender = Sender(socket, room)
        page.evaluate(WATCH_FRAMES)
        in_background(page, lambda: sender.send_at_rate(RATE * SECONDS))
        frames: dict[str, float] = page.evaluate("frames_")
        note = f"{frames['between']:.0f} ms between two frames at most, {frames['count'] / SECONDS:.0f} frames a second"
        show("frame", frames["long"] or min(frames["between"], 50), "ms", 50, note)
        in_background(page, lambda: sender.send_fast(MESSAGES - RATE * SECONDS))
    page.get_by_text(f"Number {MESSAGES}:").last.wait_for(state="attached", timeout=300_000)
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"]
    show("heap", heap / KILO**2, "MB", 60, f"{page.locator('[data-seq]').count()} messages in the document")
    page.close()


def in_background(page: Page, work: Callable[[], None]) -> None:
    """Run *work* in a thread, while the browser's events are handled. Raises what *work* raises."""
    with ThreadPoolExecutor(max_workers=1) as threads:
        future = threads.submit(work)
        while not future.done():
            page.wait_for_timeout(100)
        future.result()


def prepare(url: str) -> tuple[Person, Person, str]:
    """Two people, and ROOMS rooms of both. Returns them, and the room that the page opens."""
    ann, bob = register(url, first_name="Ann"), register(url, first_name="Bob")
    rooms = [ann.api.room(bob.api, name=f"Room {number}")["conversation_id"] for number in range(ROOMS)]
    for room in rooms:
        for number in range(3):
            bob.api("POST", "/api/chat/send", {"conversation_id": room, "content": f"Message {number} of *this* room"})
    return ann, bob, rooms[0]


def measure(browser: Browser, url: str) -> None:
    ann, bob, room = prepare(url)
    options: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
    measure_first_load(browser.new_context(**options, service_workers="block"), url, ann, room)
    measure_cached(browser.new_context(**options), url, ann, room)
    measure_messages(browser.new_context(**options), url, ann, bob, room)


def main() -> None:
    if (load := os.getloadavg()[0]) > 1:
        print(f"Other programs are busy (load {load:.1f}): times are longer than on a quiet machine.")
    keys = {"SECRET_KEY": secrets.token_hex(32), "JWT_SECRET_KEY": secrets.token_hex(32)}
    with browser_and_server(APP_ENV="production", **keys) as (browser, url):
        measure(browser, url)


if __name__ == "__main__":
    main()
