"""Files in a folder."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from backend.storage.base import CHUNK, FileMissing, Storage, StorageAway, check_key


class FolderStorage(Storage):
    """Files below *root*. Only the user of the server can read them."""

    def __init__(self, root: str):
        self.root = Path(root)

    def write(self, key: str, source: BinaryIO) -> int:
        """Write to a temporary file and rename it, so that no reader, and no crash, leaves half a file. Flush it to the disk."""
        path = self._path(key)
        draft = self.root / f".{secrets.token_hex(8)}"
        with _as_away():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    shutil.copyfileobj(source, file, CHUNK)
                    file.flush()
                    os.fsync(file.fileno())
                    size = file.tell()
                os.replace(draft, path)
                self._flush_names(path)
            finally:
                draft.unlink(missing_ok=True)
        return size

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        with _as_away():
            file = self._path(key).open("rb")
        file.seek(start)
        return _pieces(file, length)

    def size(self, key: str) -> int:
        with _as_away():
            return self._path(key).stat().st_size

    def delete(self, key: str) -> None:
        with _as_away():
            self._path(key).unlink(missing_ok=True)

    def _flush_names(self, path: Path) -> None:
        """Flush the names to the disk: that of the file in its folder, and that of each folder up to the root."""
        for folder in path.parents:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if folder == self.root:
                break

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)


def _pieces(file: BinaryIO, length: int | None) -> Iterator[bytes]:
    left = length
    with file:
        while left is None or left > 0:
            piece = file.read(CHUNK if left is None else min(CHUNK, left))
            if not piece:
                return
            left = None if left is None else left - len(piece)
            yield piece


@contextmanager
def _as_away() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileMissing from error
    except OSError as error:
        raise StorageAway(f"The file storage is not available ({error.strerror}).") from error
