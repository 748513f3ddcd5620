"""Parsing a search query.

A query consists of words in any order, and of phrases in double quotes (straight or curly). Each of them must occur. No input
is an error: other characters separate words, and an unpaired quote is ignored.

The last word of a query matches as a prefix, even if other characters follow it. The last word of a phrase does not. In scripts
without spaces, a run of characters matches wherever the same characters are adjacent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise

from backend.search.tokens import MAX_TERM, Token, tokenize

_QUOTES = re.compile('["\u201c\u201d\u201e\u201f\uff02]')


@dataclass(frozen=True)
class Clause:
    """Tokens that must follow one another: a word, a run of characters, or a phrase."""

    terms: tuple[str, ...]
    runs: tuple[tuple[int, int], ...] = ()
    """The first and last position in `terms` of each run of two or more characters, which must be adjacent in the text."""
    is_prefix: bool = False
    """Whether the clause is one term that matches as a prefix."""

    @cached_property
    def ascii_pattern(self) -> re.Pattern[str] | None:
        """A pattern that finds the clause in lower-case ASCII text. None if it cannot occur there."""
        if not all(term.isascii() for term in self.terms):
            return None
        words = "[^a-z0-9]++".join(self.terms)
        return re.compile(f"(?<![a-z0-9]){words}" + ("" if self.is_prefix else "(?![a-z0-9])"))


@dataclass(frozen=True)
class Query:
    """A parsed query. A query without clauses matches no message."""

    clauses: tuple[Clause, ...]
    terms: tuple[str, ...]
    """Terms of the index that a message must have."""
    prefix: str | None
    """The prefix of another term that a message must have; None if there is none."""
    is_exact: bool
    """False if a message with all these terms may still not match. Then the texts must be compared."""


def parse_query(text: str) -> Query:
    """Return the query that *text* contains."""
    clauses = tuple(dict.fromkeys(_clauses(text)))
    prefixes = [clause.terms[0][:MAX_TERM] for clause in clauses if clause.is_prefix]
    terms = dict.fromkeys(term for clause in clauses if not clause.is_prefix for term in _index_terms(clause))
    return Query(clauses, tuple(terms), prefixes[0] if prefixes else None, all(map(_is_exact, clauses)))


def _clauses(text: str) -> Iterator[Clause]:
    parts = [tokenize(part) for part in _QUOTES.split(text)]
    last = max((number for number, tokens in enumerate(parts) if tokens), default=0)
    for number, tokens in enumerate(parts):
        is_quoted = number % 2 and number < len(parts) - 1
        if is_quoted and tokens:
            yield _clause(tokens)
        elif not is_quoted:
            yield from _words(tokens, number == last)


def _words(tokens: list[Token], is_last: bool) -> Iterator[Clause]:
    for run, group in groupby(tokens, key=lambda token: token.run):
        if run >= 0:
            yield _clause(list(group))
            continue
        for token in group:
            yield Clause((token.term,), is_prefix=is_last and token is tokens[-1])


def _clause(tokens: list[Token]) -> Clause:
    runs, first = [], 0
    for run, group in groupby(tokens, key=lambda token: token.run):
        last = first + sum(1 for _ in group) - 1
        if run >= 0 and last > first:
            runs.append((first, last))
        first = last + 1
    return Clause(tuple(token.term for token in tokens), tuple(runs))


def _index_terms(clause: Clause) -> Iterator[str]:
    paired = {at for first, last in clause.runs for at in range(first, last + 1)}
    yield from (term[:MAX_TERM] for at, term in enumerate(clause.terms) if at not in paired)
    for first, last in clause.runs:
        yield from (one + two for one, two in pairwise(clause.terms[first : last + 1]))


def _is_exact(clause: Clause) -> bool:
    """Return True if a message with the terms of *clause* certainly matches it."""
    if any(len(term) >= MAX_TERM + clause.is_prefix for term in clause.terms):
        return False
    return len(clause.terms) == 1 or (len(clause.terms) == 2 and bool(clause.runs))
