"""What a browser reports about a page: the addresses that the page requested, and the faults that the browser found in it."""

from __future__ import annotations

from playwright.sync_api import ConsoleMessage, Error, Page, Request

FAULTS = {"assert", "error", "warning"}
"""The types of console messages that report a fault. A violation of the Content-Security-Policy is an error."""


class PageLog:
    """Records the `requests` (addresses) and `complaints` (texts) of a page from its next navigation on."""

    def __init__(self, page: Page):
        self._page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._on_request)
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)

    def foreign_requests(self, url: str) -> list[str]:
        """The requests that went to another server than the one at *url*."""
        return [request for request in self.requests if not request.startswith((f"{url}/", "data:", "blob:"))]

    def describe(self) -> str:
        """What the page shows, and its last requests and complaints: for a test that failed."""
        shown = "(closed)" if self._page.is_closed() else self._page.locator("body").aria_snapshot()
        return "\n".join([self._page.url, shown, *self.requests[-20:], *self.complaints])

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in FAULTS:
            self.complaints.append(message.text)

    def _on_error(self, error: Error) -> None:
        self.complaints.append(error.message)
