"""Calls of the reference client over HTTP."""

from __future__ import annotations

import asyncio
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

SECONDS = 10


class Refused(Exception):
    """The server answered with an error. `retry_after` is in seconds."""

    def __init__(self, code: str, retry_after: float | None = None, status: int = 0):
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after
        self.status = status


class Unreachable(Exception):
    """There was no answer; the outcome is unknown."""

    def __init__(self, retry_after: float | None = None):
        super().__init__("no answer")
        self.retry_after = retry_after


async def call(url: str, method: str, path: str, token: str | None, body: Any = None) -> Any:
    """The answer of a call. Raises Refused and Unreachable."""
    data = None if body is None else json.dumps(body).encode()
    return await _request(method, url + path, token, data, "application/json")


async def upload(url: str, token: str, name: str, text: str) -> int:
    """Upload a file, and return the id of the attachment. Raises Refused and Unreachable."""
    head = f'--part\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    data = f"{head}{text}\r\n--part--\r\n".encode()
    path = f"{url}/api/chat/attachments"
    answer = await _request("POST", path, token, data, "multipart/form-data; boundary=part")
    return int(answer["id"])


async def _request(method: str, url: str, token: str | None, data: bytes | None, content_type: str) -> Any:
    request = urllib.request.Request(url, data, method=method)
    if data is not None:
        request.add_header("Content-Type", content_type)
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    return await asyncio.to_thread(_perform, request)


def _perform(request: urllib.request.Request) -> Any:
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            content = response.read()
    except urllib.error.HTTPError as error:
        retry_after = error.headers.get("Retry-After")
        with error:
            code = json.loads(error.read()).get("code", "")
        raise Refused(code, float(retry_after) if retry_after else None, error.code) from error
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable from error
    return json.loads(content) if content else None
