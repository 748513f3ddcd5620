"""`--slow-browser` runs the tests of the page as on a slow device.

It finds what goes well only because a moment is mostly short enough, in the tests and in the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

LATE = """
const [frame, request] = [requestAnimationFrame.bind(window), fetch.bind(window)];
window.requestAnimationFrame = (call) => frame(() => setTimeout(() => call(performance.now()), 250 * Math.random()));
window.fetch = async (address, options) => {
  if (!options?.keepalive) await new Promise((resolve) => setTimeout(resolve, 300 * Math.random()));
  return request(address, options);
};
"""
"""Delays frames and requests. A request with `keepalive` belongs to a page that ends, and would not be made later."""

TIMES = 4
"""So many times slower is the processor."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--slow-browser", action="store_true", help="delay frames, requests and scripts in the tests of the page"
    )


def slow_down(context: BrowserContext, page: Page) -> None:
    """Delay what the next pages of *context* do, and make the processor slower for *page*, which is new."""
    context.add_init_script(LATE)
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": TIMES})
