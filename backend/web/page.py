"""The page at `/`, a chat in the browser, and the files that it consists of."""

from __future__ import annotations

from flask import Blueprint, Response

from backend.errors import NotFound
from backend.web.bundle import bundle

bp = Blueprint("page", __name__)

FOR_EVER = "public, max-age=31536000, immutable"


@bp.get("/app/<digest>/<path:name>")
def send_file(digest: str, name: str) -> Response:
    """A file of the page.

    During an update, the page of one version may ask a server of another. That server answers with its own file, and browsers
    do not keep it.
    """
    current = bundle()
    if name not in current.files:
        raise NotFound("There is nothing at this address.")
    response = current.files[name].response()
    response.headers["Cache-Control"] = FOR_EVER if digest == current.digest else "no-cache"
    return response
