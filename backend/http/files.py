"""Answers that are files: ranges, conditional requests, names, and what a browser may do with the content."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

from flask import Response, request
from werkzeug.exceptions import PreconditionFailed, RequestedRangeNotSatisfiable
from werkzeug.http import is_resource_modified, parse_range_header, quote_etag

from backend.storage.files import File

FILE_POLICY = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
)
"""No script, no form, and an origin of its own. The style is what browsers put around an image that is opened by itself."""

NOT_QUOTED = "!#$&+-.^_`|~"
"""What RFC 8187 lets stand in a name besides letters and digits."""


def file_response(file: File) -> Response:
    """The answer to the present GET or HEAD request for *file* (RFC 9110).

    304 by the conditions, 206 for one range of bytes. A request for several ranges gets the whole file, as does one
    whose Range is malformed. Raises RequestedRangeNotSatisfiable, PreconditionFailed, and what `file.read` raises.
    """
    response = Response(content_type=file.content_type)
    response.set_etag(file.etag)
    response.last_modified = file.modified_at
    response.accept_ranges = "bytes"
    response.headers["Cache-Control"] = "private, no-cache"  # who may see it can change
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.headers["Content-Disposition"] = content_disposition(file.filename, file.is_inline)
    if not is_resource_modified(request.environ, quote_etag(file.etag), last_modified=file.modified_at):
        if request.if_match:
            raise PreconditionFailed
        response.status_code = 304
        return response
    wanted = _wanted_range(file)
    start, stop = wanted or (0, file.size)
    if wanted is not None:
        response.status_code = 206  # for all of it, too: players ask whether ranges work
        response.content_range.set(start, stop, file.size)
    response.content_length = stop - start
    if request.method == "GET":
        response.response = file.read(start, stop - start)
        response.direct_passthrough = True
    return response


def _wanted_range(file: File) -> tuple[int, int] | None:
    """The first byte and the one behind the last; None for the whole file."""
    wanted = parse_range_header(request.headers.get("Range"))
    if request.method != "GET" or wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return None
    if "If-Range" in request.headers and is_resource_modified(
        request.environ, quote_etag(file.etag), last_modified=file.modified_at, ignore_if_range=False
    ):
        return None
    start, stop = wanted.ranges[0]
    if start < 0:  # the last bytes, as many as there are
        start = max(file.size + start, 0)
    if start >= file.size:
        raise RequestedRangeNotSatisfiable(file.size)
    return start, file.size if stop is None else min(stop, file.size)


def content_disposition(filename: str, is_inline: bool) -> str:
    """The header (RFC 6266): the name as it is, and in ASCII for clients that know no other."""
    plain = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode()
    plain = "".join("_" if char in '"\\%' else char for char in plain) or "file"
    kind = "inline" if is_inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe=NOT_QUOTED)}"
