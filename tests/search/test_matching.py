"""Matching a query with a text, without a database."""

from __future__ import annotations

import gc
import time
import unicodedata

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backend.search.matching import highlights, matches
from backend.search.query import parse_query
from backend.search.tokens import MAX_TERM, index_terms, tokenize
from tests.search import naive, strategies

FOUND = [
    ("cafe", "Café"),
    ("CAFÉ", "a cafe\u0301 here"),
    ("strasse", "Straße"),
    ("soren", "Søren Łódź"),
    ("lodz", "Søren Łódź"),
    ("istanbul", "İSTANBUL"),
    ("σοφος", "ΣΟΦΌΣ"),
    ("елка", "Ёлка"),
    ("हिन्दी", "यह हिन्दी है"),
    ("مكتب", "مَكْتَب"),
    ("מכתב", "מִכְתָּב"),
    ("fi", "ﬁle"),
    ("co", "co\u00adoperate"),
    ("cooperate", "co\u00adoperate"),
    ("Ｆｕｌｌ", "full width"),
    ("上海", "我家在上海东边。"),  # two characters in the middle of a sentence
    ("上海", "我家在，上海，东边"),
    ("上", "我家在上海东边。"),
    ("海东边", "我家在上海东边。"),
    ("バッタ", "バッタと鈴虫"),
    ("鈴虫", "バッタと鈴虫"),  # after other characters
    ("ッタと鈴", "バッタと鈴虫"),
    ("ガス", "ｶﾞｽ"),
    ("검색", "재검색어를"),
    ("색어", "재검색어를"),
    ("ไทย", "ภาษาไทยน้ำ"),
    ("า", "ภาษาไทย"),
    ("น้ำ", "ภาษาไทยน้ำ"),
    ("to be or not to be", "To be, or not to be"),  # only stop words
    ("the", "The Who"),
    ("all", "mention all of them"),
    ("franz", "franzkarl"),  # the beginning of a word
    ("compose bo", "the compose box"),
    ('"compose box"', "the compose box works"),
    ('"compose box"', "Compose: (box)"),
    ('"compose box" wor', "the compose box works"),
    ("“compose box”", "the compose box works"),
    ('"上海 abc"', "去上海 abc"),
    ('"上海 abc"', "上海abc"),
    ('box "', "the compose box"),
    ('"the compo', "the compose box"),
    ("t-shirt", "a t-shirt"),
    ("shirt", "a t-shirt"),
    ("user_id", "user_id"),
    ("id", "user_id"),
    ("-x", "x"),
    ("PLT-3699", "https://example.com/browse/PLT-3699"),
    ("example", "https://example.com/browse/PLT-3699"),
    ("don't", "I don't"),
    ("two", "one\u200btwo"),  # a zero-width space
    ("\u2ecc", "我\u2ecc家"),  # a radical
    ("\U0002ebf0", "我\U0002ebf0家"),  # newer than the Unicode of some Pythons
    ("caf ", "cafeteria"),
    ("x" * 150, "x" * 150),
    ("x" * 100, "x" * 150),
]

NOT_FOUND = [
    ("box compose x", "compose box"),
    ('"box compose"', "compose box"),
    ('"compose bo"', "compose box"),
    ('"compose box" "two words"', "compose box, words two"),
    ('"two words"', "two other words"),
    ("compo box", "compose box"),
    ("a OR b", "a"),
    ("walking", "walk"),
    ("上海", "上,海"),
    ("上海", "海上"),
    ("上海上", "上海 海上"),
    ('"上海"', "上 海"),
    ("か", "が"),
    ("각", "가"),
    ("का", "की"),  # vowel signs are letters
    ("ranz", "franzkarl"),
    ("x" * 151, "x" * 150),
    ("x" * 100 + " y", "x" * 150 + " y"),
    ("", "a"),
    ('"', '"'),
    ('" * ( & | ! : \\ %', '" * ( & | ! : \\ %'),
    ("…", "…"),
    ("😀", "😀"),
]


@pytest.mark.parametrize(("query", "text"), FOUND)
def test_query_matches(query: str, text: str) -> None:
    assert matches(parse_query(query), [text])


@pytest.mark.parametrize(("query", "text"), NOT_FOUND)
def test_query_does_not_match(query: str, text: str) -> None:
    assert not matches(parse_query(query), [text])


def test_words_may_occur_in_different_texts_of_a_message_but_phrases_may_not() -> None:
    texts = ["see the report", "Budget 2026.pdf"]
    assert matches(parse_query("report budget pd"), texts)
    assert matches(parse_query('"budget 2026" see'), texts)
    assert not matches(parse_query('"report budget"'), texts)


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("cafe", "Un Café, un cafe\u0301!", ["Café", "cafe\u0301"]),
        ("ca", "cabin acab CAT", ["cabin", "CAT"]),
        ('"two words"', "two, words; words two", ["two", "words"]),
        ("上海", "我家在上海东边，上海", ["上海", "上海"]),
        ("上上", "上上上海", ["上上上"]),
        ("fi", "😀 ﬁne", ["ﬁne"]),
        ("ss", "Straße ß", ["ß"]),
        ("か\u3099", "ｶﾞが", ["が"]),
        ("各 ab", "各ab", ["各ab"]),
        ("ab", "e\u0301\u0302 ab", ["ab"]),
        ("मे", "में", ["में"]),
        ("co", "é co\u00ad operate", ["co"]),
    ],
)
def test_highlights_are_ranges_of_the_content(query: str, text: str, marked: list[str]) -> None:
    assert [text[start : start + length] for start, length in highlights(parse_query(query), text)] == marked


@settings(max_examples=400)
@given(st.data())
def test_equals_the_naive_reference(data: st.DataObject) -> None:
    texts = data.draw(st.lists(strategies.texts, min_size=1, max_size=2))
    query = data.draw(strategies.queries_of(texts[0]))
    assert matches(parse_query(query), texts) == naive.matches(query, texts)


@settings(max_examples=300)
@given(st.data())
def test_the_terms_of_the_index_agree_with_the_texts(data: st.DataObject) -> None:
    """A text that matches has all terms of the query. If the query is exact, a text with all terms matches."""
    texts = data.draw(st.lists(strategies.texts, min_size=1, max_size=2))
    query = parse_query(data.draw(strategies.queries_of(texts[0])))
    assume(query.clauses)
    terms = index_terms(texts)
    has_all = terms.issuperset(query.terms) and (
        query.prefix is None or any(term.startswith(query.prefix) for term in terms)
    )
    if query.is_exact:
        assert matches(query, texts) == has_all
    else:
        assert has_all or not matches(query, texts)


@settings(max_examples=150)
@given(st.text(max_size=60))
def test_any_text_matches_itself_and_each_of_its_tokens(text: str) -> None:
    tokens = tokenize(text)
    assert matches(parse_query(text), [text]) == bool(tokens)
    for token in tokens:
        assert 0 <= token.start < token.start + token.length <= len(text)
        assert matches(parse_query(token.term), [text])


@settings(max_examples=150)
@given(st.data())
def test_highlights_are_sorted_separate_and_within_the_content(data: st.DataObject) -> None:
    text = data.draw(strategies.texts)
    query = parse_query(data.draw(strategies.queries_of(text)))
    marked = highlights(query, text)
    ends = [start + length for start, length in marked]
    assert all(length > 0 for _, length in marked)
    assert all(end < start for end, (start, _) in zip(ends, marked[1:], strict=False))
    assert not ends or ends[-1] <= len(text)
    assert bool(marked) or not matches(query, [text])


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@settings(max_examples=100)
@given(text=strategies.texts)
def test_unicode_normal_forms_are_equivalent(form: str, text: str) -> None:
    other = unicodedata.normalize(form, text)  # type: ignore[arg-type]
    assert [token.term for token in tokenize(other)] == [token.term for token in tokenize(text)]


@pytest.mark.parametrize(
    "unit",
    ["a", "a ", "é", "a\u0301", "\u0301", "क\u094d\u093c", "上", "か\u3099", "각", "\u1100\u1161\u11a8", "\u200d", "ไ้"],
)
@pytest.mark.parametrize("query", ["a", '"' + "a " * 90 + '"', "上" * 200, "か" * 200, '"上a"' * 40])
def test_hostile_texts_take_linear_time(unit: str, query: str) -> None:
    """A text that is ten times as long takes far less than a hundred times as much time."""
    parsed = parse_query(query)

    def seconds(length: int) -> float:
        text = (unit * length)[:length]
        started = time.process_time()
        highlights(parsed, text)
        matches(parsed, [text])
        return time.process_time() - started

    gc.disable()  # a collection of all objects of the tests takes longer than the measured calls
    try:
        limit = 30 * max(min(seconds(2_000) for _ in range(3)), 0.0005)
        # Something else may slow one measurement down, so the fastest of five counts.
        assert any(seconds(20_000) < limit for _ in range(5))
    finally:
        gc.enable()


def test_terms_of_the_index_are_short() -> None:
    """PostgreSQL accepts lexemes of up to 2,046 bytes."""
    terms = index_terms(["x" * 4000, "é" * 4000, "\U0001d4d0" * 4000, "上" * 4000, "ﷺ" * 100])
    assert max(len(term.encode()) for term in terms) <= 4 * MAX_TERM
    assert max(map(len, terms)) == MAX_TERM


def test_a_query_asks_the_index_for_terms_as_short_as_its_own() -> None:
    query = parse_query(f"{'x' * 150} {'y' * 150}")
    assert (query.terms, query.prefix, query.is_exact) == (("x" * MAX_TERM,), "y" * MAX_TERM, False)


def test_a_phrase_asks_the_index_for_the_words_around_a_run_too() -> None:
    assert set(parse_query('"before 上海 after"').terms) == {"before", "上海", "after"}


@pytest.mark.parametrize(
    ("query", "is_exact"),
    [
        ("one", True),
        ("one two", True),
        ('"one" two', True),
        ('"one two"', False),
        ("上", True),
        ("上海", True),
        ("上海东", False),
        ('"上 a"', False),
        ("x" * MAX_TERM, True),
        ("x" * (MAX_TERM + 1), False),
        ("x" * (MAX_TERM - 1) + " y", True),
        ("x" * MAX_TERM + " y", False),
    ],
)
def test_the_index_answers_alone_where_its_terms_tell_all(query: str, is_exact: bool) -> None:
    assert parse_query(query).is_exact is is_exact
