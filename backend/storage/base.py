"""The interface of file storage.

Confab chooses the keys; clients never do. Example: `avatars/7/Hx3….webp`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import BinaryIO, Protocol

from backend.errors import NotFound, Unavailable

CHUNK = 512 * 1024
"""Bytes of a piece. Each takes a turn of the threads, so smaller pieces would halve the speed of a download."""

MAX_BATCH = 1000
"""Files in one batch of a listing."""

_KEY = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*(?:\.[a-z0-9]{1,10})?")


class StorageAway(Unavailable):
    """The folder or bucket is not available. The operation was not confirmed."""

    detail = "The file storage does not answer. Try again shortly."


class FileMissing(NotFound):
    """There is no file with the key."""


@dataclass(frozen=True)
class StoredFile:
    """A file as a listing shows it."""

    key: str
    modified_at: datetime


class Storage(Protocol):
    """Files by key. A file is written completely or not at all. It is never changed."""

    def write(self, key: str, source: BinaryIO) -> int:
        """Write the rest of *source*, and return its size in bytes. Holds only a few MiB in memory, and lets other requests run.

        Raises StorageAway, InsufficientStorage and Busy.
        """

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Return up to *length* bytes of a file from *start* on, in pieces. Lets other requests run, so hold no connection.

        Raises FileMissing, StorageAway and Busy immediately, and StorageAway while the pieces are read.
        """

    def size(self, key: str) -> int:
        """Return the size of a file in bytes. Raises FileMissing, StorageAway and Busy."""

    def delete(self, key: str) -> None:
        """Delete a file, if it exists. Raises StorageAway and Busy."""

    def folders(self, prefix: str) -> list[str]:
        """Return the names of the folders directly below *prefix*, in ascending order. Raises StorageAway and Busy."""

    def files(self, prefix: str) -> Iterator[list[StoredFile]]:
        """Yield the files directly below *prefix*, in batches of at most `MAX_BATCH`. Raises StorageAway and Busy."""

    def remove_incomplete(self, before: datetime) -> int:
        """Remove the remains of interrupted writes that began before *before*, and return their number.

        Raises StorageAway and Busy.
        """

    def check(self) -> None:
        """Write, read and delete a test file, for `flask doctor`. Raises StorageAway with the reason."""
        key = f"check-{secrets.token_hex(8)}"
        self.write(key, BytesIO(b"confab"))
        try:
            if b"".join(self.read(key)) != b"confab":
                raise StorageAway("The file storage returned other bytes than were written.")
        finally:
            self.delete(key)


def check_key(key: str) -> str:
    """Return *key* if it names a file below the root. Raises ValueError otherwise, which is an error in the code."""
    if not _KEY.fullmatch(key) or len(key) > 255:
        raise ValueError("not the key of a file")
    return key
