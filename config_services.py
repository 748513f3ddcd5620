"""What the environment says of services outside: the gateways of texts and mails, and Sentry. Part of config.py."""

from __future__ import annotations

import re
from email.utils import parseaddr
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit


def check_services(values: dict[str, Any], faults: list[str]) -> None:
    """Add to *faults* a line for each variable that is wrong. No line repeats a value that may hold a secret."""
    _check_sms(values, faults)
    _check_mail(values, faults)
    _check_reports(values["sentry_dsn"], faults)


def sends_password_openly(smtp_url: str) -> bool:
    """True where the password of *smtp_url* would go over a network unencrypted."""
    parts = urlsplit(smtp_url)
    has_password = bool(parts.username or parts.password)
    return (
        parts.scheme == "smtp" and has_password and parts.query != "starttls=1" and not _is_here(parts.hostname or "")
    )


def _is_here(host: str) -> bool:
    """Whether *host* is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_sms(values: dict[str, Any], faults: list[str]) -> None:
    if values["sms_gateway"] == "webhook" and not values["sms_webhook_url"]:
        faults.append("SMS_GATEWAY=webhook needs SMS_WEBHOOK_URL.")
    if values["sms_webhook_url"] and not _is_address(values["sms_webhook_url"], ("http", "https")):
        faults.append("SMS_WEBHOOK_URL must be an address such as https://sms.example.com/send.")
    if values["sms_gateway"] == "twilio":
        for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"):
            if not values[name.lower()]:
                faults.append(f"SMS_GATEWAY=twilio needs {name}.")
    if not re.fullmatch(r"(AC[0-9a-zA-Z]+)?", values["twilio_account_sid"] or ""):
        faults.append("TWILIO_ACCOUNT_SID must begin with AC.")
    if not re.fullmatch(r"(\+[0-9]{3,15}|MG[0-9a-zA-Z]+|[A-Za-z0-9 ]{1,11})?", values["twilio_from"] or ""):
        faults.append(
            "TWILIO_FROM must be a number (+46…), a messaging service (MG…) or a name of at most 11 characters."
        )
    for country in values["sms_countries"]:
        if not re.fullmatch(r"[1-9][0-9]{0,2}", country):
            faults.append(f"SMS_COUNTRIES: {country!r} is no country calling code; write 46,47,358.")


def _check_mail(values: dict[str, Any], faults: list[str]) -> None:
    url = values["smtp_url"]
    if url and url != "console":
        # The value is not repeated: it may hold a password.
        if not _is_address(url, ("smtp", "smtps")):
            faults.append(
                "SMTP_URL must be smtp://user:password@host:port or smtps://…, with its password URL-encoded."
            )
        elif urlsplit(url).query not in ("", "starttls=0", "starttls=1"):
            faults.append("SMTP_URL takes ?starttls=1 and nothing else after the question mark.")
        elif sends_password_openly(url) and urlsplit(url).query != "starttls=0":
            faults.append(
                "SMTP_URL would send its password unencrypted: write smtps:// or add ?starttls=1; where the way to the mail"
                " server is safe by itself, ?starttls=0 says so."
            )
    address = parseaddr(values["mail_from"])[1]
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", address) or not values["mail_from"].isprintable():
        faults.append("MAIL_FROM must be an address such as Confab <confab@example.com>.")


def _check_reports(dsn: str | None, faults: list[str]) -> None:
    if dsn is None:
        return
    if not _is_address(dsn, ("http", "https")) or not re.fullmatch(r"[^/]+//[^/@:]+@[^?#]*/[0-9]+", dsn):
        faults.append("SENTRY_DSN must be the address that Sentry shows for a project: https://KEY@HOST/NUMBER.")
    elif find_spec("sentry_sdk") is None:
        faults.append(
            "SENTRY_DSN needs the package sentry-sdk, which is not installed: run"
            " .venv/bin/pip install --require-hashes -r requirements-sentry.txt, or unset it."
        )


def _is_address(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:  # a port that is none, a bracket that does not close
        return False
