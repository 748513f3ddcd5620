"""Files in a folder."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from backend.errors import InsufficientStorage
from backend.storage.base import CHUNK, MAX_BATCH, FileMissing, Storage, StorageAway, StoredFile, check_key
from backend.threadpool import DISK, READS

FULL = (errno.ENOSPC, errno.EDQUOT)
DRAFT = re.compile(r"\.[0-9a-f]{16}")
"""The name of a file that is being written."""


class FolderStorage(Storage):
    """Files below *root*. Only the user of the server can read them."""

    def __init__(self, root: str):
        self.root = Path(root)

    def write(self, key: str, source: BinaryIO) -> int:
        """Write and flush a temporary file, then rename it, so that no file is ever partial, not even after a crash."""
        return DISK.run(key, self._write, self._path(key), source)

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Open the file and read its first piece. The rest is read while the caller iterates, in a thread as well."""
        turns = f"{key}:{secrets.token_hex(4)}"  # concurrent readers of one file take turns like those of others
        left = sys.maxsize if length is None else length
        file, first = READS.run(turns, _open, self._path(key), start, min(CHUNK, left))
        return _Pieces(file, first, left, turns)

    def size(self, key: str) -> int:
        return READS.run(key, _size, self._path(key))

    def delete(self, key: str) -> None:
        DISK.run(key, _delete, self._path(key))

    def folders(self, prefix: str) -> list[str]:
        return DISK.run(prefix, _folders, self._path(prefix))

    def files(self, prefix: str) -> Iterator[list[StoredFile]]:
        found = DISK.run(prefix, self._files, prefix)
        for start in range(0, len(found), MAX_BATCH):
            yield found[start : start + MAX_BATCH]

    def remove_incomplete(self, before: datetime) -> int:
        return DISK.run("drafts", self._remove_drafts, before)

    def _write(self, path: Path, source: BinaryIO) -> int:
        draft = self.root / f".{secrets.token_hex(8)}"
        with as_away():
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

    def _files(self, prefix: str) -> list[StoredFile]:
        with as_away(), _scan(self._path(prefix)) as entries:
            found = []
            for entry in entries:
                with suppress(FileNotFoundError):  # the file was removed meanwhile
                    if entry.is_file(follow_symlinks=False):
                        modified_at = datetime.fromtimestamp(entry.stat().st_mtime, UTC)
                        found.append(StoredFile(f"{prefix}/{entry.name}", modified_at))
            return found

    def _remove_drafts(self, before: datetime) -> int:
        count = 0
        with as_away(), _scan(self.root) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # the write was completed meanwhile
                    if DRAFT.fullmatch(entry.name) and entry.stat().st_mtime < before.timestamp():
                        Path(entry.path).unlink()
                        count += 1
        return count

    def _flush_names(self, path: Path) -> None:
        """Flush the folder of the file and each folder up to the root to the disk, so that their names survive a crash."""
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


def _size(path: Path) -> int:
    with as_away():
        return path.stat().st_size


def _delete(path: Path) -> None:
    with as_away():
        path.unlink(missing_ok=True)


def _folders(path: Path) -> list[str]:
    with as_away(), _scan(path) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))


@contextmanager
def _scan(path: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
    """Yield the entries of a folder. There are none if it does not exist: a folder is created with its first file."""
    if not path.exists():
        yield iter(())
        return
    with os.scandir(path) as entries:
        yield entries


def _open(path: Path, start: int, size: int) -> tuple[BinaryIO, bytes]:
    """Return the open file and its first *size* bytes from *start* on, or fewer if it ends before."""
    with as_away():
        file = path.open("rb")
        try:
            if start:
                file.seek(start)
            return file, file.read(size)
        except BaseException:
            file.close()
            raise


class _Pieces:
    """Iterates over at most *left* bytes of *file*, whose *first* piece was read already. Other pieces are read in a thread.

    The readers with the same *turns* have one queue for the threads. Closes the file at the end, or on `close()`. Raises
    StorageAway if the file cannot be read.
    """

    def __init__(self, file: BinaryIO, first: bytes, left: int, turns: str):
        self._file = file
        self._first: bytes | None = first
        self._left = left
        self._turns = turns

    def __iter__(self) -> _Pieces:
        return self

    def __next__(self) -> bytes:
        if self._file.closed:
            raise StopIteration
        wanted = min(CHUNK, self._left)
        piece = self._next_piece(wanted)
        self._left -= len(piece)
        if len(piece) < wanted or not self._left:  # only at the end of the file is a piece shorter
            self.close()
        if not piece:
            raise StopIteration
        return piece

    def _next_piece(self, size: int) -> bytes:
        if self._first is not None:
            piece, self._first = self._first, None
            return piece
        with as_away():
            return READS.run(self._turns, self._file.read, size)

    def close(self) -> None:
        self._first = None
        self._file.close()


@contextmanager
def as_away() -> Iterator[None]:
    """Convert errors of the file system to FileMissing, InsufficientStorage or StorageAway."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileMissing from error
    except OSError as error:
        if error.errno in FULL:
            raise InsufficientStorage from error
        raise StorageAway(f"The file storage is not available ({error.strerror}).") from error
