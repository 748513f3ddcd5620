"""Tokens and where they stand in a text, in code points."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.search import tokens
from backend.search.tokens import Token, terms_and_runs, tokenize
from tests.search import strategies


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a bc", [("a", 0, 1, -1), ("bc", 2, 2, -1)]),
        ("å bc", [("a", 0, 1, -1), ("bc", 2, 2, -1)]),
        ("un cafe\u0301", [("un", 0, 2, -1), ("cafe", 3, 5, -1)]),  # the diacritic at the end belongs to the word
        ("\u0301äb", [("ab", 1, 2, -1)]),  # the one at the beginning belongs to nothing
        ("ab か\u3099x", [("ab", 0, 2, -1), ("が", 3, 2, 3), ("x", 5, 1, -1)]),
        ("上\u0301海", [("上", 0, 2, 0), ("海", 2, 1, 0)]),
        ("ที่", [("ท", 0, 1, 0), ("ี", 1, 1, 0), ("่", 2, 1, 0)]),  # vowels and tones are tokens of their own
    ],
    ids=ascii,
)
def test_tokens_and_their_positions(text: str, expected: list[tuple[str, int, int, int]]) -> None:
    assert tokenize(text) == [Token(*each) for each in expected]


def test_marks_of_different_classes_are_ordered_and_marks_of_one_class_are_not() -> None:
    """Canonical ordering, Unicode 3.11 D109: the order of marks of one combining class changes the meaning."""
    assert tokenize("ߊ\u07eb\u07f2") == tokenize("ߊ\u07f2\u07eb")
    assert tokenize("ߊ\u07eb\u07ec") != tokenize("ߊ\u07ec\u07eb")


def test_the_memory_for_folded_characters_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_MAX_FOLDS", 3)
    folds = tokens._Folds()
    assert "ÅBÇD".translate(folds) == "abcd"
    assert 0 < len(folds) <= 3


@settings(max_examples=300)
@given(st.one_of(strategies.texts, st.text(max_size=60)))
@example("ߊ\u07eb\u07f2 क\u094d\u093c \u1100\u1161\u11a8 か\u3099 ア\u3099 \u30fb\u3099 Åb_c")
def test_the_tokens_without_positions_are_the_same(text: str) -> None:
    found = tokenize(text)
    assert terms_and_runs(text) == ([token.term for token in found], [token.run for token in found])
