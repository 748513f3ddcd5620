"""Sending mail over SMTP or to the log."""

from __future__ import annotations

import logging
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import idna

from backend.outbox.gateways import STEP_SECONDS, Failed, Refused
from config import Config

log = logging.getLogger("confab.outbox")

MAIL_LOGGED = "SMTP_URL is console: mail is written to the log, not sent."
MAIL_NOT_SENT = "SMTP_URL is not set: no mail is sent."


@dataclass(frozen=True)
class Mail:
    """A mail as plain text."""

    to: str
    subject: str
    text: str


class Mailer(Protocol):
    """Sends one mail. *key* is the same for every attempt of a mail. Raises Refused, Failed or OSError."""

    def send(self, mail: Mail, key: str) -> None: ...


def mailer(config: Config) -> Mailer:
    """The mailer of SMTP_URL."""
    if config.smtp_url is None or config.smtp_url == "console":
        return ConsoleMailer(config.may_log_mail)
    return SmtpMailer(config.smtp_url, config.mail_from)


def mail_notice(config: Config) -> str | None:
    """What happens to mail in production if it is not sent, as a sentence. None if it is sent."""
    if config.app_env != "production" or config.smtp_url not in (None, "console"):
        return None
    return MAIL_LOGGED if config.may_log_mail else MAIL_NOT_SENT


class ConsoleMailer:
    """Writes the mail to the log, if the configuration allows that."""

    def __init__(self, may_log: bool):
        self.may_log = may_log

    def send(self, mail: Mail, key: str) -> None:
        if not self.may_log:
            raise Refused(MAIL_NOT_SENT)
        log.info("mail to %s: %s\n%s", mail.to, mail.subject, mail.text)


class SmtpMailer:
    """Sends over a new connection for each mail. With smtps:// or ?starttls=1 it checks certificates."""

    def __init__(self, url: str, sender: str):
        parts = urlsplit(url)
        self.is_tls = parts.scheme == "smtps"
        self.starts_tls = parse_qs(parts.query).get("starttls") == ["1"]
        self.host = parts.hostname or "localhost"
        self.port = parts.port or (465 if self.is_tls else 587 if self.starts_tls else 25)
        self.user, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.sender = sender

    def send(self, mail: Mail, key: str) -> None:
        try:
            connection = self._connect()
            try:
                self._deliver(connection, self._message(mail, key))
            finally:
                # The server has already accepted or refused the mail, so errors of QUIT do not matter.
                with suppress(smtplib.SMTPException, OSError):
                    connection.quit()
                connection.close()
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise _failure(type(error).__name__, code) from error
        except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
            raise _failure(type(error).__name__, error.smtp_code) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(type(error).__name__) from error
        except smtplib.SMTPException as error:
            raise Failed(type(error).__name__) from error

    def _connect(self) -> smtplib.SMTP:
        if self.is_tls:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=STEP_SECONDS, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=STEP_SECONDS)

    def _deliver(self, connection: smtplib.SMTP, message: EmailMessage) -> None:
        if self.starts_tls:
            connection.starttls(context=ssl.create_default_context())
        if self.user:
            connection.login(self.user, self.password)
        connection.send_message(message)

    def _message(self, mail: Mail, key: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, _ascii_domain(mail.to), mail.subject
        message["Date"] = formatdate(usegmt=True)
        # The same for every attempt, so that the mailbox can drop a repeat.
        message["Message-ID"] = f"<{key}@{parseaddr(self.sender)[1].rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text, cte="7bit" if mail.text.isascii() else "8bit")
        return message


def _ascii_domain(address: str) -> str:
    """*address* with its domain in ASCII (RFC 5891), so that SMTPUTF8 is needed only for a local part that is not ASCII."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{idna.encode(domain, uts46=True).decode()}" if local else address


def _failure(name: str, code: int) -> Exception:
    return (Refused if 500 <= code < 600 else Failed)(f"{name} {code}")
