"""Pages of lists, as services understand them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

MAX_SKIP = 10_000
MAX_LIMIT = 100
DEFAULT_LIMIT = 50


@dataclass(frozen=True)
class PageRequest:
    """Which page of a list is wanted."""

    skip: int = 0
    limit: int = DEFAULT_LIMIT


@dataclass
class Page(Generic[T]):
    """A part of a list. `next` holds the query parameters of the part behind it, and is empty where nothing follows."""

    items: list[T]
    next: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_rows(cls, rows: Sequence[T], page_request: PageRequest) -> Page[T]:
        """The page of *rows* that were read with `limit + 1`: the one too many tells that more is behind."""
        if len(rows) <= page_request.limit:
            return cls(list(rows))
        following = page_request.skip + page_request.limit
        return cls(list(rows[: page_request.limit]), {"skip": following} if following <= MAX_SKIP else {})
