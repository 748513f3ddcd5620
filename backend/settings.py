"""Maps Confab's configuration to the settings of Flask and its extensions."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from flask_cors import CORS

from backend.database import engine_options
from backend.http.json import OrjsonProvider
from config import Config

VERSION = "0.1.0"
MIGRATIONS = str(Path(__file__).parent.parent / "migrations")
EXPOSED_HEADERS = [
    "Link",
    "X-Request-ID",
    "Retry-After",
    "Content-Disposition",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Device-Token",
]


class NoCookies(SessionInterface):
    """No cookie sessions: sessions are rows of the database, and requests carry tokens."""

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return self.make_null_session(app)


def apply(app: Flask, config: Config) -> None:
    """Put *config* into *app*: as `app.config["CONFAB"]` for Confab, and under the names that the libraries read."""
    config.instance_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    app.config.update(
        CONFAB=config,
        VERSION=VERSION,
        SECRET_KEY=config.secret_key,
        TESTING=config.app_env == "testing",
        SQLALCHEMY_DATABASE_URI=config.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(config.database_url, config.database_pool_size),
        MAX_CONTENT_LENGTH=config.max_json_bytes,
        MAX_FORM_PARTS=10,  # each file of a form is an open file here
    )
    app.json = OrjsonProvider(app)
    app.session_interface = NoCookies()
    if config.cors_origins:
        # As escaped patterns: the library would take an origin with an IPv6 address for a pattern.
        origins = [re.compile(re.escape(origin) + r"\Z") for origin in config.cors_origins]
        CORS(app, origins=origins, expose_headers=EXPOSED_HEADERS, max_age=600, supports_credentials=False)
