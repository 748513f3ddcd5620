"""ZIP archives that are written while they are read."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from io import BytesIO

from backend.storage.archive import zip_stream

PIECE = 64 * 1024


def test_an_archive_holds_its_entries() -> None:
    entries = [("export.json", iter([b'{"a":', b"1}"])), ("empty", iter([])), ("ordner/ö.bin", iter([b"\0" * 100_000]))]
    archive = zipfile.ZipFile(BytesIO(b"".join(zip_stream(entries))))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "export.json": b'{"a":1}',
        "empty": b"",
        "ordner/ö.bin": b"\0" * 100_000,
    }


def test_text_is_compressed_and_files_are_not() -> None:
    entries = [("export.json", iter([b"a" * PIECE])), ("photo.jpg", iter([b"a" * PIECE]))]
    archive = zipfile.ZipFile(BytesIO(b"".join(zip_stream(entries))))
    document, photo = archive.infolist()
    assert document.compress_size < PIECE / 10
    assert photo.compress_size == PIECE


def test_only_one_piece_is_held_at_a_time() -> None:
    read = 0

    def pieces() -> Iterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += PIECE
            yield os.urandom(PIECE)

    written = 0
    for piece in zip_stream([("photo.jpg", pieces())]):
        written += len(piece)
        assert read - written <= PIECE
    assert written > read == 100 * PIECE
