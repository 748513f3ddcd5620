"""The files of the storage that the rows of a database name: attachments, thumbnails and avatars."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, Any, cast

import sqlalchemy as sa
from sqlalchemy import Connection

from backend.models.message import AttachmentState
from backend.storage import Storage, check_key
from backend.storage.base import CHUNK

FOLDERS = ("attachments", "avatars")
"""The folders of the storage in which Confab keeps files."""

BATCH = 2000


def is_key(key: str) -> bool:
    """Whether *key* may name a file of Confab."""
    try:
        return check_key(key).partition("/")[0] in FOLDERS and "/" in key
    except ValueError:
        return False


def file_keys(connection: Connection) -> Iterator[str]:
    """The keys of all complete files that rows name. Works on a database of any revision."""
    for table, names in (("attachments", ("storage_key", "thumbnail_key")), ("users", ("avatar",))):
        for row in connection.execute(_select(connection, table, names), execution_options={"yield_per": BATCH}):
            yield from (key for key in row if key is not None and is_key(key))


def is_empty(files: Storage) -> bool:
    """Whether the storage has no file of Confab."""
    for folder in FOLDERS:
        for name in files.folders(folder):
            if any(files.files(f"{folder}/{name}")):
                return False
    return True


def open_file(files: Storage, key: str) -> tuple[int, IO[bytes]]:
    """The size of a file, and its content as a file. Raises FileMissing and StorageAway."""
    size = files.size(key)
    return size, cast(IO[bytes], io.BufferedReader(_Pieces(files.read(key)), CHUNK))


def _select(connection: Connection, table: str, names: tuple[str, ...]) -> sa.Select[Any]:
    """The columns of *table* that exist. An earlier revision may have none of them."""
    inspector = sa.inspect(connection)
    existing = {c["name"] for c in inspector.get_columns(table)} if inspector.has_table(table) else set()
    columns: list[sa.ColumnElement[Any]] = [sa.column(name) for name in names if name in existing]
    if not columns:
        return sa.select(sa.null()).where(sa.false())
    statement = sa.select(*columns).select_from(sa.table(table)).order_by(sa.column("id"))
    if table == "attachments" and "state" in existing:
        statement = statement.where(sa.column("state") == AttachmentState.READY.value)
    return statement


class _Pieces(io.RawIOBase):
    """The pieces of a file, as a file."""

    def __init__(self, pieces: Iterator[bytes]):
        self._pieces = pieces
        self._left = memoryview(b"")

    def close(self) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
        super().close()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(next(self._pieces, b""))
        taken = self._left[: len(buffer)]
        self._left = self._left[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)
