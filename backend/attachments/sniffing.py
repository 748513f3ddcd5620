"""What a file is, by its bytes alone: what the client says of it is not looked at."""

from __future__ import annotations

import codecs
import re

import filetype

HEAD_BYTES = 8192
"""How much of a file is looked at."""

TEXT, BINARY = "text/plain", "application/octet-stream"
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
MEDIA = frozenset(
    {"video/mp4", "video/webm", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/aac", "audio/wav", "audio/flac"}
)
"""What browsers play, and nothing in it is executed."""

_STANDARD_NAMES = {"audio/x-wav": "audio/wav", "audio/x-flac": "audio/flac"}
_DOCUMENTS = ("application/pdf", "application/rtf", "application/postscript")
"""What may begin as text and is none."""

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def sniff(head: bytes) -> str:
    """The content type of a file that begins with *head*, which are its first `HEAD_BYTES`.

    HTML, SVG and scripts are text, and are served as nothing else.
    """
    kind = filetype.guess_mime(head[:HEAD_BYTES])
    if kind in _DOCUMENTS:
        return str(kind)
    if _is_text(head[:HEAD_BYTES]):
        return TEXT  # before the signatures of two letters: a text may begin with BM or MZ
    return _STANDARD_NAMES.get(kind, kind) if kind is not None else BINARY


def is_safe_inline(content_type: str, is_checked_image: bool) -> bool:
    """Whether browsers may show a file in place of downloading it: media, and images that were decoded without a fault."""
    return content_type in MEDIA or (content_type in IMAGES and is_checked_image)


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut in two
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(text)
