"""Gateways for text messages: the log, a webhook, or Twilio. Every call has a time limit."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import ssl
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from config import Config

log = logging.getLogger("confab.outbox")

STEP_SECONDS = 10.0
"""How long a provider may take for one step."""

SMS_LOGGED = "SMS_GATEWAY is console: codes are written to the log, not sent."
SMS_NOT_SENT = "SMS_GATEWAY is not set: no code is sent by SMS."

TWILIO_URL = "https://api.twilio.com"
PERMANENT = frozenset({400, 410, 413, 422})
"""Statuses that mean that a retry of this message is useless. All others are retried, also wrong credentials."""


class Refused(Exception):
    """The provider will never accept this message. It is not retried."""


class Failed(Exception):
    """The provider did not accept the message this time. It is retried."""


class SmsGateway(Protocol):
    """Sends one text message. *key* is the same for every attempt of a message. Raises Refused, Failed or OSError."""

    def send(self, to: str, text: str, key: str) -> None: ...


def sms_gateway(config: Config) -> SmsGateway:
    """The gateway of SMS_GATEWAY."""
    if config.sms_gateway == "webhook":
        return Webhook(config.sms_webhook_url or "")
    if config.sms_gateway == "twilio":
        return Twilio(config.twilio_account_sid or "", config.twilio_auth_token or "", config.twilio_from or "")
    return Console(config.may_log_sms)


def sms_notice(config: Config) -> str | None:
    """What happens to text messages in production if they are not sent, as a sentence. None if they are sent, or not wanted."""
    if config.app_env != "production" or config.sms_gateway != "console":
        return None
    return SMS_LOGGED if config.may_log_sms else SMS_NOT_SENT


class Console:
    """Writes the text to the log, if the configuration allows that. By default it does not in production."""

    def __init__(self, may_log: bool):
        self.may_log = may_log

    def send(self, to: str, text: str, key: str) -> None:
        if not self.may_log:
            raise Refused(SMS_NOT_SENT)
        log.info("sms to %s: %s", to, text)


class Webhook:
    """Posts `{"to", "text"}` as JSON. With `Idempotency-Key` the receiver can ignore a repeat."""

    def __init__(self, url: str):
        self.url = url

    def send(self, to: str, text: str, key: str) -> None:
        body = json.dumps({"to": to, "text": text}).encode()
        _post(self.url, body, {"Content-Type": "application/json", "Idempotency-Key": key})


class Twilio:
    """Twilio's HTTP API: POST /2010-04-01/Accounts/{sid}/Messages.json. A sender that begins with `MG` is a messaging service."""

    def __init__(self, account_sid: str, auth_token: str, sender: str):
        self.account_sid = account_sid
        self.credentials = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self.sender = sender

    def send(self, to: str, text: str, key: str) -> None:
        sender = "MessagingServiceSid" if self.sender.startswith("MG") else "From"
        body = urlencode({"To": to, sender: self.sender, "Body": text}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {self.credentials}"}
        _post(f"{TWILIO_URL}/2010-04-01/Accounts/{self.account_sid}/Messages.json", body, headers)


def _post(url: str, body: bytes, headers: dict[str, str]) -> None:
    """POST, and check only the status. Redirects are not followed: they could send the code to another server."""
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.netloc, timeout=STEP_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=STEP_SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body, {"User-Agent": "confab", **headers})
        status = connection.getresponse().status
    except http.client.HTTPException as error:
        raise Failed(type(error).__name__) from error
    finally:
        connection.close()
    if status in PERMANENT:
        raise Refused(f"HTTP {status}")
    if not 200 <= status < 300:
        raise Failed(f"HTTP {status}")
