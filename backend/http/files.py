"""Answers that contain a file: ranges, conditional requests, filenames, and the policy for browsers."""

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
"""No scripts, no forms, and a separate origin. Browsers add an inline style when they open an image directly."""

NOT_QUOTED = "!#$&+-.^_`|~"
"""The characters that RFC 8187 allows unescaped in a filename, besides letters and digits."""


def file_response(file: File) -> Response:
    """Return the response to the current GET or HEAD request for *file* (RFC 9110).

    The status is 304 if the client's copy is current, and 206 for one range of bytes. A request for several ranges, or with a
    malformed Range, gets the whole file. Raises RequestedRangeNotSatisfiable, PreconditionFailed, and what `file.read` raises.
    """
    response = Response(content_type=file.content_type)
    response.set_etag(file.etag)
    response.last_modified = file.modified_at
    response.accept_ranges = "bytes"
    response.headers["Cache-Control"] = "private, no-cache"  # the right to see the file can be lost
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.headers["Content-Disposition"] = content_disposition(file.filename, file.is_inline)
    environ = request.environ
    if request.if_match.star_tag:  # matches every file, but werkzeug compares it with the ETag
        environ = {name: value for name, value in environ.items() if name != "HTTP_IF_MATCH"}
    if not is_resource_modified(environ, quote_etag(file.etag), last_modified=file.modified_at):
        if request.if_match and not request.if_match.star_tag:
            raise PreconditionFailed
        response.status_code = 304
        return response
    wanted = _wanted_range(file)
    start, stop = wanted or (0, file.size)
    if wanted is not None:
        response.status_code = 206  # also for the range of all bytes: media players test with it whether ranges work
        response.content_range.set(start, stop, file.size)
    response.content_length = stop - start
    if request.method == "GET":
        response.response = file.read(start, stop - start)
        response.direct_passthrough = True
    return response


def _wanted_range(file: File) -> tuple[int, int] | None:
    """Return the first byte and the byte after the last; None for the whole file."""
    wanted = parse_range_header(request.headers.get("Range"))
    if request.method != "GET" or wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return None
    if "If-Range" in request.headers and is_resource_modified(
        request.environ, quote_etag(file.etag), last_modified=file.modified_at, ignore_if_range=False
    ):
        return None
    start, stop = wanted.ranges[0]
    if start < 0:  # a suffix range, which may be longer than the file
        start = max(file.size + start, 0)
    if start >= file.size:
        raise RequestedRangeNotSatisfiable(file.size)
    return start, file.size if stop is None else min(stop, file.size)


def content_disposition(filename: str, is_inline: bool) -> str:
    """Return the header (RFC 6266) with the filename in UTF-8, and in ASCII for clients that do not support UTF-8."""
    plain = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode()
    plain = "".join("_" if char in '"\\%' else char for char in plain) or "file"
    kind = "inline" if is_inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe=NOT_QUOTED)}"
