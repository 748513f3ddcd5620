"""The content type of a file, found in its bytes. The type that the client states is ignored."""

from __future__ import annotations

import codecs
import re

import filetype

HEAD_BYTES = 8192
"""How many bytes at the beginning of a file are examined."""

TEXT, BINARY = "text/plain", "application/octet-stream"
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
MEDIA = frozenset(
    {"video/mp4", "video/webm", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/aac", "audio/wav", "audio/flac"}
)
"""Types that browsers play. They contain nothing that a browser executes."""

_STANDARD_NAMES = {"audio/x-wav": "audio/wav", "audio/x-flac": "audio/flac"}
_DOCUMENTS = ("application/pdf", "application/rtf", "application/postscript")
"""Types whose files may begin with text, but are not text."""

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def sniff(head: bytes) -> str:
    """Return the content type of a file whose first `HEAD_BYTES` bytes are *head*.

    HTML, SVG and scripts are text/plain, so that browsers do not execute them.
    """
    kind = filetype.guess_mime(head[:HEAD_BYTES])
    if kind in _DOCUMENTS:
        return str(kind)
    if _is_text(head[:HEAD_BYTES]):
        return TEXT  # checked before signatures of two letters: a text may begin with BM or MZ
    return _STANDARD_NAMES.get(kind, kind) if kind is not None else BINARY


def is_safe_inline(content_type: str, is_checked_image: bool) -> bool:
    """Whether browsers may display a file instead of downloading it: media, and images that were decoded without an error."""
    return content_type in MEDIA or (content_type in IMAGES and is_checked_image)


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # *head* may end within a character
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(text)
