"""Decides whether a message matches a query, and where. Both databases must agree with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from backend.search.query import Clause, Query
from backend.search.tokens import terms_and_runs, tokenize


def matches(query: Query, texts: Iterable[str]) -> bool:
    """Return True if each clause of *query* occurs in one of *texts* (the content of a message and its filenames)."""
    if not query.clauses:
        return False
    documents = [_AsciiText(text) if text.isascii() else _Document(*terms_and_runs(text)) for text in texts]
    return all(any(document.has(clause) for document in documents) for clause in query.clauses)


def highlights(query: Query, content: str) -> list[list[int]]:
    """Return where *content* matches clauses of *query*: `[start, length]` in code points, sorted and not adjacent.

    For a prefix the whole word is marked. For a phrase each word is marked separately.
    """
    tokens = tokenize(content)
    document = _Document([token.term for token in tokens], [token.run for token in tokens])
    marked = sorted({place for clause in query.clauses for place in document.places(clause)})
    merged: list[list[int]] = []
    for place in marked:
        token = tokens[place]
        if merged and token.start <= sum(merged[-1]):
            merged[-1][1] = max(merged[-1][1], token.start + token.length - merged[-1][0])
        else:
            merged.append([token.start, token.length])
    return merged


class _AsciiText:
    """Gives the same results as `_Document` for ASCII text, in a fraction of the time."""

    def __init__(self, text: str):
        self.text = text.lower()

    def has(self, clause: Clause) -> bool:
        return clause.ascii_pattern is not None and clause.ascii_pattern.search(self.text) is not None


class _Document:
    def __init__(self, terms: Sequence[str], runs: Sequence[int]):
        self.terms, self.runs = tuple(terms), runs
        self._places: dict[str, list[int]] = {}
        for place, term in enumerate(self.terms):
            self._places.setdefault(term, []).append(place)

    def has(self, clause: Clause) -> bool:
        return next(self._first_places(clause), None) is not None

    def places(self, clause: Clause) -> Iterator[int]:
        """Yield the positions of the tokens that match *clause*, each once."""
        done = 0
        for first in self._first_places(clause):
            end = first + len(clause.terms)
            yield from range(max(first, done), end)
            done = end

    def _first_places(self, clause: Clause) -> Iterator[int]:
        if clause.is_prefix:
            begun = [places for term, places in self._places.items() if term.startswith(clause.terms[0])]
            yield from sorted(place for places in begun for place in places)
            return
        length = len(clause.terms)
        for place in self._places.get(clause.terms[0], ()):
            if self.terms[place : place + length] == clause.terms and self._is_unbroken(clause, place):
                yield place

    def _is_unbroken(self, clause: Clause, place: int) -> bool:
        return all(self.runs[place + first] == self.runs[place + last] for first, last in clause.runs)
