"""The adapter of confab.js in tabs of Chromium: `python -m conformance.adapters.browser`. docs/clients.md describes the protocol.

CONFAB names the library's entry, confab.js of this repository unless given. CHROMIUM names the browser, that of the system unless
given: a program, or the address (ws://…) of one that runs, which several adapters share.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.async_api import BrowserContext, Error, Page, Playwright, async_playwright

from conformance.adapters.protocol import serve, write

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or "chrome"
CAPABILITIES = ["tabs", "clock", "wake", "get_token", "attachments", "members"]
"""Not `storage`: a browser leaves deleted values in the files of its database for a while."""

HERE = Path(__file__).parent
LIBRARY = Path(os.environ.get("CONFAB", HERE.parents[1] / "backend/web/static/confab/confab.js"))
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--log-level=3",
    "--password-store=basic",
]
PAGE = f"""<!doctype html><script type="module">
import {{ Confab }} from './library/{LIBRARY.name}';
import {{ commandsOf }} from './commands.mjs';
globalThis.commands = commandsOf(Confab, (event) => report(JSON.stringify(event)));
</script>"""
PERFORM = "async ([command, options]) => (await commands[command](options)) ?? null"


async def address_in(folder: Path) -> str:
    """The address of the Chromium that has just started with its data in *folder*."""
    found = folder / "DevToolsActivePort"
    while True:
        match found.read_text().split() if found.exists() else []:
            case [port, path]:
                return f"ws://127.0.0.1:{port}{path}"
        await asyncio.sleep(0.02)


class Site(SimpleHTTPRequestHandler):
    """The web site with the page of a tab, at another origin than the server."""

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def translate_path(self, path: str) -> str:
        folder, _, name = path.rpartition("/")
        return str((LIBRARY.parent if folder == "/library" else HERE) / name)

    def log_message(self, *_: object) -> None:
        """Requests are not logged."""


class Adapter:
    """Answers commands. Each tab is a page of one browser, and all pages share its storage."""

    def __init__(self, playwright: Playwright):
        self._playwright = playwright
        self._pages: dict[str, Page] = {}
        self._browser: BrowserContext | None = None
        self._site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
        Thread(target=self._site.serve_forever, daemon=True).start()

    async def perform(self, do: str, arguments: dict[str, Any]) -> Any:
        """The answer to a command. Raises KeyError for a tab that is not open, and the error of the page."""
        tab = arguments.pop("tab", "1")
        if do == "start":
            self._pages[tab] = await self._open(tab, Path(arguments.pop("storage")))
        elif do == "token":
            tab, arguments["for"] = arguments["for"].split(".")
        elif do == "close_tab":
            await self._pages.pop(tab).close()
            return None
        return await self._pages[tab].evaluate(PERFORM, [do, arguments])

    async def _connect(self, storage: Path) -> BrowserContext:
        """A context of the browser. One that is started here is in the process group of the adapter, and ends with it."""
        address = CHROMIUM
        if not address.startswith("ws:"):
            await asyncio.create_subprocess_exec(CHROMIUM, f"--user-data-dir={storage}", *FLAGS, stdout=DEVNULL)
            address = await address_in(storage)
        browser = await self._playwright.chromium.connect_over_cdp(address)
        return await browser.new_context()

    async def _open(self, tab: str, storage: Path) -> Page:
        if self._browser is None:
            self._browser = await self._connect(storage)
        page = await self._browser.new_page()
        await page.expose_function("report", lambda event: _report(tab, json.loads(event)))
        page.on("pageerror", lambda error: print(f"tab {tab}: {error}", file=sys.stderr))
        await page.goto(f"http://127.0.0.1:{self._site.server_port}/")
        return page


def _report(tab: str, event: dict[str, Any]) -> None:
    if event["event"] == "token_wanted":
        event["for"] = f"{tab}.{event['for']}"
    write({**event, "tab": tab})


async def main() -> None:
    async with async_playwright() as playwright:
        await serve(Adapter(playwright), CAPABILITIES, (Error, LookupError, OSError))


if __name__ == "__main__":
    asyncio.run(main())
