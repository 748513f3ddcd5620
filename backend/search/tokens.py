"""The tokenizer of search. It is the same for messages and queries, and for both databases.

Text is compared in NFKC, case-folded and without diacritics:

- A diacritic is a mark that a reader may leave out: the combining marks of Latin, Greek and Cyrillic, the points of Hebrew and
  Syriac and the vowel signs of Arabic (`_DIACRITICS`), and the stroke of Latin letters that Unicode does not decompose (ø, đ, ł).
- A mark that is a letter stays: the vowel signs and viramas of the Indic scripts, the marks of Thai, the voicing marks of kana.
- Characters without width (joiners, soft hyphens, directional marks) are removed, and do not end a word.

A word is a run of letters, marks and numbers. Scripts that put no spaces between words (Han, kana, Hangul, Bopomofo, Thai, Lao,
Khmer, Myanmar) give a token for each character. Everything else separates tokens. There are no stop words and no stemming.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

TOKENIZER_VERSION = 1
"""Raise it whenever `index_terms` returns other terms for any text. `flask doctor` then asks for `flask messages reindex`."""

MAX_TERM = 64
"""The number of code points of a word that are stored in the index. For longer words the texts are compared."""

_UNSPACED = (
    "\u0e01-\u0eff"  # Thai, Lao
    "\u1000-\u109f\ua9e0-\ua9fe\uaa60-\uaa7f"  # Myanmar
    "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u1780-\u17ff"  # Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u303c\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3041-\u30ff\u31f0-\u31ff\U0001aff0-\U0001b16f"  # kana
    "\u3105-\u312f\u31a0-\u31bf"  # Bopomofo
)
_DIACRITICS = (
    "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # of any script
    "\u0483-\u0489\u2de0-\u2dff\ua66f-\ua672\ua674-\ua67d\ua69e\ua69f"  # Cyrillic
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\ufb1e"  # Hebrew
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0898-\u089f\u08ca-\u08ff"  # Arabic
    "\u0711\u0730-\u074a"  # Syriac
    "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variation selectors
)
_WORD_OR_RUN = re.compile(f"[{_UNSPACED}]+|[^ {_UNSPACED}]+")
_UNSPACED_FIRST = re.compile(f"[{_UNSPACED}]")
_ASCII_WORD = re.compile("[a-z0-9]+")
_DIACRITIC = re.compile(f"[{_DIACRITICS}]")
_NEIGHBOURING_MARKS = re.compile(f"[{''.join(filter(unicodedata.combining, map(chr, range(0x300, 0x1F000))))}]{{2,}}")
_STROKED = re.compile("LATIN SMALL LETTER ([A-Z]) WITH |LATIN SMALL LETTER DOTLESS (I)")
_ZERO_WIDTH_SPACE = "\u200b"
_COMPOSABLE = re.compile(
    "[\u3046-\u30fd][\u3099\u309a]|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?|[\uac00-\ud7a3][\u11a8-\u11c2]"
)
"""The sequences that are composed again (NFC) after NFKD: voiced kana and Hangul syllables. Other letters stay decomposed, in
texts and in queries alike."""
_MAX_FOLDS = 65_536
"""The characters whose folds are kept: all that texts have in practice. A worker needs 12 MB for so many."""


class Token(NamedTuple):
    """A word, or one character of a script without spaces, with its position in a text."""

    term: str
    """The normalized text, which is compared."""

    start: int
    """The position in the text, in code points."""

    length: int
    """The length in the text, in code points, including diacritics."""

    run: int
    """The number of the run, which is equal for adjacent characters of scripts without spaces; -1 for a word."""


class _Folds(dict[int, str]):
    """The normalized form of each code point: letters, nothing, or a space if it separates words. For `str.translate`."""

    def __missing__(self, code_point: int) -> str:
        if len(self) >= _MAX_FOLDS:
            self.clear()
        self[code_point] = folded = _fold_character(chr(code_point))
        return folded


def _fold_character(char: str) -> str:
    decomposed = unicodedata.normalize("NFKD", char)
    folded = unicodedata.normalize("NFKD", _DIACRITIC.sub("", decomposed).casefold())
    kept = "".join(_fold_part(part) for part in _DIACRITIC.sub("", folded))
    return _COMPOSABLE.sub(lambda found: unicodedata.normalize("NFC", found[0]), kept)


def _fold_part(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Cf" and char != _ZERO_WIDTH_SPACE:
        return ""
    if category[0] not in "LMN" and not _is_ideograph(char):
        return " "
    stroked = _STROKED.match(unicodedata.name(char, ""))
    return (stroked[1] or stroked[2]).lower() if stroked else char


def _is_ideograph(char: str) -> bool:
    """True for radicals, which Unicode classifies as symbols, and for ideographs that this Python does not know yet."""
    return "\u2e80" <= char <= "\u2fdf" or "\U00020000" <= char <= "\U0003ffff"


_FOLDS = _Folds()


def tokenize(text: str) -> list[Token]:
    """Return the tokens of *text* in order. Takes time proportional to the length of *text*."""
    if text.isascii():
        return [Token(word[0], word.start(), len(word[0]), -1) for word in _ASCII_WORD.finditer(text.lower())]
    parts = _compose(_order_marks(_fold(text)))
    return list(_tokens(parts))


_Part = tuple[str, int, int]
"""A normalized character, and the start and end of its source in the text."""


def _fold(text: str) -> list[_Part]:
    pieces = [_FOLDS[code_point] for code_point in map(ord, text)]
    ends = list(range(1, len(text) + 1))
    for at in range(len(text) - 2, -1, -1):
        if not pieces[at + 1] and unicodedata.category(text[at + 1])[0] == "M":
            ends[at] = ends[at + 1]  # a diacritic belongs to the letter before it
    return [(char, at, ends[at]) for at, piece in enumerate(pieces) for char in piece]


def _order_marks(parts: list[_Part]) -> list[_Part]:
    """Put adjacent marks into canonical order, because they can be typed in any order."""
    for found in _NEIGHBOURING_MARKS.finditer(_text(parts)):
        marks = slice(*found.span())
        parts[marks] = sorted(parts[marks], key=lambda part: unicodedata.combining(part[0]))
    return parts


def _compose(parts: list[_Part]) -> list[_Part]:
    composed: list[_Part] = []
    done = 0
    for found in _COMPOSABLE.finditer(_text(parts)):
        char = _composed(found)
        if len(char) == 1:
            composed += parts[done : found.start()]
            composed.append((char, parts[found.start()][1], parts[found.end() - 1][2]))
            done = found.end()
    return composed + parts[done:]


def _tokens(parts: list[_Part]) -> Iterator[Token]:
    for found in _WORD_OR_RUN.finditer(_text(parts)):
        own = parts[found.start() : found.end()]
        if _UNSPACED_FIRST.match(found[0]):
            yield from (Token(char, start, end - start, found.start()) for char, start, end in own)
        else:
            start = min(part[1] for part in own)  # after the reordering of marks it may not be the first part
            yield Token(found[0], start, max(part[2] for part in own) - start, -1)


def _text(parts: list[_Part]) -> str:
    return "".join([part[0] for part in parts])


def terms_and_runs(text: str) -> tuple[list[str], list[int]]:
    """Return `term` and `run` of each token of *text*, in order. Without positions it takes a fifth of the time of `tokenize`."""
    terms: list[str] = []
    runs: list[int] = []
    for found in _WORD_OR_RUN.finditer(_normalize(text)):
        if _UNSPACED_FIRST.match(found[0]):
            terms += found[0]
            runs += [found.start()] * len(found[0])
        else:
            terms.append(found[0])
            runs.append(-1)
    return terms, runs


def index_terms(texts: Iterable[str]) -> set[str]:
    """Return the terms of a message for the index: words cut to `MAX_TERM`, and characters of runs, singly and in pairs."""
    terms: set[str] = set()
    for text in texts:
        if text.isascii():
            terms.update([word[:MAX_TERM] for word in _ASCII_WORD.findall(text.lower())])
            continue
        for found in _WORD_OR_RUN.findall(_normalize(text)):
            if _UNSPACED_FIRST.match(found):
                terms.update(found)
                terms.update([one + two for one, two in pairwise(found)])
            else:
                terms.add(found[:MAX_TERM])
    return terms


def _normalize(text: str) -> str:
    """Return the characters of the parts that `tokenize` makes of *text*."""
    folded = text.translate(_FOLDS)
    if not unicodedata.is_normalized("NFC", folded):  # otherwise its marks are in order
        folded = _NEIGHBOURING_MARKS.sub(_ordered, folded)
    return _COMPOSABLE.sub(_composed, folded)


def _ordered(found: re.Match[str]) -> str:
    return "".join(sorted(found[0], key=unicodedata.combining))


def _composed(found: re.Match[str]) -> str:
    char = unicodedata.normalize("NFC", found[0])
    return char if len(char) == 1 else found[0]
