"""The representation of an attachment in messages, in the answer to an upload and in the export."""

from __future__ import annotations

from typing import Any

PATH = "/api/chat/attachments"


def attachment_json(row: Any) -> dict[str, Any]:
    """Return an attachment as JSON, the same for every reader. `width` and `height` are None for other files than images."""
    url = f"{PATH}/{row.id}"
    return {
        "id": row.id,
        "filename": row.filename,
        "content_type": row.content_type,
        "size": row.size,
        "width": row.width,
        "height": row.height,
        "url": url,
        "thumbnail_url": f"{url}?thumbnail=true" if row.thumbnail_key else None,
    }
