"""A second implementation of search, simple and slow. The tests compare the real one with it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

RUNS = (
    "CJK UNIFIED IDEOGRAPH",
    "CJK COMPATIBILITY IDEOGRAPH",
    "HIRAGANA",
    "KATAKANA",
    "HANGUL",
    "THAI",
    "LAO",
    "IDEOGRAPHIC ITER",
)
DROPPED = (
    "COMBINING",
    "HEBREW POINT",
    "HEBREW ACCENT",
    "ARABIC FATHA",
    "ARABIC KASRA",
    "ARABIC DAMMA",
    "ARABIC SUKUN",
    "VARIATION",
)


@dataclass
class Word:
    text: str
    is_character: bool
    follows: bool
    """True if it directly follows the previous character."""


def fold(text: str) -> str:
    kept = [c for c in unicodedata.normalize("NFKD", text) if not _is_dropped(c)]
    folded = unicodedata.normalize("NFKD", "".join(kept).casefold())
    composed = unicodedata.normalize("NFC", "".join(c for c in folded if not _is_dropped(c)))
    return composed.replace("ø", "o").replace("ł", "l").replace("đ", "d").replace("ı", "i")


def _is_dropped(char: str) -> bool:
    name = unicodedata.name(char, "")
    if "KATAKANA-HIRAGANA" in name:
        return False
    return name.startswith(DROPPED) or (unicodedata.category(char) == "Cf" and char != "\u200b")


def words(text: str) -> list[Word]:
    found: list[Word] = []
    gap = True
    for char in fold(text):
        if unicodedata.category(char)[0] not in "LMN":
            gap = True
            continue
        is_character = unicodedata.name(char, "").startswith(RUNS)
        joins = not gap and bool(found) and found[-1].is_character == is_character
        if joins and not is_character:
            found[-1].text += char
        else:
            found.append(Word(char, is_character, joins))
        gap = False
    return found


def needles(query: str) -> list[tuple[list[Word], bool]]:
    """Return the sequences of words that must occur, each with True if its last word is a prefix."""
    parts = re.split('["“”]', query)
    wanted: list[tuple[list[Word], bool]] = []
    for number, part in enumerate(parts):
        found = words(part)
        if number % 2 and number != len(parts) - 1:
            wanted.append((found, False))
            continue
        for word in found:
            if word.follows:
                wanted[-1][0].append(word)
            else:
                wanted.append(([word], False))
        later = "".join(word.text for rest in parts[number + 1 :] for word in words(rest))
        if found and not later and not found[-1].is_character:
            wanted[-1] = (wanted[-1][0], True)
    return [needle for needle in wanted if needle[0]]


def occurs(needle: tuple[list[Word], bool], text: str) -> bool:
    wanted, is_prefix = needle
    found = words(text)
    for at in range(len(found) - len(wanted) + 1):
        pairs = list(zip(found[at : at + len(wanted)], wanted, strict=True))
        same = all(f.text == w.text or (is_prefix and f.text.startswith(w.text)) for f, w in pairs)
        if same and all(f.follows or not w.follows for f, w in pairs[1:]):
            return True
    return False


def matches(query: str, texts: list[str]) -> bool:
    wanted = needles(query)
    return bool(wanted) and all(any(occurs(needle, text) for text in texts) for needle in wanted)
