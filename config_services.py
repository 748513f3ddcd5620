"""The variables of external services: database, Redis, the gateways of texts and mails, Sentry. Part of config.py."""

from __future__ import annotations

import re
from email.utils import parseaddr
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import ValidationError, validate

POSTGRESQL = ("postgresql+psycopg2://", "postgresql://", "postgres://")

check_redis_url = validate.Regexp(r"(redis|rediss|unix)://", error="must begin with redis://, rediss:// or unix://.")
check_twilio_account_sid = validate.Regexp(r"AC[0-9a-zA-Z]+\Z", error="must begin with AC.")
check_twilio_from = validate.Regexp(
    r"(\+[0-9]{3,15}|MG[0-9a-zA-Z]+|[A-Za-z0-9 ]{1,11})\Z",
    error="must be a number (+46…), a messaging service (MG…) or a name of at most 11 characters.",
)


def check_database_url(url: str) -> None:
    """Raise ValidationError for a database that Confab cannot use."""
    if not url.startswith(("sqlite:///", *POSTGRESQL)):
        raise ValidationError("must begin with sqlite:///, postgresql:// or postgres://.")
    if url.startswith("sqlite:///") and url.removeprefix("sqlite:///").partition("?")[0] in ("", ":memory:"):
        raise ValidationError("must name a file: every connection to an in-memory database sees an empty one.")


def normalise_database_url(url: str) -> str:
    """Make the path of a SQLite file absolute, and name the driver of PostgreSQL."""
    if url.startswith("sqlite:///"):
        path, _, query = url.removeprefix("sqlite:///").partition("?")
        return f"sqlite:///{Path(path).absolute()}" + (f"?{query}" if query else "")
    for scheme in POSTGRESQL:
        if url.startswith(scheme):
            # SQLAlchemy 2.1 reads postgresql:// as psycopg 3, which cannot yield to gevent.
            return "postgresql+psycopg2://" + url.removeprefix(scheme)
    return url


def check_webhook_url(url: str) -> None:
    """Raise ValidationError for an invalid web address."""
    if not _is_address(url, ("http", "https")):
        raise ValidationError("must be an address such as https://sms.example.com/send.")


def check_sms(values: dict[str, Any], faults: list[str]) -> None:
    """Add to *faults* the variables that SMS_GATEWAY needs and that are not set, and invalid countries."""
    if values["sms_gateway"] == "webhook" and not values["sms_webhook_url"]:
        faults.append("SMS_GATEWAY=webhook needs SMS_WEBHOOK_URL.")
    if values["sms_gateway"] == "twilio":
        for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"):
            if not values[name.lower()]:
                faults.append(f"SMS_GATEWAY=twilio needs {name}.")
    for country in values["sms_countries"]:
        if not re.fullmatch(r"[1-9][0-9]{0,2}", country):
            faults.append(f"SMS_COUNTRIES: {country!r} is no country calling code; write 46,47,358.")


def check_smtp_url(url: str) -> None:
    """Raise ValidationError for an invalid address of a mail server, and for one that would receive a password unencrypted."""
    if url == "console":
        return
    # The errors do not contain the value, because it may contain a password.
    if not _is_address(url, ("smtp", "smtps")):
        raise ValidationError("must be smtp://user:password@host:port or smtps://…, with its password URL-encoded.")
    query = urlsplit(url).query
    if query not in ("", "starttls=0", "starttls=1"):
        raise ValidationError("takes ?starttls=1 and nothing else after the question mark.")
    if sends_password_openly(url) and query != "starttls=0":
        raise ValidationError(
            "would send its password unencrypted: write smtps:// or add ?starttls=1; or, if the connection to the"
            " mail server is protected in another way, ?starttls=0."
        )


def sends_password_openly(smtp_url: str) -> bool:
    """Return True if the password of *smtp_url* would be sent over a network unencrypted."""
    parts = urlsplit(smtp_url)
    has_password = bool(parts.username or parts.password)
    return (
        parts.scheme == "smtp" and has_password and parts.query != "starttls=1" and not _is_here(parts.hostname or "")
    )


def check_mail_from(sender: str) -> None:
    """Raise ValidationError for an invalid sender of mails."""
    address = parseaddr(sender)[1]
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", address) or not sender.isprintable():
        raise ValidationError("must be an address such as Confab <confab@example.com>.")


def check_sentry_dsn(dsn: str) -> None:
    """Raise ValidationError for an invalid DSN, and if the package that sends the reports is not installed."""
    if not _is_address(dsn, ("http", "https")) or not re.fullmatch(r"[^/]+//[^/@:]+@[^?#]*/[0-9]+", dsn):
        raise ValidationError("must be the address that Sentry shows for a project: https://KEY@HOST/NUMBER.")
    if find_spec("sentry_sdk") is None:
        raise ValidationError(
            "needs the package sentry-sdk, which is not installed: run"
            " .venv/bin/pip install --require-hashes -r requirements-sentry.txt, or unset it."
        )


def _is_here(host: str) -> bool:
    """Return whether *host* is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:  # an invalid port, or a bracket without its end
        return False
