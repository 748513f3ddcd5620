"""Uploaded files: they are written to the disk while they arrive, and deleted at the end of the request."""

from __future__ import annotations

import io
import os
import tempfile
from contextlib import suppress
from typing import IO, Any

from flask import Request, current_app

from backend.errors import ChatError
from backend.storage.folder import as_away
from backend.threadpool import DISK

BUFFER_SIZE = 256 * 1024
"""Bytes that are buffered in memory before they are written."""


class SpoolingRequest(Request):
    """Flask's request, with uploaded files in INSTANCE_DIR, because the temporary folder of the system may be in memory.

    The files have no names, so a crash leaves none behind. Raises InsufficientStorage if the disk is full.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._spooled: list[IO[bytes]] = []

    def _get_file_stream(self, *_args: Any, **_kwargs: Any) -> IO[bytes]:
        """Return the file to write to. werkzeug calls this for each file of a form."""
        with as_away(), tempfile.TemporaryFile(dir=current_app.config["CONFAB"].instance_dir) as file:
            stream = io.BufferedRandom(_DiskFile(os.dup(file.fileno()), "r+b"), BUFFER_SIZE)
        self._spooled.append(stream)
        return stream

    def close(self) -> None:
        """Flask calls this at the end of the request."""
        for stream in self._spooled:
            with suppress(ChatError):  # the last buffered bytes could not be written
                stream.close()
        super().close()


class _DiskFile(io.FileIO):
    """A file that is written in a thread, so that a slow disk delays only this request."""

    def write(self, data: Any) -> int:
        with as_away():
            return DISK.run(f"upload:{id(self)}", super().write, bytes(data))
