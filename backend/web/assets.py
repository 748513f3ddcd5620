"""A file that is served from memory: its type, its ETag, and its compressed form."""

from __future__ import annotations

import gzip
import mimetypes
from functools import cached_property
from hashlib import sha256

from flask import Response, current_app, request

TYPES = {".js": "text/javascript", ".css": "text/css", ".webmanifest": "application/manifest+json", ".md": "text/plain"}
COMPRESSIBLE = ("text/", "application/json", "application/manifest+json", "application/typescript", "image/svg+xml")


class Asset:
    """The *content* of a file, with its type. Both do not change."""

    def __init__(self, content: bytes, mimetype: str):
        self.content = content
        self.mimetype = mimetype

    @classmethod
    def named(cls, name: str, content: bytes) -> Asset:
        """The asset whose type follows from the end of its *name*."""
        extension = name[name.rfind(".") :]
        return cls(content, TYPES.get(extension) or mimetypes.guess_type(name)[0] or "text/plain")

    @cached_property
    def digest(self) -> str:
        """A hash of the content, in hexadecimal."""
        return sha256(self.content).hexdigest()

    @cached_property
    def compressed(self) -> bytes | None:
        """The content in the gzip format, or None for a type that is compressed by itself."""
        if not self.mimetype.startswith(COMPRESSIBLE):
            return None
        return gzip.compress(self.content, 9, mtime=0)

    def response(self) -> Response:
        """The response to the current request: compressed where the client accepts that, 304 where its copy is current.

        The caller sets Cache-Control.
        """
        is_compressed = self.compressed is not None and request.accept_encodings["gzip"] > 0
        body = self.compressed if is_compressed else self.content
        response = current_app.response_class(body, mimetype=self.mimetype)
        if self.compressed is not None:
            response.vary.add("Accept-Encoding")
        if is_compressed:
            response.content_encoding = "gzip"
        response.set_etag(f"{self.digest[:32]}-gzip" if is_compressed else self.digest[:32])
        response.make_conditional(request)
        return response
