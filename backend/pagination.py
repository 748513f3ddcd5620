"""Pages of lists, for services."""

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
    """Which page of a list the caller wants."""

    skip: int = 0
    limit: int = DEFAULT_LIMIT


@dataclass
class Page(Generic[T]):
    """A page of a list. `next` has the query parameters of the next page; it is empty on the last one."""

    items: list[T]
    next: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_rows(cls, rows: Sequence[T], page_request: PageRequest) -> Page[T]:
        """The page of *rows*, which were read with `limit + 1`: an extra row means that there is a next page."""
        if len(rows) <= page_request.limit:
            return cls(list(rows))
        following = page_request.skip + page_request.limit
        return cls(list(rows[: page_request.limit]), {"skip": following} if following <= MAX_SKIP else {})
