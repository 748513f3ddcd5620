"""What every storage of files does, whether a folder or a bucket.

A key is made by us and never by a caller: `avatars/7/Hx3….webp`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, Protocol

from backend.errors import NotFound, Unavailable

CHUNK = 256 * 1024
_KEY = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*(?:\.[a-z0-9]{1,10})?")


class StorageAway(Unavailable):
    """The folder or the bucket does not serve. Nothing was acknowledged."""

    detail = "The storage of files does not answer. Try again shortly."


class FileMissing(NotFound):
    """There is no file under the key."""


class Storage(Protocol):
    """Files under keys. A file is written whole or not at all, and never changed."""

    def write(self, key: str, source: BinaryIO) -> int:
        """Keep what *source* has left, and return how many bytes that is. Raises StorageAway."""

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes of a file from *start* on, *length* at most, in pieces. Raises FileMissing and StorageAway at once."""

    def size(self, key: str) -> int:
        """How many bytes a file has. Raises FileMissing and StorageAway."""

    def delete(self, key: str) -> None:
        """Remove a file; that it is gone already is no fault. Raises StorageAway."""

    def check(self) -> None:
        """Write, read and delete a file. Raises StorageAway with the reason: for `flask doctor`."""
        key = f"check-{secrets.token_hex(8)}"
        self.write(key, BytesIO(b"confab"))
        try:
            if b"".join(self.read(key)) != b"confab":
                raise StorageAway("The storage of files gives back other bytes than it got.")
        finally:
            self.delete(key)


def check_key(key: str) -> str:
    """*key*, which names one file below the root and nothing else. Raises ValueError for any other: a fault of ours."""
    if not _KEY.fullmatch(key) or len(key) > 255:
        raise ValueError("not a key of a file")
    return key
