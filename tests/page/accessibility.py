"""What axe-core finds in a page: WCAG 2.2, levels A and AA, and its best practices."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from playwright.sync_api import Page

from tests.openapi.node import installed
from tests.web.vendored import HERE

ENDED = """() => Promise.all(document.getAnimations()
  .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
  .map((each) => each.finished.catch(() => {})))"""
"""Wait for the end of all animations that have one."""

RUN = """async () => {
  const results = await axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    resultTypes: ['violations'],
    // A narrow window shows one pane. The main one is not among what is shown while that is the list or a panel.
    rules: { 'landmark-one-main': { enabled: false } },
  });
  return results.violations.map(({ id, help, nodes }) => ({
    id, help, nodes: nodes.map(({ html, any, all }) => html + ' ' + [...any, ...all].map(({ message }) => message).join('; ')),
  }));
}"""


@cache
def _axe() -> str:
    return (installed("axe-core", HERE) / "axe.min.js").read_text()


def violations(page: Page) -> list[dict[str, Any]]:
    """The rules that the page breaks now, each with its elements. Animations are ended first, because they change contrasts."""
    page.evaluate(ENDED)
    if page.evaluate("typeof axe === 'undefined'"):
        # Playwright evaluates by the debugger's protocol, which the page's policy does not concern.
        page.evaluate(_axe())
    found: list[dict[str, Any]] = page.evaluate(RUN)
    return found


def assert_accessible(page: Page) -> None:
    """Fail with a readable list if axe-core finds something."""
    found = violations(page)
    assert not found, f"{page.url}: {json.dumps(found, indent=1, ensure_ascii=False)}"
