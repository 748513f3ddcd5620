"""Signed links to attachments, for `<img>`, `<video>` and downloads, which send no token.

A link contains the id of the user who requested it, its holder. It works while the holder may see the attachment.
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


def signed_link(attachment_id: int, holder_id: int, is_thumbnail: bool) -> str:
    """Return the path and query of a link that expires after `LIFETIME_SECONDS`."""
    expires = int(time.time()) + LIFETIME_SECONDS
    signature = _signature(attachment_id, holder_id, expires)
    query = {"holder": holder_id, "expires": expires, "signature": signature}
    return f"{PATH}/{attachment_id}/signed?{urlencode(query | ({'thumbnail': 'true'} if is_thumbnail else {}))}"


def check_link(attachment_id: int, holder_id: int, expires: int, signature: str) -> None:
    """Raise NotFound if the link has expired, or if its signature is wrong."""
    expected = _signature(attachment_id, holder_id, expires)
    if not hmac.compare_digest(expected.encode(), signature.encode()) or expires <= time.time():
        raise NotFound("This link is invalid or has expired. Request a new one.")


def _signature(attachment_id: int, holder_id: int, expires: int) -> str:
    return keyed_hash(PURPOSE, f"{attachment_id}:{holder_id}:{expires}")
