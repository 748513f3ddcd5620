"""Configuration from the environment, checked as a whole before anything starts.

`Config.from_env()` reads every variable of `.env.example`. It raises `ConfigError` with one line for each fault, so that an
operator can correct all of them at once. No other module of the project reads the environment.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environs import validate

import config_services as services
from config_environment import Environment

ENVIRONMENTS = ("development", "production", "testing")
LOG_FORMATS = ("auto", "json", "plain")
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
SMS_GATEWAYS = ("console", "webhook", "twilio", "off")
ORIGIN = r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
MIB = 1024 * 1024
SECRET_FILES = ("secret_key", "jwt_secret_key")
"""The files of generated secrets in INSTANCE_DIR, which are also the names of their fields."""

SECRETS_ENV = "secrets.env"
"""The file in INSTANCE_DIR to which the secrets of a backup are written if the environment has others."""

MIN_SECRET_BYTES, MIN_DIFFERENT_CHARACTERS = 32, 10

check_metrics_token = validate.Length(
    min=16, error="must have at least {min} characters: openssl rand -hex 24 generates one."
)


class ConfigError(Exception):
    """The environment has invalid variables. `faults` has one line for each fault."""

    def __init__(self, faults: list[str]):
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Config:
    """The checked values of the environment. The names are those of the variables, in lower case."""

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
    generated_secrets: tuple[str, ...]
    """Which of SECRET_FILES this process made."""

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
    has_lobby: bool
    registration: str
    directory: str
    room_creation: str
    has_docs: bool
    session_days: int
    log_level: str
    log_format: str
    may_colour_logs: bool
    sentry_dsn: str | None = field(repr=False)
    metrics_token: str | None = field(repr=False)
    database_pool_size: int
    max_json_bytes: int
    max_upload_bytes: int
    upload_quota_bytes: int
    client_timeout: int

    @property
    def is_embedded(self) -> bool:
        """True if the database is a SQLite file, which `make run` migrates."""
        return self.database_url.startswith("sqlite")

    @property
    def database_file(self) -> Path | None:
        """The file of a SQLite database, or None."""
        return Path(self.database_url.removeprefix("sqlite:///").partition("?")[0]) if self.is_embedded else None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Config:
        """Read and check the environment. Keyword arguments replace single values (tests).

        Raises ConfigError.
        """
        env = Environment(os.environ if environ is None else environ)
        values = _read_all(env) | overrides
        faults = env.faults()
        _check_together(values, faults)
        if faults:
            raise ConfigError(faults)
        instance = values["instance_dir"]
        generated = tuple(name for name in SECRET_FILES if not values[name] and not (instance / name).exists())
        for name in SECRET_FILES:
            values[name] = values[name] or _generated_secret(instance, name)
        return cls(**values, generated_secrets=generated)


def _read_all(env: Environment) -> dict[str, Any]:
    """Return the value of every variable, by the name of its field."""
    host, port = env.text("HOST") or "127.0.0.1", env.number("PORT", 8000, 1, 65535)
    instance = Path(env.text("INSTANCE_DIR") or "instance").absolute()
    app_env = env.choice("APP_ENV", ENVIRONMENTS, "development")
    is_production = app_env == "production"
    database_url = env.text("DATABASE_URL", services.check_database_url) or f"sqlite:///{instance / 'confab.db'}"
    return {
        "app_env": app_env,
        "host": host,
        "port": port,
        "web_concurrency": env.number("WEB_CONCURRENCY", 1, 1, 256),
        "database_url": services.normalise_database_url(database_url),
        "redis_url": env.text("REDIS_URL", services.check_redis_url),
        "instance_dir": instance,
        "secret_key": env.text("SECRET_KEY") or "",
        "jwt_secret_key": env.text("JWT_SECRET_KEY") or "",
        "jwt_secret_key_previous": env.text("JWT_SECRET_KEY_PREVIOUS"),
        "storage_url": env.text("STORAGE_URL") or str(instance / "uploads"),
        "sms_gateway": env.choice("SMS_GATEWAY", SMS_GATEWAYS, "console"),
        "may_log_sms": not is_production or env.text("SMS_GATEWAY") is not None,
        "sms_webhook_url": env.text("SMS_WEBHOOK_URL", services.check_webhook_url),
        "sms_countries": tuple(country.lstrip("+") for country in env.items("SMS_COUNTRIES")),
        "twilio_account_sid": env.text("TWILIO_ACCOUNT_SID", services.check_twilio_account_sid),
        "twilio_auth_token": env.text("TWILIO_AUTH_TOKEN"),
        "twilio_from": env.text("TWILIO_FROM", services.check_twilio_from),
        "may_log_mail": not is_production or env.text("SMTP_URL") is not None,
        "smtp_url": env.text("SMTP_URL", services.check_smtp_url),
        "mail_from": env.text("MAIL_FROM", services.check_mail_from) or "Confab <confab@localhost>",
        "public_url": (env.text("PUBLIC_URL") or f"http://{host}:{port}").rstrip("/"),
        "cors_origins": env.items("CORS_ORIGINS"),
        "trusted_proxies": env.number("TRUSTED_PROXIES", 0, 0, 10),
        "rate_limits": env.choice("RATE_LIMITS", ("on", "off"), "on") == "on",
        "refuses_common_passwords": env.choice("COMMON_PASSWORDS", ("allow", "refuse"), "allow") == "refuse",
        "has_lobby": env.choice("LOBBY", ("on", "off"), "on") == "on",
        "registration": env.choice("REGISTRATION", ("open", "invite", "closed"), "open"),
        "directory": env.choice("DIRECTORY", ("everyone", "shared", "off"), "everyone"),
        "room_creation": env.choice("ROOM_CREATION", ("everyone", "superusers"), "everyone"),
        "has_docs": env.choice("DOCS", ("on", "off"), "on") == "on",
        "session_days": env.number("SESSION_DAYS", 90, 1, 3650),
        "log_level": env.choice("LOG_LEVEL", LOG_LEVELS, "info"),
        "log_format": env.choice("LOG_FORMAT", LOG_FORMATS, "auto"),
        "may_colour_logs": env.text("NO_COLOR") is None,
        "sentry_dsn": env.text("SENTRY_DSN", services.check_sentry_dsn),
        "metrics_token": env.text("METRICS_TOKEN", check_metrics_token),
        "database_pool_size": env.number("DATABASE_POOL_SIZE", 20, 2, 500),
        "max_json_bytes": env.number("MAX_JSON_BYTES", MIB, 1024, 100 * MIB),
        "max_upload_bytes": env.number("MAX_UPLOAD_BYTES", 50 * MIB, 1024, 10_000 * MIB),
        "upload_quota_bytes": env.number("UPLOAD_QUOTA_BYTES", 5 * 1024 * MIB, 0, 2**62),
        "client_timeout": env.number("CLIENT_TIMEOUT", 30, 1, 3600),
    }


def _check_together(values: dict[str, Any], faults: list[str]) -> None:
    """Add to *faults* the faults of variables that depend on each other, and of the items of lists."""
    if values["app_env"] == "production":
        _check_secrets(values, faults)
    if values["web_concurrency"] > 1:
        if values["redis_url"] is None:
            faults.append("WEB_CONCURRENCY above 1 needs REDIS_URL: workers exchange events through Redis.")
        if values["database_url"].startswith("sqlite"):
            faults.append("WEB_CONCURRENCY above 1 needs a PostgreSQL DATABASE_URL: SQLite serves one worker.")
    services.check_sms(values, faults)
    for origin in values["cors_origins"]:
        if not re.fullmatch(ORIGIN, origin):
            faults.append(f"CORS_ORIGINS: {origin!r} is no origin; write it as https://app.example.com.")


def _check_secrets(values: dict[str, Any], faults: list[str]) -> None:
    remedy = "openssl rand -base64 48 generates one."
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
    """Return True for a secret that looks typed: few different characters, or a repeated part."""
    words = [word.casefold() for word in re.findall(r"[^\W_]{3,}", secret)]
    has_repeated_word = len(set(words)) < len(words)
    return len(set(secret)) < MIN_DIFFERENT_CHARACTERS or has_repeated_word or _is_periodic(secret)


def _is_periodic(text: str) -> bool:
    """Return True if *text* repeats one part, of which the last may be incomplete."""
    return any(text[size:] == text[:-size] for size in range(1, len(text) // 2 + 1))


def _generated_secret(instance: Path, name: str) -> str:
    """Return the secret of this INSTANCE_DIR. It is generated once and stored with mode 600, so that no default is shared."""
    path, draft = instance / name, instance / f".{name}.{secrets.token_hex(4)}"
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # the first of several processes wins, and none reads an incomplete secret
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
