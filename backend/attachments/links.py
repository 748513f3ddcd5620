"""Signed links to attachments: for `<img>`, `<video>` and downloads, which send no token.

A link names its holder. Whoever follows it sees what the holder may see at that moment, and no more.
"""

from __future__ import annotations

import hmac
import time
from urllib.parse import urlencode

from backend.attachments.serialise import PATH
from backend.errors import NotFound
from backend.security.encryption import keyed_hash

LIFETIME_SECONDS = 300
PURPOSE = "attachment-link"


def signed_link(attachment_id: int, holder_id: int, is_thumbnail: bool = False) -> str:
    """The path and query of a link that lasts `LIFETIME_SECONDS`."""
    expires = int(time.time()) + LIFETIME_SECONDS
    signature = _signature(attachment_id, holder_id, expires)
    query = {"holder": holder_id, "expires": expires, "signature": signature}
    return f"{PATH}/{attachment_id}/signed?{urlencode(query | ({'thumbnail': 'true'} if is_thumbnail else {}))}"


def check_link(attachment_id: int, holder_id: int, expires: int, signature: str) -> None:
    """Raise NotFound for a link that has expired, or that was not signed here."""
    expected = _signature(attachment_id, holder_id, expires)
    if not hmac.compare_digest(expected.encode(), signature.encode()) or expires <= time.time():
        raise NotFound("This link has expired, or it is not complete. Ask for a new one.")


def _signature(attachment_id: int, holder_id: int, expires: int) -> str:
    return keyed_hash(PURPOSE, f"{attachment_id}:{holder_id}:{expires}")
