"""An HTTP client over real connections, for tests in which the server fails."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit


class HttpClient:
    """Calls a server over HTTP, a new connection for each call."""

    def __init__(self, url: str, token: str | None = None):
        self.address = urlsplit(url).netloc
        self.token = token

    def call(self, method: str, path: str, body: Any = None, timeout: float = 15) -> tuple[int, Any]:
        """The status and the JSON of the answer. Raises OSError or HTTPException where there is none."""
        connection = http.client.HTTPConnection(self.address, timeout=timeout)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        return response.status, json.loads(data) if data else None

    def try_send(self, **body: Any) -> dict[str, Any] | None:
        """Send a message; None where it was not acknowledged."""
        try:
            status, message = self.call("POST", "/api/chat/send", body)
        except (OSError, http.client.HTTPException):
            return None
        return message if status in (200, 201) else None

    def messages(self, conversation_id: str) -> list[dict[str, Any]]:
        """All messages of a conversation, oldest first."""
        found: list[dict[str, Any]] = []
        while True:
            after = found[-1]["seq"] if found else 0
            path = f"/api/chat/messages?conversation_id={conversation_id}&after={after}&limit=100"
            status, page = self.call("GET", path)
            assert status == 200, page
            if not page:
                return found
            found += page
