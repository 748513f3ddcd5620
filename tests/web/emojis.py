"""The page's list of emoji, `composer/emoji-data.js`: `python -m tests.web.emojis` writes it.

Names and groups are those of Unicode (unicode-emoji-json); the words to find them by are those of emojilib. The list has no emoji
that the server refuses, and none that is too new for most systems' fonts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import emoji

from tests.openapi.node import installed

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "backend" / "web" / "static" / "app" / "composer"
PACKAGES = ("emojilib", "unicode-emoji-json")
NEWEST = 15.0
WORDS = 4

HEAD = """\
// The emoji of Unicode in their groups, written by `python -m tests.web.emojis`; do not edit it. Names and groups are from
// unicode-emoji-json, words from emojilib (both MIT). A line is an emoji, its name and words to find it by; one with a `*` before
// its name comes in skin tones.

"""


def files() -> dict[str, str]:
    """The name and text of each file: the list, and the licences. Raises RuntimeError if the packages cannot be installed."""
    licences = [f"{package}\n\n{(installed(package, HERE) / 'LICENSE').read_text().strip()}\n" for package in PACKAGES]
    return {"emoji-data.js": _data(), "emoji-data.LICENSE": "\n\n".join(licences)}


def _data() -> str:
    groups = json.loads((installed("unicode-emoji-json", HERE) / "data-by-group.json").read_text())
    words = json.loads((installed("emojilib", HERE) / "dist" / "emoji-en-US.json").read_text())
    entries = [f"  {group['slug']}: `{_lines(group['emojis'], words)}`,\n" for group in groups]
    return f"{HEAD}export const groups = {{\n{''.join(entries)}}};\n"


def _lines(emojis: list[dict[str, Any]], words: dict[str, list[str]]) -> str:
    return "\n".join(
        f"{each['emoji']} {'*' if each['skin_tone_support'] else ''}{each['name'].lower()}{_found_by(each, words)}"
        for each in emojis
        if emoji.is_emoji(each["emoji"]) and float(each["emoji_version"]) <= NEWEST
    )


def _found_by(each: dict[str, Any], words: dict[str, list[str]]) -> str:
    name = each["name"].lower()
    found = [word.lower().replace("_", " ") for word in words.get(each["emoji"], [])]
    more = [
        word for word in dict.fromkeys(found) if word not in name and word.isascii() and word.replace(" ", "").isalnum()
    ]
    return f",{','.join(more[:WORDS])}" if more else ""


def main() -> int:
    try:
        for name, text in files().items():
            (FOLDER / name).write_text(text)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
