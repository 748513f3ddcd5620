"""The one shape of an attachment, for messages, uploads and the export."""

from __future__ import annotations

from typing import Any

PATH = "/api/chat/attachments"


def attachment_json(row: Any) -> dict[str, Any]:
    """An attachment as everybody sees it who may see its message. `width` and `height` are None for what is no image."""
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
