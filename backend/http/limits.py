"""Rate limits: on by default, shared through Redis where there is one, in memory where there is none or it is away."""

from __future__ import annotations

from flask import Flask

from backend.extensions import limiter


def init_app(app: Flask) -> None:
    """Configure the limiter. `RATE_LIMITS=off` switches it off whole."""
    config = app.config["CONFAB"]
    app.config.update(
        RATELIMIT_ENABLED=config.rate_limits,
        RATELIMIT_STORAGE_URI=_storage(config.redis_url),
        RATELIMIT_STORAGE_OPTIONS=_storage_options(config.redis_url),
        RATELIMIT_HEADERS_ENABLED=True,
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=config.redis_url is not None,
        RATELIMIT_STRATEGY="moving-window" if config.redis_url is None else "fixed-window",
        RATELIMIT_KEY_PREFIX="confab",
    )
    limiter.init_app(app)


def _storage(redis_url: str | None) -> str:
    if redis_url is None:
        return "memory://"
    return redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url


def _storage_options(redis_url: str | None) -> dict[str, float]:
    return {"socket_timeout": 0.5, "socket_connect_timeout": 0.5} if redis_url else {}
