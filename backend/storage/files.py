"""A stored file with the properties that an HTTP answer needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class File:
    """A file that never changes. `read` takes the first byte and the number of bytes, and is called only if they are sent."""

    filename: str
    content_type: str
    is_inline: bool
    size: int
    etag: str
    modified_at: datetime
    read: Callable[[int, int], Iterator[bytes]]
