"""The pictures of the page in docs/images, taken of the demo: `python -m tests.page.screenshots`. Needs a font with emoji."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import requests
from playwright.sync_api import Browser, Page, sync_playwright

from tests.packages import chromium_binary
from tests.page.accessibility import ENDED
from tests.processes import free_port, wait_until
from tests.servers import ROOT

IMAGES = ROOT / "docs" / "images"
PASSWORD = "spokes-and-wheels"
DESIGNER, ADMINISTRATOR = "ines@spoke.example", "jonas@spoke.example"
WIDE, NARROW = (1440, 900), (390, 844)

PICTURES = """async () => {
  const isWanted = (element) => element.checkVisibility() && element.getBoundingClientRect().bottom > 0;
  const isThere = (element) => element.querySelector('img')?.complete;
  while (![...document.querySelectorAll('.picture')].filter(isWanted).every(isThere)) await new Promise(requestAnimationFrame);
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
}"""
"""Wait until the pictures of messages in view are there."""


@contextlib.contextmanager
def demo() -> Iterator[str]:
    """Build and serve the demo in a temporary folder; the address of its server."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="confab-demo-") as folder:
        command = [sys.executable, "-m", "demo", "--folder", f"{folder}/demo"]
        environment = {**os.environ, "PORT": str(port), "LOG_LEVEL": "warning"}
        server = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            wait_until(lambda: _answers(url), "the demo is served", 180)
            yield url
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{url}/api/health", timeout=5).ok
    return False


class Album:
    """Takes pictures of what one user sees, in one window."""

    def __init__(self, browser: Browser, url: str, size: tuple[int, int], scheme: str):
        self._context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, locale="en-GB", service_workers="block"
        )
        self.page = self._context.new_page()
        self.page.goto(url)

    def sign_in(self, email: str) -> Album:
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.locator(".inbox-row").first.wait_for()
        return self

    def go(self, path: str) -> Page:
        self.page.evaluate("path => { location.hash = `#/${path}` }", path)
        return self.page

    def take(self, name: str) -> None:
        """Take the picture when everything is loaded and still."""
        self.page.wait_for_load_state("networkidle")
        self.page.mouse.move(0, 0)
        self.page.evaluate(ENDED)
        self.page.evaluate(PICTURES)
        self.page.screenshot(path=IMAGES / f"{name}.png")
        print(f"screenshots: {name}", flush=True)

    def close(self) -> None:
        self._context.close()


def room(album: Album, name: str) -> str:
    """The address of a room of the inbox."""
    href = album.page.get_by_role("link", name=name).first.get_attribute("href")
    assert href is not None
    return href.removeprefix("#/")


def take_all(browser: Browser, url: str) -> None:
    for scheme in ("light", "dark"):
        wide = Album(browser, url, WIDE, scheme).sign_in(DESIGNER)
        design = room(wide, "design")
        page = wide.go(design)
        page.get_by_role("article").last.wait_for()
        wide.take(f"conversation-{scheme}")
        page.get_by_role("button", name="repl").last.click()
        page.get_by_role("complementary").get_by_role("article").first.wait_for()
        wide.take(f"thread-{scheme}")
        narrow = Album(browser, url, NARROW, scheme).sign_in(DESIGNER)
        if scheme == "light":
            narrow.take("inbox-narrow-light")
            wide.go("settings/profile").get_by_role("heading", name="Profile").wait_for()
            wide.take("settings-light")
        else:
            wide.go("search?q=bike").locator(".result").first.wait_for()
            wide.take("search-dark")
        narrow.go(design).get_by_role("article").last.wait_for()
        narrow.take(f"conversation-narrow-{scheme}")
        wide.close()
        narrow.close()
    album = Album(browser, url, WIDE, "light")
    album.page.get_by_label("Email").wait_for()
    album.take("sign-in-light")
    album.sign_in(ADMINISTRATOR)
    album.go("admin/reports").get_by_role("button", name="Resolve", exact=True).first.wait_for()
    album.take("reports-light")
    album.close()


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with demo() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_binary())
        take_all(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
