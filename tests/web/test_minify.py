"""Scripts and styles that are made smaller say the same as before. What the scripts do, the tests of the page show."""

from __future__ import annotations

from subprocess import CalledProcessError

import pytest
from playwright.sync_api import Page

from backend.web.bundle import STATIC, STYLES, joined_style
from backend.web.minify import minified

COMPUTED = """text => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  document.adoptedStyleSheets = [sheet];
  const probe = document.body.appendChild(document.createElement('i'));
  const computed = getComputedStyle(probe);
  const read = (rule) => {
    const inner = [...(rule.cssRules ?? [])].flatMap(read);
    const head = rule.selectorText ?? rule.conditionText ?? rule.keyText ?? rule.name ?? rule.constructor.name;
    if (!rule.style) return [head, ...inner];
    probe.style.cssText = rule.style.cssText;
    const own = [...rule.style].map((name) => {
      const value = computed.getPropertyValue(name) + rule.style.getPropertyPriority(name);
      const spelled = name.startsWith('--') ? value.replaceAll(/\\s+|\\b0(?=\\.)/g, '') : value;
      return `${head} ${name}: ${name.startsWith('background-position') ? spelled.replace(/^0%$/, '0px') : spelled}`;
    });
    return [...own, ...inner];
  };
  const found = [...sheet.cssRules].flatMap(read);
  probe.remove();
  return found;
}"""
"""The rules of a style sheet, and what each declaration computes to on an element.

The text of a variable is compared without its spaces. The minifier writes `background: none` as `0 0`, which shows the same.
"""


def test_the_style_sheet_of_the_page_says_the_same(page: Page) -> None:
    paths = {path.relative_to(STATIC).as_posix(): path for path in (STATIC / "app").rglob("*.css")}
    style = joined_style(paths)
    [small] = minified([(STYLES, style)])
    before, after = page.evaluate(COMPUTED, style), page.evaluate(COMPUTED, small)
    assert len(before) > 1000
    assert after == before
    assert "/*" in style
    assert "/*" not in small


def test_the_comparison_of_styles_notices_a_change(page: Page) -> None:
    styles = ["a { top: 1px }", "b { top: 1px }", "a { top: 2px }", "a { top: 1px !important }", "a { & b { top: 1px } }",
              "@media (hover) { a { top: 1px } }", "@keyframes a { 5% { top: 1px } }", "a { --b: 1px }"]  # fmt: skip
    found = [page.evaluate(COMPUTED, style) for style in styles]
    assert [each for each in found if found.count(each) > 1 or not each] == []


def test_what_is_removed_from_a_script() -> None:
    script = "// why\nimport { one } from './one.js';\n\nexport const two = (longer) => one(`a  b`, longer); // 2\n"
    assert minified([("a.js", script)]) == ['import{one}from"./one.js";export const two=e=>one(`a  b`,e)']


@pytest.mark.parametrize("file", [("a.js", "export const a = (;"), ("b.js", "const a = `")])
def test_a_syntax_error_is_told(file: tuple[str, str]) -> None:
    with pytest.raises(CalledProcessError) as failure:
        minified([("first.js", "const first = 1;"), file])
    assert "line 1" in failure.value.stderr
