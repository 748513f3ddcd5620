"""Filenames as they are stored: one line of visible text, without a path."""

from __future__ import annotations

import re

from backend.http.fields import as_line, is_visible

MAX_BYTES = 255
"""The length of a filename in UTF-8 that the file systems of clients accept."""

UNNAMED = "file"
_SEPARATORS = re.compile(r"[/\\]")


def clean_filename(name: str | None) -> str:
    """Return *name* without its path and without control, invisible and direction-changing characters.

    Returns `file` if nothing remains. A name that is too long is shortened before its extension.
    """
    last = as_line(_SEPARATORS.split(name or "")[-1]).strip(" .") if name else ""
    if not is_visible(last):
        return UNNAMED
    stem, dot, extension = last.rpartition(".")
    if not dot or len(extension) > 20:
        stem, dot, extension = last, "", ""
    return _shortened(stem, MAX_BYTES - len((dot + extension).encode())) + dot + extension


def _shortened(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
