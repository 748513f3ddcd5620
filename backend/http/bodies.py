"""Reading the body of a request: its size is limited, and a body that ends early is refused."""

from __future__ import annotations

import time
from typing import Any

from flask import Request
from gunicorn.http.errors import ParseException

from backend.errors import BadRequest, PayloadTooLarge, RequestTimeout, UnsupportedMediaType


def bound_body(request: Request, limit: int) -> None:
    """Limit the body of *request* to *limit* bytes, for every reader of it.

    Raises PayloadTooLarge if Content-Length is larger, before a byte is read, and UnsupportedMediaType for a compressed body.
    """
    environ = request.environ
    coding = environ.get("HTTP_CONTENT_ENCODING", "")
    if coding and coding.lower() != "identity":
        raise UnsupportedMediaType("Send the body without a Content-Encoding.", headers={"Accept-Encoding": "identity"})
    request.max_content_length = limit
    length = request.content_length
    if length is not None and length > limit:
        raise _too_large(limit)
    if length is None and "HTTP_TRANSFER_ENCODING" in environ:
        request.max_content_length = (
            limit + 1
        )  # the limit is enforced below; werkzeug would take the first part for the whole body
        environ["wsgi.input"] = _Arriving(environ["wsgi.input"], limit)
    elif length:
        environ["wsgi.input"] = _Arriving(environ["wsgi.input"], limit)


class _Arriving:
    """The stream of a body. Raises Confab's errors where werkzeug would take a failed read for the end of the body."""

    def __init__(self, stream: Any, limit: int):
        self.stream, self.limit, self.count = stream, limit, 0

    def read(self, size: int = -1) -> bytes:
        """Up to *size* bytes; none at the end. Raises RequestTimeout, BadRequest and PayloadTooLarge."""
        try:
            data: bytes = self.stream.read(size)
        except TimeoutError as error:
            raise RequestTimeout from error
        except (OSError, ParseException) as error:
            raise BadRequest("The body ended early, or its chunks are not valid. Send the request again.") from error
        self.count += len(data)
        time.sleep(0)  # under gevent others are served; a client that sends fast would keep them waiting
        if self.count > self.limit:
            raise _too_large(self.limit)
        return data


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body is too large. It may have at most {limit} bytes.")
