"""What the sources of the page have in common: every text is in the catalogue, and every colour is a token."""

from __future__ import annotations

import re
from pathlib import Path

APP = Path(__file__).parents[2] / "backend/web/static/app"
SOURCES = {
    str(path.relative_to(APP)): path.read_text()
    for path in APP.rglob("*.js")
    if path.parent.name != "text" and path.name != "emoji-data.js"
}
STYLES = {
    path.name: re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL) for path in (APP / "styles").glob("*.css")
}

NAME = r"[a-z][\w.-]*"
COLOUR = re.compile(
    r"#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|lab|lch|oklab|hwb|color)\(|(?<![\w-])(?:white|black|red|gray|grey)(?![\w-])",
    re.IGNORECASE,
)
PHYSICAL = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|border|inset|scroll-margin|scroll-padding)-(?:left|right)[\w-]*|left|right|float|clear)\s*:"
    r"|text-align:\s*(?:left|right)|border-(?:top|bottom)-(?:left|right)-radius"
)


def catalogue() -> dict[str, str]:
    """The file of each key of the catalogue."""
    found: dict[str, str] = {}
    for path in sorted((APP / "text").glob("*.js")):
        for quoted, bare in re.findall(r"^  (?:'([^']+)'|(\w+)):", path.read_text(), re.MULTILINE):
            key = quoted or bare
            assert key not in found, f"{key} is in {found[key]} and in {path.name}"
            found[key] = path.name
    return found


def pattern(template: str) -> re.Pattern[str]:
    """What a computed key can be: anything stands for its `${…}`."""
    literals = re.split(r"\$\{[^}]*\}", template)
    return re.compile(".+".join(map(re.escape, literals)))


def test_every_text_that_is_used_is_in_the_catalogue() -> None:
    known = catalogue()
    missing = []
    for name, source in SOURCES.items():
        for call in re.findall(rf"\b(?:t|rich)\(\s*('{NAME}'|`[^`]+`|[^'`()]*\?\s*'{NAME}'\s*:\s*'{NAME}')", source):
            keys = [call.strip("`")] if call.startswith("`") else re.findall(rf"'({NAME})'", call)
            missing += [(name, key) for key in keys if not any(map(pattern(key).fullmatch, known))]
    assert missing == []


def test_every_text_of_the_catalogue_is_used() -> None:
    sources = "\n".join(SOURCES.values())
    literal = set(re.findall(rf"'({NAME})'", sources))
    computed = [pattern(each) for each in set(re.findall(r"`([a-z][^`\s]*\$\{[^`]*)`", sources))]
    assert [
        key for key in catalogue() if key not in literal and not any(each.fullmatch(key) for each in computed)
    ] == []


def test_colours_are_tokens() -> None:
    others = {name: COLOUR.findall(text) for name, text in STYLES.items() if name != "tokens.css"}
    assert {name: found for name, found in others.items() if found} == {}


def test_places_follow_the_direction_of_the_page() -> None:
    physical = {name: PHYSICAL.findall(text) for name, text in STYLES.items()}
    assert {name: found for name, found in physical.items() if found} == {}


def test_every_token_and_class_of_the_style_sheets_is_used() -> None:
    styles = "\n".join(STYLES.values())
    sources = "\n".join(SOURCES.values()) + (APP.parents[1] / "templates/page.html").read_text()
    set_by_scripts = set(re.findall(r"'(--[\w-]+)'", sources))
    defined, used = set(re.findall(r"(--[\w-]+)\s*:", styles)), set(re.findall(r"var\((--[\w-]+)", styles))
    assert used - set_by_scripts == defined
    classes = set(re.findall(r"\.([a-zA-Z][\w-]*)", re.sub(r"\{[^{}]*\}", " ", styles)))
    begun = tuple(re.findall(r"([\w-]+-)\$\{", sources))
    unused = {
        each
        for each in classes
        if not each.startswith(begun) and not re.search(rf"(?<![\w-]){re.escape(each)}(?![\w-])", sources)
    }
    assert unused == set()
