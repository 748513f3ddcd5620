"""ZIP archives that are produced while they are sent, so that an archive of any size uses little memory."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterable, Iterator
from typing import IO, cast

Entry = tuple[str, Iterable[bytes]]
"""The path of a file within the archive, and the file's bytes in pieces."""


def zip_stream(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Return a ZIP archive of *entries* in pieces.

    Each entry is read after the entries before it are written. JSON is compressed. Other files are stored unchanged, because
    images and videos are already compressed.
    """
    sink = _Sink()
    with zipfile.ZipFile(cast(IO[bytes], sink), "w") as archive:
        for path, pieces in entries:
            info = zipfile.ZipInfo(path, date_time=time.gmtime()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED if path.endswith(".json") else zipfile.ZIP_STORED
            info.external_attr = 0o600 << 16
            # The size is not known yet, and only the ZIP64 format supports more than 2 GiB.
            with archive.open(info, "w", force_zip64=True) as file:
                for piece in pieces:
                    file.write(piece)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


class _Sink:
    """A writable file whose content is collected with `take()`. It has no `tell`, so zipfile does not seek in it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: zipfile calls it."""

    def take(self) -> bytes:
        """Return what was written since the last call."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
