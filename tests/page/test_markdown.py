"""What people write is shown as Markdown, and never runs."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.page.conftest import Opens, People

ATTACK = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script><svg onload='window.hacked=1'>"
LINKS = "[a](javascript:window.hacked=1) [b](data:text/html,x) ![c](javascript:window.hacked=1) <javascript:alert(1)>"

RICH = """# Plan
Some **bold**, *italic*, ~~gone~~ and `code <b>`,
next line

- [x] done
- [ ] open
  1. inner

> quoted

| a | b |
|---|--:|
| 1 | 2 |

```python
if a < b: pass
```
https://example.com/x?a=1&b=2 and mail@example.com ![picture](https://example.com/x.png)"""

HOSTILE = {
    "quotes": ">" * 4000,
    "lists": "- " * 2000,
    "emphasis": "*a " * 1333,
    "underscores": "_" * 3990 + ")](a)*_`~",
    "brackets": "[" * 2000 + "]" * 2000,
    "nested emphasis": "**a " * 600 + " b**" * 390,
    "table": "|a" * 500 + "|\n" + "|-" * 500 + "|\n" + "|b" * 900,
}

TIMES = """async (contents) => {
  const module = new URL('conversation/markdown-tokens.js', document.querySelector('script[type=module]').src);
  const { tokensOf } = await import(module);
  const depth = (tokens) => 1 + Math.max(0, ...tokens.map(({ tokens, items }) => depth(tokens ?? items ?? [])));
  return Object.entries(contents).map(([name, content]) => {
    const start = performance.now();
    const deep = depth(tokensOf(content));
    return [name, performance.now() - start, deep];
  });
}"""


def article(page: Page, text: str) -> Locator:
    return page.get_by_role("article").filter(has_text=text)


def test_nothing_that_is_shown_runs(open_page: Opens, person: People) -> None:
    ann, bob = person("Ann"), person("<b>Bob</b>", "<script>window.hacked=1</script>")
    room = ann.api.room(bob.api, name=ATTACK[:80], description=ATTACK[:200])
    file = bob.api.upload("<img src=x onerror=window.hacked=1>.txt", b"x")
    bob.api.send(ATTACK, room_id=room["id"], attachment_ids=[file["id"]])
    bob.api.send(LINKS, room_id=room["id"])
    page = open_page(ann, f"c/{room['conversation_id']}")
    message = article(page, "onerror=").first
    expect(message).to_contain_text(ATTACK)
    expect(message).to_contain_text("<b>Bob</b> <script>window.hacked=1</script>")
    expect(message).to_contain_text("<img src=x onerror=window.hacked=1>.txt")
    expect(page.get_by_role("heading", name=ATTACK[:80]).first).to_be_visible()
    links = article(page, "data:text/html")
    expect(links).to_contain_text(LINKS)
    expect(links.get_by_role("link")).to_have_count(0)
    assert page.evaluate("window.hacked") is None
    assert page.locator("article :is(img, script, svg[onload], iframe)").count() == 0


def test_markdown_becomes_elements_and_code_can_be_copied(open_page: Opens, person: People) -> None:
    ann = person("Ann")
    room = ann.api.room(name="Design")
    ann.api.send(RICH, room_id=room["id"])
    page = open_page(ann, f"c/{room['conversation_id']}", permissions=["clipboard-read", "clipboard-write"])
    message = article(page, "Plan")
    expect(message.locator("strong", has_text="bold")).to_be_visible()
    expect(message.locator("em")).to_have_text("italic")
    expect(message.get_by_text("gone", exact=True)).to_have_css("text-decoration-line", "line-through")
    expect(message.locator("p > code")).to_have_text("code <b>")
    expect(message.locator("br")).to_have_count(1)
    expect(message.get_by_role("img", name="Done")).to_be_visible()
    expect(message.get_by_role("img", name="To do")).to_be_visible()
    expect(message.locator("ul ol li")).to_have_text("inner")
    expect(message.locator("blockquote")).to_have_text("quoted")
    expect(message.get_by_role("cell")).to_have_text(["1", "2"])
    expect(message.locator("pre")).to_have_text("if a < b: pass")
    expect(message.locator(".code-language")).to_have_text("python")
    message.get_by_role("button", name="Copy the code").click()
    expect(message.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "if a < b: pass"
    link = message.get_by_role("link", name="https://example.com/x?a=1&b=2")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")
    expect(message.get_by_role("link", name="mail@example.com")).to_have_attribute("href", "mailto:mail@example.com")
    # A picture from elsewhere is a link: the test fails if the page requests it.
    expect(message.get_by_role("link", name="picture")).to_have_attribute("href", "https://example.com/x.png")


def test_mentions_are_chips_and_only_those_of_the_message(open_page: Opens, person: People) -> None:
    ann = person("Ann", username="ann-m")
    bob = person("Bob", username="bob_m")
    room = ann.api.room(bob.api, name="Design")
    ann.api.send("Hello @bob_m. And @ANN-M, @nobody, me@ann-m.example @room", room_id=room["id"])
    page = open_page(bob, f"c/{room['conversation_id']}")
    message = article(page, "Hello")
    expect(message.locator(".mention")).to_have_text(["@bob_m", "@ann-m", "@room"])
    expect(message.locator(".mention.is-own")).to_have_text(["@bob_m", "@room"])
    message.get_by_role("button", name="@ann-m").click()
    expect(page.get_by_role("complementary")).to_contain_text("Ann Larsson")


def test_no_markup_hangs_the_page_or_nests_deep(open_page: Opens, person: People) -> None:
    page = open_page(person("Ann"))
    measured = page.evaluate(TIMES, HOSTILE)
    # Some tens of milliseconds each; a limit for machines that do much else.
    assert [(name, time) for name, time, _ in measured if time > 2000] == []
    assert [(name, deep) for name, _, deep in measured if deep > 30] == []
