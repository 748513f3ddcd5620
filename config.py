"""Configuration from the environment, checked as a whole before anything starts.

`Config.from_env()` reads every variable of `.env.example` and raises `ConfigError` with one line for each fault, so that an
operator mends all of them at once. Nothing else in the project reads the environment.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config_services import check_services

ENVIRONMENTS = ("development", "production", "testing")
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
SMS_GATEWAYS = ("console", "webhook", "twilio")
ORIGIN = r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
MIB = 1024 * 1024
SECRET_FILES = ("secret_key", "jwt_secret_key")
"""Where INSTANCE_DIR keeps the secrets that are made, by the names of their fields."""

MIN_SECRET_BYTES, MIN_DIFFERENT_CHARACTERS, MIN_METRICS_TOKEN = 32, 12, 16


class ConfigError(Exception):
    """The environment does not describe a server that can run. `faults` has one line for each variable at fault."""

    def __init__(self, faults: list[str]):
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Config:
    """What the environment says, checked. The names are those of the variables, in lower case."""

    app_env: str
    host: str
    port: int
    web_concurrency: int
    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    instance_dir: Path
    secret_key: str = field(repr=False)
    jwt_secret_key: str = field(repr=False)
    jwt_secret_key_previous: str | None = field(repr=False)
    storage_url: str = field(repr=False)
    sms_gateway: str
    may_log_sms: bool
    sms_webhook_url: str | None = field(repr=False)
    sms_countries: tuple[str, ...]
    twilio_account_sid: str | None
    twilio_auth_token: str | None = field(repr=False)
    twilio_from: str | None
    may_log_mail: bool
    smtp_url: str | None = field(repr=False)
    mail_from: str
    public_url: str
    cors_origins: tuple[str, ...]
    trusted_proxies: int
    rate_limits: bool
    refuses_common_passwords: bool
    session_days: int
    log_level: str
    sentry_dsn: str | None = field(repr=False)
    metrics_token: str | None = field(repr=False)
    database_pool_size: int
    max_json_bytes: int
    max_upload_bytes: int
    client_timeout: int

    @property
    def is_embedded(self) -> bool:
        """True where the database is a SQLite file of this checkout, which `make run` migrates itself."""
        return self.database_url.startswith("sqlite")

    @property
    def database_file(self) -> Path | None:
        """The file of a SQLite database."""
        return Path(self.database_url.removeprefix("sqlite:///").partition("?")[0]) if self.is_embedded else None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Config:
        """Read and check the environment. Keyword arguments replace single values (tests).

        Raises ConfigError.
        """
        read = _Reader(os.environ if environ is None else environ)
        values = _read_all(read)
        values.update(overrides)
        _check_together(values, read.faults)
        if read.faults:
            raise ConfigError(read.faults)
        for name in SECRET_FILES:
            values[name] = values[name] or _made_secret(values["instance_dir"], name)
        return cls(**values)


class _Reader:
    """Takes typed values from the environment and gathers what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]):
        self.environ = environ
        self.faults: list[str] = []

    def text(self, name: str, default: str | None = None) -> str | None:
        return self.environ.get(name, "").strip() or default

    def number(self, name: str, default: int, low: int, high: int) -> int:
        raw = self.text(name)
        if raw is None:
            return default
        if re.fullmatch(r"[0-9]{1,12}", raw) and low <= int(raw) <= high:
            return int(raw)
        self.faults.append(f"{name} must be a whole number from {low} to {high}, not {raw!r}.")
        return default

    def choice(self, name: str, options: tuple[str, ...], default: str) -> str:
        value = (self.text(name) or default).lower()
        if value not in options:
            self.faults.append(f"{name} must be one of {', '.join(options)}, not {value!r}.")
            return default
        return value


def _read_all(read: _Reader) -> dict[str, Any]:
    host, port = read.text("HOST", "127.0.0.1"), read.number("PORT", 8000, 1, 65535)
    instance = Path(read.text("INSTANCE_DIR", "instance") or "").absolute()
    app_env = read.choice("APP_ENV", ENVIRONMENTS, "development")
    is_production = app_env == "production"
    return {
        "app_env": app_env,
        "host": host,
        "port": port,
        "web_concurrency": read.number("WEB_CONCURRENCY", 1, 1, 256),
        "database_url": _database_url(read.text("DATABASE_URL"), instance, read.faults),
        "redis_url": read.text("REDIS_URL"),
        "instance_dir": instance,
        "secret_key": read.text("SECRET_KEY", ""),
        "jwt_secret_key": read.text("JWT_SECRET_KEY", ""),
        "jwt_secret_key_previous": read.text("JWT_SECRET_KEY_PREVIOUS"),
        "storage_url": read.text("STORAGE_URL", str(instance / "uploads")),
        "sms_gateway": read.choice("SMS_GATEWAY", SMS_GATEWAYS, "console"),
        "may_log_sms": not is_production or read.text("SMS_GATEWAY") is not None,
        "sms_webhook_url": read.text("SMS_WEBHOOK_URL"),
        "sms_countries": tuple(
            c.strip().lstrip("+") for c in (read.text("SMS_COUNTRIES") or "").split(",") if c.strip()
        ),
        "twilio_account_sid": read.text("TWILIO_ACCOUNT_SID"),
        "twilio_auth_token": read.text("TWILIO_AUTH_TOKEN"),
        "twilio_from": read.text("TWILIO_FROM"),
        "may_log_mail": not is_production or read.text("SMTP_URL") is not None,
        "smtp_url": read.text("SMTP_URL"),
        "mail_from": read.text("MAIL_FROM", "Confab <confab@localhost>"),
        "public_url": (read.text("PUBLIC_URL") or f"http://{host}:{port}").rstrip("/"),
        "cors_origins": tuple(o.strip() for o in (read.text("CORS_ORIGINS") or "").split(",") if o.strip()),
        "trusted_proxies": read.number("TRUSTED_PROXIES", 0, 0, 10),
        "rate_limits": read.choice("RATE_LIMITS", ("on", "off"), "on") == "on",
        "refuses_common_passwords": read.choice("COMMON_PASSWORDS", ("allow", "refuse"), "allow") == "refuse",
        "session_days": read.number("SESSION_DAYS", 90, 1, 3650),
        "log_level": read.choice("LOG_LEVEL", LOG_LEVELS, "info"),
        "sentry_dsn": read.text("SENTRY_DSN"),
        "metrics_token": read.text("METRICS_TOKEN"),
        "database_pool_size": read.number("DATABASE_POOL_SIZE", 20, 2, 500),
        "max_json_bytes": read.number("MAX_JSON_BYTES", MIB, 1024, 100 * MIB),
        "max_upload_bytes": read.number("MAX_UPLOAD_BYTES", 50 * MIB, 1024, 10_000 * MIB),
        "client_timeout": read.number("CLIENT_TIMEOUT", 30, 1, 3600),
    }


def _database_url(raw: str | None, instance: Path, faults: list[str]) -> str:
    if raw is None:
        return f"sqlite:///{instance / 'confab.db'}"
    if raw.startswith("sqlite:///"):
        path, _, query = raw.removeprefix("sqlite:///").partition("?")
        if path in ("", ":memory:"):
            faults.append("DATABASE_URL must name a file: every connection to an in-memory database sees an empty one.")
        return f"sqlite:///{Path(path).absolute()}" + (f"?{query}" if query else "")
    for scheme in ("postgresql+psycopg2://", "postgresql://", "postgres://"):
        if raw.startswith(scheme):
            # SQLAlchemy 2.1 reads postgresql:// as psycopg 3, which cannot yield to gevent.
            return "postgresql+psycopg2://" + raw.removeprefix(scheme)
    faults.append("DATABASE_URL must begin with sqlite:///, postgresql:// or postgres://.")
    return raw


def _check_together(values: dict[str, Any], faults: list[str]) -> None:
    """Rules that concern more than one variable."""
    if values["app_env"] == "production":
        _check_secrets(values, faults)
    if values["metrics_token"] is not None and len(values["metrics_token"]) < MIN_METRICS_TOKEN:
        faults.append(
            f"METRICS_TOKEN must have at least {MIN_METRICS_TOKEN} characters: openssl rand -hex 24 makes one."
        )
    if values["web_concurrency"] > 1:
        if values["redis_url"] is None:
            faults.append(
                "WEB_CONCURRENCY above 1 needs REDIS_URL: workers hear of each other's messages through Redis."
            )
        if values["database_url"].startswith("sqlite"):
            faults.append("WEB_CONCURRENCY above 1 needs a PostgreSQL DATABASE_URL: SQLite serves one worker.")
    redis_url = values["redis_url"]
    if redis_url and not redis_url.startswith(("redis://", "rediss://", "unix://")):
        faults.append("REDIS_URL must begin with redis://, rediss:// or unix://.")
    check_services(values, faults)
    for origin in values["cors_origins"]:
        if not re.fullmatch(ORIGIN, origin):
            faults.append(f"CORS_ORIGINS: {origin!r} is no origin; write it as https://app.example.com.")


def _check_secrets(values: dict[str, Any], faults: list[str]) -> None:
    remedy = "openssl rand -base64 48 makes one."
    for name in ("SECRET_KEY", "JWT_SECRET_KEY", "JWT_SECRET_KEY_PREVIOUS"):
        secret = values[name.lower()]
        if secret is None:
            continue
        if len(secret.encode()) < MIN_SECRET_BYTES:
            faults.append(f"{name} must have at least {MIN_SECRET_BYTES} bytes in production: {remedy}")
        elif is_guessable(secret):
            faults.append(f"{name} repeats a character or a word, so it can be guessed: {remedy}")
    if values["secret_key"] and values["secret_key"] == values["jwt_secret_key"]:
        faults.append(f"SECRET_KEY and JWT_SECRET_KEY must differ in production: {remedy}")


def is_guessable(secret: str) -> bool:
    """True for a secret that somebody typed: few different characters, or a piece that is repeated."""
    words = [word.casefold() for word in re.findall(r"[^\W_]{3,}", secret)]
    has_repeated_word = len(set(words)) < len(words)
    return len(set(secret)) < MIN_DIFFERENT_CHARACTERS or has_repeated_word or _is_periodic(secret)


def _is_periodic(text: str) -> bool:
    """True where *text* is one piece again and again, the last time perhaps not whole."""
    return any(text[size:] == text[:-size] for size in range(1, len(text) // 2 + 1))


def _made_secret(instance: Path, name: str) -> str:
    """A secret made once for this INSTANCE_DIR and kept there for the owner alone: no default is ever shared."""
    path, draft = instance / name, instance / f".{name}.{secrets.token_hex(4)}"
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # the first of several processes wins, and none reads half a secret
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
