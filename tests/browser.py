"""A real browser for tests: headless Chromium over its DevTools protocol (CDP), without another library.

with Browser() as browser:
    page = browser.open("http://127.0.0.1:8000/docs")
    page.wait_for("document.querySelector('.opblock')")
    assert page.complaints == []
"""

from __future__ import annotations

import base64
import json
import re
import signal
import time
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import connect

from tests.packages import chromium_binary
from tests.processes import Folder, end, spawn, wait_until

PATIENCE = 20.0
DEVTOOLS = re.compile(r"DevTools listening on (ws://\S+)")


class Browser:
    """A Chromium process of the test's own, with a profile that is thrown away."""

    def __init__(self) -> None:
        self.folder = Folder()
        log = self.folder.path / "log"
        command: list[str | Path] = [chromium_binary(), "--headless", "--no-sandbox", "--disable-gpu"]
        command += ["--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--hide-scrollbars"]
        command += ["--disable-component-update", "--remote-debugging-port=0", f"--user-data-dir={self.folder.path}"]
        self._process = spawn([*command, "about:blank"], log=log, last_signal=signal.SIGKILL, cwd=self.folder.path)
        try:
            wait_until(lambda: DEVTOOLS.search(log.read_text(errors="replace")), "Chromium's DevTools", PATIENCE)
            address = DEVTOOLS.search(log.read_text(errors="replace"))
            assert address is not None
            self._connection = connect(address[1], max_size=None, compression=None, legacy=True)
        except BaseException:
            end(self._process, signal.SIGKILL, patience=5)
            self.folder.remove()
            raise
        self._numbers = 0
        self._pages: dict[str, Page] = {}

    def open(self, url: str, width: int = 1200, height: int = 900) -> Page:
        """A new tab at *url*, which records all that happens in it from the beginning."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Network", "Runtime", "Log", "Audits"):
            page.call(f"{domain}.enable")
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        page.call("Page.navigate", url=url)
        page.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")
        return page

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """One command, and its result. Events that come meanwhile go to their pages."""
        self._numbers += 1
        number = self._numbers
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        self._connection.send(json.dumps(message))
        while True:
            answer = json.loads(self._connection.recv(timeout=PATIENCE))
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result
            if "method" in answer and answer.get("sessionId") in self._pages:
                self._pages[answer["sessionId"]].hear(answer["method"], answer["params"])

    def close(self) -> None:
        """End it."""
        self._connection.close()
        end(self._process, signal.SIGTERM, patience=5)
        self.folder.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Page:
    """A tab. `requests` are the addresses that it asked for, `complaints` what it found wrong."""

    def __init__(self, browser: Browser, session: str):
        self._browser, self._session = browser, session
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command to this tab."""
        return self._browser.call(method, self._session, **params)

    def hear(self, method: str, params: dict[str, Any]) -> None:
        """Record an event."""
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("warning", "error"):
            self.complaints.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.complaints.append(str([argument.get("value") for argument in params["args"]]))
        elif method == "Audits.issueAdded" and params["issue"]["code"] == "ContentSecurityPolicyIssue":
            self.complaints.append(str(params["issue"]["details"]))

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Ask until the expression is truthy."""
        deadline = time.monotonic() + PATIENCE
        while True:
            if self.evaluate(f"(() => {{ try {{ return !!({script}) }} catch {{ return false }} }})()"):
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"never true: {script}; complaints: {self.complaints}")
            self.evaluate("new Promise(done => setTimeout(done, 50))")

    def click(self, selector: str) -> None:
        """Click the first element of that CSS selector, once it is there."""
        self.wait_for(f"!!document.querySelector({json.dumps(selector)})")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def type(self, selector: str, text: str) -> None:
        """Type *text* into the field of that CSS selector."""
        self.wait_for(f"!!document.querySelector({json.dumps(selector)})")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)

    def picture(self) -> bytes:
        """The visible part of the page, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
