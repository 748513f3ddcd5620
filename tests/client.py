"""A client of the HTTP API for tests: Flask's test client, with a token and JSON."""

from __future__ import annotations

import json as jsonlib
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse


class Client:
    """Calls the application through WSGI, and checks that every failure is problem+json."""

    def __init__(self, app: Flask, token: str | None = None):
        self.token = token
        self.use(app)

    def use(self, app: Flask) -> None:
        """Call *app* from now on."""
        self.app = app
        self._client = app.test_client(use_cookies=False)

    def request(self, method: str, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        headers = dict(kwargs.pop("headers", None) or {})
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if json is not None:
            # Not Flask's encoder: tests send what it would refuse, such as lone surrogates and huge numbers.
            kwargs |= {"data": jsonlib.dumps(json), "content_type": "application/json"}
        response = self._client.open(path, method=method, headers=headers, buffered=True, **kwargs)
        if response.status_code >= 400 and method != "HEAD" and path.rstrip("/") != "/token":
            assert response.mimetype == "application/problem+json", (response.status_code, response.get_data()[:300])
        return response

    def open_unread(self, path: str, json: Any) -> TestResponse:
        """POST, and leave the body of the answer unread. The caller closes the answer."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return self._client.post(path, json=json, headers=headers, buffered=False)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.request("POST", path, json, **kwargs)

    def put(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.request("PUT", path, json, **kwargs)

    def patch(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.request("PATCH", path, json, **kwargs)

    def delete(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        return self.request("DELETE", path, json, **kwargs)
